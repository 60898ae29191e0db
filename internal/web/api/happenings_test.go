package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/register"
)

// parcels is a register whose deliveries make events, one of which lies nowhere and one where nothing can be converted from.
func (w *world) parcels(personal ...string) {
	w.T.Helper()
	ctx, by := w.T.Context(), manage.By{Author: "test"}
	for _, kind := range register.EventKinds {
		name := (&register.EntityType{Name: "Parcel"}).EventType(kind)
		_, err := w.Manager.PutType(ctx, event.Type{Name: name, Title: name, Order: event.OrderKey, Personal: len(personal) > 0, Retention: "P60D"}, by)
		w.Must(err)
		_, err = w.Manager.PutVersion(ctx, event.Version{
			Type: name, Version: "v1", State: event.StateActive, Sample: []byte(`{"id":"1","owner":"2"}`),
			Mapping: event.Mapping{Fields: map[string]string{"key": "/id"}, Personal: personal},
		}, by)
		w.Must(err)
	}
	_, err := w.Manager.PutSource(ctx, event.Source{Name: "parcels", URI: "urn:parcels", Title: "Parcels", Types: []string{"*"}}, by)
	w.Must(err)
	_, err = w.Manager.PutRegister(ctx, register.Register{Name: "parcels", Source: "parcels", Types: []register.EntityType{{
		Name: "Parcel", Row: "row", Object: []string{"id"}, Columns: []register.Column{
			{Name: "row", Required: true}, {Name: "id", Required: true}, {Name: "navn"}, {Name: "owner"}, {Name: "geometri", Type: register.Geometry}, {Name: "feltliste", EventOnly: true},
		},
	}}}, by)
	w.Must(err)
	depositor := w.options.Registers.(*deposit.Depositor)
	depositor.Start()
	w.T.(*testing.T).Cleanup(depositor.Stop)
	var text strings.Builder
	for i, p := range []struct{ event, id, name, place, fields string }{
		{"CreateEvent", "1", "Hav", "POINT(724181 6175433)", ""},
		{"UpdateEvent", "2", "", "MULTIPOLYGON(((588000 6138000,589000 6138000,589000 6139000,588000 6138000)))", "geometri, navn"},
		{"NoEvent", "3", "Tavs", "POINT(1 2)", ""},
		{"UpdateEvent", "4", "Stedløs", "", "navn"},
		{"DeleteEvent", "5", "Langt borte", "SRID=4326;POINT(-120 10)", ""},
	} {
		fmt.Fprintf(&text, `<DataEntity><Action>Create</Action><CreateEvent>%s</CreateEvent><Parcel><row>%d</row><id>%s</id><navn>%s</navn><owner>0000000007</owner><geometri>%s</geometri><feltliste>%s</feltliste>`+
			`<status>s</status><registreringFra>2026-01-0%[2]dT00:00:00Z</registreringFra><virkningFra>2020-01-01T00:00:00Z</virkningFra></Parcel></DataEntity>`, p.event, i+1, p.id, p.name, p.place, p.fields)
	}
	w.ok(201, w.call("POST", "/registers/parcels/deliveries?id=1", `<DatafordelerDataDelivery><Data>`+text.String()+`</Data></DatafordelerDataDelivery>`, kindOf, "application/xml"))
	w.Until("its events are in the log", func() bool {
		d, err := w.options.Registers.Delivery(ctx, "parcels", "1")
		return err == nil && d.State == register.Published
	})
}

// F39: the recent events of a register with where their objects are, as they go over the wire.
func TestF39TheEventsOfARegister(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.parcels()
	w.halls() // another register's events, and events of no register, are not among them
	w.Publish("cv", event.Organisation{}, 3)
	first := int(w.ok(200, w.call("GET", "/registers/parcels/events", "")).items()[3]["position"].(float64))
	for name, query := range map[string]string{"events.json": "", "events-4326.json": "?srs=4326", "events.geojson": "?format=geojson"} {
		a := w.ok(200, w.call("GET", "/registers/parcels/events"+query, ""))
		kind := "application/json"
		if strings.HasSuffix(name, ".geojson") {
			kind = "application/geo+json"
		}
		if got := a.header.Get("Content-Type"); got != kind {
			t.Errorf("%s: %s", name, got)
		}
		text := strings.ReplaceAll(a.text, fmt.Sprintf(`"upTo":%d`, w.Log.Head()), `"upTo":110`)
		for i := range 4 { // revisions that others add to the world move the positions
			text = strings.ReplaceAll(text, fmt.Sprintf(`"position":%d`, first+i), fmt.Sprintf(`"position":%d`, 101+i))
			text = strings.ReplaceAll(text, fmt.Sprintf(`"id":%d`, first+i), fmt.Sprintf(`"id":%d`, 101+i))
		}
		golden(t, name, text)
	}
}

