package storetest

import (
	"fmt"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
)

func receiptOf(system string, message byte, objects ...string) eventlog.Receipt {
	return eventlog.Receipt{System: system, Message: ident.UUID{message}, Position: int64(message), Type: "t", Objects: objects, Text: "thanks"}
}

func receipts(t *testing.T, s Store, q eventlog.ReceiptQuery) string {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	list, err := s.Receipts(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, r := range list {
		text += fmt.Sprintf("%s/%d@%d%v ", r.System, r.Message[0], r.At/micro, r.Objects)
	}
	return text
}

const micro = 1_000_000

func receive(t *testing.T, s Store, second int64, list ...eventlog.Receipt) *eventlog.Request {
	t.Helper()
	r := &eventlog.Request{Receipts: list}
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{r}, Now: second * micro})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return r
}

// F41, F42: a receipt is kept with what it is about; the second of a message is the first.
func receiptsAreKept(t *testing.T, w *world) {
	s := w.open(t)
	receive(t, s, 10, receiptOf("map", 1, person, "b-1"), receiptOf("cpr", 1))
	receive(t, s, 20, receiptOf("map", 2))
	again := receive(t, s, 30, receiptOf("map", 1, "other"), receiptOf("map", 3, "x"))
	if first := again.Receipts[0]; first.At != 10*micro || len(first.Objects) != 2 || first.Objects[0] != person || first.Text != "thanks" || first.Position != 1 {
		t.Errorf("the second receipt of a message became %+v", first)
	}
	for name, c := range map[string]struct {
		q    eventlog.ReceiptQuery
		want string
	}{
		"all":          {eventlog.ReceiptQuery{}, "map/3@30[x] map/2@20[] cpr/1@10[] map/1@10[" + person + " b-1] "},
		"of a system":  {eventlog.ReceiptQuery{System: "cpr"}, "cpr/1@10[] "},
		"of a message": {eventlog.ReceiptQuery{Message: ident.UUID{1}}, "cpr/1@10[] map/1@10[" + person + " b-1] "},
		"of both":      {eventlog.ReceiptQuery{Message: ident.UUID{1}, System: "cpr"}, "cpr/1@10[] "},
		"of a time":    {eventlog.ReceiptQuery{From: 20 * micro, To: 30 * micro}, "map/2@20[] "},
		"a page":       {eventlog.ReceiptQuery{Limit: 2}, "map/3@30[x] map/2@20[] "},
		"the next":     {eventlog.ReceiptQuery{Limit: 2, After: &eventlog.Receipt{At: 20 * micro, System: "map", Message: ident.UUID{2}}}, "cpr/1@10[] map/1@10[" + person + " b-1] "},
		"within one":   {eventlog.ReceiptQuery{After: &eventlog.Receipt{At: 10 * micro, System: "cpr", Message: ident.UUID{1}}}, "map/1@10[" + person + " b-1] "},
	} {
		if got := receipts(t, s, c.q); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// F42: after 30 days a receipt is gone, as everything of its class is; the message it was for went before.
func receiptsAreForgotten(t *testing.T, w *world) {
	s := w.open(t)
	const day = event.MicrosPerDay / micro
	receive(t, s, 5, receiptOf("map", 1, person))
	receive(t, s, day+5, receiptOf("map", 2, person))
	if keys, err := s.Forget(t.Context(), "P1D", 0); keys != 0 || err != nil {
		t.Fatal(keys, err)
	}
	if kept, err := s.Kept(t.Context()); err != nil || len(kept) != 2 || kept[0] != (eventlog.Class{Retention: eventlog.ReceiptRetention}) {
		t.Fatalf("kept: %v, %v", kept, err)
	}
	if keys, err := s.Forget(t.Context(), eventlog.ReceiptRetention, 0); keys != 1 || err != nil {
		t.Fatal(keys, err)
	}
	if got, want := receipts(t, s, eventlog.ReceiptQuery{}), fmt.Sprintf("map/2@%d[%s] ", day+5, person); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if again := receive(t, s, day+6, receiptOf("map", 1)); again.Receipts[0].At != (day+6)*micro {
		t.Errorf("a forgotten one is still known: %+v", again.Receipts)
	}
}

// Promise 11: a person's erasure takes what receipts for the events say of whom they are about.
func receiptsAreErased(t *testing.T, w *world) {
	s := w.open(t)
	commitAll(t, s, &eventlog.Request{Entries: []eventlog.Entry{fresh("a", "about "+person, 1)}})
	receive(t, s, 5, receiptOf("map", 1, person), receiptOf("map", 2, "another"))
	if err := s.Erase(t.Context(), []int64{1}, func(int) {}); err != nil {
		t.Fatal(err)
	}
	if got := receipts(t, s, eventlog.ReceiptQuery{}); got != "map/1@5[] map/2@5[another] " {
		t.Errorf("after the erasure: %s", got)
	}
	if list, err := s.Receipts(t.Context(), eventlog.ReceiptQuery{Message: ident.UUID{1}}); err != nil || !list[0].Erased {
		t.Errorf("%+v, %v", list, err)
	}
	if keys, err := s.Forget(t.Context(), eventlog.ReceiptRetention, 0); keys == 0 || err != nil {
		t.Fatal(keys, err)
	}
	if got := receipts(t, s, eventlog.ReceiptQuery{}); got != "" {
		t.Errorf("after its time: %s", got)
	}
}
