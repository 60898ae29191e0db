package postgres

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store"
	"github.com/varselhub/varsel/internal/store/pgtest"
)

// F10: a batch whose process dies before its commit leaves nothing, after each of its steps; and the delivery goes on from
// where it stood.
func TestABatchThatIsNeverCommittedLeavesNothing(t *testing.T) {
	t.Parallel()
	keys, err := secret.Open(filepath.Join(t.TempDir(), "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), pgtest.Database(t), Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	r := s.Registers()
	d, err := r.Begin(t.Context(), &register.Delivery{Register: "r", ID: "1"})
	if err != nil {
		t.Fatal(err)
	}
	next := *d
	next.Staged, next.Rows, next.Closed, next.Events = 2, 1, 1, 1
	always := register.Interval{To: register.Open}
	b := &register.Batch{
		Delivery: &next, Rows: []register.Row{{Type: "T", Registration: always, Effect: always}},
		Closings: []register.Closing{{Type: "T", At: 5}}, Outgoing: []register.Outgoing{{Draft: []byte("draft")}},
	}
	died, steps := false, 0
	for last := 1; ; last++ { // it dies after the last-th step
		w := staging{Store: s, batch: b}
		if err := w.draw(t.Context()); err != nil {
			t.Fatal(err)
		}
		died, steps = false, 0
		_ = s.inTransaction(t.Context(), func(tx pgx.Tx) error {
			return w.steps(func(step func(context.Context, pgx.Tx) error) error {
				if err := step(t.Context(), tx); err != nil {
					t.Fatal(err)
				}
				if steps++; steps < last {
					return nil
				}
				nothingIsStaged(t, s)
				died = true
				return errors.Join(errors.New("it died"), tx.Conn().Close(t.Context()))
			})
		})
		if !died {
			break // it has fewer steps: this one is committed
		}
		nothingIsStaged(t, s)
	}
	if steps < 6 {
		t.Errorf("it has %d steps", steps)
	}
	if d, err := r.Delivery(t.Context(), "r", "1"); err != nil || d.Staged != 2 {
		t.Errorf("committed, the delivery is %+v, %v", d, err)
	}
}

func nothingIsStaged(t *testing.T, s *Store) {
	t.Helper()
	n := 0
	const left = `SELECT (SELECT count(*) FROM register_rows) + (SELECT count(*) FROM register_closings) + (SELECT count(*) FROM register_outgoing) +
		(SELECT count(*) FROM register_types) + (SELECT sum(staged) FROM register_deliveries) + (SELECT sum(last_row + last_outgoing) FROM registers)`
	if err := s.pool.QueryRow(t.Context(), left).Scan(&n); err != nil || n != 0 {
		t.Errorf("there is something: %d, %v", n, err)
	}
}

// Who goes on with a refusal that another has ended takes nothing from the delivery that came after it, though its rows stand
// behind the same number.
func TestARefusalThatIsOverTakesNothing(t *testing.T) {
	t.Parallel()
	keys, err := secret.Open(filepath.Join(t.TempDir(), "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(t.Context(), pgtest.Database(t), Options{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	r := s.Registers()
	begin := func(id string) *register.Delivery {
		d, err := r.Begin(t.Context(), &register.Delivery{Register: "r", ID: id})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	refused := begin("1")
	v, err := seen(t.Context(), s.pool, "r")
	if err != nil || v.Hidden != refused.Number {
		t.Fatal(v, err)
	}
	if err := r.Refuse(t.Context(), refused); err != nil {
		t.Fatal(err)
	}
	next := *begin("2")
	next.Staged = 1
	always := register.Interval{To: register.Open}
	if err := r.Stage(t.Context(), &register.Batch{Delivery: &next, Rows: []register.Row{{Type: "T", Registration: always, Effect: always}}}); err != nil {
		t.Fatal(err)
	}
	if err := r.drop(t.Context(), nil, refused, v, store.DropRows, 1, v.Rows); !fault.Has(err, fault.Conflict) {
		t.Errorf("it goes on: %v", err)
	}
	if rows, err := r.RowsAt(t.Context(), "r", "T", []register.Handle{{}}, next.Number); err != nil || len(rows) != 1 {
		t.Errorf("the next delivery has %+v, %v", rows, err)
	}
}
