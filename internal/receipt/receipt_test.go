package receipt_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/receipt"
	"github.com/varselhub/varsel/internal/subscription"
)

// person stands for a personal value.
const person = "0101701234"

// world is a hub with a type that requires receipts, and one that does not.
type world struct {
	*managetest.World
	desk *receipt.Desk
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{World: managetest.New(t)}
	w.Seed()
	for name, handling := range map[string]string{"EjerskabUpdate": "Constant(Kvittering)", "SagUpdate": ""} {
		fields := map[string]string{
			"besked.objektID": "Load(id)", "besked.objekttype": "Constant(Ejerskab)", "besked.registreringstid": "Load(at)", "besked.sikkerhedsklassificering": "Constant(x)",
		}
		if handling != "" {
			fields["besked.handling"] = handling
		}
		ctx, by := context.Background(), manage.By{Author: "test"}
		_, err := w.Manager.PutType(ctx, event.Type{Name: name, Title: name, Order: event.OrderNone, Retention: "P1D"}, by)
		w.Must(err)
		_, err = w.Manager.PutVersion(ctx, event.Version{
			Type: name, Version: "v1", State: event.StateActive, Sample: json.RawMessage(`{"id":"x","at":"2026-03-01T12:00:00Z"}`), Mapping: event.Mapping{Fields: fields},
		}, by)
		w.Must(err)
	}
	w.desk = receipt.New(receipt.Options{Log: w.Log, Store: w.Store, Book: w.Book, Clock: w.Clock, Patience: 6 * time.Hour, Positions: w.positions})
	return w
}

// positions goes through the whole log.
func (w *world) positions(ctx context.Context, id ident.UUID) (found []int64, err error) {
	for position := int64(1); position <= w.Log.Head(); position++ {
		if e, err := w.Log.At(ctx, position); err == nil && e.ID == id {
			found = append(found, position)
		}
	}
	return found, nil
}

// subscribe makes a system that is sent events, or fetches them.
func (w *world) subscribe(system string, channel subscription.Channel, types ...string) {
	w.T.Helper()
	if s, _ := w.Book.System(system); s == nil {
		w.System(system, profile.Standard)
	}
	s := subscription.Subscription{Name: "all", Types: types, Channel: channel}
	if channel == subscription.Webhook {
		s.Path = "/all"
	}
	w.Subscribe(system, s)
}

// publish publishes one event and waits until it is delivered to so many.
func (w *world) publish(typeName, id string, deliveries int) *event.Event {
	w.T.Helper()
	w.PublishData(typeName, fmt.Sprintf(`{"id":%q,"at":"2026-03-01T12:00:00Z"}`, id))
	position := w.Log.Head()
	w.Until("it is delivered", func() bool {
		rows, err := w.Store.AttemptsAt(context.Background(), position)
		w.Must(err)
		return len(rows) >= deliveries
	})
	e, err := w.Log.At(context.Background(), position)
	w.Must(err)
	return e
}

func every(string) bool { return true }

func only(name string) func(string) bool { return func(system string) bool { return system == name } }

func (w *world) take(system string, e *event.Event, text string) (eventlog.Receipt, error) {
	list, err := w.desk.Take(context.Background(), "", only(system), []ident.UUID{e.ID}, text)
	if err != nil {
		return eventlog.Receipt{}, err
	}
	return list[0], nil
}

func (w *world) count(q eventlog.ReceiptQuery) int {
	w.T.Helper()
	q.Limit = 100
	list, err := w.desk.List(context.Background(), q)
	w.Must(err)
	return len(list)
}

