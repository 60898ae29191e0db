package delivery_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/filter"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// windowed makes a subscription that its system asks for windows of.
func (w *world) windowed(system, name string, change ...func(*subscription.Subscription)) string {
	w.t.Helper()
	s := subscription.Subscription{ID: ident.New().String(), System: system, Name: name, Channel: subscription.Window, State: subscription.Active}
	for _, f := range change {
		f(&s)
	}
	w.must(w.log.Append(context.Background(), &eventlog.Request{
		Revisions: []revision.Revision{revision.Of("test", revision.Subscription, s.ID, s)}, Expect: w.log.Book().Last(),
	}))
	return s.ID
}

// always is a window that everything is in.
func always(system string) delivery.WindowPage {
	return delivery.WindowPage{System: system, Before: epoch.AddDate(10, 0, 0).UnixMicro(), Size: 100_000, Page: 1, Sensitive: true}
}

func between(system string, from, before time.Time) delivery.WindowPage {
	return delivery.WindowPage{System: system, From: from.UnixMicro(), Before: before.UnixMicro(), Size: 100_000, Page: 1, Sensitive: true}
}

func (w *world) read(page delivery.WindowPage) (bodies []string) {
	w.t.Helper()
	w.must(w.hub.Window(context.Background(), page, func(events []*event.Event) (int, error) {
		for _, e := range events {
			bodies = append(bodies, string(e.Data))
		}
		return len(events), nil
	}))
	return bodies
}

func ofType(names ...string) func(*subscription.Subscription) {
	return func(s *subscription.Subscription) { s.Types = names }
}

// F31; requirements, issue 6: "an event that matches two subscriptions of one user appears once". What only a queue of the
// same system wants is not among it, and no other system's.
func TestF31AWindowHasWhatAnyOfTheSubscriptionsWants(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("d", profile.Datafordeler)
	w.system("e", profile.Datafordeler)
	w.publish("A#1")
	w.windowed("d", "all things", ofType("thing"))
	w.windowed("d", "things and others", ofType("thing", "other"))
	w.subscribe("d", "q", pulledBy(subscription.Queue), ofType("third"))
	w.windowed("e", "thirds", ofType("third"))
	w.publish("A#2", "B#1")
	for _, kind := range []string{"other", "third"} {
		e := w.event(sourceURI, kind+"#1")
		e.Type = kind
		w.append(e)
	}
	same(t, "one's", w.read(always("d")), "A#2", "B#1", "other#1")
	same(t, "the other's", w.read(always("e")), "third#1")
	same(t, "nobody's", w.read(always("nobody")))
}

// DESIGN promise 9: who gets an event is decided by the revisions in force at its position; promise 8: whether it may be
// had, by those in force now.
func TestAWindowIsOfItsTimeAndGrantedNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("d", profile.Datafordeler)
	id := w.windowed("d", "w")
	w.publishFrom(sourceURI, "A#1")
	w.publishFrom(sourceURI+":other", "B#1")
	w.reviseSubscription(id, ofType("other"))
	w.publish("A#2")
	same(t, "of their time", w.read(always("d")), "A#1", "B#1")
	agree := func(sources ...string) {
		w.revise(revision.Of("test", revision.System, "d", subscription.System{Name: "d", Agreement: subscription.Agreement{Profile: profile.Datafordeler, BaseURL: "https://d.test", Sources: sources}}))
	}
	agree("other")
	same(t, "what is granted now", w.read(always("d")), "B#1")
	agree("*")
	w.reviseSubscription(id, func(s *subscription.Subscription) { s.State = subscription.Deactivated })
	same(t, "while it is deactivated", w.read(always("d")))
	w.reviseSubscription(id, func(s *subscription.Subscription) { s.State = subscription.Active })
	same(t, "when it is active again", w.read(always("d")), "A#1", "B#1")
	w.revise(revision.Removal("test", revision.Subscription, id))
	same(t, "when it is removed", w.read(always("d")))
}

// F37 and section 7, Windows: polls at 10:05 and 10:10 ask [.., 10:04) and [10:04, 10:09). The union has no gap and no
// double, and an instant on the edge is in one of them.
func TestF37WindowsMeet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("d", profile.Datafordeler)
	w.windowed("d", "w")
	at := func(hour, minute, second int) time.Time {
		return time.Date(2026, 3, 1, hour, minute, second, 0, time.UTC)
	}
	set := func(to time.Time) { w.clock.Advance(to.Sub(w.clock.Now())) }
	var got []string
	for _, step := range []struct {
		at      time.Time
		publish string
		from    time.Time
		before  time.Time
	}{
		{at: at(13, 3, 59), publish: "A#1"},
		{at: at(13, 4, 0), publish: "A#2"},
		{at: at(13, 4, 59), publish: "A#3"},
		{at: at(13, 5, 0), from: at(12, 59, 0), before: at(13, 4, 0)},
		{at: at(13, 5, 1), publish: "A#4"},
		{at: at(13, 9, 0), publish: "A#5"},
		{at: at(13, 10, 0), from: at(13, 4, 0), before: at(13, 9, 0)},
		{at: at(13, 15, 0), from: at(13, 9, 0), before: at(13, 14, 0)},
	} {
		set(step.at)
		if step.publish != "" {
			w.publish(step.publish)
			continue
		}
		page := w.read(between("d", step.from, step.before))
		got = append(append(got, page...), "|")
	}
	same(t, "the windows", got, "A#1", "|", "A#2", "A#3", "A#4", "|", "A#5", "|")
}

