package client_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/varselhub/varsel/client"
)

const oneThing = `<DatafordelerDataDelivery><Data><DataEntity><Action>Create</Action><CreateEvent>NoEvent</CreateEvent><Thing><id>%d</id><status>s</status>` +
	`<registreringFra>2026-01-01T00:00:00Z</registreringFra><virkningFra>2026-01-01T00:00:00Z</virkningFra></Thing></DataEntity>`

// registers goes through what a register does: it is set up, delivers, breaks off, goes on or gives up, and is asked.
func (w *world) registers(ctx context.Context) {
	w.t.Helper()
	_, _, err := w.PutSource(ctx, client.Source{Name: "dagi", URI: "urn:dagi", Title: "DAGI", Types: []string{"*"}}, "")
	w.must(err)
	made, tag, err := w.PutRegister(ctx, client.Register{Name: "dagi", Title: "DAGI", Source: "dagi", Zone: "Etc/UTC", Types: []client.EntityType{{
		Name: "Thing", Row: "id", Object: []string{"id"}, Columns: []client.RegisterColumn{{Name: "id", Type: "integer", Required: true}},
	}}}, "")
	w.must(err)
	w.whole(made)
	read, same, err := w.Register(ctx, "dagi")
	w.must(err)
	if same != tag || read.Title != "DAGI" {
		w.t.Errorf("%+v %s", read, same)
	}
	list, err := w.Registers(ctx)
	w.must(err)
	w.whole(map[string]any{"items": list})

	whole := fmt.Sprintf(oneThing, 1) + "</Data></DatafordelerDataDelivery>"
	d, err := w.Deliver(ctx, "dagi", "1", strings.NewReader(whole))
	w.must(err)
	w.whole(d)
	if d.Rows != 1 || d.State != "published" || d.Ended.IsZero() {
		w.t.Errorf("%+v", d)
	}
	if _, err := w.Deliver(ctx, "dagi", "2", strings.NewReader(strings.ReplaceAll(whole, "<id>1<", "<id>one<"))); !client.Has(err, client.CodeInvalidDocument) || !strings.Contains(err.Error(), "line 1") {
		w.t.Errorf("%v", err)
	}
	if d, err = w.Delivery(ctx, "dagi", "2"); err != nil || d.State != "refused" || d.Reason == "" {
		w.t.Errorf("%+v %v", d, err)
	}
	if err := w.DropDelivery(ctx, "dagi", "2"); !client.Has(err, client.CodeConflict) {
		w.t.Errorf("%v", err)
	}
	deliveries, err := w.Deliveries(ctx, "dagi")
	w.must(err)
	w.whole(map[string]any{"items": deliveries})
	if len(deliveries) != 2 || deliveries[0].State != "refused" || deliveries[0].Reason == "" {
		w.t.Errorf("%+v", deliveries)
	}
	for _, at := range []client.AsOf{{}, {Object: []string{"1"}, History: true}} {
		var rows []map[string]string
		for row, err := range w.Rows(ctx, "dagi", "Thing", at) {
			w.must(err)
			var one map[string]string
			w.must(json.Unmarshal(row, &one))
			rows = append(rows, one)
		}
		if len(rows) != 1 || rows[0]["id"] != "1" {
			w.t.Errorf("%v", rows)
		}
	}
	if err := w.registerEvents(ctx); err != nil {
		w.t.Error(err)
	}
}

// registerEvents has the register tell of a thing, and lists what it has told.
func (w *world) registerEvents(ctx context.Context) error {
	_, _, err := w.PutEventType(ctx, client.EventType{Name: "ThingCreate", Title: "Thing", Order: "none"}, "")
	w.must(err)
	_, _, err = w.PutVersion(ctx, client.Version{Type: "ThingCreate", Version: "v1", State: "active", Sample: []byte(`{"id":"1"}`)}, "")
	w.must(err)
	told := strings.ReplaceAll(fmt.Sprintf(oneThing, 7), "NoEvent", "CreateEvent") + "</Data></DatafordelerDataDelivery>"
	d, err := w.Deliver(ctx, "dagi", "7", strings.NewReader(told))
	for ; err == nil && d.State != "published"; d, err = w.Delivery(ctx, "dagi", d.ID) {
	}
	w.must(err)
	count := 0
	for e, err := range w.RegisterEvents(ctx, "dagi", client.RegisterEventQuery{Type: "Thing", SRS: 4326}) {
		w.must(err)
		if count++; e.Action != "create" || e.Object["id"] != "7" || e.Type != "ThingCreate" || e.Recorded.IsZero() {
			w.t.Errorf("%+v", e)
		}
	}
	if count != 1 {
		w.t.Errorf("%d events", count)
	}
	for range w.RegisterEvents(ctx, "dagi", client.RegisterEventQuery{Within: [4]float64{8, 54, 13, 58}, Since: 1}) {
		w.t.Error("what lies nowhere lies there")
	}
	for _, err := range w.RegisterEvents(ctx, "none", client.RegisterEventQuery{}) {
		if !client.Has(err, client.CodeNotFound) {
			return fmt.Errorf("of no register: %w", err)
		}
	}
	return nil
}
