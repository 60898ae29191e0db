package postgres_test

import (
	"fmt"
	"testing"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/store/pgtest"
	"github.com/varselhub/varsel/internal/store/postgres"
	"github.com/varselhub/varsel/internal/store/storetest"
)

// deliver has a register deliver a row and an event.
func deliver(t testing.TB, r deposit.Store, id string) {
	t.Helper()
	d, err := r.Begin(t.Context(), &register.Delivery{Register: "r", ID: id, Begun: 5})
	if err != nil {
		t.Fatal(err)
	}
	always, handle := register.Interval{From: 1, To: register.Open}, register.Handle{byte(len(id)), id[0]}
	d.Staged, d.Rows, d.Closed, d.Events = 2, 1, 1, 1
	b := &register.Batch{
		Delivery: d, Rows: []register.Row{{Type: "T", ID: handle, Object: register.Handle{1}, Registration: always, Effect: always, Data: []byte("data of " + id)}},
		Closings: []register.Closing{{Type: "T", Row: handle, At: 7}}, Outgoing: []register.Outgoing{{Draft: []byte("draft of " + id)}},
	}
	if err := r.Stage(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if clashes, err := r.Clashes(t.Context(), "r", d.Number, 10); err != nil || len(clashes) > 0 && id == "1" {
		t.Fatal(clashes, err)
	}
	if err := r.Commit(t.Context(), d); err != nil {
		t.Fatal(err)
	}
}

func readDelivered(t testing.TB, r deposit.Store, ids ...string) {
	t.Helper()
	rows, _, err := r.Rows(t.Context(), &register.Query{Register: "r", Type: "T", Registered: 3, Effective: 3, Object: register.Handle{1}, Limit: 10})
	outgoing, e := r.Outgoing(t.Context(), "r", 0, 10)
	if err != nil || e != nil || len(rows) != len(ids) || len(outgoing) != len(ids) {
		t.Fatalf("%+v, %v, %+v, %v", rows, err, outgoing, e)
	}
	for i, id := range ids {
		if string(rows[i].Data) != "data of "+id || rows[i].Registration.To != 7 || string(outgoing[i].Draft) != "draft of "+id {
			t.Errorf("of %s are read %+v, %+v", id, rows[i], outgoing[i])
		}
	}
}

// Who publishes never waits for a delivery that is staged, nor the other way about: they lock nothing in common.
func TestStagingAndPublishingDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := d.node(t)
	release := pgtest.Hold(t, d.url, "SELECT * FROM log_end FOR UPDATE")
	deliver(t, s.Registers(), "1")
	release()
	for _, held := range []string{"SELECT * FROM registers FOR UPDATE", "SELECT * FROM register_deliveries FOR UPDATE", "LOCK TABLE register_rows"} {
		release := pgtest.Hold(t, d.url, held)
		commit(t, s, request(held))
		release()
	}
	readDelivered(t, s.Registers(), "1")
}

// Deliveries are taken through a pooler that gives each transaction another connection, and keeps no prepared statements.
func TestDeliveriesGoThroughAPooler(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.url = pgtest.Pooler(t, d.url) + "&default_query_exec_mode=exec"
	one, other := d.node(t), d.node(t)
	for n, s := range []*postgres.Store{one, other, one} {
		deliver(t, s.Registers(), fmt.Sprint(n+1))
	}
	readDelivered(t, other.Registers(), "1", "2", "3")
	if err := one.Registers().Sent(t.Context(), "r", 3); err != nil {
		t.Fatal(err)
	}
	list, err := other.Registers().Deliveries(t.Context(), "r", 0, 10)
	if err != nil || len(list) != 3 || list[2].State != register.Published {
		t.Errorf("the deliveries are %+v, %v", list, err)
	}
}

// A process that freezes while it stages keeps the delivery from going on elsewhere for a moment only.
func TestAFrozenStagerIsPutOut(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := d.node(t)
	deliver(t, s.Registers(), "1")
	begun, err := s.Registers().Begin(t.Context(), &register.Delivery{Register: "r", ID: "2"})
	if err != nil {
		t.Fatal(err)
	}
	pgtest.Hold(t, d.url+"&application_name=varsel", "UPDATE register_deliveries SET staged = 1 WHERE id = '2'")
	next := *begun
	next.Staged = 1
	if err := s.Registers().Stage(t.Context(), &register.Batch{Delivery: &next}); err != nil {
		t.Errorf("it does not go on: %v", err)
	}
}

// One operation is a batch of 500 rows of about 1 KiB, on a server that waits for its disk where it must.
func BenchmarkStage(b *testing.B) {
	s := newDatabaseAt(b, pgtest.Start(b, "fsync=on", "full_page_writes=on").URL()).node(b)
	storetest.BenchmarkStage(b, s.Registers())
}