// F31: what is accepted is there at once (F30), also when the window ends in days to come, or now.
func TestF30WhatWasAcceptedIsThereAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("d", profile.Datafordeler)
	w.windowed("d", "w")
	w.publish("A#1")
	same(t, "at once", w.read(between("d", epoch, epoch.Add(time.Hour))), "A#1")
	w.publish("A#2")
	same(t, "and the next of the same instant", w.read(between("d", epoch, epoch.Add(time.Hour))), "A#1", "A#2")
	same(t, "a window that ends before it", w.read(between("d", epoch.Add(-time.Hour), epoch)))
	same(t, "a window of no time", w.read(between("d", epoch.Add(time.Hour), epoch.Add(time.Hour))))
	same(t, "a window of days to come", w.read(between("d", epoch.Add(time.Hour), epoch.Add(2*time.Hour))))
}

// F30: two calendar months, then they are gone for this profile; and retention may end them sooner (promise 11).
func TestF30TwoCalendarMonthsAreKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("d", profile.Datafordeler)
	id := w.windowed("d", "w")
	positions := w.publish("A#1")
	kept := func(state string) {
		t.Helper()
		list, err := w.hub.Where(t.Context(), positions[0])
		w.must(err)
		if len(list) != 1 || list[0].State != state || list[0].Subscription != id || list[0].Channel != "window" {
			t.Errorf("want %s, got %+v", state, list)
		}
	}
	w.clock.Advance(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).Sub(epoch)) // 61 days
	same(t, "to the last moment", w.read(always("d")), "A#1")
	kept("kept")
	w.clock.Advance(time.Microsecond)
	same(t, "and not longer", w.read(always("d")))
	kept("expired")
	if pending := w.hub.Totals().Pending; pending != 0 {
		t.Errorf("%d are pending for a window", pending)
	}
}

// The two months of requirements 7: endings of months that are shorter.
func TestF30MonthsEndWithTheirLastDay(t *testing.T) {
	t.Parallel()
	p, _ := profile.Get(profile.Datafordeler)
	for now, want := range map[string]string{
		"2024-03-31T12:00:00Z": "2024-01-31T12:00:00Z",
		"2024-04-30T12:00:00Z": "2024-02-29T12:00:00Z",
		"2024-04-29T12:00:00Z": "2024-02-29T12:00:00Z",
		"2025-01-01T00:00:00Z": "2024-11-01T00:00:00Z",
	} {
		at, _ := time.Parse(time.RFC3339, now)
		if got := clock.FromMicros(p.KeptSince(at)).UTC().Format(time.RFC3339); got != want {
			t.Errorf("at %s: %s, want %s", now, got, want)
		}
	}
}

// Events of types with personal values are shown only where sensitive ones are (F32), and take no place elsewhere.
func TestF32SensitiveEventsTakeNoPlaceElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("d", profile.Datafordeler)
	w.windowed("d", "w")
	for i, personal := range []bool{false, true, false, true, false} {
		e := w.event(sourceURI, fmt.Sprintf("A#%d", i))
		e.Personal = personal
		w.append(e)
	}
	page := always("d")
	same(t, "where they are", w.read(page), "A#0", "A#1", "A#2", "A#3", "A#4")
	page.Sensitive, page.Size = false, 2
	same(t, "elsewhere", w.read(page), "A#0", "A#2")
	page.Page = 2
	same(t, "elsewhere, page 2", w.read(page), "A#4")
}

// While an operator has paused a system, or one of its windows, nothing is read: what would be missing in an answer that is
// complete up to its end would be missing for ever.
func TestAPausedWindowIsNotRead(t *testing.T) {
	t.Parallel()
	for name, scope := range map[string]func(id string) revision.Scope{
		"the hub":          func(string) revision.Scope { return revision.Hub },
		"the system":       func(string) revision.Scope { return revision.OfSystem("d") },
		"the subscription": revision.OfSubscription,
	} {
		w := newWorld(t)
		w.system("d", profile.Datafordeler)
		id := w.windowed("d", "w")
		w.windowed("d", "another")
		w.publish("A#1")
		w.revise(revision.Of("test", revision.Pause, string(scope(id)), revision.PauseDocument{}))
		if err := w.hub.Window(t.Context(), always("d"), nil); !fault.Has(err, fault.FetchPaused) {
			t.Errorf("%s: %v", name, err)
		}
		w.revise(revision.Removal("test", revision.Pause, string(scope(id))))
		same(t, name, w.read(always("d")), "A#1")
	}
}