// F41, F42 and the vector "Receipts": stored with BeskedID and objektID, the second is the first, found after the
// message is gone, and gone itself on day 31.
func TestF42ReceiptsOutlastTheirMessages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.subscribe("bank", subscription.Webhook, "EjerskabUpdate")
	e := w.publish("EjerskabUpdate", person, 1)
	first, err := w.take("bank", e, "noted")
	if err != nil || first.System != "bank" || first.Message != e.ID || first.Position != e.Position || fmt.Sprint(first.Objects) != "["+person+"]" {
		t.Fatalf("%+v, %v", first, err)
	}
	w.Clock.Advance(time.Hour)
	again, err := w.take("bank", e, "noted once more")
	if err != nil || again.At != first.At || again.Text != "noted" {
		t.Errorf("the second is %+v, %v; want the first, %+v", again, err, first)
	}
	ctx := context.Background()
	if _, err := w.Store.Forget(ctx, "P1D", event.Day(e.Recorded)); err != nil {
		t.Fatal(err)
	}
	w.Log.Forget(func(*event.Event) bool { return true })
	if gone, err := w.Log.At(ctx, e.Position); err != nil || !gone.Forgotten {
		t.Fatalf("the message is still there: %+v, %v", gone, err)
	}
	if again, err = w.take("bank", e, ""); err != nil || again.At != first.At || fmt.Sprint(again.Objects) != "["+person+"]" {
		t.Errorf("after its message was forgotten: %+v, %v", again, err)
	}
	w.Clock.Advance(30*24*time.Hour - 2*time.Hour)
	if w.count(eventlog.ReceiptQuery{Message: e.ID}) != 1 || w.count(eventlog.ReceiptQuery{System: "bank"}) != 1 {
		t.Error("on day 30 it is gone")
	}
	w.Clock.Advance(2 * time.Hour)
	if w.count(eventlog.ReceiptQuery{Message: e.ID}) != 0 || w.count(eventlog.ReceiptQuery{}) != 0 {
		t.Error("on day 31 it is still there")
	}
	kept, err := w.Store.Kept(ctx)
	w.Must(err)
	if len(kept) != 1 || kept[0].Retention != eventlog.ReceiptRetention || !kept[0].Retention.Over(managetest.Epoch, w.Clock.Now()) {
		t.Errorf("the store is to forget %v", kept)
	}
}

// Requirements 4c, 9: an unknown id, and one that was not delivered to that system, are not found; and nothing of a request
// is kept of which one is not.
func TestF41ReceiptsForWhatWasDelivered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.subscribe("bank", subscription.Webhook, "EjerskabUpdate")
	w.subscribe("pension", subscription.Webhook, "SagUpdate")
	w.subscribe("reader", subscription.Cursor, "EjerskabUpdate")
	e := w.publish("EjerskabUpdate", "e-1", 1)
	other := w.publish("SagUpdate", "s-1", 1)
	if _, err := w.take("pension", e, ""); !fault.Has(err, fault.NotFound) {
		t.Errorf("not delivered to it: %v", err)
	}
	if _, err := w.desk.Take(context.Background(), "", only("bank"), []ident.UUID{e.ID, ident.New()}, ""); !fault.Has(err, fault.NotFound) {
		t.Errorf("there never was one: %v", err)
	}
	if n := w.count(eventlog.ReceiptQuery{}); n != 0 {
		t.Errorf("%d receipts of a request that was refused", n)
	}
	w.System("windows", profile.Datafordeler)
	w.Subscribe("windows", subscription.Subscription{Name: "pull", Types: []string{"EjerskabUpdate"}, Channel: subscription.Window})
	if _, err := w.take("windows", e, ""); !fault.Has(err, fault.NotFound) {
		t.Errorf("from before it subscribed: %v", err)
	}
	if r, err := w.take("windows", w.publish("EjerskabUpdate", "e-3", 1), ""); err != nil || r.System != "windows" {
		t.Errorf("what is fetched by window: %+v, %v", r, err)
	}
	if r, err := w.take("reader", e, ""); err != nil || r.System != "reader" {
		t.Errorf("what is fetched by cursor: %+v, %v", r, err)
	}
	if _, err := w.desk.Take(context.Background(), "", every, []ident.UUID{other.ID, other.ID}, ""); err != nil {
		t.Errorf("the same twice: %v", err)
	}
	w.subscribe("bank", subscription.Webhook, "EjerskabUpdate", "SagUpdate")
	both := w.publish("SagUpdate", "s-2", 2)
	if _, err := w.desk.Take(context.Background(), "", every, []ident.UUID{both.ID}, ""); !fault.Has(err, fault.InvalidDocument) {
		t.Errorf("whose receipt is it? %v", err)
	}
	list, err := w.desk.Take(context.Background(), "bank", every, []ident.UUID{both.ID}, "")
	if err != nil || list[0].System != "bank" {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := w.take("pension", both, ""); err != nil {
		t.Errorf("another system's of the same message: %v", err)
	}
	if n := w.count(eventlog.ReceiptQuery{Message: both.ID}); n != 2 {
		t.Errorf("%d receipts, want one of each system", n)
	}
}

