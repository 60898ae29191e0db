package manage

import (
	"context"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
)

// longestWait bounds how long the timetable sleeps, so that a machine that slept, or whose clock was set, is noticed.
const longestWait = time.Minute

// KeepTimes begins and ends what has its time on status sites, until it is stopped: maintenances, and what is shown from a
// time until another. Every node of a hub may do so: what one has done already the others find done.
func (m *Manager) KeepTimes() (stop func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.followTimes(ctx)
	}()
	return func(context.Context) {
		cancel()
		<-done
	}
}

func (m *Manager) followTimes(ctx context.Context) {
	for ctx.Err() == nil {
		changed, due := m.book.Changed(), make(chan struct{})
		next := m.keepTimes(ctx)
		timer := m.clock.AfterFunc(next.Sub(m.clock.Now()), func() { close(due) })
		if m.clock.Now().Before(next) { // else its time came while this looked at others
			select {
			case <-ctx.Done():
			case <-changed:
			case <-due:
			}
		}
		timer.Stop()
	}
}

// keepTimes does what is due, and tells when something is again.
func (m *Manager) keepTimes(ctx context.Context) time.Time {
	next := m.clock.Now().Add(longestWait)
	until := func(t time.Time) {
		if t.Before(next) {
			next = t
		}
	}
	for _, site := range m.book.Sites() {
		board := m.book.Board(site.Name)
		if board == nil {
			continue
		}
		for _, n := range board.Notices {
			switch at := n.Due(); {
			case at == 0:
			case at > m.nowTime():
				until(at.Time())
			default:
				if !m.movedOn(ctx, n) {
					until(m.clock.Now().Add(retryMove))
				}
			}
		}
	}
	return next
}

// movedOn moves a notice on whose time has come, and reports whether it need not be tried again: what came between is told
// by the book.
func (m *Manager) movedOn(ctx context.Context, n *status.Notice) bool {
	err := m.moveOn(ctx, n)
	if err == nil || ctx.Err() != nil || fault.Has(err, fault.NotFound) || fault.Has(err, fault.Precondition) {
		return true
	}
	m.opts.Trouble("moving the notice "+n.ID+" of the site "+n.Site+" on", err)
	return false
}

// retryMove is how long a notice that could not be moved on is left.
const retryMove = 5 * time.Second

// moveOn begins or ends a notice whose time has come. It is done for the state it was seen in: what someone did meanwhile,
// another node among them, goes first.
func (m *Manager) moveOn(ctx context.Context, n *status.Notice) error {
	site, _ := m.book.Site(n.Site)
	if site == nil {
		return nil
	}
	by := By{Author: hub, Condition: Condition{Seen: []int64{n.Version}}}
	next := nextStage(n, m.nowTime())
	_, err := m.Say(ctx, n.Site, n.ID, Saying{Stage: next, Body: site.Own(status.Standard(next)), automatic: true}, by)
	return err
}

// nextStage is where a notice comes whose time has come. One that passed whole while the hub was away does not begin any
// more.
func nextStage(n *status.Notice, now status.Time) status.Stage {
	began, over := status.Published, status.Ended
	if n.Kind == status.Planned {
		began, over = status.InProgress, status.Completed
	}
	if n.Stage.Ahead() && (n.Ends == 0 || n.Ends > now) {
		return began
	}
	return over
}
