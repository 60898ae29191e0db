package revision_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/filter"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// register is a book with a register's type and one system, and what has been written in it since.
type register struct {
	book     *revision.Book
	position int64
}

func newRegister(t testing.TB) *register {
	t.Helper()
	r := &register{book: revision.NewBook(time.UTC)}
	r.write(t, revision.Source, "bbr", event.Source{Name: "bbr", URI: "https://bbr.example", Types: []string{"*"}})
	r.write(t, revision.Type, "BygningUpdate", event.Type{Name: "BygningUpdate", Order: event.OrderNone})
	r.write(t, revision.Version, "BygningUpdate/v1", event.Version{
		Type: "BygningUpdate", Version: "v1", State: event.StateActive,
		Sample: json.RawMessage(`{"id": "b-0", "registreringFra": "2024-05-01T10:00:00Z", "feltliste": "status", "geometri": "POINT(550000 6200000)"}`),
		Mapping: event.Mapping{Fields: map[string]string{
			"besked.objektID": "Load(id)", "besked.objekttype": "Constant(Bygning)", "besked.registreringstid": "Load(registreringFra)",
			"besked.sikkerhedsklassificering": "Constant(åben)", "besked.objekthandling": "Load(feltliste)", "besked.stedbestemmelse": "Load(geometri)",
		}},
	})
	r.write(t, revision.System, "map", subscription.System{Name: "map", Agreement: subscription.Agreement{
		Profile: profile.Datafordeler, BaseURL: "https://map.example", Sources: []string{"*"},
	}})
	return r
}

func (r *register) write(t testing.TB, kind revision.Kind, subject string, document any) {
	t.Helper()
	r.position++
	written := revision.Of("test", kind, subject, document)
	written.Position = r.position
	if err := r.book.Apply([]revision.Revision{written}); err != nil {
		t.Fatal(err)
	}
}

func (r *register) remove(t testing.TB, id string) {
	t.Helper()
	r.position++
	removal := revision.Removal("test", revision.Subscription, id)
	removal.Position = r.position
	if err := r.book.Apply([]revision.Revision{removal}); err != nil {
		t.Fatal(err)
	}
}

func (r *register) subscribe(t testing.TB, id, condition string) {
	t.Helper()
	s := subscription.Subscription{ID: id, System: "map", Name: id, Types: []string{"BygningUpdate"}, Channel: subscription.Cursor, State: subscription.Active}
	if condition != "" {
		var err error
		if s.Filter, err = filter.Parse([]byte(condition)); err != nil {
			t.Fatal(err)
		}
	}
	r.write(t, revision.Subscription, id, s)
}

func (r *register) event(id, fields string) *event.Event {
	r.position++
	data, _ := json.Marshal(map[string]string{"id": id, "registreringFra": "2024-05-01T10:00:00Z", "feltliste": fields, "geometri": "POINT(550000 6200000)"})
	return &event.Event{
		Position: r.position, Recorded: r.position, Source: "https://bbr.example", Type: "BygningUpdate", Version: "v1", MediaType: "application/json", Data: data,
	}
}

func (r *register) goesTo(e *event.Event) []string {
	var ids []string
	r.book.Route(e, func(l *revision.Line) { ids = append(ids, l.ID) })
	slices.Sort(ids)
	return ids
}

