package deposit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/register"
)

// F9, the tables of the documents: a correction is one row ended and one new, a change one ended and two new; and what was known
// when about when (requirements section 7).
func TestF9CorrectionAndChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.taken("1", row{id: "1", object: "xxxx", name: "Grøndahl", registered: "2016-09-01T00:00:00", from: "2016-10-01T00:00:00"})
	w.taken("2",
		ends("1", "2016-09-07T00:00:00", ""),
		row{id: "2", object: "xxxx", name: "Grøndal", registered: "2016-09-07T00:00:00", from: "2016-10-01T00:00:00"})
	w.taken("3", row{id: "3", object: "yyyy", name: "Aabakke", registered: "2016-11-01T00:00:00", from: "2016-12-01T00:00:00"})
	w.taken("4",
		ends("3", "2017-01-04T00:00:00", ""),
		row{id: "4", object: "yyyy", name: "Aabakke", registered: "2017-01-04T00:00:00", from: "2016-12-01T00:00:00", to: "2017-02-01T00:00:00"},
		row{id: "5", object: "yyyy", name: "Åbakke", registered: "2017-01-04T00:00:00", from: "2017-02-01T00:00:00", event: "UpdateEvent"})
	for _, c := range []struct {
		registered, effective string
		want                  []string
	}{
		{"2016-08-31", "2017-03-01", nil},
		{"2016-09-01", "2017-03-01", []string{"Grøndahl"}},
		{"2016-09-06", "2016-09-30", nil},
		{"2016-09-07", "2017-03-01", []string{"Grøndal"}},
		{"2016-12-15", "2017-03-01", []string{"Grøndal", "Aabakke"}},
		{"2017-01-05", "2017-03-01", []string{"Grøndal", "Åbakke"}},
		{"2017-01-05", "2017-01-20", []string{"Grøndal", "Aabakke"}},
		{"2017-01-05", "2017-01-31", []string{"Grøndal", "Aabakke"}},
		{"2017-01-05", "2017-02-01", []string{"Grøndal", "Åbakke"}},
	} {
		if got := w.names(c.registered, c.effective); !slices.Equal(got, c.want) {
			t.Errorf("as known on %s about %s: %q, want %q", c.registered, c.effective, got, c.want)
		}
	}
	if got, want := w.found(&deposit.Question{Object: []string{"yyyy"}, History: true}), []string{"Aabakke", "Aabakke", "Åbakke"}; !slices.Equal(got, want) {
		t.Errorf("the history of yyyy: %q, want %q", got, want)
	}
	// Three operations on rows, exactly one event (F11), and none when the effect begins (F14).
	if got := w.told(); len(got) != 1 || got[0].Type != "KommuneinddelingUpdate" || got[0].Data["navn"] != "Åbakke" {
		t.Errorf("told %v", got)
	}
	head := w.Log.Head()
	w.Clock.Advance(365 * 24 * time.Hour)
	if w.Log.Head() != head {
		t.Error("the effect has begun, and something was told")
	}
}

