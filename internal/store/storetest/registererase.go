package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// naming is a row or an event that names persons by these hashes; the first tells the object apart where own says so.
func naming(own bool, persons ...string) (list []register.Naming) {
	for i, person := range persons {
		list = append(list, register.Naming{Clue: event.Clue(handle(person)), Object: own && i == 0})
	}
	return list
}

func namedRow(id, object string, own bool, persons ...string) register.Row {
	row := register.Row{
		Type: "Person", ID: handle(id), Object: handle(object), Registration: register.Interval{From: day, To: register.Open},
		Effect: register.Interval{From: 2 * day, To: 3 * day}, Data: fmt.Appendf(nil, `{"navn":"row %s"}`, id),
	}
	row.Persons = naming(own, persons...)
	return row
}

// ofPerson says what names a person, in words.
func (w *registersWorld) ofPerson(t testing.TB, person string) (list []eventlog.RowsOf, text string) {
	t.Helper()
	list, err := w.rows.OfPerson(t.Context(), event.Clue(handle(person)))
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range list {
		text += fmt.Sprintf("%s/%s %d: %v %v; ", of.Register, of.Type, of.Delivery, of.Rows, of.Outgoing)
		if of.Begun != day {
			t.Errorf("the delivery %d was begun at %d", of.Delivery, of.Begun)
		}
	}
	return list, text
}

// begunErasure commits one that begins, with the events to be that it withdraws.
func (w *registersWorld) begunErasure(t testing.TB, n int64, rows []eventlog.RowsOf, numbers ...int64) error {
	t.Helper()
	r := &eventlog.Request{Erasure: &eventlog.Erasure{N: n, Author: "me", Reason: "asked", Rows: rows}}
	if len(numbers) > 0 {
		r.Withdrawn = []eventlog.Withdrawn{{Register: "r", Source: "s", Stream: "register/r", Numbers: numbers}}
	}
	if err := w.log.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{r}, Now: day}); err != nil {
		t.Fatal(err)
	}
	return r.Err
}

// Promise 11: of a person's rows, whenever they were known, also closed ones and those of a delivery under way, what they say
// and whom they name is gone; that they were, and when, stays. Others' stay whole.
func rowsAreErased(t *testing.T, w *world) {
	r := openRegisters(t, w)
	r.deliver(t, "1", []register.Row{
		namedRow("1", "anna", true, "anna"), namedRow("2", "bo", true, "bo", "anna"), namedRow("3", "case", false, "anna", "cora"), namedRow("4", "cora", true, "cora"),
	}, nil, 0)
	r.deliver(t, "2", []register.Row{namedRow("5", "case", false)}, []register.Closing{closing("1", 2*day)}, 0)
	under := r.begin(t, "3")
	under = r.stage(t, under, []register.Row{namedRow("6", "anna", true, "anna")}, nil, 0)

	list, text := r.ofPerson(t, "anna")
	if want := "r/Person 1: [1 2 3] []; r/Person 3: [6] []; "; text != want {
		t.Fatalf("found %q, want %q", text, want)
	}
	if _, text := r.ofPerson(t, "nobody"); text != "" {
		t.Errorf("nobody has %q", text)
	}
	if err := r.begunErasure(t, 1, list); err != nil {
		t.Fatal(err)
	}
	if e, err := r.log.Erasure(t.Context(), 1); err != nil || eventlog.FormatRows(e.Rows) != eventlog.FormatRows(list) {
		t.Errorf("the erasure reads %+v, %v", e, err)
	}
	for range 2 { // made again it does what is left
		if err := r.log.EraseRows(t.Context(), list); err != nil {
			t.Fatal(err)
		}
	}
	r.commit(t, under)

	rows, err := r.rows.RowsAt(t.Context(), "r", "Person", []register.Handle{handle("1"), handle("2"), handle("3"), handle("4"), handle("5"), handle("6")}, 0)
	if err != nil || len(rows) != 6 {
		t.Fatalf("%+v, %v", rows, err)
	}
	for i, c := range []struct {
		erased, object bool
		data           string
	}{
		{true, false, `{"erased":true,"registreringFra":"1970-01-02T00:00:00.000000Z","virkningFra":"1970-01-03T00:00:00.000000Z","virkningTil":"1970-01-04T00:00:00.000000Z"}`},
		{true, false, ""}, // that it is of bo goes too
		{true, true, ""},
		{false, true, `{"navn":"row 4"}`},
		{false, true, `{"navn":"row 5"}`},
		{true, false, ""},
	} {
		row := &rows[i]
		if row.Erased != c.erased || c.data != "" && string(row.Data) != c.data || row.Number != int64(i+1) || row.Effect != (register.Interval{From: 2 * day, To: 3 * day}) {
			t.Errorf("row %d reads %+v, %s", i+1, row, row.Data)
		}
		if was := handle([]string{"anna", "bo", "case", "cora", "case", "anna"}[i]); (row.Object == was) != c.object {
			t.Errorf("the object of row %d is %x", i+1, row.Object)
		}
	}
	if rows[0].Registration.To != 2*day || rows[1].Registration.To != register.Open {
		t.Errorf("they were known until %d and %d", rows[0].Registration.To, rows[1].Registration.To)
	}
	for person, want := range map[string]string{"anna": "", "bo": "", "cora": "r/Person 1: [4] []; "} {
		if _, text := r.ofPerson(t, person); text != want {
			t.Errorf("%s has %q, want %q", person, text, want)
		}
	}
	all, err := r.rows.Changes(t.Context(), &register.Span{Register: "r", Type: "Person", UpTo: 3, Limit: 100})
	if err != nil || len(all) != 6 || !all[0].Erased || all[3].Erased {
		t.Errorf("a span reads %+v, %v", all, err)
	}
	// A closing finds a row by what tells it apart, an erased one too.
	r.deliver(t, "4", nil, []register.Closing{closing("2", 5*day)}, 0)
}

