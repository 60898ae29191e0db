package delivery

import (
	"context"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// recover takes up every consumer where the store says it stands, and has the router begin where nothing above was
// counted for anyone. What is known to be done above a watermark is not sent again; what was in flight, or done with its
// outcome not committed, is (DESIGN promise 3).
func (e *Engine) recover(ctx context.Context) error {
	rejecting, err := e.store.Endpoints(ctx)
	if err != nil {
		return err
	}
	for _, ep := range rejecting {
		e.endpointAt(ep.System, ep.URL).restore(ep.Spell)
	}
	stored, err := e.store.TakeUp(ctx, 0)
	if err != nil {
		return err
	}
	byName := map[string]*revision.Consumer{}
	for _, book := range e.book.Consumers() {
		byName[book.Name] = book
	}
	head := e.log.Head()
	a := &arrival{stored: map[*consumer]*eventlog.Consumer{}, byBook: map[*revision.Consumer]*consumer{}, counted: head}
	for i := range stored {
		k := &stored[i]
		if book := byName[k.Name]; book != nil && !k.Ended {
			a.counted = min(a.counted, k.Counted)
			c := newConsumer(e, book, k, e.whole)
			e.adoptUnder(e.whole, book.System, c)
			a.stored[c], a.byBook[book] = k, c
		}
	}
	if err := e.resumePasses(ctx, a); err != nil { // before any lane moves: they hold some of them back
		return err
	}
	for c, k := range a.stored {
		e.takeUp(c, k, head)
	}
	_, _, e.seen = e.book.ChangedSince(0)
	for _, c := range e.all() {
		e.reconfigure(c) // also those that were removed and not ended yet
	}
	e.routed.Store(a.counted)
	for _, goOn := range a.resumed {
		goOn()
	}
	return nil
}

// takeUp puts back what stands on disk and starts reading.
func (e *Engine) takeUp(c *consumer, k *eventlog.Consumer, head int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.missed = head
	if c.mode == byCursor {
		return // its lanes stay on disk, for the reader to fetch
	}
	e.putBack(c, k)
}

// putBack makes the lanes that stand on disk. The caller holds the consumer's lock.
func (e *Engine) putBack(c *consumer, k *eventlog.Consumer) {
	for _, row := range k.Blocked {
		c.takeUpBlocked(row, k.Behind[row.Lane])
		delete(k.Behind, row.Lane)
	}
	for key, behind := range k.Behind { // a lane without a blocked row: its first waiting row is the head (invariant I5)
		l := &lane{consumer: c, key: key, disk: &diskLane{behind: behind}}
		c.lanes[key] = l
		c.fetch(l)
	}
}

func (c *consumer) takeUpBlocked(row eventlog.Blocked, behind int) {
	e := c.engine
	l := &lane{consumer: c, key: row.Lane, disk: &diskLane{behind: behind}}
	c.standAs(l, row)
	l.head = &delivery{
		position: row.Position, line: e.line(row.Line), lane: l, slot: -1, stage: blocked,
		attempts: row.Attempts, failures: row.Failures, since: row.Since, status: row.Status, reason: row.Reason, pass: row.Pass,
	}
	c.lanes[row.Lane] = l
	switch {
	case row.State == eventlog.Standing, row.State == eventlog.Retrying && c.channel == subscription.Queue:
		c.makeReady(l)
	case row.Due != 0:
		e.due.add(clock.FromMicros(row.Due), laneRef{c, row.Lane})
	}
	if row.State == eventlog.ParkedAt {
		e.tell(c.parkedNotice(l.head)) // told before, unless the process died in between; the notice's id is the same
	}
}
