package manage

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/filter"
	"github.com/varselhub/varsel/internal/subscription"
)

// Bounds of a preview.
const (
	MostPreviewed = 1000
	mostExamples  = 10
	mostWalked    = 50_000 // positions of the log: those of others, and of other types, are passed over
	walkedAt      = 500    // a time
)

// Asked is what a preview tries on recent events.
type Asked struct {
	Filter *filter.Filter `json:"filter"`
	Types  []string       `json:"types,omitempty"` // none: every type
	Last   int            `json:"last,omitempty"`  // how many events, the newest; 1 to 1000, 0: 1000
}

// Preview is what a filter would have matched.
type Preview struct {
	Looked   int       `json:"looked"`         // events that the agreement grants and that are of the types; less than asked for where there are no more
	Matched  int       `json:"matched"`        // of them
	From     string    `json:"from,omitempty"` // when the oldest of them was recorded
	To       string    `json:"to,omitempty"`   // and the newest
	Examples []Example `json:"examples"`       // of what matched, newest first
}

// Example is an event without its data.
type Example struct {
	Position int64  `json:"position"`
	Type     string `json:"type"`
	Recorded string `json:"recorded"`
}

// PreviewFilter tells what a filter of one of a system's subscriptions would have matched among the newest events that
// its agreement grants now, whatever its profile. Nothing is changed; one that asks for single objects, which may be
// persons, is on record as a search for them is.
// Errors: NotFound, InvalidDocument, StorageFull, ShuttingDown.
func (m *Manager) PreviewFilter(ctx context.Context, system string, asked Asked, author string) (*Preview, error) {
	doc, _ := m.book.System(system)
	if doc == nil {
		return nil, noSystem(system)
	}
	if err := m.checkAsked(&asked); err != nil {
		return nil, err
	}
	p := &Preview{Examples: []Example{}}
	upTo := m.log.Head()
	end := max(0, upTo-mostWalked)
	for upTo > end && p.Looked < asked.Last {
		after := max(end, upTo-walkedAt)
		events, _, err := m.log.Read(ctx, after, int(upTo-after))
		if err != nil {
			return nil, err
		}
		for _, e := range slices.Backward(events) {
			if p.Looked < asked.Last && !e.Forgotten && m.granted(system, asked.Types, e) {
				p.look(e, asked.Filter.Match(filter.Of(m.book.Version(e.Type, e.Version), e)))
			}
		}
		upTo = after
	}
	if !asked.Filter.Singles() {
		return p, nil
	}
	return p, m.log.Append(ctx, &eventlog.Request{Audit: []audit.Entry{
		audit.Of(author, audit.SearchPerson, systemSubject(system), audit.Detail{Kind: "filter", Found: &p.Matched}),
	}})
}

func (m *Manager) checkAsked(asked *Asked) error {
	var found []fault.Violation
	refuse := func(pointer, rule, message string) {
		found = append(found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	if asked.Last == 0 {
		asked.Last = MostPreviewed
	}
	if asked.Last < 1 || asked.Last > MostPreviewed {
		refuse("/last", "range", "use 1 to 1000")
	}
	if len(asked.Types) > maxNames {
		refuse("/types", "size", "at most 10000 types")
	}
	for i, name := range asked.Types {
		if len(found) < maxSet && !m.typeExists(name) {
			refuse("/types/"+strconv.Itoa(i), "exists", "no such event type")
		}
	}
	shapes := &filter.Shapes{}
	if asked.Filter == nil {
		refuse("/filter", "required", "say which events are wanted")
	} else {
		found = append(found, asked.Filter.Resolve("/filter", m.shapeOf)...)
		found = append(found, asked.Filter.Check("/filter", shapes)...)
	}
	if err := fault.Invalid(fault.InvalidDocument, found); err != nil {
		return err
	}
	return asked.Filter.Compile(shapes)
}

// granted reports whether an event is one that the system may have, of the types that are asked for.
func (m *Manager) granted(system string, types []string, e *event.Event) bool {
	return (len(types) == 0 || slices.Contains(types, e.Type)) && m.book.GrantsNow(system, e)
}

func (p *Preview) look(e *event.Event, matched bool) {
	recorded := clock.FromMicros(e.Recorded).UTC().Format(time.RFC3339Nano)
	if p.Looked++; p.To == "" {
		p.To = recorded
	}
	p.From = recorded
	if !matched {
		return
	}
	if p.Matched++; len(p.Examples) < mostExamples {
		p.Examples = append(p.Examples, Example{e.Position, e.Type, recorded})
	}
}

// shapeOf is the outline of a municipality; found is false where the hub has no register of them.
func (m *Manager) shapeOf(code string) (wkt string, found bool) {
	if m.opts.Municipality == nil {
		return "", false
	}
	return m.opts.Municipality(code)
}

// resolve fills in, in every filter of a set, the outlines of the municipalities it names.
func (m *Manager) resolve(set []subscription.Subscription) (missing []fault.Violation) {
	for i := range set {
		missing = append(missing, set[i].Filter.Resolve("/items/"+strconv.Itoa(i)+"/filter", m.shapeOf)...)
	}
	return missing
}
