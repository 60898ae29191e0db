package retention

import (
	"context"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Promise 11: what is set aside of streams and names the person is counted, and goes with the commit that begins the
// erasure, also where there is no event.
func TestAnErasureTakesWhatIsSetAside(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := context.Background()
	w.Must(w.Log.Append(ctx, &eventlog.Request{Intake: &eventlog.Intake{Source: "s", Stream: "kafka:s", Aside: []eventlog.Aside{
		{Code: fault.InvalidEvent, Retention: event.Retention("P1D"), Message: []byte(person)}, {Code: fault.InvalidEvent, Message: []byte("other")},
	}}}))
	w.options.Aside = func(ctx context.Context, _ string) (list []eventlog.AsideOf, err error) {
		rows, err := w.Store.Asides(ctx, "s", 0, 10, true)
		for _, row := range rows {
			if string(row.Message) == person {
				list = append(list, eventlog.AsideOf{Source: "s", Numbers: []int64{row.Number}})
			}
		}
		return list, err
	}
	w.keeper = New(w.options)
	w.keeper.Start()
	t.Cleanup(w.keeper.Stop)
	if count, err := w.keeper.ToErase(ctx, person); count != 1 || err != nil {
		t.Fatalf("%d, %v", count, err)
	}
	if _, err := w.keeper.Erase(ctx, "eva", person, "case 7", 0); !fault.Has(err, fault.EraseCount) {
		t.Fatalf("another count: %v", err)
	}
	e, err := w.keeper.Erase(ctx, "eva", person, "case 7", 1)
	if err != nil || e.Ended == 0 {
		t.Fatalf("%+v, %v", e, err)
	}
	rows, err := w.Store.Asides(ctx, "s", 0, 10, true)
	if err != nil || len(rows) != 1 || string(rows[0].Message) != "other" {
		t.Errorf("left are %+v, %v", rows, err)
	}
	if count, err := w.keeper.ToErase(ctx, person); count != 0 || err != nil {
		t.Errorf("%d are left, %v", count, err)
	}
}
