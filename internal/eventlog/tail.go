package eventlog

import (
	"sync"

	"github.com/varselhub/varsel/internal/event"
)

// tail keeps the newest part of the log in memory, so that readers that keep up never touch the store. It is bounded
// in positions and in bytes.
type tail struct {
	mu     sync.RWMutex
	slots  []*event.Event // by position modulo length; nil where a revision stands
	first  int64          // oldest position kept
	last   int64
	bytes  int
	budget int
}

func newTail(head int64, o Options) *tail {
	return &tail{slots: make([]*event.Event, o.TailEvents), first: head + 1, last: head, budget: o.TailBytes}
}

// append adds committed events and moves the end to head; positions without an event are revisions.
func (t *tail) append(events []*event.Event, head int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.last < head {
		t.last++
		if t.last-t.first >= int64(len(t.slots)) {
			t.forget()
		}
		t.slots[t.slot(t.last)] = nil
	}
	for _, e := range events {
		if e.Position < t.first {
			continue
		}
		t.slots[t.slot(e.Position)] = e
		t.bytes += e.Size()
	}
	for t.bytes > t.budget && t.first < t.last {
		t.forget()
	}
}

// skip lets go of everything and stands at a position: what is before it is read from the store.
func (t *tail) skip(position int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.slots)
	t.first, t.last, t.bytes = position+1, position, 0
}

func (t *tail) slot(position int64) int64 { return position % int64(len(t.slots)) }

func (t *tail) forget() {
	if e := t.slots[t.slot(t.first)]; e != nil {
		t.bytes -= e.Size()
		t.slots[t.slot(t.first)] = nil
	}
	t.first++
}

// read returns the events in (after, upTo]; ok is false when the tail does not reach back that far.
func (t *tail) read(after, upTo int64) (events []*event.Event, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if after+1 < t.first || upTo > t.last {
		return nil, false
	}
	events = make([]*event.Event, 0, upTo-after)
	for position := after + 1; position <= upTo; position++ {
		if e := t.slots[t.slot(position)]; e != nil {
			events = append(events, e)
		}
	}
	return events, true
}

// at returns the event at a position if it is kept.
func (t *tail) at(position int64) *event.Event {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if position < t.first || position > t.last {
		return nil
	}
	return t.slots[t.slot(position)]
}

// oldest is the first position that is kept.
func (t *tail) oldest() int64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.first
}

// forgetEvents keeps skeletons of the events that are forgotten.
func (t *tail) forgetEvents(forgotten func(*event.Event) bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, e := range t.slots {
		if e != nil && !e.Forgotten && forgotten(e) {
			t.slots[i] = e.Skeleton()
			t.bytes += t.slots[i].Size() - e.Size()
		}
	}
}
