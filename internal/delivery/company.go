package delivery

import (
	"slices"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/subscription"
)

// A send may carry more than the head of a lane, where the channel can: what is next behind it goes along, in order. Each
// has its own verdict and its own outcome, all of one send in one cut. What does not end goes back to where it was, behind
// what did not end before it; so after a crash, or a failure, at most what was in the last send of a lane is repeated.

// fellow is a delivery that goes in the same send as the head of its lane.
type fellow struct {
	job
	verdict verdict // without an outcome it was not sent
	message *channel.Message
}

// companyOf takes what goes along with a head that is about to be sent, and decides about each what is decided when it
// leaves. One that cannot go, and does not end by that, is decided about when it is the head; nothing behind it goes.
func (e *Engine) companyOf(j job, s *subscription.Subscription, most int) []fellow {
	taken := j.d.lane.consumer.gather(j.d, most)
	company := make([]fellow, len(taken))
	began, going := e.clock.Now(), true
	for i, d := range taken {
		f := &company[i]
		f.job = job{d: d, event: d.event, ep: j.ep}
		if !going {
			continue
		}
		r, v := e.prepare(f.job, s)
		switch {
		case v.outcome == 0:
			f.verdict, f.message = v, message(f.job, v.event, r, began)
		case v.outcome.Ends():
			f.verdict = v
		default:
			going = false
		}
	}
	return company
}

// sendAll sends a head and its company in one request, and judges each that was sent.
func (e *Engine) sendAll(sender channel.Batcher, j job, v *verdict, head *channel.Message, company []fellow) {
	ctx, began := j.d.lane.consumer.hold.ctx, head.At
	messages, verdicts := []*channel.Message{head}, []*verdict{v}
	for i := range company {
		if f := &company[i]; f.message != nil {
			messages, verdicts = append(messages, f.message), append(verdicts, &f.verdict)
		}
	}
	if len(messages) == 1 {
		v.judge(took(e.clock, began, sender.Send(ctx, head)))
		return
	}
	for i, result := range sender.SendAll(ctx, messages) {
		verdicts[i].judge(took(e.clock, began, result))
		if i > 0 && ctx.Err() != nil && !verdicts[i].outcome.Ends() {
			*verdicts[i] = verdict{} // cut short: it counts for nothing
		}
	}
}

// observeCompany passes on the attempts that were made, and what ended without one.
func (e *Engine) observeCompany(v verdict, company []fellow) {
	over := v.outcome.Ends()
	for _, f := range company {
		if f.verdict.result.Class != 0 || over && f.verdict.outcome.Ends() {
			e.observe(f.job, f.verdict)
		}
		over = over && f.verdict.outcome.Ends()
	}
}

// gather takes what is next behind a head that is being sent, at most so many, to go along. They are in flight with it, and
// not in its lane's queue meanwhile; what stands on disk stays there until it is over.
func (c *consumer) gather(head *delivery, most int) []*delivery {
	c.mu.Lock()
	l := head.lane
	if !c.leads(head) || l.disk == nil {
		defer c.mu.Unlock()
		return c.gatherQueued(head, most)
	}
	alone, commits := l.disk.behind == 0 || l.disk.row.State == 0 && l.disk.behind == 1, c.commits
	c.mu.Unlock()
	if alone {
		return nil
	}
	rows, err := c.engine.store.WaitingIn(c.engine.ctx, c.id, l.key, 0, most+1) // the head may be among them
	if err != nil {
		c.engine.trouble("reading what waits in a lane of "+c.book.Name, err)
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.leads(head) || l.disk == nil || commits < l.disk.ripe {
		return nil
	}
	return c.gatherRows(head, rows, most)
}

// leads reports whether a delivery is the head of its lane, in flight, and may have company.
func (c *consumer) leads(head *delivery) bool {
	return !c.ended && !c.hold.over() && c.mode == inLanes && head.lane.head == head && head.stage == sending
}

func (c *consumer) gatherQueued(head *delivery, most int) []*delivery {
	l := head.lane
	if !c.leads(head) {
		return nil
	}
	n := 0
	for n < most && n < len(l.queue) && l.queue[n].line == head.line && !c.comesLater(l.queue[n]) {
		l.queue[n].stage = sending
		n++
	}
	l.company = slices.Clone(l.queue[:n])
	clear(l.queue[:n])
	l.queue = l.queue[n:]
	return slices.Clone(l.company)
}

func (c *consumer) gatherRows(head *delivery, rows []eventlog.Waiting, most int) []*delivery {
	l := head.lane
	for _, w := range rows {
		if w.Position == head.position {
			continue
		}
		d := c.waitingDelivery(l, w)
		d.stage = sending
		if len(l.company) == most || d.line != head.line || c.comesLater(d) {
			break
		}
		l.company = append(l.company, d)
	}
	l.disk.next = nil // it is read again behind them
	return slices.Clone(l.company)
}

// putBackCompany puts deliveries back behind the head of their lane.
func (c *consumer) putBackCompany(company []fellow) {
	if len(company) == 0 {
		return
	}
	l := company[0].d.lane
	var inMemory []*delivery
	for _, f := range company {
		f.d.stage = queued
		if f.d.slot >= 0 {
			inMemory = append(inMemory, f.d)
		}
	}
	l.queue = append(inMemory, l.queue...)
}

// goWith records what came of the company of a head that is over, in order, up to the first that is not over. That one is
// the head from here on, when it has failed; when it was not sent, or is to be sent at once, it becomes it by its turn.
func (c *consumer) goWith(company []fellow) {
	for i, f := range company {
		switch v := f.verdict; {
		case v.outcome.Ends():
			c.settleOne(f.job, v)
			continue
		case v.outcome == 0:
			c.putBackCompany(company[i:])
		case v.outcome == eventlog.Deferred:
			c.observe(f.job, v)
			c.putBackCompany(company[i:])
			c.noteCompany(company[i:])
		default:
			c.putBackCompany(company[i+1:])
			l := f.d.lane
			l.head = f.d
			// Its row takes the place of the one that the head before had, in the same cut.
			c.cut.Unblocked = slices.DeleteFunc(c.cut.Unblocked, func(key eventlog.Lane) bool { return key == l.key })
			c.settleOne(f.job, v)
			c.noteCompany(company[i+1:])
		}
		return
	}
}

// noteCompany records the attempts of those that went with a head that failed. What the receiver said is kept with the
// head's.
func (c *consumer) noteCompany(company []fellow) {
	for _, f := range company {
		r := f.verdict.result
		if r.Class == 0 {
			continue
		}
		r.Body = nil
		f.d.status, f.d.reason = r.Status, r.Reason
		c.note(f.d, eventlog.Attempt{Outcome: f.verdict.outcome, Result: r})
		if l := f.d.lane; l.disk != nil {
			c.cut.Waiting = append(c.cut.Waiting, eventlog.Waiting{Lane: l.key, Position: f.d.position, Line: f.d.line.ID, Pass: f.d.pass, Attempts: f.d.attempts})
		}
	}
	c.touch()
}
