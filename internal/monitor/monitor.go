// Package monitor sees how what components stand for does, and says so on their sites: the hub's own parts so far, which
// are its sources, its receivers' endpoints, and how far it is behind.
//
// Read monitor.go for when it looks and when it believes what it saw, and own.go for what each part's figures mean.
package monitor

import (
	"context"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
)

// Sites is where components are, and where their states are said.
type Sites interface {
	Sites() []*status.Site
	Board(name string) *status.Board
}

// Options are what a monitor stands on. All must be set.
type Options struct {
	Sites Sites
	Clock clock.Clock
	// Look tells how the hub's parts do now. Error: it cannot be told, and nothing is known then.
	Look func(ctx context.Context) (*Parts, error)
	// Say sets a component's state.
	Say func(ctx context.Context, site, component string, s status.State, reason status.Text) error
	// Trouble reports what an operator should see in the log.
	Trouble func(doing string, err error)
}

const (
	every   = 10 * time.Second // between two looks
	believe = 2                // looks in a row that must say the same before it is said: one lost answer paints no day red
)

// Monitor watches the parts of the hub that components stand for.
type Monitor struct {
	opts Options

	looking sync.Mutex
	seen    map[string]sight // by site/component
}

// sight is what was seen of a component that does not say so yet.
type sight struct {
	state status.State
	times int
}

// New makes a monitor.
func New(opts Options) *Monitor { return &Monitor{opts: opts, seen: map[string]sight{}} }

// Run looks until ctx ends. Only one node of a hub runs it at a time.
func (m *Monitor) Run(ctx context.Context) {
	m.looking.Lock()
	clear(m.seen)
	m.looking.Unlock()
	for clock.Wait(ctx, m.opts.Clock, every) {
		m.Look(ctx)
	}
}

// Look looks once at every component that stands for a part of the hub. Nothing is asked where there is none.
func (m *Monitor) Look(ctx context.Context) {
	m.looking.Lock()
	defer m.looking.Unlock()
	var parts *Parts
	for _, site := range m.opts.Sites.Sites() {
		board := m.opts.Sites.Board(site.Name)
		if board == nil {
			continue
		}
		for _, s := range board.Components {
			if s.Hub == "" {
				continue
			}
			if parts == nil {
				parts = m.parts(ctx)
			}
			m.hold(ctx, site, s, parts)
		}
	}
}

// parts are those of now; of none it is known how it does where that cannot be told.
func (m *Monitor) parts(ctx context.Context) *Parts {
	parts, err := m.opts.Look(ctx)
	if err != nil {
		m.opts.Trouble("looking how the hub's parts do", err)
		return &Parts{Unknown: true}
	}
	return parts
}

// hold holds what a component says to what is seen, and says it when it was seen often enough.
func (m *Monitor) hold(ctx context.Context, site *status.Site, s *status.Standing, parts *Parts) {
	key := site.Name + "/" + s.ID
	state, reason := parts.Judge(s.Hub)
	reason = site.Own(reason)
	if state == s.State && reason.Same(s.Reason) {
		delete(m.seen, key)
		return
	}
	saw := m.seen[key]
	if saw.state != state {
		saw = sight{state: state}
	}
	saw.times++
	m.seen[key] = saw
	if saw.times < believe && len(s.Spans) > 0 {
		return
	}
	err := m.opts.Say(ctx, site.Name, s.ID, state, reason)
	if err == nil {
		delete(m.seen, key)
	} else if ctx.Err() == nil && !fault.Has(err, fault.NotFound) {
		m.opts.Trouble("saying how a part of the hub does on the site "+site.Name, err)
	}
}
