package delivery_test

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// where tells in a line where an event is for a subscription: the state and what there is to say about it. Instants are
// the time since the test began.
func (w *world) where(position int64, id string) string {
	w.t.Helper()
	w.flush()
	found, err := w.hub.Where(context.Background(), position)
	w.must(err)
	for i := range found {
		if found[i].Subscription == id {
			return told(&found[i])
		}
	}
	return "not for it"
}

func told(v *delivery.Whereabouts) string {
	text := []string{v.State}
	say := func(format string, args ...any) { text = append(text, fmt.Sprintf(format, args...)) }
	instant := func(name string, us int64) {
		if us != 0 {
			say("%s +%s", name, time.UnixMicro(us).Sub(epoch))
		}
	}
	if v.Why != "" {
		say("why %s", v.Why)
	}
	if len(v.PausedBy) > 0 {
		scope, _, _ := strings.Cut(string(v.PausedBy[0]), "/")
		say("by %s", scope)
	}
	instant("at", v.At)
	instant("since", v.Since)
	instant("due", v.Due)
	if v.Attempts > 0 {
		say("tried %d", v.Attempts)
	}
	if v.Status != 0 {
		say("status %d", v.Status)
	}
	if v.Reason != "" {
		say("reason %s", v.Reason)
	}
	if b := v.Behind; b != nil {
		say("behind %d %s tried %d status %d", b.Position, b.State, b.Attempts, b.Status)
		instant("since", b.Since)
	}
	for _, r := range v.Replays {
		say("replay %d %s", r.Pass, r.State)
	}
	return strings.Join(text, ", ")
}

// stands is a moment in the life of an event, in which it is looked for.
type stands struct {
	w         *world
	id        string
	positions []int64
}

func (s *stands) where(of int) string { s.w.t.Helper(); return s.w.where(s.positions[of], s.id) }

func (s *stands) filled(text string) string {
	for i := len(s.positions); i > 0; i-- {
		text = strings.ReplaceAll(text, fmt.Sprint("$", i), fmt.Sprint(s.positions[i-1]))
	}
	return text
}

// many are events of as many keys.
func many(count int) (bodies []string) {
	for i := range count {
		bodies = append(bodies, fmt.Sprintf("K%d#1", i))
	}
	return bodies
}

func (s *stands) publish(bodies ...string) {
	s.w.t.Helper()
	s.positions = append(s.positions, s.w.publish(bodies...)...)
	s.w.flush()
}

// fail publishes an event and answers its first attempt so; park, that of a star system.
func (s *stands) fail(body string, status int) {
	s.w.t.Helper()
	s.publish(body)
	s.w.next().reply(status)
	s.w.flush()
}

func (s *stands) park(body string) {
	s.w.t.Helper()
	s.publish(body)
	s.w.next().give(starAnswer(422))
	s.w.flush()
}

// down fails five of five lanes.
func (s *stands) down() {
	s.w.t.Helper()
	s.publish(many(5)...)
	for range 5 {
		s.w.next().reply(500)
	}
	s.w.flush()
}

func (s *stands) deliverAll(count int) {
	s.w.t.Helper()
	s.publish(many(count)...)
	for range count {
		s.w.next().reply(200)
	}
	s.w.flush()
}

func (s *stands) pause(scope revision.Scope) {
	s.w.t.Helper()
	s.w.revise(revision.Of("test", revision.Pause, string(scope), revision.PauseDocument{}))
	s.w.flush()
}

func (s *stands) resume(scope revision.Scope) {
	s.w.t.Helper()
	s.w.revise(revision.Removal("test", revision.Pause, string(scope)))
	s.w.flush()
}

func (s *stands) pauseAndRevoke(body string) {
	s.w.t.Helper()
	s.pause(revision.Hub)
	s.publish(body)
	s.regrant("none")
}

func (s *stands) regrant(source string) {
	s.w.t.Helper()
	doc, _ := s.w.log.Book().System("s")
	changed := *doc
	changed.Agreement.Sources = []string{source}
	s.w.revise(revision.Of("test", revision.System, "s", changed))
	s.w.flush()
}

func (s *stands) remove() {
	s.w.t.Helper()
	s.w.revise(revision.Removal("test", revision.Subscription, s.id))
	s.w.flush()
}

func (s *stands) toCursor() {
	s.w.t.Helper()
	s.w.reviseSubscription(s.id, func(doc *subscription.Subscription) { doc.Channel, doc.Path = subscription.Cursor, "" })
	s.w.flush()
}

// confirmFirstOfTwo fetches two events, and comes back after a second with the cursor of the first.
func (s *stands) confirmFirstOfTwo() {
	s.w.t.Helper()
	s.publish("A#1", "A#2")
	s.w.clock.Advance(time.Second)
	var first *eventlog.Cursor
	_, err := s.w.hub.Fetch(context.Background(), s.id, nil, 2, 0, func(_ *event.Event, _ []byte, at eventlog.Cursor) error {
		if first == nil {
			first = &at
		}
		return nil
	})
	s.w.must(err)
	_, err = s.w.hub.Fetch(context.Background(), s.id, first, 0, 0, nil)
	s.w.must(err)
	s.w.flush()
}