func golden(t *testing.T, name, text string) {
	t.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(text), "", "  "); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if flag.Lookup("update").Value.String() == "true" { // of describe_test.go
		if err := os.WriteFile(path, pretty.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(want, pretty.Bytes()) {
		t.Errorf("%s is not what is answered (%v):\n%s", path, err, pretty.String())
	}
}

// What is asked for, page by page, and what is refused.
func TestF39WhichEventsOfARegister(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.parcels()
	objects := func(query string) string {
		var got []string
		for _, item := range w.ok(200, w.call("GET", "/registers/parcels/events"+query, "")).items() {
			got = append(got, item["object"].(map[string]any)["id"].(string))
		}
		return strings.Join(got, " ")
	}
	newest := w.ok(200, w.call("GET", "/registers/parcels/events?limit=1", "")).items()[0]["position"].(float64)
	for query, want := range map[string]string{
		"": "5 4 2 1", "?type=Parcel": "5 4 2 1", "?type=ParcelUpdate": "4 2", "?type=ParcelDelete": "5",
		"?bbox=12.5,55.6,12.6,55.7": "1", "?bbox=9,54,13,56": "2 1", "?bbox=-180,-90,180,90": "5 2 1", "?bbox=0,0,1,1": "", "?bbox=10.395,55.382,10.4,55.385": "2",
		fmt.Sprintf("?since=%d", int(newest)): "", fmt.Sprintf("?since=%d", int(newest)-2): "5 4",
	} {
		if got := objects(query); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	var paged []string
	for query, pages := "?limit=1", 0; ; pages++ {
		a := w.ok(200, w.call("GET", "/registers/parcels/events"+query, ""))
		for _, item := range a.items() {
			paged = append(paged, item["object"].(map[string]any)["id"].(string))
		}
		next, more := a.json["next"].(string)
		if !more || pages > 10 {
			break
		}
		query = "?limit=1&after=" + next
	}
	if got := strings.Join(paged, " "); got != "5 4 2 1" {
		t.Errorf("page by page it is %q", got)
	}
	for query, want := range map[string]string{
		"?type=Hall": "bad-request query:type enum", "?bbox=1,2,3": "bad-request query:bbox box", "?bbox=NaN,1,2,3": "bad-request query:bbox box", "?bbox=170,0,-170,10": "bad-request query:bbox box",
		"?bbox=0,0,1,91": "bad-request query:bbox box", "?limit=501": "bad-request query:limit range", "?since=-1": "bad-request query:since type", "?format=geojson&srs=25832": "bad-request query:srs geojson",
		"?after=x": "bad-request query:after cursor", "?object=1": "bad-request query:* unknown",
	} {
		if got := w.call("GET", "/registers/parcels/events"+query, "").problem(); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	if got := w.call("GET", "/registers/none/events", "").problem(); got != "not-found" {
		t.Errorf("no register: %s", got)
	}
}

// Of what names personal values nothing is told: not here, where no reason is asked for and nothing goes on record.
func TestF39NothingPersonalIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.parcels("/owner")
	for _, query := range []string{"", "?format=geojson"} {
		a := w.ok(200, w.call("GET", "/registers/parcels/events"+query, ""))
		for _, said := range []string{"0000000007", "Hav", "POINT", "navn", "object", `"coordinates"`} {
			if strings.Contains(a.text, said) {
				t.Errorf("%s tells %s: %s", query, said, a.text)
			}
		}
		if strings.Count(a.text, `"withheld":true`) != 4 {
			t.Errorf("%s: %s", query, a.text)
		}
	}
	if items := w.ok(200, w.call("GET", "/registers/parcels/events?bbox=-180,-90,180,90", "")).items(); len(items) != 0 {
		t.Errorf("where they are can be found out: %v", items)
	}
}