// Who does not take what is visited gets no more of it.
func TestAReaderWhoLeavesIsReadToNoMore(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("d", profile.Datafordeler)
	w.windowed("d", "w")
	w.publish("A#1", "A#2", "A#3")
	gone, visited := errors.New("gone"), 0
	err := w.hub.Window(t.Context(), always("d"), func([]*event.Event) (int, error) {
		visited++
		return 0, gone
	})
	if !errors.Is(err, gone) || visited != 1 {
		t.Errorf("%v after %d", err, visited)
	}
}

// What is asked for by window is not lent, not read by cursor and not replayed: there is nothing that it has coming.
func TestAWindowIsNothingElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("d", profile.Datafordeler)
	id := w.windowed("d", "w")
	w.publish("A#1")
	here := w.log.Cursor(0, false)
	_, leased := w.hub.Lease(t.Context(), id, 1, time.Minute, 0)
	_, fetched := w.hub.Fetch(t.Context(), id, &here, 1, 0, nil)
	_, _, replayed := w.hub.ToReplay(t.Context(), id, eventlog.Filter{})
	for what, err := range map[string]error{"lent": leased, "fetched": fetched, "replayed": replayed} {
		if !fault.Has(err, fault.Conflict) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if owed, err := w.hub.Owed(t.Context(), id); owed != 0 || err != nil {
		t.Errorf("%d are owed, %v", owed, err)
	}
	if f, err := w.hub.SystemFigures(t.Context(), "d", 1); err != nil || len(f.Subscriptions) != 1 || f.Now.Pending != 0 || f.Subscriptions[0].Channel != "window" {
		t.Errorf("%+v %v", f, err)
	}
	w.restart()
	w.quiet()
	same(t, "after a crash", w.read(always("d")), "A#1")
}

// F17, F31: where a filter decides, events are counted by what they say, and one that is forgotten by what is left of it:
// who goes on after the hub was started anew skips nothing.
func TestF17AFilteredWindowIsCountedByItsFilter(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("d", profile.Datafordeler)
	w.revise(revision.Of("test", revision.Version, "thing/v1", event.Version{
		Type: "thing", Version: "v1", State: event.StateActive, Sample: []byte(`{"id":"1","say":"x"}`),
		Mapping: event.Mapping{Fields: map[string]string{
			"besked.objektID": "Load(id)", "besked.objekttype": "Constant(Thing)", "besked.registreringstid": "Constant(2024-05-01T10:00:00Z)",
			"besked.sikkerhedsklassificering": "Constant(open)", "besked.objekthandling": "Load(say)",
		}},
	}))
	only, err := filter.Parse([]byte(`{"field":"objekthandling","anyOf":["yes"]}`))
	w.must(err)
	w.windowed("d", "w", ofType("thing"), func(s *subscription.Subscription) { s.Filter = only })
	var positions []int64
	for n := range 300 { // beyond what is in memory
		say := "no"
		if n%3 == 0 {
			say = "yes"
		}
		e := w.event(sourceURI, fmt.Sprintf("K%d#%d", n%7, n))
		e.MediaType, e.Data = "application/json", fmt.Appendf(nil, `{"id":"%d","say":%q}`, n, say)
		positions = append(positions, w.append(e)[0])
	}
	page := always("d")
	page.Size = 10
	got := w.read(page)
	want := func(from int) (list []string) {
		for n := from; n < from+30; n += 3 {
			list = append(list, fmt.Sprintf(`{"id":"%d","say":"yes"}`, n))
		}
		return list
	}
	same(t, "page 1", got, want(0)...)
	page.Page = 4
	same(t, "page 4, without those before it", w.read(page), want(90)...)
	w.erase(positions[0], positions[3])
	w.restart()
	page.Page = 2
	seen := strings.Join(w.read(page), " ")
	if !strings.Contains(seen, strings.Join(want(30)[:8], " ")) {
		t.Errorf("page 2 skips something after a start: %s", seen)
	}
}

// A page far behind the end is empty, and costs no walk there.
func TestF36APageBeyondTheEndIsEmpty(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("d", profile.Datafordeler)
	w.windowed("d", "w")
	w.publish("A#1", "A#2", "A#3")
	page := always("d")
	for size, pages := range map[int]int{1: 4, 2: 3, 3: 2, 100_000: 2, 1 << 20: 1 << 30} {
		page.Size, page.Page = size, pages
		same(t, fmt.Sprint("page ", pages, " of ", size), w.read(page))
	}
}

// What cannot be written as a message takes no place, so a page that is not the last is full (F35).
func TestF35WhatCannotBeWrittenTakesNoPlace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.system("d", profile.Datafordeler)
	w.windowed("d", "w")
	w.publish("A#1", "A#bad", "A#2", "A#bad2", "A#3", "A#4")
	page := always("d")
	page.Size = 2
	var got []string
	for page.Page = 1; page.Page < 4; page.Page++ {
		w.must(w.hub.Window(t.Context(), page, func(events []*event.Event) (shown int, err error) {
			for _, e := range events {
				if !strings.Contains(string(e.Data), "bad") {
					got, shown = append(got, string(e.Data)), shown+1
				}
			}
			return shown, nil
		}))
		got = append(got, "|")
	}
	same(t, "the pages", got, "A#1", "A#2", "|", "A#3", "A#4", "|", "|")
}
