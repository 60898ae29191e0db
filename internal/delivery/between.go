package delivery

import (
	"context"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// How a page of a window is found, so that who pages through it skips nothing and sees nothing twice, while events are
// published, withheld, erased and expire between its pages (F31, F35, F36; DESIGN promise 7):
//
// What is recorded later stands behind the window's last position, so nothing ever comes in between. But what has been
// counted may be gone at the next page, and a page that is shorter than it was asked for is the last one to most clients
// (F35: "fewer, then all are delivered"). So a page is filled up with as many events as may be had now, and the position
// that it ended at is noted: the next page begins there, whatever has become of what stands before it.
//
// Where nothing is noted (the hub was started since, or a page is asked for without the one before) the events are counted
// that are for the system by the revisions in force at their positions, also those that are withheld, erased or expired
// now. They were on the pages before, or would have been: so that count never goes too far, and nothing is skipped. Where
// some of them were gone already when the page before was served, its last events come again, with the same message ids.

// WindowPage is what a system asks for: one page of what was recorded in a time window.
type WindowPage struct {
	System       string
	From, Before int64 // µs UTC; half open, so that windows meet (requirements 4c, 2)
	Sensitive    bool  // events of types with personal values are among it
	Size         int   // events a page
	Page         int   // from 1
}

// VisitMany takes some events of a page, in order, and says how many of them are on it: one that cannot be written as a
// message takes no place.
type VisitMany func(events []*event.Event) (shown int, err error)

// Window reads one page of what was recorded in a window, in order of position: what any of the system's subscriptions with
// that channel wanted by the revisions in force at its position, each event once, and of that what the system may have now
// (DESIGN promises 8 and 9). Whatever is behind the last page is an empty page.
// Errors: fault.FetchPaused; fault.ShuttingDown; what visit returns.
func (e *Engine) Window(ctx context.Context, w WindowPage, visit VisitMany) error {
	return e.WindowMarked(ctx, w, &e.marks, visit)
}

// WindowMarked is Window where the ends of pages are noted with somebody else: with the node that has the system.
func (e *Engine) WindowMarked(ctx context.Context, w WindowPage, marks Marks, visit VisitMany) error {
	if err := e.fetchable(w.System); err != nil {
		return err
	}
	after, last, err := e.log.Between(ctx, w.From, w.Before)
	if err != nil {
		return err
	}
	s := sweep{engine: e, page: w, last: last, marks: marks, visit: visit}
	if s.kept, err = e.keptSince(ctx, w.System); err != nil {
		return err
	}
	if err := s.begin(ctx, after); err != nil {
		return err
	}
	return s.show(ctx)
}

// Marks are those of this process.
func (e *Engine) Marks() Marks { return &e.marks }

// fetchable says whether a system may fetch now. When one of its windows is paused none is read: its events would be
// missing in an answer that tells the time it is complete up to.
func (e *Engine) fetchable(system string) error {
	paused := e.book.Paused(system, "", "")
	set, _ := e.book.Subscriptions(system)
	for _, s := range set {
		if line := e.book.Line(s.ID); line != nil && line.Windowed() {
			paused = paused || e.book.Paused(system, s.ID, "")
		}
	}
	if paused {
		return fault.New(fault.FetchPaused, "an operator has paused it; what is published meanwhile is kept")
	}
	return nil
}

// kept is from where on a system may have events, by its profile (F30), as positions.
type kept struct {
	after   int64 // positions up to here are not shown any more,
	counted int64 // and those up to here not even counted: whoever was shown one of them has begun more than a day ago
}

// sweepTime is how long somebody may page through a window that begins where events end to be kept.
const sweepTime = 24 * time.Hour

func (e *Engine) keptSince(ctx context.Context, system string) (k kept, err error) {
	policy := e.policy(system)
	since := policy.KeptSince(e.clock.Now())
	if since == 0 {
		return k, nil
	}
	if k.after, err = e.store.Before(ctx, since); err != nil {
		return k, err
	}
	k.counted, err = e.store.Before(ctx, since-sweepTime.Microseconds())
	return k, err
}

// sweep is one page on its way.
type sweep struct {
	engine   *Engine
	page     WindowPage
	kept     kept
	at, last int64 // has been read up to; is read up to
	marks    Marks
	visit    VisitMany
}

// begin finds the position that the page begins behind.
func (s *sweep) begin(ctx context.Context, after int64) error {
	page, end := 0, int64(0)
	if s.page.Page > 1 {
		var err error
		if page, end, err = s.marks.Nearest(ctx, s.page); err != nil {
			s.engine.trouble("asking where a page ended", err) // it is counted instead
			page, end = 0, 0
		}
	}
	switch {
	case page > 0:
		s.at = max(after, end)
	case s.page.Page == 1:
		s.at = max(after, s.kept.after)
	default:
		s.at = max(after, s.kept.counted)
	}
	return s.pass(ctx, int64(s.page.Page-1-page)*int64(s.page.Size))
}

// pass goes on past so many events.
func (s *sweep) pass(ctx context.Context, many int64) error {
	if many > s.last-s.at {
		s.at = s.last // there are not as many positions
		return nil
	}
	for many > 0 && s.at < s.last {
		events, upTo, err := s.some(ctx)
		if err != nil {
			return err
		}
		for _, ev := range events {
			if s.share(ev) == revision.NoShare {
				continue
			}
			if many--; many == 0 {
				s.at = ev.Position
				return nil
			}
		}
		s.at = upTo
	}
	return nil
}

// some reads the next events to be counted: what kind they are of, or where that does not decide, all of them.
func (s *sweep) some(ctx context.Context) (events []*event.Event, upTo int64, err error) {
	if !s.engine.book.KindDecides(s.page.System) {
		return s.engine.log.Read(ctx, s.at, min(routeRange, int(s.last-s.at)))
	}
	upTo = min(s.last, s.at+countRange)
	events, err = s.engine.log.Kinds(ctx, s.at, upTo)
	return events, upTo, err
}

// countRange is how many positions are counted at a time.
const countRange = 4096

func (s *sweep) share(ev *event.Event) revision.Share {
	if ev.Personal && !s.page.Sensitive {
		return revision.NoShare
	}
	return s.engine.book.ShareOf(s.page.System, ev)
}

// show visits the page's events, and notes where it ended when it is full.
func (s *sweep) show(ctx context.Context) error {
	left := s.page.Size
	log := ahead{engine: s.engine, at: s.at, end: s.last}
	var some batch
	for left > 0 && s.at < s.last {
		r := log.next(ctx, left)
		if r.err != nil {
			return r.err
		}
		for _, ev := range r.events {
			if ev.Position <= s.kept.after || s.share(ev) != revision.Granted || s.engine.expired(ev) {
				continue
			}
			if some.add(ev); !some.full(left) {
				continue
			}
			if err := some.visit(s.visit, &left); err != nil {
				return err
			}
			if left == 0 {
				s.note(ctx, ev.Position)
				return nil
			}
		}
		s.at = r.upTo
	}
	return some.visit(s.visit, &left)
}

// note is made before the end of the page is sent: who has it may ask for the next at once.
func (s *sweep) note(ctx context.Context, end int64) {
	s.engine.trouble("noting where a page ended", s.marks.Served(ctx, s.page, end))
}

// batch is what is visited at a time, so that it can be written side by side: no more than the page has left, and no more
// than is well held in memory.
type batch struct {
	events []*event.Event
	bytes  int
}

const (
	batchEvents = 256
	batchBytes  = 1 << 20
)

func (b *batch) add(ev *event.Event) {
	b.events, b.bytes = append(b.events, ev), b.bytes+ev.Size()
}

func (b *batch) full(left int) bool {
	return len(b.events) >= min(left, batchEvents) || b.bytes >= batchBytes
}

func (b *batch) visit(visit VisitMany, left *int) error {
	if len(b.events) == 0 {
		return nil
	}
	shown, err := visit(b.events)
	*left -= shown
	clear(b.events)
	b.events, b.bytes = b.events[:0], 0
	return err
}