// F14b: the documents' own example. The new row comes before the old one is ended; feltliste fills the event and is not kept.
func TestF14bTheWorkedExample(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.taken("0", row{id: "10059189", object: "10389119", name: "Lejre", registered: "2015-01-01T00:00:00", from: "2007-01-01T00:00:00"})
	d := w.taken("1",
		row{id: "20059189", object: "10389119", name: "Lejre", registered: "2016-08-07T02:10:00.000000", from: "2007-01-01T00:00:00", event: "UpdateEvent", fields: "geometri"},
		ends("10059189", "2016-08-07T02:10:00.000000", "NoEvent"))
	if d.Rows != 1 || d.Closed != 1 || d.Events != 1 || d.Staged != 2 {
		t.Errorf("%+v", d)
	}
	want := []told{{Type: "KommuneinddelingUpdate", ID: "1/1", Data: map[string]string{
		"objectid": "20059189", "id_lokalId": "10389119", "navn": "Lejre", "status": "gældende", "registreringFra": "2016-08-07T02:10:00.000000",
		"virkningFra": "2007-01-01T00:00:00", "feltliste": "geometri",
	}}}
	if got := w.told(); !reflect.DeepEqual(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
	rows, _, err := w.Find(t.Context(), &deposit.Question{Register: dagi, Type: entity, Object: []string{"10389119"}, History: true, Limit: 9})
	w.Must(err)
	if len(rows) != 2 || strings.Contains(string(rows[1].Data), "feltliste") {
		t.Errorf("kept %d rows, the second as %s", len(rows), rows[len(rows)-1].Data)
	}
}

// F11: the register decides what is an event, and of which kind, whatever becomes of the row; an event of a row that is ended is laid
// over it.
func TestF11TheRegisterDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.taken("1",
		row{id: "1", object: "a", name: "A", registered: "2020-01-01T00:00:00", from: "2020-01-01T00:00:00", event: "CreateEvent"},
		row{id: "2", object: "b", name: "B", registered: "2020-01-01T00:00:00", from: "2020-01-01T00:00:00", event: "UpdateEvent"},
		row{id: "3", object: "c", name: "C", registered: "2020-01-01T00:00:00", from: "2020-01-01T00:00:00"})
	w.taken("2", ends("3", "2021-01-01T00:00:00", "DeleteEvent"), ends("2", "2021-01-01T00:00:00", "NoEvent"))
	var got []string
	for _, t := range w.told() {
		got = append(got, t.Type+" "+t.Data["navn"]+" "+t.Data["registreringTil"])
	}
	want := []string{"KommuneinddelingCreate A ", "KommuneinddelingUpdate B ", "KommuneinddelingDelete C 2021-01-01T00:00:00"}
	if !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
}

// F2: a message that a register has made ready is published as it stands.
func TestF2AReadyMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := manage.By{Author: "test"}
	_, err := w.Manager.PutType(t.Context(), event.Type{Name: "SagAfsluttet", Title: "S", Order: event.OrderNone}, by)
	w.Must(err)
	_, err = w.Manager.PutVersion(t.Context(), event.Version{
		Type: "SagAfsluttet", Version: "v1", State: event.StateActive, Sample: []byte(`{}`),
		Mapping: event.Mapping{Fields: map[string]string{"besked.message": "/Grunddatabesked/Hændelsesbesked"}},
	}, by)
	w.Must(err)
	w.Must(err)
	const message = `<Haendelsesbesked xmlns="urn:dk:grunddata:1.0.0"><Beskedversion>1.0</Beskedversion><BeskedId>f90c19c0-39da-45f2-9093-fd6afe4335ca</BeskedId>` +
		`<Beskedkuvert><Filtreringsdata><Beskedtype>SagAfsluttet</Beskedtype><BeskedansvarligAktoer>GST</BeskedansvarligAktoer><Objektregistrering>` +
		`<Registreringstid>2026-01-01T00:00:00</Registreringstid><ObjektId>7</ObjektId><Objekttype>Sag</Objekttype></Objektregistrering></Filtreringsdata>` +
		`<Leveranceinformation><Dannelsestidspunkt>2026-01-01T00:00:00</Dannelsestidspunkt><Kildesystem>mat</Kildesystem><Sikkerhedsklassificering>x#NonConfidential</Sikkerhedsklassificering></Leveranceinformation>` +
		`</Beskedkuvert><Beskeddata><Objektreference>7</Objektreference></Beskeddata></Haendelsesbesked>`
	d, err := w.take("1", message)
	w.Must(err)
	w.published("1")
	events, _, err := w.Log.Read(t.Context(), 0, 1000)
	w.Must(err)
	last := events[len(events)-1]
	if d.Events != 1 || last.Type != "SagAfsluttet" || !strings.Contains(string(last.Data), `"beskedID":"f90c19c0-39da-45f2-9093-fd6afe4335ca"`) {
		t.Errorf("%+v; told %s %s", d, last.Type, last.Data)
	}
}