// F40: a receipt is required for every delivery of a type whose Handling is Kvittering; without one it is overdue, and
// nothing waits for it.
func TestF40OverdueReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.subscribe("bank", subscription.Webhook, "EjerskabUpdate", "SagUpdate")
	w.subscribe("map", subscription.Webhook, "EjerskabUpdate")
	first := w.publish("EjerskabUpdate", "e-1", 2)
	w.publish("SagUpdate", "s-1", 1)
	second := w.publish("EjerskabUpdate", "e-2", 2)
	_, err := w.take("bank", first, "")
	w.Must(err)
	overdue := func(acts func(string) bool, limit int) (text string) {
		t.Helper()
		for after, more := int64(0), true; more; {
			var list []receipt.Overdue
			list, after, more, err = w.desk.Overdue(context.Background(), acts, after, limit)
			w.Must(err)
			for _, o := range list {
				if o.Since != o.Delivered+(6*time.Hour).Microseconds() {
					t.Errorf("%+v", o)
				}
				text += fmt.Sprintf("%s/%d ", o.System, o.Position-first.Position)
			}
		}
		return text
	}
	w.Clock.Advance(6*time.Hour - time.Second)
	if got := overdue(every, 100); got != "" {
		t.Errorf("before their time: %s", got)
	}
	w.Clock.Advance(2 * time.Second)
	gap := second.Position - first.Position
	for _, limit := range []int{100, 1} {
		got := overdue(every, limit)
		if a, b := fmt.Sprintf("map/0 bank/%d map/%d ", gap, gap), fmt.Sprintf("map/0 map/%d bank/%d ", gap, gap); got != a && got != b {
			t.Errorf("in pages of %d: %s, want %s", limit, got, a)
		}
	}
	if got := overdue(only("bank"), 100); got != fmt.Sprintf("bank/%d ", gap) {
		t.Errorf("one's own: %s", got)
	}
	_, err = w.take("map", second, "")
	w.Must(err)
	w.Clock.Advance(31 * 24 * time.Hour)
	if got := overdue(every, 100); got != "" {
		t.Errorf("for ever: %s", got)
	}
}

// What a receipt is about is told on record.
func TestReceiptsAreRevealedOnRecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.subscribe("bank", subscription.Webhook, "EjerskabUpdate")
	e := w.publish("EjerskabUpdate", "e-1", 1)
	_, err := w.take("bank", e, "noted")
	w.Must(err)
	if _, err := w.desk.Reveal(context.Background(), "eva", only("map"), e.ID, "case 7"); !fault.Has(err, fault.NotFound) {
		t.Errorf("another's: %v", err)
	}
	list, err := w.desk.Reveal(context.Background(), "eva", only("bank"), e.ID, "case 7")
	if err != nil || len(list) != 1 || list[0].Text != "noted" || list[0].Objects[0] != "e-1" {
		t.Errorf("%+v, %v", list, err)
	}
}

// The time that a receiver has begins with the delivery, however old the message is by then.
func TestF40LateDeliveriesHaveTheirTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.subscribe("bank", subscription.Webhook, "EjerskabUpdate")
	w.Answer(500)
	e := w.publish("EjerskabUpdate", "e-1", 1)
	w.Answer(204)
	delivered := func() bool {
		rows, err := w.Store.AttemptsAt(context.Background(), e.Position)
		w.Must(err)
		return rows[len(rows)-1].Outcome == eventlog.Done
	}
	w.Clock.Advance(5 * time.Hour)
	w.Until("it is delivered", delivered)
	for advance, want := range []int{0, 1} {
		w.Clock.Advance(2*time.Hour + time.Duration(advance)*3*time.Hour)
		list, _, _, err := w.desk.Overdue(context.Background(), every, 0, 100)
		w.Must(err)
		if len(list) != want {
			t.Errorf("%d hours after its delivery: %+v", 2+advance*5, list)
		}
	}
}
