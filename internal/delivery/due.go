package delivery

import (
	"container/heap"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
)

// dueTimes calls back for lanes whose time has come, with one timer for all of them. An entry is a reminder, not a
// promise: the lane decides whether there is still something to do.
type dueTimes struct {
	clock clock.Clock
	fall  func(laneRef)

	mu      sync.Mutex
	entries dueHeap
	timer   clock.Timer
	at      time.Time // when timer fires
	stopped bool
}

type dueEntry struct {
	at   time.Time
	lane laneRef
}

func newDueTimes(clk clock.Clock, fall func(laneRef)) *dueTimes {
	return &dueTimes{clock: clk, fall: fall}
}

func (t *dueTimes) add(at time.Time, ref laneRef) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped {
		return
	}
	heap.Push(&t.entries, dueEntry{at, ref})
	t.arm()
}

// arm sets the timer to the earliest entry.
func (t *dueTimes) arm() {
	if len(t.entries) == 0 || t.timer != nil && !t.entries[0].at.Before(t.at) {
		return
	}
	if t.timer != nil {
		t.timer.Stop()
	}
	t.at = t.entries[0].at
	t.timer = t.clock.AfterFunc(t.at.Sub(t.clock.Now()), t.fire)
}

func (t *dueTimes) fire() {
	t.mu.Lock()
	now := t.clock.Now()
	var fallen []laneRef
	for len(t.entries) > 0 && !t.entries[0].at.After(now) {
		fallen = append(fallen, heap.Pop(&t.entries).(dueEntry).lane)
	}
	t.timer = nil
	if !t.stopped {
		t.arm()
	}
	t.mu.Unlock()
	for _, ref := range fallen {
		t.fall(ref)
	}
}

func (t *dueTimes) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stopped = true
	if t.timer != nil {
		t.timer.Stop()
	}
}

type dueHeap []dueEntry

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(dueEntry)) }
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// fall is called when a lane's time has come: its head is due again, or expires where it stands.
func (e *Engine) fall(ref laneRef) { ref.consumer.fall(ref.key, false) }

// revive makes heads due at once that failed while their endpoint was down. Their consumers are not locked here: the
// caller holds one of them.
func (e *Engine) revive(refs []laneRef) {
	if len(refs) == 0 || !e.begin() {
		return
	}
	go func() {
		defer e.end()
		for _, ref := range refs {
			ref.consumer.fall(ref.key, true)
		}
	}()
}

func (c *consumer) fall(key event.Lane, revived bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.lanes[key]
	if c.ended || l == nil || l.disk == nil || l.head == nil || l.head.stage != blocked {
		return
	}
	row, now := l.disk.row, clock.Micros(c.engine.clock.Now())
	switch {
	case row.State == eventlog.Retrying && (revived || row.Due <= now):
		c.makeReady(l)
		c.pump()
	case row.State == eventlog.ParkedAt && row.Due != 0 && row.Due <= now:
		c.expire(l.head)
	}
}

// expire ends a parked delivery whose retention is over; its lane goes on.
func (c *consumer) expire(d *delivery) { c.expireIn(d, d.lane.key.String()) }

// expireIn is expire where the lane may have to be left out of what is told.
func (c *consumer) expireIn(d *delivery, lane string) {
	c.engine.tell(Notice{
		Kind: LaneExpired, System: c.book.System, Subscription: d.line.ID, Lane: lane, Position: d.position,
		Status: d.status, Reason: d.reason, Attempts: d.attempts, At: d.since,
	})
	c.conclude(d, eventlog.Attempt{Outcome: eventlog.Expired})
}
