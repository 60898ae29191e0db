package client_test

import (
	"context"
	"time"

	"github.com/varselhub/varsel/client"
)

// previews tries a filter on what the system could have had.
func (w *world) previews(ctx context.Context) {
	w.t.Helper()
	system, _, err := w.PutSystem(ctx, client.System{Name: "map", Agreement: client.Agreement{
		Profile: "datafordeler", BaseURL: "https://map.example", Sources: []string{"*"}, Contacts: client.Contacts{Technical: client.Contact{Email: "drift@map.example"}},
	}}, "")
	w.must(err)
	wanted := client.Filter{All: []client.Filter{
		{Field: "objekttype", Equals: "Bygning"}, {Place: &client.FilterPlace{Within: &client.FilterArea{WKT: "POLYGON((9 55,10 55,10 56,9 55))"}}},
	}}
	preview, err := w.PreviewFilter(ctx, system.Name, wanted, nil, 5)
	w.must(err)
	if preview.Looked == 0 || preview.Looked > 5 || preview.Matched != 0 || preview.To.IsZero() || preview.Examples == nil {
		w.t.Errorf("%+v", preview)
	}
	if _, err := w.PreviewFilter(ctx, system.Name, client.Filter{Field: "farve", Equals: "x"}, nil, 0); !client.Has(err, client.CodeInvalidDocument) {
		w.t.Errorf("%v", err)
	}
}

// confirms sends a receipt for what a reader could have fetched.
func (w *world) confirms(ctx context.Context) {
	w.t.Helper()
	set := []client.Subscription{{Name: "fetch", Types: []string{"permit.changed"}, Channel: client.Cursor}}
	_, _, err := w.PutSystem(ctx, client.System{Name: "registry", Agreement: client.Agreement{
		Profile: "standard", BaseURL: "https://registry.example", Sources: []string{"*"}, Contacts: client.Contacts{Technical: client.Contact{Email: "drift@registry.example"}},
	}}, "")
	w.must(err)
	_, err = w.PutSubscriptionSet(ctx, "registry", set, "", client.SetOptions{})
	w.must(err)
	_, err = w.Publish(ctx, permit("confirmed", "x"))
	w.must(err)
	found, err := w.Find(ctx, client.FindQuery{ID: "confirmed"})
	w.must(err)
	message := found.Items[0].MessageID
	for range 2 {
		taken, err := w.SendReceipts(ctx, "registry", []string{message}, "noted")
		w.must(err)
		if len(taken) != 1 || taken[0].System != "registry" || taken[0].BeskedID != message || taken[0].Received.IsZero() {
			w.t.Fatalf("%+v", taken)
		}
	}
	page, err := w.Receipts(ctx, client.ReceiptFilter{System: "registry", Message: message, From: time.Unix(1, 0), To: time.Now().Add(time.Hour), Limit: 5})
	if w.must(err); len(page.Items) != 1 || page.Items[0].Position != found.Items[0].Position {
		w.t.Errorf("%+v", page)
	}
	overdue, err := w.OverdueReceipts(ctx, "registry", "", 5)
	if w.must(err); len(overdue.Items) != 0 {
		w.t.Errorf("%+v", overdue)
	}
	shown, err := w.RevealReceipts(ctx, message, "case 7")
	if w.must(err); len(shown) != 1 || shown[0].Text != "noted" {
		w.t.Errorf("%+v", shown)
	}
	if _, err := w.SendReceipts(ctx, "", []string{"019b1f2e-0000-7000-8000-000000000000"}, ""); !client.Has(err, client.CodeNotFound) {
		w.t.Errorf("%v", err)
	}
}