// F2, F10: a delivery is all or nothing: what breaks a rule anywhere in it leaves nothing of it, and says where it stands.
func TestADeliveryIsAllOrNothing(t *testing.T) {
	t.Parallel()
	good := row{id: "1", object: "a", name: "A", registered: "2020-01-01T00:00:00", from: "2020-01-01T00:00:00", event: "CreateEvent"}
	change := func(f func(*row)) row {
		r := good
		f(&r)
		return r
	}
	for name, c := range map[string]struct {
		entities []any
		rule     string
		line     int64
	}{
		"an interval that ends before it begins": {[]any{good, change(func(r *row) { r.id, r.object, r.to = "2", "b", "2019-01-01T00:00:00" })}, "interval", 4},
		"a row twice":                            {[]any{good, change(func(r *row) { r.object = "b" })}, "unique", 4},
		"the end of no row":                      {[]any{good, ends("9", "2021-01-01T00:00:00", "")}, "exists", 4},
		"the end of no row, told":                {[]any{good, ends("9", "2021-01-01T00:00:00", "DeleteEvent")}, "exists", 4},
		"two rows that say two things at once":   {[]any{good, change(func(r *row) { r.id, r.name = "2", "B" })}, "overlap", 0},
		"the first of all":                       {[]any{change(func(r *row) { r.to = "2019-01-01T00:00:00" })}, "interval", 3},
		"an event that cannot be published":      {[]any{good, change(func(r *row) { r.id, r.object, r.name = "2", "b", strings.Repeat("x", 41) })}, "maxLength", 4},
		"a column that nobody knows":             {[]any{good, operation("Create", "", part("nonsense", "x"))}, "column", 4},
		"an end before the beginning":            {[]any{good, ends("1", "2019-01-01T00:00:00", "")}, "interval", 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, err := w.take("1", c.entities...)
			if !fault.Has(err, fault.InvalidDocument) {
				t.Fatalf("%v", err)
			}
			violations := fault.Of(err).Violations
			if at := slices.IndexFunc(violations, func(v fault.Violation) bool { return v.Rule == c.rule && v.Line == c.line }); at < 0 {
				t.Errorf("want %s at line %d, got %+v", c.rule, c.line, violations)
			}
			d, err := w.Delivery(t.Context(), dagi, "1")
			w.Must(err)
			if d.State != register.Refused || d.Reason == "" {
				t.Errorf("%+v", d)
			}
			if rows := w.names("2022-01-01", "2022-01-01"); rows != nil {
				t.Errorf("there is %q of it", rows)
			}
			// Mended, it may come again under its id.
			w.taken("1", good)
			if got := w.told(); len(got) != 1 || len(w.names("2022-01-01", "2022-01-01")) != 1 {
				t.Errorf("then told %v", got)
			}
		})
	}
}

// many are entities of so many objects, each with an event.
func many(from, count int) (list []any) {
	for n := from; n < from+count; n++ {
		list = append(list, row{
			id: fmt.Sprint(n), object: fmt.Sprint("o", n), name: fmt.Sprint("N", n), registered: "2020-01-01T00:00:00", from: "2020-01-01T00:00:00", event: "CreateEvent",
		})
	}
	return list
}

// broken reads a text and then fails, as a connection does.
type broken struct{ io.Reader }

var errCut = errors.New("connection reset")

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errCut
	}
	return n, err
}

// What breaks off stays as far as it came, seen by nobody; sent again it goes on, and everything of it is there once, in order.
func TestADeliveryGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := delivery(many(0, 1300)...)
	for _, cut := range []int{len(text) / 2, len(text) * 4 / 5} {
		_, err := w.Take(t.Context(), dagi, "1", broken{strings.NewReader(text[:cut])}, nil)
		if !fault.Has(err, fault.BadRequest) || !errors.Is(err, errCut) {
			t.Fatalf("%v", err)
		}
		d, err := w.Delivery(t.Context(), dagi, "1")
		w.Must(err)
		if d.State != register.Staging || d.Staged != 500*int64(1+2*cut/len(text)/2) && d.Staged%500 != 0 || d.Staged == 0 {
			t.Errorf("staged %+v", d)
		}
		if rows := w.names("2022-01-01", "2022-01-01"); rows != nil || len(w.told()) > 0 {
			t.Errorf("%d rows are seen, %d events told", len(rows), len(w.told()))
		}
	}
	if _, err := w.take("2", many(5000, 1)...); !fault.Has(err, fault.Conflict) {
		t.Errorf("another delivery beside it: %v", err)
	}
	if _, err := w.take("1", many(1, 1300)...); !fault.Has(err, fault.Conflict) {
		t.Errorf("another one under its id: %v", err)
	}
	if _, err := w.take("1", many(0, 100)...); !fault.Has(err, fault.Conflict) {
		t.Errorf("less of it: %v", err)
	}
	d, err := w.Take(t.Context(), dagi, "1", strings.NewReader(text), nil)
	w.Must(err)
	w.published("1")
	if d.Rows != 1300 || d.Events != 1300 {
		t.Errorf("%+v", d)
	}
	events := w.told()
	for n, e := range events {
		if e.Data["navn"] != fmt.Sprint("N", n) {
			t.Fatalf("event %d is of %s", n, e.Data["navn"])
		}
	}
	if rows := w.names("2022-01-01", "2022-01-01"); len(rows) != 1300 || len(events) != 1300 {
		t.Errorf("%d rows, %d events", len(rows), len(events))
	}
}

