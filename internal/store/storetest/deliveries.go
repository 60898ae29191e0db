package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// F10: a delivery is all or nothing: what is staged is seen by nobody, and all of it at once when it is committed.
func aDeliveryIsSeenWhole(t *testing.T, w *world) {
	r := openRegisters(t, w)
	always := span(t, "2016-01-01", "")
	r.deliver(t, "1", []register.Row{named("1", "a", always, always, "first")}, nil, 1)
	now := us(t, "2020-01-01")
	d := r.begin(t, "2")
	look := func(when string, names, history, drafts []string) {
		t.Helper()
		wantNames(t, when+" is known", r.known(t, now, now), names...)
		wantNames(t, when+" the history is", r.history(t, "a"), history...)
		got, _ := r.outgoing(t)
		wantNames(t, when+" is outgoing", got, drafts...)
	}
	for i := range 3 {
		d = r.stage(t, d, []register.Row{named(fmt.Sprint("2/", i), fmt.Sprint("o", i), always, always, fmt.Sprint("second ", i))}, nil, 1)
		look("staged", []string{"first"}, []string{"first"}, []string{"1/1"})
	}
	d = r.stage(t, d, []register.Row{named("3", "a", span(t, "2019-01-01", ""), always, "first, corrected")}, []register.Closing{closing("1", us(t, "2019-01-01"))}, 0)
	look("staged", []string{"first"}, []string{"first"}, []string{"1/1"})
	if rows, err := r.rows.RowsAt(t.Context(), "r", "Person", []register.Handle{handle("1"), handle("3")}, 0); err != nil || len(rows) != 1 || rows[0].Registration != always {
		t.Errorf("others read %+v, %v", rows, err)
	}
	if rows, err := r.rows.RowsAt(t.Context(), "r", "Person", []register.Handle{handle("1"), handle("3")}, d.Number); err != nil || len(rows) != 2 || rows[0].Registration.To != us(t, "2019-01-01") {
		t.Errorf("the delivery itself reads %+v, %v", rows, err)
	}
	r.commit(t, d)
	seen := []string{"second 0", "second 1", "second 2", "first, corrected"}
	look("committed", seen, []string{"first", "first, corrected"}, []string{"1/1", "2/1", "2/2", "2/3"})
	if d.State != register.Committed {
		t.Errorf("its state is %s", d.State)
	}
	r.log = r.again(t, r.log)
	r.rows = r.Registers(r.log)
	look("after a restart", seen, []string{"first", "first, corrected"}, []string{"1/1", "2/1", "2/2", "2/3"})
}

