package retention

import (
	"context"
	"fmt"
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// deleted are the files of extracts, of which each erasure that reaches them deletes three.
type deleted struct{ rows []eventlog.RowsOf }

func (d *deleted) Erase(_ context.Context, _ int64, rows []eventlog.RowsOf) error {
	d.rows = rows
	return nil
}

func (d *deleted) Erased(int64) int {
	if d.rows == nil {
		return 0
	}
	return 3
}

// kept is a register's rows as deposit finds them.
type kept struct {
	w      *world
	before func()
}

var clue = event.Clue{1, 2, 3}

// OfPerson implements Rows.
func (k *kept) OfPerson(ctx context.Context, _ string) ([]eventlog.RowsOf, []eventlog.Withdrawn, error) {
	list, err := k.w.Store.Registers().OfPerson(ctx, clue)
	state, errPlace := k.w.Store.Stream(ctx, "s", "register/r")
	k.w.Must(errPlace)
	withdrawn := []eventlog.Withdrawn{{Register: "r", Source: "s", Stream: "register/r"}}
	for i := range list {
		if len(list[i].Outgoing) > 0 && list[i].Outgoing[0] < state.Next[0] {
			list[i].Outgoing = nil
		}
		withdrawn[0].Numbers = append(withdrawn[0].Numbers, list[i].Outgoing...)
	}
	if len(withdrawn[0].Numbers) == 0 {
		withdrawn = nil
	}
	if k.before != nil {
		k.before()
		k.before = nil
	}
	return list, withdrawn, err
}

// register has a register deliver a row and an event that name the person, and a row that does not.
func (w *world) register() *kept {
	w.T.Helper()
	ctx, r := context.Background(), w.Store.Registers()
	d, err := r.Begin(ctx, &register.Delivery{Register: "r", ID: "1", Begun: 5})
	w.Must(err)
	d.Staged, d.Events = 2, 1
	names := []register.Naming{{Clue: clue}}
	always := register.Interval{From: 1, To: register.Open}
	row := func(id byte, persons []register.Naming) register.Row {
		return register.Row{Type: "T", ID: register.Handle{id}, Registration: always, Effect: register.Interval{From: int64(id), To: int64(id) + 1}, Data: []byte(`{}`), Persons: persons}
	}
	w.Must(r.Stage(ctx, &register.Batch{Delivery: d, Rows: []register.Row{row(1, names), row(2, nil)}, Outgoing: []register.Outgoing{{Draft: []byte(`{}`), Persons: names}}}))
	w.Must(r.Commit(ctx, d))
	return &kept{w: w}
}

// rowsLeft says which rows are erased, and which events are to be.
func (w *world) rowsLeft() string {
	w.T.Helper()
	ctx, r := context.Background(), w.Store.Registers()
	rows, _, err := r.Rows(ctx, &register.Query{Register: "r", Type: "T", History: true, Limit: 10})
	w.Must(err)
	outgoing, err := r.Outgoing(ctx, "r", 0, 10)
	w.Must(err)
	var erased []bool
	for i := range rows {
		erased = append(erased, rows[i].Erased)
	}
	return fmt.Sprint(erased, len(outgoing) > 0)
}

// Promise 11: an erasure counts and takes the rows of registers, what is still to follow from them, and the files made of them,
// also where there is no event.
func TestAnErasureTakesRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	files := &deleted{}
	w.options.Rows, w.options.Files = w.register(), files
	w.keeper = New(w.options)
	w.keeper.Start()
	t.Cleanup(w.keeper.Stop)
	ctx := t.Context()
	if count, err := w.keeper.ToErase(ctx, person); count != 2 || err != nil {
		t.Fatalf("%d, %v", count, err)
	}
	if _, err := w.keeper.Erase(ctx, "eva", person, "case 7", 1); !fault.Has(err, fault.EraseCount) {
		t.Errorf("another count: %v", err)
	}
	e, err := w.keeper.Erase(ctx, "eva", person, "case 7", 2)
	if err != nil || e.Ended == 0 {
		t.Fatalf("%+v, %v", e, err)
	}
	if left := w.rowsLeft(); left != "[true false] false" {
		t.Errorf("left are %s", left)
	}
	report, err := w.keeper.Report(ctx, 1)
	rows, outgoing := eventlog.CountRows(report.Rows)
	if err != nil || rows != 1 || outgoing != 1 || report.Files != 3 || eventlog.FormatRows(files.rows) != eventlog.FormatRows(e.Rows) {
		t.Errorf("the report is %+v, %v", report, err)
	}
	entries, err := w.Store.Audit(ctx, audit.Query{Act: audit.Erase})
	if err != nil || len(entries) != 1 || string(entries[0].Detail) != `{"removed":1,"rows":1}` {
		t.Errorf("the audit log has %s, %v", entries[0].Detail, err)
	}
	if _, err := w.keeper.Erase(ctx, "eva", person, "case 7", 0); !fault.Has(err, fault.NothingSelected) {
		t.Errorf("once more: %v", err)
	}
}

// What comes into the log between the search and the commit is searched for anew, and counted as what it is by then.
func TestAnEventThatComesMeanwhileIsNotMissed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows := w.register()
	rows.before = func() { // the outbox is published
		w.Must(w.Log.Append(t.Context(), &eventlog.Request{Intake: &eventlog.Intake{Source: "s", Stream: "register/r", Places: []eventlog.StreamPlace{{To: 2}}}}))
	}
	w.options.Rows = rows
	w.keeper = New(w.options)
	if _, err := w.keeper.Erase(t.Context(), "eva", person, "case 7", 2); !fault.Has(err, fault.EraseCount) {
		t.Errorf("what was to be withdrawn was in the log: %v", err)
	}
	if left := w.rowsLeft(); left != "[false false] true" {
		t.Errorf("it has begun: %s", left)
	}
}
