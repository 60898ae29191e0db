package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store"
)

// registersWorld is a store of rows, with the deliveries that a test makes.
type registersWorld struct {
	*world
	log  Store // the same database
	rows deposit.Store
}

func openRegisters(t testing.TB, w *world) *registersWorld {
	t.Helper()
	s := w.open(t)
	return &registersWorld{w, s, w.Registers(s)}
}

// us is an instant of a day, in µs UTC.
func us(t testing.TB, day string) int64 {
	t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixMicro()
}

// span is the interval between two days; "" for no end.
func span(t testing.TB, from, to string) register.Interval {
	t.Helper()
	i := register.Interval{From: us(t, from), To: register.Open}
	if to != "" {
		i.To = us(t, to)
	}
	return i
}

func handle(text string) (h register.Handle) {
	copy(h[:], text)
	return h
}

// person is a row of a person with a name.
func named(id, object string, registration, effect register.Interval, name string) register.Row {
	return register.Row{
		Type: "Person", ID: handle(id), Object: handle(object), Registration: registration, Effect: effect, Data: fmt.Appendf(nil, `{"navn":%q}`, name),
	}
}

func closing(id string, at int64) register.Closing {
	return register.Closing{Type: "Person", Row: handle(id), At: at}
}

// begin begins a delivery of the register "r".
func (w *registersWorld) begin(t testing.TB, id string) *register.Delivery {
	t.Helper()
	d, err := w.rows.Begin(t.Context(), &register.Delivery{Register: "r", ID: id, State: register.Staging, Begun: day})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// batch is the next part of a delivery, with so many events.
func batch(d *register.Delivery, rows []register.Row, closings []register.Closing, events int) *register.Batch {
	next := *d
	next.Staged += int64(len(rows) + len(closings))
	next.Digest = fmt.Appendf(nil, "digest of %d", next.Staged)
	next.Rows += int64(len(rows))
	next.Closed += int64(len(closings))
	next.Events += int64(events)
	b := &register.Batch{Delivery: &next, Before: d.Staged, Rows: rows, Closings: closings}
	for n := range events {
		b.Outgoing = append(b.Outgoing, register.Outgoing{Draft: fmt.Appendf(nil, `{"id":"%s/%d"}`, d.ID, d.Events+int64(n)+1)})
	}
	return b
}

// stage stages a batch that is taken.
func (w *registersWorld) stage(t testing.TB, d *register.Delivery, rows []register.Row, closings []register.Closing, events int) *register.Delivery {
	t.Helper()
	b := batch(d, rows, closings, events)
	if err := w.rows.Stage(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return b.Delivery
}

func (w *registersWorld) commit(t testing.TB, d *register.Delivery) {
	t.Helper()
	d.Ended = day + 1
	if err := w.rows.Commit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

// deliver takes a whole delivery in.
func (w *registersWorld) deliver(t testing.TB, id string, rows []register.Row, closings []register.Closing, events int) *register.Delivery {
	t.Helper()
	d := w.stage(t, w.begin(t, id), rows, closings, events)
	w.commit(t, d)
	return d
}

// known are the names of the persons that were known at one time about another, in order of number.
func (w *registersWorld) known(t testing.TB, registered, effective int64) (names []string) {
	t.Helper()
	return w.found(t, &register.Query{Registered: registered, Effective: effective})
}

// history are the names of every row of an object, with when it was known.
func (w *registersWorld) history(t testing.TB, object string) []string {
	t.Helper()
	return w.found(t, &register.Query{History: true, Object: handle(object)})
}

func (w *registersWorld) found(t testing.TB, q *register.Query) (names []string) {
	t.Helper()
	q.Register, q.Type, q.Limit = "r", "Person", 100
	rows, next, err := w.rows.Rows(t.Context(), q)
	if err != nil || next != 0 {
		t.Fatal(err, next)
	}
	for i := range rows {
		names = append(names, strings.Split(string(rows[i].Data), `"`)[3])
	}
	return names
}

// outgoing are the drafts that are to be published, and the number of the last.
func (w *registersWorld) outgoing(t testing.TB) (drafts []string, last int64) {
	t.Helper()
	list, err := w.rows.Outgoing(t.Context(), "r", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		if list[i].Number <= last {
			t.Errorf("the event %d comes after %d", list[i].Number, last)
		}
		drafts, last = append(drafts, strings.Split(string(list[i].Draft), `"`)[3]), list[i].Number
	}
	return drafts, last
}

func (w *registersWorld) stands(t testing.TB, id string) *register.Delivery {
	t.Helper()
	d, err := w.rows.Delivery(t.Context(), "r", id)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func wantNames(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// wantViolations expects a batch to be refused for these pointers.
func wantViolations(t failing, what string, err error, pointers ...string) {
	t.Helper()
	var got []string
	if fault.Has(err, fault.InvalidDocument) {
		for _, v := range fault.Of(err).Violations {
			got = append(got, v.Pointer)
		}
	}
	if !slices.Equal(got, pointers) {
		t.Errorf("%s is refused for %q as %v; want %q", what, got, err, pointers)
	}
}

// Requirements section 7, "Bitemporal", and F7, F9, F14: a correction is one row that ends and one that begins.
func correction(t *testing.T, w *world) {
	r := openRegisters(t, w)
	r.deliver(t, "1", []register.Row{named("1", "yyyy", span(t, "2016-09-01", ""), span(t, "2016-10-01", ""), "Grøndahl")}, nil, 1)
	r.deliver(t, "2", []register.Row{named("2", "yyyy", span(t, "2016-09-07", ""), span(t, "2016-10-01", ""), "Grøndal")},
		[]register.Closing{closing("1", us(t, "2016-09-07"))}, 1)
	about := us(t, "2016-10-15")
	wantNames(t, "before it was corrected", r.known(t, us(t, "2016-09-07")-1, about), "Grøndahl")
	wantNames(t, "at the moment at which it was", r.known(t, us(t, "2016-09-07"), about), "Grøndal")
	wantNames(t, "before it was known", r.known(t, us(t, "2016-09-01")-1, about))
	wantNames(t, "before it was so", r.known(t, us(t, "2016-09-07"), us(t, "2016-10-01")-1))
	wantNames(t, "at the moment from which it was so", r.known(t, us(t, "2016-09-07"), us(t, "2016-10-01")), "Grøndal")
	wantNames(t, "the history", r.history(t, "yyyy"), "Grøndahl", "Grøndal")
	if drafts, _ := r.outgoing(t); len(drafts) != 2 {
		t.Errorf("the events are %q, want one of each delivery", drafts)
	}
}

// Requirements section 7, "Bitemporal", and F9: a real change is one row that ends and two that begin.
func realChange(t *testing.T, w *world) {
	r := openRegisters(t, w)
	r.deliver(t, "1", []register.Row{named("3", "yyyy", span(t, "2016-11-01", ""), span(t, "2016-12-01", ""), "Aabakke")}, nil, 1)
	changed := span(t, "2017-01-04", "")
	d := r.begin(t, "2")
	d = r.stage(t, d, []register.Row{
		named("4", "yyyy", changed, span(t, "2016-12-01", "2017-02-01"), "Aabakke"), named("5", "yyyy", changed, span(t, "2017-02-01", ""), "Åbakke"),
	}, []register.Closing{closing("3", us(t, "2017-01-04"))}, 1)
	if clashes, err := r.rows.Clashes(t.Context(), "r", d.Number, 10); err != nil || len(clashes) > 0 {
		t.Errorf("they clash: %+v, %v", clashes, err)
	}
	r.commit(t, d)
	for _, c := range []struct{ registered, effective, want string }{
		{"2016-12-15", "2017-03-01", "Aabakke"},
		{"2017-01-05", "2017-03-01", "Åbakke"},
		{"2017-01-05", "2017-01-20", "Aabakke"},
	} {
		wantNames(t, "as known "+c.registered+" about "+c.effective, r.known(t, us(t, c.registered), us(t, c.effective)), c.want)
	}
	wantNames(t, "the instant that two share", r.known(t, us(t, "2017-01-05"), us(t, "2017-02-01")), "Åbakke")
	wantNames(t, "the instant before it", r.known(t, us(t, "2017-01-05"), us(t, "2017-02-01")-1), "Aabakke")
	if drafts, _ := r.outgoing(t); len(drafts) != 2 {
		t.Errorf("three operations on rows made the events %q, want one besides the first", drafts)
	}
}

// F8, F10: nothing is deleted: an error is de-registered, what is over is so by its effect, and an update sets an end alone.
func rowsAreEnded(t *testing.T, w *world) {
	r := openRegisters(t, w)
	always := span(t, "2016-01-01", "")
	r.deliver(t, "1", []register.Row{
		named("error", "a", always, always, "never so"), named("over", "b", always, span(t, "2016-01-01", "2017-01-01"), "over"), named("stays", "c", always, always, "stays"),
	}, nil, 0)
	r.deliver(t, "2", nil, []register.Closing{closing("error", us(t, "2018-01-01"))}, 0)
	wantNames(t, "before", r.known(t, us(t, "2017-12-31"), us(t, "2016-06-01")), "never so", "over", "stays")
	wantNames(t, "after", r.known(t, us(t, "2018-01-01"), us(t, "2016-06-01")), "over", "stays")
	wantNames(t, "about later", r.known(t, us(t, "2018-01-01"), us(t, "2017-01-01")), "stays")
	wantNames(t, "the history", r.history(t, "a"), "never so")
	rows, err := r.rows.RowsAt(t.Context(), "r", "Person", []register.Handle{handle("error"), handle("none"), handle("over"), handle("error")}, 0)
	if err != nil || len(rows) != 2 || rows[0].Registration != span(t, "2016-01-01", "2018-01-01") || rows[1].Registration != always || rows[1].Effect.To != us(t, "2017-01-01") ||
		rows[0].Type != "Person" || rows[0].Object != handle("a") || rows[0].Number != 1 || string(rows[0].Data) != `{"navn":"never so"}` {
		t.Errorf("by their handles are read %+v, %v", rows, err)
	}
	for what, q := range map[string]*register.Query{
		"another register": {Register: "other", Type: "Person", History: true, Limit: 10}, "another type": {Register: "r", Type: "Other", History: true, Limit: 10},
	} {
		if rows, _, err := r.rows.Rows(t.Context(), q); err != nil || len(rows) > 0 {
			t.Errorf("%s has %+v, %v", what, rows, err)
		}
	}
}

// Requirements 4b: rows of an object that are known at one time about one time are found before the delivery is committed.
func clashesAreFound(t *testing.T, w *world) {
	r := openRegisters(t, w)
	early, late, always := span(t, "2016-01-01", "2017-01-01"), span(t, "2017-01-01", ""), span(t, "2016-01-01", "")
	r.deliver(t, "1", []register.Row{named("1", "a", always, late, "there")}, nil, 0)
	d := r.begin(t, "2")
	d = r.stage(t, d, []register.Row{
		named("2", "a", always, early, "about another time"), named("3", "b", always, late, "of another object"), named("4", "a", late, late, "clashes"),
		named("5", "c", early, always, "known before"), named("6", "c", late, always, "known after"), named("7", "c", late, late, "clashes too"),
	}, nil, 0)
	clashes := func() (pairs []string) {
		t.Helper()
		list, err := r.rows.Clashes(t.Context(), "r", d.Number, 10)
		if err != nil {
			t.Fatal(err)
		}
		for i := range list {
			c := &list[i]
			pairs = append(pairs, string(bytes.TrimRight(c.Row.ID[:], "\x00"))+" "+string(bytes.TrimRight(c.Other.ID[:], "\x00")))
			if c.Row.Object != c.Other.Object || c.Row.Type != "Person" || len(c.Row.Data) == 0 || !c.Row.Clashes(&c.Other) {
				t.Errorf("a clash reads %+v", c)
			}
		}
		return pairs
	}
	wantNames(t, "the clashes", clashes(), "4 1", "7 6")
	if list, err := r.rows.Clashes(t.Context(), "r", d.Number, 1); err != nil || len(list) != 1 {
		t.Errorf("one of them is %+v, %v", list, err)
	}
	d = r.stage(t, d, nil, []register.Closing{closing("1", us(t, "2017-01-01"))}, 0)
	wantNames(t, "without what was ended", clashes(), "7 6")
	d = r.stage(t, d, nil, []register.Closing{closing("6", us(t, "2017-01-01")+1)}, 0)
	wantNames(t, "with what was ended too late", clashes(), "7 6")
}

// F44b: rows are paged by number, each once, and a call ends soon however rare those are that are asked for.
func rowsArePaged(t *testing.T, w *world) {
	r := openRegisters(t, w)
	always, never := span(t, "2016-01-01", ""), span(t, "2010-01-01", "2010-01-02")
	const many = store.RowsLookedAt + 1500
	d := r.begin(t, "1")
	for first := 0; first < many; first += 2500 {
		var rows []register.Row
		for i := first; i < min(many, first+2500); i++ {
			row := named(fmt.Sprint(i), fmt.Sprint("o", i%7), never, always, fmt.Sprint(i))
			if i%1000 == 999 && i < 5000 || i == many-1 {
				row.Registration = always
			}
			rows = append(rows, row)
		}
		d = r.stage(t, d, rows, nil, 0)
	}
	if clashes, err := r.rows.Clashes(t.Context(), "r", d.Number, 5); err != nil || len(clashes) != 5 {
		t.Errorf("of many rows clash %d, %v", len(clashes), err)
	}
	r.commit(t, d)
	q := register.Query{Register: "r", Type: "Person", Registered: us(t, "2020-01-01"), Effective: us(t, "2020-01-01"), Limit: 6}
	var pages []string
	for more := true; more; {
		rows, next, err := r.rows.Rows(t.Context(), &q)
		if err != nil || len(pages) > 10 {
			t.Fatal(err, pages)
		}
		var page []string
		for i := range rows {
			page = append(page, fmt.Sprint(rows[i].Number))
		}
		pages, q.After, more = append(pages, strings.Join(page, " ")), next, next != 0
	}
	wantNames(t, "pages", pages, "1000 2000 3000 4000 5000", fmt.Sprint(many))
	q.After, q.Limit = 0, 2
	if rows, next, err := r.rows.Rows(t.Context(), &q); err != nil || len(rows) != 2 || next != 2000 {
		t.Errorf("the first page of two has %d rows, and goes on behind %d, %v", len(rows), next, err)
	}
	q = register.Query{Register: "r", Type: "Person", History: true, Limit: 1000}
	read := 0
	for more := true; more; {
		rows, next, err := r.rows.Rows(t.Context(), &q)
		if err != nil {
			t.Fatal(err)
		}
		read, q.After, more = read+len(rows), next, next != 0
	}
	if read != many {
		t.Errorf("of all rows %d were read, want %d", read, many)
	}
}

// What was changed, moved or damaged on disk is refused, never served.
func changedRowsAreRefused(t *testing.T, w *world) {
	r := openRegisters(t, w)
	always := span(t, "2016-01-01", "")
	r.deliver(t, "1", []register.Row{named("1", "a", always, always, "one"), named("2", "b", always, always, "two")}, nil, 2)
	r.Execute(t, "UPDATE register_rows SET sealed = (SELECT sealed FROM register_rows WHERE number = 2) WHERE number = 1")
	r.Execute(t, "UPDATE register_outgoing SET sealed = (SELECT sealed FROM register_rows WHERE number = 2) WHERE number = 2")
	if rows, _, err := r.rows.Rows(t.Context(), &register.Query{Register: "r", Type: "Person", History: true, Limit: 10}); !fault.Has(err, fault.SealBroken) {
		t.Errorf("a row stands in for another: %+v, %v", rows, err)
	}
	if rows, err := r.rows.RowsAt(t.Context(), "r", "Person", []register.Handle{handle("2")}, 0); err != nil || len(rows) != 1 {
		t.Errorf("what was not touched reads %+v, %v", rows, err)
	}
	if list, err := r.rows.Outgoing(t.Context(), "r", 0, 10); !fault.Has(err, fault.SealBroken) {
		t.Errorf("a row stands in for an event: %+v, %v", list, err)
	}
	if list, err := r.rows.Outgoing(t.Context(), "r", 0, 1); err != nil || len(list) != 1 {
		t.Errorf("the event that was not touched reads %+v, %v", list, err)
	}
}

// failing is what a test and a property test have in common.
type failing interface {
	Helper()
	Errorf(format string, args ...any)
}