// A delivery that is there is answered as it stands; another one under its id is refused.
func TestADeliveryThatComesAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.taken("1", many(0, 3)...)
	again, err := w.take("1", many(0, 3)...)
	w.Must(err)
	if again.Number != first.Number || again.Rows != 3 || again.State != register.Published {
		t.Errorf("%+v", again)
	}
	for name, other := range map[string][]any{"other content": many(1, 3), "less": many(0, 2), "more": many(0, 4)} {
		if _, err := w.take("1", other...); !fault.Has(err, fault.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(w.told()) != 3 {
		t.Errorf("told %v", w.told())
	}
}

// A delivery that nobody goes on with is given up, on record; then another one may come.
func TestADeliveryIsDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := delivery(many(0, 600)...)
	if _, err := w.Take(t.Context(), dagi, "1", broken{strings.NewReader(text[:len(text)-100])}, nil); err == nil {
		t.Fatal("it is whole")
	}
	_, err := w.Drop(t.Context(), "eva", dagi, "1")
	w.Must(err)
	if _, err := w.Drop(t.Context(), "eva", dagi, "1"); !fault.Has(err, fault.Conflict) {
		t.Errorf("again: %v", err)
	}
	w.taken("2", many(0, 600)...)
	if len(w.told()) != 600 {
		t.Errorf("told %d", len(w.told()))
	}
}

// forgetful is a store that does not forget what is outgoing, as when the hub ends between the append and that.
type forgetful struct{ deposit.Store }

func (forgetful) Sent(context.Context, string, int64) error { return errCut }

// What was appended before a crash is not appended again after it.
func TestEventsGoIntoTheLogOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Stop()
	w.options.Store = forgetful{w.Store.Registers()}
	w.options.Trouble = func(string, error) {}
	crashes := w.start()
	d, err := crashes.Take(t.Context(), dagi, "1", strings.NewReader(delivery(many(0, 700)...)), nil)
	w.Must(err)
	w.until("some are in the log", func() bool { return len(w.told()) >= 500 })
	crashes.Stop()
	if d, err = w.Delivery(t.Context(), dagi, "1"); err != nil || d.State != register.Committed {
		t.Fatalf("%+v %v", d, err)
	}
	w.options.Store = w.Store.Registers()
	w.start()
	w.published("1")
	for n, e := range w.told() {
		if e.Data["navn"] != fmt.Sprint("N", n) {
			t.Fatalf("event %d is of %s", n, e.Data["navn"])
		}
	}
	if len(w.told()) != 700 {
		t.Errorf("told %d", len(w.told()))
	}
}

// Two nodes publish the same outbox: each event is in the log once, in order.
func TestTwoNodesPublish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.start()
	text := delivery(many(0, 2000)...)
	_, err := w.Take(t.Context(), dagi, "1", strings.NewReader(text), nil)
	w.Must(err)
	_, err = other.Take(t.Context(), dagi, "2", strings.NewReader(delivery(many(2000, 2000)...)), nil)
	w.Must(err)
	w.published("1")
	w.published("2")
	events := w.told()
	for n, e := range events {
		if e.Data["navn"] != fmt.Sprint("N", n) {
			t.Fatalf("event %d is of %s", n, e.Data["navn"])
		}
	}
	if len(events) != 4000 {
		t.Errorf("told %d", len(events))
	}
}