// TestF17FiltersInForceAtThePosition: who gets an event is decided by the filter that was there before it, however often
// it has been changed since (DESIGN promise 9), and each gets it once.
func TestF17FiltersInForceAtThePosition(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	r.subscribe(t, "every", "")
	r.subscribe(t, "first", `{"field":"objektID","anyOf":["b-1","b-2"]}`)
	r.subscribe(t, "fields", `{"field":"objekthandling","contains":"geometri"}`)
	r.subscribe(t, "here", `{"place":{"within":{"wkt":"POLYGON((549000 6199000,551000 6199000,551000 6201000,549000 6201000,549000 6199000))"}}}`)
	r.subscribe(t, "there", `{"place":{"within":{"wkt":"POLYGON((649000 6199000,651000 6199000,651000 6201000,649000 6201000,649000 6199000))"}}}`)
	one, two := r.event("b-1", "status"), r.event("b-9", "geometri")
	check := func(when string) {
		t.Helper()
		for _, fresh := range []bool{false, true} {
			first, second := one, two
			if fresh { // as it is read from the store
				first, second = again(one), again(two)
			}
			if got := fmt.Sprint(r.goesTo(first)); got != "[every first here]" {
				t.Errorf("%s: the first goes to %s", when, got)
			}
			if got := fmt.Sprint(r.goesTo(second)); got != "[every fields here]" {
				t.Errorf("%s: the second goes to %s", when, got)
			}
		}
	}
	check("at once")
	r.subscribe(t, "first", `{"field":"objektID","equals":"b-9"}`)
	r.subscribe(t, "every", `{"field":"objektID","equals":"b-1"}`)
	r.subscribe(t, "fields", "")
	r.subscribe(t, "there", `{"place":{"within":{"wkt":"POLYGON((549000 6199000,551000 6199000,551000 6201000,549000 6201000,549000 6199000))"}}}`)
	r.remove(t, "here")
	check("after the filters were changed")
	if got := fmt.Sprint(r.goesTo(r.event("b-9", "status"))); got != "[fields first there]" {
		t.Errorf("a later one goes to %s", got)
	}
	if got := fmt.Sprint(r.goesTo(one.Skeleton())); got != "[every]" {
		t.Errorf("what is forgotten fulfils no filter, and goes to %s", got)
	}
	for _, c := range r.book.Consumers() {
		if want := c.Name == "subscription/first"; (c.Match(one) != nil) != (want || c.Name == "subscription/every" || c.Name == "subscription/here") {
			t.Errorf("%s by itself sees it otherwise", c.Name)
		}
	}
}

func again(e *event.Event) *event.Event {
	return &event.Event{Position: e.Position, Recorded: e.Recorded, Source: e.Source, Type: e.Type, Version: e.Version, MediaType: e.MediaType, Data: e.Data}
}

// An event that is no Hændelsesbesked, or cannot be made into one, fulfils no filter.
func TestF17EventsThatSayNothing(t *testing.T) {
	t.Parallel()
	r := newRegister(t)
	r.subscribe(t, "every", "")
	r.subscribe(t, "fields", `{"field":"objekttype","equals":"Bygning"}`)
	broken := r.event("b-1", "x")
	broken.Data = []byte(`{"id":`)
	if got := fmt.Sprint(r.goesTo(broken)); got != "[every]" {
		t.Errorf("broken data goes to %s", got)
	}
	unknown := r.event("b-1", "x")
	unknown.Version = "v9"
	if got := fmt.Sprint(r.goesTo(unknown)); got != "[every]" {
		t.Errorf("a version that is not there goes to %s", got)
	}
}

// BenchmarkRouteFiltered routes events that 10 subscriptions want (DESIGN section 7), among so many with filters.
func BenchmarkRouteFiltered(b *testing.B) {
	for _, many := range []int{10, 10_000} {
		for name, condition := range map[string]func(i int) string{
			"none": func(int) string { return "" },
			"objektID": func(i int) string {
				return fmt.Sprintf(`{"all":[{"field":"objekttype","equals":"Bygning"},{"field":"objektID","equals":"b-%d"}]}`, i/10)
			},
			"contains": func(i int) string {
				return fmt.Sprintf(`{"all":[{"field":"objekttype","equals":"Bygning"},{"field":"objekthandling","contains":"felt%05d,"}]}`, i/10)
			},
			"place": func(i int) string {
				x := 550000 + i/10*200
				return fmt.Sprintf(`{"place":{"within":{"wkt":"POLYGON((%d 6199900,%d 6199900,%d 6200100,%d 6200100,%d 6199900))"}}}`, x-100, x+100, x+100, x-100, x-100)
			},
		} {
			if name == "none" && many > 10 {
				continue // it would be for all of them
			}
			b.Run(fmt.Sprintf("%s/%d", name, many), func(b *testing.B) {
				r := newRegister(b)
				for i := range many {
					r.subscribe(b, fmt.Sprintf("s%05d", i), condition(i))
				}
				e := r.event("b-0", "felt00000,")
				if got := len(r.goesTo(e)); got != 10 {
					b.Fatalf("it is for %d, want 10", got)
				}
				b.ReportAllocs()
				for b.Loop() {
					r.book.Route(again(e), func(*revision.Line) {})
				}
			})
		}
	}
}