// withEvents stages events that name persons, and commits the delivery.
func (w *registersWorld) withEvents(t testing.TB, id string, persons ...string) *register.Delivery {
	t.Helper()
	b := batch(w.begin(t, id), nil, nil, len(persons))
	b.Delivery.Staged = b.Before + 1
	for i, person := range persons {
		b.Outgoing[i].Persons = naming(false, person)
	}
	if err := w.rows.Stage(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	w.commit(t, b.Delivery)
	return b.Delivery
}

// An event that is still to follow from a delivery goes with the commit that begins the erasure. Where it has come into the log
// since it was looked for the erasure does not begin; and who has read it and not appended it yet does not append it any more.
func eventsAreWithdrawn(t *testing.T, w *world) {
	r := openRegisters(t, w)
	r.withEvents(t, "1", "bo", "anna", "bo", "anna")
	only := r.withEvents(t, "2", "anna")
	list, text := r.ofPerson(t, "anna")
	if want := "r/ 1: [] [2 4]; r/ 2: [] [5]; "; text != want {
		t.Fatalf("found %q, want %q", text, want)
	}
	publish := func(changes, from, to int64) error {
		request := &eventlog.Request{Intake: &eventlog.Intake{Source: "s", Stream: "register/r", Changes: changes, Places: []eventlog.StreamPlace{{From: from, To: to}}}}
		if err := r.log.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{request}, Now: day}); err != nil {
			t.Fatal(err)
		}
		return request.Err
	}
	if err := publish(0, 0, 3); err != nil { // the first two
		t.Fatal(err)
	}
	if err := r.begunErasure(t, 1, list, 2, 4, 5); !fault.Has(err, fault.StreamMoved) {
		t.Errorf("one of them is in the log: %v", err)
	}
	if list, err := r.log.Erasures(t.Context(), 0, false, 10); err != nil || len(list) != 0 {
		t.Errorf("it has begun: %+v, %v", list, err)
	}
	if drafts, _ := r.outgoing(t); len(drafts) != 5 {
		t.Errorf("there are %q", drafts)
	}
	if err := r.begunErasure(t, 1, list, 4, 5); err != nil {
		t.Fatal(err)
	}
	if drafts, last := r.outgoing(t); !slices.Equal(drafts, []string{"1/1", "1/2", "1/3"}) || last != 3 {
		t.Errorf("left are %q", drafts)
	}
	if err := publish(0, 3, 6); !fault.Has(err, fault.StreamMoved) {
		t.Errorf("who has read them before appends them: %v", err)
	}
	if err := publish(1, 3, 4); err != nil {
		t.Errorf("who reads now: %v", err)
	}
	if d := r.stands(t, only.ID); d.State != register.Committed && d.State != register.Published {
		t.Errorf("the delivery without an event is %s", d.State)
	}
	if err := r.rows.Sent(t.Context(), "r", 3); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"1", "2"} {
		if d := r.stands(t, id); d.State != register.Published {
			t.Errorf("the delivery %s is %s", id, d.State)
		}
	}
	if _, text := r.ofPerson(t, "bo"); text != "" {
		t.Errorf("what is in the log still names %q", text)
	}
	// All that is outgoing of a delivery may go: then there is nothing to publish of it.
	last := r.withEvents(t, "3", "anna")
	if err := r.begunErasure(t, 2, nil, 6); err != nil {
		t.Fatal(err)
	}
	if d := r.stands(t, last.ID); d.State != register.Published || d.Events != 1 {
		t.Errorf("the delivery is %+v", d)
	}
}

// What is refused names nobody any more.
func personsGoWithTheirs(t *testing.T, w *world) {
	r := openRegisters(t, w)
	r.deliver(t, "1", []register.Row{namedRow("1", "anna", true, "anna")}, nil, 0)
	b := batch(r.begin(t, "2"), []register.Row{namedRow("2", "anna", true, "anna", "bo")}, nil, 1)
	b.Outgoing[0].Persons = naming(false, "anna")
	if err := r.rows.Stage(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if _, text := r.ofPerson(t, "anna"); text != "r/ 2: [] [1]; r/Person 1: [1] []; r/Person 2: [2] []; " {
		t.Errorf("anna has %q", text)
	}
	b.Delivery.State, b.Delivery.Ended = register.Refused, day
	if err := r.rows.Refuse(t.Context(), b.Delivery); err != nil {
		t.Fatal(err)
	}
	if _, text := r.ofPerson(t, "anna"); text != "r/Person 1: [1] []; " {
		t.Errorf("anna has %q", text)
	}
	if _, text := r.ofPerson(t, "bo"); text != "" {
		t.Errorf("bo has %q", text)
	}
}