// F10: a batch is all or nothing, and says how far it is; what is wrong in it is told by its place in it.
func aBatchIsStagedWhole(t *testing.T, w *world) {
	r := openRegisters(t, w)
	always := span(t, "2016-01-01", "")
	row := func(id string) register.Row { return named(id, "o"+id, always, always, id) }
	at := us(t, "2017-01-01")
	ended := row("ended")
	ended.Registration.To = at
	r.deliver(t, "1", []register.Row{row("1"), row("2"), row("closed"), ended}, []register.Closing{closing("closed", at)}, 0)
	d := r.stage(t, r.begin(t, "2"), []register.Row{row("3"), row("4")}, []register.Closing{closing("1", at)}, 2)
	for what, c := range map[string]struct {
		rows     []register.Row
		closings []register.Closing
		want     []string
	}{
		"a row that is there":            {[]register.Row{row("5"), row("2")}, nil, []string{"/rows/1"}},
		"a row of the same delivery":     {[]register.Row{row("3")}, nil, []string{"/rows/0"}},
		"a row of the same batch":        {[]register.Row{row("5"), row("6"), row("5")}, nil, []string{"/rows/2"}},
		"several rows":                   {[]register.Row{row("1"), row("5"), row("1"), row("5")}, nil, []string{"/rows/0", "/rows/2", "/rows/3"}},
		"no such row to close":           {[]register.Row{row("5")}, []register.Closing{closing("2", at), closing("none", at)}, []string{"/closings/1"}},
		"of no such type":                {[]register.Row{row("5")}, []register.Closing{{Type: "Other", Row: handle("2"), At: at}}, []string{"/closings/0"}},
		"closed before":                  {[]register.Row{row("5")}, []register.Closing{closing("closed", at)}, []string{"/closings/0"}},
		"closed by the same delivery":    {[]register.Row{row("5")}, []register.Closing{closing("2", at), closing("1", at-1)}, []string{"/closings/1"}},
		"closed twice":                   {[]register.Row{row("5")}, []register.Closing{closing("5", at), closing("5", at)}, []string{"/closings/1"}},
		"delivered with an end":          {nil, []register.Closing{closing("ended", at)}, []string{"/closings/0"}},
		"rows go before what closes any": {[]register.Row{row("1")}, []register.Closing{closing("closed", at)}, []string{"/rows/0"}},
	} {
		err := r.rows.Stage(t.Context(), batch(d, c.rows, c.closings, 2))
		wantViolations(t, what, err, c.want...)
		if stands := r.stands(t, "2"); stands.Staged != 3 || stands.Rows != 2 || stands.Events != 2 || string(stands.Digest) != "digest of 3" {
			t.Errorf("%s: the delivery stands at %+v", what, stands)
		}
		rows, err := r.rows.RowsAt(t.Context(), "r", "Person", []register.Handle{handle("2"), handle("5"), handle("6")}, d.Number)
		if err != nil || len(rows) != 1 || rows[0].Registration != always {
			t.Errorf("%s: it left %+v, %v", what, rows, err)
		}
	}
	b := batch(d, []register.Row{row("5"), row("6")}, []register.Closing{closing("6", at), closing("ended", at-1)}, 1)
	if err := r.rows.Stage(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if b.Rows[1].Number <= 6 || b.Rows[1].Number != b.Rows[0].Number+1 || b.Outgoing[0].Number <= 2 || b.Outgoing[0].Delivery != d.Number {
		t.Errorf("it is numbered %+v, %+v", b.Rows, b.Outgoing)
	}
	r.commit(t, b.Delivery)
	if rows, err := r.rows.RowsAt(t.Context(), "r", "Person", []register.Handle{handle("ended"), handle("6")}, 0); err != nil || len(rows) != 2 || rows[0].Registration.To != at-1 || rows[1].Registration.To != at {
		t.Errorf("an end may be set earlier: %+v, %v", rows, err)
	}
	if drafts, _ := r.outgoing(t); !slices.Equal(drafts, []string{"2/1", "2/2", "2/3"}) {
		t.Errorf("the events are %q", drafts)
	}
}

// A delivery is gone on with by whoever knows how it stands, and by nobody else.
func aDeliveryGoesOn(t *testing.T, w *world) {
	r := openRegisters(t, w)
	always := span(t, "2016-01-01", "")
	row := func(id string) []register.Row { return []register.Row{named(id, "o"+id, always, always, id)} }
	begun := r.begin(t, "1")
	if begun.Number != 1 || begun.State != register.Staging || begun.Begun != day || begun.Staged != 0 || begun.Register != "r" || begun.ID != "1" {
		t.Errorf("it begins as %+v", begun)
	}
	d := r.stage(t, begun, row("1"), nil, 1)
	late := batch(begun, row("2"), nil, 0)
	if err := r.rows.Stage(t.Context(), late); !fault.Has(err, fault.Conflict) {
		t.Errorf("staged from where it stood: %v", err)
	}
	if err := r.rows.Commit(t.Context(), begun); !fault.Has(err, fault.Conflict) {
		t.Errorf("committed as it stood: %v", err)
	}
	r.log = r.again(t, r.log)
	r.rows = r.Registers(r.log)
	if known := r.begin(t, "1"); known.Staged != 1 || known.Number != 1 || string(known.Digest) != "digest of 1" || known.Events != 1 {
		t.Errorf("begun again it stands at %+v", known)
	}
	d = r.stage(t, d, row("2"), nil, 0)
	r.commit(t, d)
	if again := r.begin(t, "1"); again.State != register.Committed || again.Ended != day+1 || again.Rows != 2 {
		t.Errorf("committed, it is %+v", again)
	}
	for what, err := range map[string]error{
		"stage": r.rows.Stage(t.Context(), batch(d, row("3"), nil, 0)), "commit": r.rows.Commit(t.Context(), d), "refuse": r.rows.Refuse(t.Context(), d),
		"of no register": r.rows.Stage(t.Context(), batch(&register.Delivery{Register: "none", Number: 1}, row("3"), nil, 0)),
	} {
		if !fault.Has(err, fault.Conflict) {
			t.Errorf("%s after the commit: %v", what, err)
		}
	}
	if _, err := r.rows.Clashes(t.Context(), "r", d.Number, 10); !fault.Has(err, fault.Conflict) {
		t.Errorf("clashes of what is committed: %v", err)
	}
	for _, of := range [][2]string{{"r", "none"}, {"none", "1"}} {
		if _, err := r.rows.Delivery(t.Context(), of[0], of[1]); !fault.Has(err, fault.NotFound) {
			t.Errorf("the delivery %v: %v", of, err)
		}
	}
}

// Of one register one delivery is being staged at a time; registers do not wait for each other.
func oneDeliveryAtATime(t *testing.T, w *world) {
	r := openRegisters(t, w)
	first := r.begin(t, "1")
	if _, err := r.rows.Begin(t.Context(), &register.Delivery{Register: "r", ID: "2"}); !fault.Has(err, fault.Conflict) {
		t.Errorf("another begins beside it: %v", err)
	}
	other, err := r.rows.Begin(t.Context(), &register.Delivery{Register: "other", ID: "2"})
	if err != nil || other.Number != 1 {
		t.Errorf("another register's: %+v, %v", other, err)
	}
	r.commit(t, first)
	if first.State != register.Published {
		t.Errorf("with no events it is %s", first.State)
	}
	for _, id := range []string{"2", "3", "4"} {
		r.commit(t, r.begin(t, id))
	}
	var ids []string
	for below := int64(0); ; {
		list, err := r.rows.Deliveries(t.Context(), "r", below, 3)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for i := range list {
			ids, below = append(ids, list[i].ID), list[i].Number
		}
	}
	wantNames(t, "the deliveries", ids, "4", "3", "2", "1")
}

// F11: events go out in the order of the operations, and a delivery is published when the last of its events is.
func eventsGoOut(t *testing.T, w *world) {
	r := openRegisters(t, w)
	r.deliver(t, "1", nil, nil, 2)
	r.deliver(t, "2", nil, nil, 0)
	r.deliver(t, "3", nil, nil, 1)
	staged := r.stage(t, r.begin(t, "4"), nil, nil, 1)
	states := func(when string, want ...string) {
		t.Helper()
		list, err := r.rows.Deliveries(t.Context(), "r", 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range list {
			got = append(got, list[i].ID+" "+string(list[i].State))
		}
		slices.Reverse(got)
		wantNames(t, when, got, want...)
	}
	states("before", "1 committed", "2 published", "3 committed", "4 staging")
	if list, err := r.rows.Outgoing(t.Context(), "r", 1, 1); err != nil || len(list) != 1 || list[0].Number != 2 || list[0].Delivery != 1 || string(list[0].Draft) != `{"id":"1/2"}` {
		t.Errorf("behind the first is %+v, %v", list, err)
	}
	sent := func(upTo int64) {
		t.Helper()
		if err := r.rows.Sent(t.Context(), "r", upTo); err != nil {
			t.Fatal(err)
		}
	}
	sent(1)
	states("one sent", "1 committed", "2 published", "3 committed", "4 staging")
	sent(2)
	states("two sent", "1 published", "2 published", "3 committed", "4 staging")
	sent(100)
	sent(100)
	states("all sent", "1 published", "2 published", "3 published", "4 staging")
	if drafts, _ := r.outgoing(t); drafts != nil {
		t.Errorf("outgoing is %q", drafts)
	}
	r.commit(t, staged)
	if drafts, last := r.outgoing(t); !slices.Equal(drafts, []string{"4/1"}) || last != 4 {
		t.Errorf("what was staged meanwhile is %q, up to %d", drafts, last)
	}
	if err := r.rows.Sent(t.Context(), "none", 7); err != nil {
		t.Errorf("of no register: %v", err)
	}
}

// A refused delivery leaves nothing but why, whatever it had; its handles may come again.
func aRefusedDelivery(t *testing.T, w *world) {
	r := openRegisters(t, w)
	always := span(t, "2016-01-01", "")
	r.deliver(t, "1", []register.Row{named("1", "a", always, always, "stays")}, nil, 1)
	d := r.begin(t, "2")
	for n := range 3 { // more than one transaction deletes
		rows := make([]register.Row, 700)
		for i := range rows {
			rows[i] = named(fmt.Sprint(n, "/", i), "b", always, always, "goes")
			rows[i].Type = []string{"Person", "Other"}[i%2]
		}
		d = r.stage(t, d, rows, nil, 700)
	}
	d = r.stage(t, d, nil, []register.Closing{closing("1", us(t, "2019-01-01")), closing("0/0", us(t, "2019-01-01"))}, 0)
	// As it stands when the refusal is broken off: nothing of it can go on but the refusal.
	r.Execute(t, "UPDATE register_deliveries SET reason = 'because' WHERE id = '2'")
	if stands := r.stands(t, "2"); stands.State != register.Staging || stands.Reason != "because" {
		t.Errorf("half refused it is %+v", stands)
	}
	if err := r.rows.Stage(t.Context(), batch(d, nil, nil, 1)); !fault.Has(err, fault.Conflict) {
		t.Errorf("half refused it is staged: %v", err)
	}
	if err := r.rows.Commit(t.Context(), d); !fault.Has(err, fault.Conflict) {
		t.Errorf("half refused it is committed: %v", err)
	}
	if _, err := r.rows.Begin(t.Context(), &register.Delivery{Register: "r", ID: "3"}); !fault.Has(err, fault.Conflict) {
		t.Errorf("half refused it is in nobody's way: %v", err)
	}
	d.Ended, d.Reason = day+2, "it was wrong"
	if err := r.rows.Refuse(t.Context(), d); err != nil || d.State != register.Refused {
		t.Fatal(err, d.State)
	}
	if stands := r.stands(t, "2"); stands.State != register.Refused || stands.Reason != "it was wrong" || stands.Ended != day+2 {
		t.Errorf("refused it is %+v", stands)
	}
	wantNames(t, "the history", r.history(t, "b"))
	again := r.begin(t, "2")
	if again.State != register.Staging || again.Number != 3 || again.Staged != 0 || again.Rows != 0 || again.Reason != "" || len(again.Digest) != 0 {
		t.Errorf("begun again it is %+v", again)
	}
	again = r.stage(t, again, []register.Row{named("0/0", "b", always, always, "comes again")}, []register.Closing{closing("1", us(t, "2018-01-01"))}, 1)
	r.commit(t, again)
	wantNames(t, "the history", r.history(t, "b"), "comes again")
	wantNames(t, "what is known", r.known(t, us(t, "2018-06-01"), us(t, "2018-06-01")), "comes again")
	if drafts, _ := r.outgoing(t); !slices.Equal(drafts, []string{"1/1", "2/1"}) {
		t.Errorf("outgoing is %q", drafts)
	}
}

// Of several who do the same for one delivery, on one node or several, one does it.
func oneOfSeveral(t *testing.T, w *world) {
	r := openRegisters(t, w)
	stores := []deposit.Store{r.rows, r.rows, r.rows, r.rows}
	if w.engine.Shared {
		stores[1], stores[3] = w.Registers(w.open(t)), w.Registers(w.open(t))
	}
	once := func(what string, do func(s deposit.Store, i int) error) {
		t.Helper()
		errs := make(chan error, len(stores))
		for i, s := range stores {
			go func() { errs <- do(s, i) }()
		}
		done := 0
		for range stores {
			switch err := <-errs; {
			case err == nil:
				done++
			case !fault.Has(err, fault.Conflict):
				t.Errorf("%s: %v", what, err)
			}
		}
		if done != 1 {
			t.Errorf("%s: %d of %d did it", what, done, len(stores))
		}
	}
	always := span(t, "2016-01-01", "")
	once("begin", func(s deposit.Store, i int) error {
		_, err := s.Begin(t.Context(), &register.Delivery{Register: "r", ID: fmt.Sprint(i)})
		return err
	})
	list, err := r.rows.Deliveries(t.Context(), "r", 0, 10)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	once("stage", func(s deposit.Store, i int) error {
		return s.Stage(t.Context(), batch(&list[0], []register.Row{named(fmt.Sprint("row ", i), "a", always, always, "x")}, nil, 1))
	})
	staged := r.stands(t, list[0].ID)
	once("commit", func(s deposit.Store, _ int) error {
		d := *staged
		return s.Commit(t.Context(), &d)
	})
	if drafts, _ := r.outgoing(t); len(drafts) != 1 || len(r.history(t, "a")) != 1 {
		t.Errorf("there are the events %q and the rows %q", drafts, r.history(t, "a"))
	}
	second := r.begin(t, "second")
	var refused []error
	once("commit or refuse", func(s deposit.Store, i int) error {
		d := *second
		if i%2 == 0 {
			return s.Commit(t.Context(), &d)
		}
		err := s.Refuse(t.Context(), &d)
		if err != nil && !fault.Has(err, fault.Conflict) {
			refused = append(refused, err)
		}
		return err
	})
	if err := errors.Join(refused...); err != nil {
		t.Error(err)
	}
}
