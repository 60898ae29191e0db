package delivery

import (
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/eventlog"
)

// conclude ends a delivery: delivered, withheld, dropped, expired or discarded. The lane goes on when the outcome is
// committed, and not before (DESIGN promise 2): after a crash at most the last message of a lane is repeated.
func (c *consumer) conclude(d *delivery, a eventlog.Attempt) {
	l := d.lane
	at := c.note(d, a)
	c.tally(d.line.ID, at, a.Outcome, d.pass != 0, 1)
	c.pending--
	c.byLine[d.line.ID]--
	if d.pass != 0 {
		c.replays--
		c.replayed(d)
	}
	if a.Outcome == eventlog.Done {
		c.engine.totals.delivered.Add(1)
		c.spell = spell{}
	}
	d.stage = settling
	c.settling = append(c.settling, d)
	c.release(d)
	c.window.settle(d.slot)
	if l.disk != nil {
		c.clear(l, d)
	}
	c.touch()
}

// note adds an attempt to the next cut, and returns when it was.
func (c *consumer) note(d *delivery, a eventlog.Attempt) (at int64) {
	d.attempts++
	a.Position, a.Number, a.Pass, a.At = d.position, d.attempts, d.pass, clock.Micros(c.engine.clock.Now())
	if a.Result.Status != d.status || a.Result.Reason != d.reason {
		a.Detailed = a.Outcome != eventlog.Done
		d.status, d.reason = a.Result.Status, a.Result.Reason
	}
	c.cut.Attempts = append(c.cut.Attempts, a)
	return a.At
}

// release lets go of the event; a worker that is sending it has it in hand.
func (c *consumer) release(d *delivery) {
	if d.event != nil && d.slot >= 0 {
		c.held--
	}
	d.event = nil
}

// clear takes a delivery that is over off the disk: the row in blocked, which is of the head and goes first, or one in waiting.
func (c *consumer) clear(l *lane, d *delivery) {
	if l.disk.row.State != 0 {
		c.cut.Unblocked = append(c.cut.Unblocked, l.key)
		c.standAs(l, eventlog.Blocked{})
	} else {
		c.serve(l, d)
	}
	if l.disk.behind == 0 {
		l.disk = nil
	}
}

// serve deletes a delivery's waiting row.
func (c *consumer) serve(l *lane, d *delivery) {
	c.cut.Served = append(c.cut.Served, eventlog.Waiting{Lane: l.key, Position: d.position})
	l.disk.behind--
}

// goOn makes the next of the lane the head: no timer is involved (DESIGN promise 4).
func (c *consumer) goOn(d *delivery) {
	l := d.lane
	if l.head != d {
		return
	}
	l.head = nil
	switch {
	case len(l.queue) > 0:
		l.head = l.queue[0]
		l.queue[0] = nil
		l.queue = l.queue[1:]
		c.makeReady(l)
	case l.disk != nil:
		c.fromDisk(l)
	default:
		delete(c.lanes, l.key)
	}
}

// fromDisk makes the first waiting row the head.
func (c *consumer) fromDisk(l *lane) {
	if len(l.disk.next) == 0 {
		c.fetch(l)
		return
	}
	w := l.disk.next[0]
	l.disk.next = l.disk.next[1:]
	l.head = c.waitingDelivery(l, w)
	c.makeReady(l)
}

// fetch reads the lane's next waiting rows, without holding the lock. Rows are committed in order of position, so what
// it finds is the beginning of what waits; when it finds nothing, the rows are in a cut on its way to the store, and
// the commit of that cut fetches again.
func (c *consumer) fetch(l *lane) {
	if l.disk == nil || l.disk.fetching || l.head != nil {
		return
	}
	if c.commits < l.disk.ripe {
		c.starved = append(c.starved, l) // a replay put events before what the store shows
		return
	}
	if !c.engine.begin() {
		return
	}
	l.disk.fetching = true
	commits := c.commits
	go func() {
		defer c.engine.end()
		rows, err := c.engine.store.WaitingIn(c.engine.ctx, c.id, l.key, 0, fetchSize)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.fetched(l, rows, err, commits)
	}()
}

func (c *consumer) fetched(l *lane, rows []eventlog.Waiting, err error, commits int) {
	if c.ended || l.disk == nil || c.lanes[l.key] != l || c.hold.ctx.Err() != nil {
		return
	}
	l.disk.fetching = false
	switch {
	case commits < l.disk.ripe:
		c.fetch(l) // a replay put events before what was read
	case err != nil:
		c.engine.trouble("reading what waits in a lane of "+c.book.Name, err)
		c.engine.clock.AfterFunc(readRetry, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.fetch(l)
		})
	case len(rows) > 0:
		l.disk.next = rows
		c.fromDisk(l)
		c.pump()
	case commits != c.commits:
		c.fetch(l)
	default:
		c.starved = append(c.starved, l)
		c.touch()
	}
}

// wait puts an event behind a lane that stands on disk.
func (c *consumer) wait(d *delivery) {
	l := d.lane
	l.disk.behind++
	c.cut.Waiting = append(c.cut.Waiting, eventlog.Waiting{Lane: l.key, Position: d.position, Line: d.line.ID, Pass: d.pass, Attempts: d.attempts})
	c.window.settle(d.slot)
	d.event, d.slot = nil, -1
	c.touch()
}

// toDisk moves what is in memory behind the head to the disk.
func (c *consumer) toDisk(l *lane) {
	if l.disk == nil {
		l.disk = &diskLane{}
	}
	for _, d := range l.company {
		if d.slot >= 0 {
			c.held--
			c.wait(d)
		}
	}
	for _, d := range l.queue {
		c.held--
		c.wait(d)
	}
	l.queue = nil
}

// block puts the lane on disk with its head as row says (invariant I5). The head holds the lane until it is over.
func (c *consumer) block(d *delivery, row eventlog.Blocked) {
	l := d.lane
	c.toDisk(l)
	if l.disk.row.State == 0 && d.slot < 0 {
		c.serve(l, d) // the head was a waiting row: now it is the blocked one
	}
	row.Lane, row.Position, row.Line = l.key, d.position, d.line.ID
	row.Attempts, row.Failures, row.Since, row.Pass = d.attempts, d.failures, d.since, d.pass
	if l.disk.row.State == 0 && row.State != eventlog.Standing {
		c.engine.totals.blockedLanes.Add(1)
	}
	c.standAs(l, row)
	c.cut.Blocked = append(c.cut.Blocked, row)
	c.release(d)
	c.window.settle(d.slot)
	d.slot = -1
	c.touch()
}

// spill puts a lane on disk although nothing failed: its head waits for an endpoint, or is in flight longer than the
// window allows (invariant I8). After a crash the head is due at once.
func (c *consumer) spill(l *lane) {
	d := l.head
	if d == nil || d.stage == settling || l.disk != nil {
		c.toDisk(l)
		return
	}
	c.block(d, eventlog.Blocked{State: eventlog.Standing})
}

// spillOldest moves the watermark past the lane that holds it.
func (c *consumer) spillOldest() {
	d := c.window.oldest()
	c.spill(d.lane)
	c.window.settle(d.slot)
}
