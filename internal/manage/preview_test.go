package manage_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/filter"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

// buildings is a world with a register's type beside the others, and a system that may have it.
func buildings(t *testing.T) *managetest.World {
	t.Helper()
	w := managetest.New(t)
	w.Seed()
	ctx, by := context.Background(), manage.By{Author: "test"}
	_, err := w.Manager.PutType(ctx, event.Type{Name: "BygningUpdate", Title: "Bygning", Order: event.OrderNone}, by)
	w.Must(err)
	_, err = w.Manager.PutVersion(ctx, event.Version{
		Type: "BygningUpdate", Version: "v1", State: event.StateActive, Sample: json.RawMessage(`{"id":"b","at":"2024-05-01T10:00:00Z","felter":"x"}`),
		Mapping: event.Mapping{Fields: map[string]string{
			"besked.objektID": "Load(id)", "besked.objekttype": "Constant(Bygning)", "besked.registreringstid": "Load(at)",
			"besked.sikkerhedsklassificering": "Constant(x)", "besked.objekthandling": "Load(felter)",
		}},
	}, by)
	w.Must(err)
	w.System("map", profile.Datafordeler)
	return w
}

func parsed(t *testing.T, text string) *filter.Filter {
	t.Helper()
	f, err := filter.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// F17: "this filter would have matched 37 of the last 1,000".
func TestF17PreviewOfAFilter(t *testing.T) {
	t.Parallel()
	w := buildings(t)
	for i := range 40 {
		fields := "status"
		if i%4 == 0 {
			fields = "geometri;status"
		}
		w.PublishData("BygningUpdate", fmt.Sprintf(`{"id":"b-%d","at":"2024-05-01T10:00:00Z","felter":"%s"}`, i, fields))
	}
	w.Publish("cv", event.Organisation{}, 3)
	f := `{"field":"objekthandling","contains":"geometri"}`
	for _, c := range []struct {
		types           []string
		last            int
		looked, matched int
	}{
		{nil, 0, 43, 10}, {[]string{"BygningUpdate"}, 0, 40, 10}, {[]string{"BygningUpdate"}, 8, 8, 2}, {[]string{"cv"}, 1000, 3, 0},
	} {
		got, err := w.Manager.PreviewFilter(context.Background(), "map", manage.Asked{Filter: parsed(t, f), Types: c.types, Last: c.last}, "test")
		if err != nil {
			t.Fatal(err)
		}
		if got.Looked != c.looked || got.Matched != c.matched || len(got.Examples) != c.matched {
			t.Errorf("%v of the last %d: %+v, want %d of %d", c.types, c.last, got, c.matched, c.looked)
		}
		for i, e := range got.Examples {
			if e.Type != "BygningUpdate" || i > 0 && e.Position >= got.Examples[i-1].Position {
				t.Errorf("examples: %+v", got.Examples)
			}
		}
	}
	_, err := w.Manager.PutSource(context.Background(), event.Source{Name: "silent", URI: "urn:test:silent", Title: "Silent"}, manage.By{Author: "test"})
	w.Must(err)
	agreement := managetest.Agreement("map", profile.Datafordeler)
	agreement.Agreement.Sources = []string{"silent"}
	_, err = w.Manager.PutSystem(context.Background(), agreement, manage.By{Author: "test", Condition: manage.Condition{Present: true}})
	w.Must(err)
	got, err := w.Manager.PreviewFilter(context.Background(), "map", manage.Asked{Filter: parsed(t, f)}, "test")
	if err != nil || got.Looked != 0 || got.Matched != 0 {
		t.Errorf("without a grant: %+v, %v; DESIGN promise 8", got, err)
	}
}

func TestF17WhatAPreviewRefuses(t *testing.T) {
	t.Parallel()
	w := buildings(t)
	for _, c := range []struct {
		asked manage.Asked
		want  string
	}{
		{manage.Asked{}, "/filter required"},
		{manage.Asked{Filter: parsed(t, `{"field":"status","equals":"6"}`), Last: 1001, Types: []string{"none"}}, "/last range; /types/0 exists"},
		{manage.Asked{Filter: parsed(t, `{"place":{"within":{"municipality":"0706"}}}`)}, "/filter/place/within/municipality exists"},
	} {
		_, err := w.Manager.PreviewFilter(context.Background(), "map", c.asked, "test")
		if got := rules(err); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
	if _, err := w.Manager.PreviewFilter(context.Background(), "nobody", manage.Asked{Filter: parsed(t, `{"field":"status","equals":"6"}`)}, "test"); !fault.Has(err, fault.NotFound) {
		t.Errorf("%v", err)
	}
}

func rules(err error) string {
	var list []string
	for _, v := range fault.Of(err).Violations {
		list = append(list, v.Pointer+" "+v.Rule)
	}
	return strings.Join(list, "; ")
}

// F17, DESIGN promise 9: a municipality's outline is resolved when the filter is saved, and stays when the register's moves.
func TestF17FiltersAreSavedWithTheirShapes(t *testing.T) {
	t.Parallel()
	w := buildings(t)
	shape := "POLYGON((549000 6199000,551000 6199000,551000 6201000,549000 6199000))"
	w.Municipality = func(code string) (string, bool) { return shape, code == "0706" }
	put := func(system, condition string) error {
		s := subscription.Subscription{Name: "here", Types: []string{"BygningUpdate"}, Channel: subscription.Cursor, Filter: parsed(t, condition)}
		_, err := w.Manager.PutSubscriptions(context.Background(), system, []subscription.Subscription{s}, manage.SetOptions{By: manage.By{Author: "test", Condition: manage.Condition{Present: true}}})
		return err
	}
	w.Must(put("map", `{"any":[{"place":{"within":{"municipality":"0706"}}},{"field":"status","equals":"6"}]}`))
	saved, before := w.Book.Subscriptions("map")
	if got := saved[0].Filter.Any[0].Place.Within; got.WKT != shape || got.Municipality != "0706" {
		t.Errorf("saved: %+v", got)
	}
	repeated, err := json.Marshal(saved[0].Filter)
	w.Must(err)
	shape = "POLYGON((0 0,1 0,1 1,0 0))"
	w.Must(put("map", string(repeated)))
	if _, after := w.Book.Subscriptions("map"); after != before {
		t.Error("what is put back as it was read is a change")
	}
	if got := rules(put("map", `{"place":{"within":{"municipality":"0999"}}}`)); got != "/items/0/filter/place/within/municipality exists" {
		t.Errorf("a municipality that is not there: %s", got)
	}
	w.System("other", profile.Standard)
	if got := rules(put("other", `{"field":"status","equals":"6"}`)); got != "/items/0/filter profile" {
		t.Errorf("in another profile: %s", got)
	}
}

// DESIGN promise 10: what a filter looked at is gone with the event, and "where is it?" still tells who was sent it.
func TestWhereAForgottenEventWentThatAFilterChose(t *testing.T) {
	t.Parallel()
	w := buildings(t)
	ctx := context.Background()
	ids := w.Subscribe("map",
		subscription.Subscription{Name: "geometry", Types: []string{"BygningUpdate"}, Path: "/a", Filter: parsed(t, `{"field":"objekthandling","contains":"geometri"}`)},
		subscription.Subscription{Name: "status", Types: []string{"BygningUpdate"}, Path: "/b", Filter: parsed(t, `{"field":"objekthandling","contains":"status"}`)})
	for _, id := range ids {
		_, err := w.Manager.Test(ctx, id, "test")
		w.Must(err)
	}
	w.PublishData("BygningUpdate", `{"id":"b-1","at":"2024-05-01T10:00:00Z","felter":"geometri"}`)
	position := w.Log.Head()
	where := func() (text string) {
		list, err := w.Engine.Where(ctx, position)
		w.Must(err)
		for _, at := range list {
			text += at.Name + " " + at.State + " "
		}
		return text
	}
	w.Until("it is delivered", func() bool { return where() == "geometry delivered " })
	w.Must(w.Store.Erase(ctx, []int64{position}, func(int) {}))
	w.Log.Forget(func(*event.Event) bool { return true })
	if e, err := w.Log.At(ctx, position); err != nil || !e.Forgotten {
		t.Fatalf("it is not forgotten: %+v, %v", e, err)
	}
	if got := where(); got != "geometry delivered " {
		t.Errorf("once it is forgotten: %q", got)
	}
}
