package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// By is who changes something, and which state of it the change was made for.
type By struct {
	Author    string
	Condition Condition
}

// Condition is what If-Match and If-None-Match say (RFC 9110 section 13.1). The zero condition only creates.
type Condition struct {
	Absent  bool    // there must be none yet
	Present bool    // any state will do, but there must be one
	Seen    []int64 // the positions of the states it may have; a state's position is its ETag
}

// check holds the condition against a subject. A change of what is there without a condition is refused, so that
// nobody's change is overwritten unseen.
func (c Condition) check(present bool, position int64) error {
	switch {
	case c.Absent && present:
		return fault.New(fault.Precondition, "there is one already, at revision %d", position)
	case !present && (c.Present || len(c.Seen) > 0):
		return fault.New(fault.Precondition, "there is none any more")
	case !present || c.Present || slices.Contains(c.Seen, position):
		return nil
	case len(c.Seen) == 0:
		return fault.New(fault.NeedsIfMatch, "it exists, at revision %d", position)
	}
	return fault.New(fault.Precondition, "it is at revision %d now", position)
}

// checkSet holds the condition against a system's set, which is there from the start, empty and at position 0. The first
// change of it needs no condition.
func (c Condition) checkSet(position int64) error {
	if position == 0 && !c.Present && len(c.Seen) == 0 {
		return nil
	}
	return c.check(true, position)
}

// Put is what became of a document that was put in place.
type Put struct {
	Position int64 // of the document's newest revision
	Created  bool
	Changed  bool // false: it was so already, and nothing was written
}

// plan is the revisions of one change, the events that tell it, the consumers they make, and the change's entry in the
// audit log: they are committed together. Neither revisions nor an entry: nothing changes.
type plan struct {
	revisions []revision.Revision
	events    []*event.Event
	consumers []eventlog.Founding
	entry     audit.Entry
}

// tries bounds how often a change is planned anew because the configuration moved under it. Within this process
// changes wait for each other, so only other nodes and the engine itself are met. Two that change without a pause meet
// again and again: after the first few tries they step aside for a moment, each for another.
const (
	tries    = 32
	tryFirst = 4
	aside    = 5 * time.Millisecond
)

// change plans and appends. draw looks at the book and may be called several times: when another revision came between
// its look and the append, what it was checked against is no more. A condition on the subject itself is draw's to
// check, so a change of something else is no reason to refuse.
func (m *Manager) change(ctx context.Context, draw func() (plan, error)) (plan, error) {
	m.changing.Lock()
	defer m.changing.Unlock()
	for try := range tries {
		if try >= tryFirst && !stepAside(ctx) {
			return plan{}, fault.Wrap(fault.ShuttingDown, ctx.Err(), "gave up changing what others keep changing; nothing was changed")
		}
		seen := m.book.Last()
		p, err := draw()
		if err != nil || len(p.revisions) == 0 && p.entry.Act == "" {
			return plan{}, err
		}
		if p.entry.Act == "" {
			return plan{}, fault.New(fault.Internal, "a change without an entry in the audit log")
		}
		err = m.log.Append(ctx, &eventlog.Request{
			Entries: entries(p.events), Revisions: p.revisions, Consumers: p.consumers, Expect: seen, Audit: []audit.Entry{p.entry},
		})
		if !fault.Has(err, fault.Precondition) {
			return p, err
		}
	}
	return plan{}, fault.New(fault.Conflict, "others keep changing the configuration; try again")
}

// stepAside waits for real time, not the hub's clock: it paces tries, nothing that is promised. False: ctx ended first.
func stepAside(ctx context.Context) bool {
	t := time.NewTimer(rand.N(aside))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

func entries(events []*event.Event) []eventlog.Entry {
	list := make([]eventlog.Entry, len(events))
	for i, e := range events {
		list[i].Event = e
	}
	return list
}

// hub is the author of what the hub itself decides, and what its own sources, types and systems are named after.
const hub = audit.Hub

// checkOurs refuses changes of what the hub makes and keeps for itself, such as the types of its own events.
func checkOurs(subject string) error {
	rest, ours := strings.CutPrefix(subject, hub)
	if ours && (rest == "" || rest[0] == '-' || rest[0] == '.') {
		return fault.New(fault.ReadOnly, "names that begin with %s are the hub's own", hub)
	}
	return nil
}

// last is the position of the plan's last revision, once it is appended.
func (p *plan) last() int64 { return p.revisions[len(p.revisions)-1].Position }

// positionOf is the position of the plan's revision of a kind, once it is appended.
func (p *plan) positionOf(kind revision.Kind) int64 {
	at := slices.IndexFunc(p.revisions, func(r revision.Revision) bool { return r.Kind == kind })
	if at < 0 {
		return 0
	}
	return p.revisions[at].Position
}

// document is how one kind of document is put in place.
type document[T any] struct {
	kind    revision.Kind
	act     audit.Act
	subject string
	read    func() (*T, int64)
	// next makes the document that is to be from the one that is, which may be nil.
	next func(old *T) *T
	// check refuses, or adds revisions that go before this one.
	check func(old, next *T) ([]revision.Revision, error)
}

// put puts a document in place. What is there already is not written again, whatever the condition but Absent says: a
// request that is repeated because its answer got lost succeeds (RFC 9110 section 13.1.1).
func put[T any](ctx context.Context, m *Manager, by By, d document[T]) (Put, error) {
	if err := checkOurs(d.subject); err != nil {
		return Put{}, err
	}
	var result Put
	p, err := m.change(ctx, func() (plan, error) {
		old, position := d.read()
		next := d.next(old)
		result = Put{Position: position, Created: old == nil}
		if old != nil && !by.Condition.Absent && same(old, next) {
			return plan{}, nil
		}
		if err := by.Condition.check(old != nil, position); err != nil {
			return plan{}, err
		}
		before, err := d.check(old, next)
		if err != nil {
			return plan{}, err
		}
		p := plan{revisions: append(before, revision.Of(by.Author, d.kind, d.subject, next))}
		detail := audit.Detail{Created: old == nil}
		if len(p.revisions) > 1 {
			detail.Documents = len(p.revisions)
		}
		p.entry = audit.Of(by.Author, d.act, string(d.kind)+"/"+d.subject, detail)
		return p, nil
	})
	if err == nil && len(p.revisions) > 0 {
		result.Changed, result.Position = true, p.last()
	}
	return result, err
}

// same compares documents as they are written. One that cannot be written is not the same as any.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
