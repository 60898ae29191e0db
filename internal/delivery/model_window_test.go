package delivery_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// windowModel is what a system should find in windows: what a person would keep on paper.
type windowModel struct {
	*world
	random  *rand.Rand
	subs    []string          // ids of what was ever subscribed
	types   map[string]string // of those that are there: the type they want
	stopped map[string]bool   // deactivated
	granted map[string]bool   // sources, by name
	events  []*windowEvent
	serial  int
}

type windowEvent struct {
	name, source string
	position     int64
	lines        []string // that it was for
	erased       bool
}

// may reports whether the system may have an event now.
func (m *windowModel) may(e *windowEvent) bool {
	if e.erased || !m.granted[e.source] {
		return false
	}
	for _, id := range e.lines {
		if m.types[id] != "" && !m.stopped[id] {
			return true
		}
	}
	return false
}

func (m *windowModel) agree() {
	agreement := subscription.Agreement{Profile: profile.Datafordeler, BaseURL: "https://d.test", Sources: []string{"none"}}
	for source, granted := range m.granted {
		if granted {
			agreement.Sources = append(agreement.Sources, source)
		}
	}
	m.revise(revision.Of("test", revision.System, "d", subscription.System{Name: "d", Agreement: agreement}))
}

func (m *windowModel) subscribe() {
	kind := []string{"thing", "other"}[m.random.IntN(2)]
	id := m.windowed("d", fmt.Sprint("w", len(m.subs)), ofType(kind))
	m.subs, m.types[id] = append(m.subs, id), kind
}

func (m *windowModel) publishOne() {
	m.serial++
	e := &windowEvent{name: fmt.Sprint(m.serial), source: []string{"source", "other"}[m.random.IntN(2)]}
	ev := m.event(map[string]string{"source": sourceURI, "other": sourceURI + ":other"}[e.source], fmt.Sprintf("K%d#%d", m.serial%5, m.serial))
	ev.Type = []string{"thing", "other"}[m.random.IntN(2)]
	ev.Data = []byte(e.name)
	for id, kind := range m.types {
		if kind == ev.Type && m.granted[e.source] {
			e.lines = append(e.lines, id) // one that is deactivated keeps it
		}
	}
	e.position = m.append(ev)[0]
	m.events = append(m.events, e)
}

// disturb does something that others do between two pages.
func (m *windowModel) disturb() {
	one := func() string { return m.subs[m.random.IntN(len(m.subs))] }
	switch m.random.IntN(10) {
	case 0, 1, 2:
		for range 1 + m.random.IntN(6) {
			m.publishOne()
		}
	case 3, 4, 5:
		if len(m.events) > 0 {
			e := m.events[m.random.IntN(len(m.events))]
			e.erased = true
			m.erase(e.position)
		}
	case 6:
		source := []string{"source", "other"}[m.random.IntN(2)]
		m.granted[source] = !m.granted[source]
		m.agree()
	case 7:
		m.subscribe()
	case 8:
		if id := one(); m.types[id] != "" {
			m.stopped[id] = !m.stopped[id]
			m.reviseSubscription(id, func(s *subscription.Subscription) {
				s.State = map[bool]subscription.State{true: subscription.Deactivated, false: subscription.Active}[m.stopped[id]]
			})
		}
	case 9:
		if id := one(); m.types[id] != "" && m.random.IntN(3) == 0 {
			delete(m.types, id)
			m.revise(revision.Removal("test", revision.Subscription, id))
		}
	}
	m.clock.Advance(time.Duration(m.random.IntN(3)) * time.Second)
}

// page reads one page, which has nothing that the system may not have.
func (m *windowModel) page(w delivery.WindowPage) (names []string) {
	byName := map[string]*windowEvent{}
	for _, e := range m.events {
		byName[e.name] = e
	}
	var last int64
	m.must(m.hub.Window(m.t.Context(), w, func(events []*event.Event) (int, error) {
		for _, ev := range events {
			name := string(ev.Data)
			if e := byName[name]; e == nil || !m.may(e) || ev.Position <= last || ev.Recorded < w.From || ev.Recorded >= w.Before {
				m.t.Errorf("page %d has %q, position %d after %d: %+v", w.Page, name, ev.Position, last, e)
			}
			last = ev.Position
			names = append(names, name)
		}
		return len(events), nil
	}))
	return names
}

// sweep pages through a window as clients do, to the first page that is not full, while others change what they can. What
// was to be had all the time must be among it.
func (m *windowModel) sweep(w delivery.WindowPage, restarts bool) {
	m.t.Helper()
	always := map[string]bool{}
	look := func() {
		for _, e := range m.events {
			always[e.name] = always[e.name] && m.may(e)
		}
	}
	for _, e := range m.events {
		always[e.name] = m.may(e)
	}
	var inWindow []*windowEvent
	for _, e := range m.events {
		at, err := m.log.At(m.t.Context(), e.position)
		m.must(err)
		if at.Recorded >= w.From && at.Recorded < w.Before {
			inWindow = append(inWindow, e)
		}
	}
	seen := map[string]int{}
	for w.Page = 1; ; w.Page++ {
		names := m.page(w)
		for _, name := range names {
			seen[name]++
		}
		if len(names) < w.Size {
			break
		}
		for range m.random.IntN(4) {
			m.disturb()
			look()
		}
		if restarts && m.random.IntN(3) == 0 {
			m.restart()
		}
	}
	for _, e := range inWindow {
		if n := seen[e.name]; n == 0 && always[e.name] || n > 1 && !restarts {
			m.t.Errorf("pages of %d: event %s at %d was seen %d times, and was there all the time: %v", w.Size, e.name, e.position, n, always[e.name])
		}
	}
}

// F31, F35, F36 and issue 6: a client that pages through a window never skips or sees one twice, also while events are
// published, withheld and erased and subscriptions change. Where the hub is started between two pages it may see some
// again, and skips nothing.
func TestModelOfPaging(t *testing.T) {
	t.Parallel()
	runs := 150
	if testing.Short() {
		runs = 20
	}
	for seed := range uint64(runs) {
		w := newQuickWorld(t)
		m := &windowModel{
			world: w, random: rand.New(rand.NewPCG(seed, 7)), types: map[string]string{}, stopped: map[string]bool{},
			granted: map[string]bool{"source": true, "other": true},
		}
		m.agree()
		m.subscribe()
		m.subscribe()
		for range 20 + m.random.IntN(60) {
			m.publishOne()
			m.clock.Advance(time.Duration(m.random.IntN(3)) * time.Second)
		}
		for range 6 {
			m.disturb()
		}
		for range 3 {
			from := m.random.IntN(30)
			page := between("d", epoch.Add(time.Duration(from)*time.Second), epoch.Add(time.Duration(from+20+m.random.IntN(60))*time.Second))
			page.Size = 1 + m.random.IntN(9)
			m.sweep(page, seed%3 == 2)
		}
		w.stop()
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
