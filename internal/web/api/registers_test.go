package api_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/register"
)

const placedOf = `<DatafordelerDataDelivery><Data>
<DataEntity><Action>Create</Action><CreateEvent>NoEvent</CreateEvent><Hall><id>1</id><geometri>POINT (724181 6175433)</geometri><status>s</status>` +
	`<registreringFra>2020-01-01T00:00:00Z</registreringFra><virkningFra>2020-01-01T00:00:00Z</virkningFra></Hall></DataEntity>
<DataEntity><Action>Create</Action><CreateEvent>NoEvent</CreateEvent><Hall><id>2</id><status>s</status>` +
	`<registreringFra>2020-01-01T00:00:00Z</registreringFra><virkningFra>2020-01-01T00:00:00Z</virkningFra></Hall></DataEntity>
<DataEntity><Action>Update</Action><CreateEvent>NoEvent</CreateEvent><Hall><id>2</id><registreringTil>2021-01-01T00:00:00Z</registreringTil></Hall></DataEntity>
</Data></DatafordelerDataDelivery>`

// halls is a register of two rows: one that lies somewhere, and one that is known no more.
func (w *world) halls() {
	w.T.Helper()
	_, err := w.Manager.PutRegister(w.T.Context(), register.Register{Name: "halls", Source: "dfdg", Types: []register.EntityType{{
		Name: "Hall", Row: "id", Object: []string{"id"}, Columns: []register.Column{{Name: "id", Required: true}, {Name: "geometri", Type: register.Geometry}},
	}}}, manage.By{Author: "test"})
	w.Must(err)
	w.ok(201, w.call("POST", "/registers/halls/deliveries?id=1", placedOf, kindOf, "application/xml"))
}

// F44b: what a register knew at one time about another, and the history of one object.
func TestF44bRowsAsKnownThenAboutThen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.halls()
	for query, want := range map[string]string{
		"": "1", "?registreringstid=2020-06-01": "1 2", "?registreringstid=2019-06-01": "", "?virkningstid=2019-12-31T23:59:59Z": "",
		"?object=2": "", "?object=2&history=true": "2 to 2021-01-01T00:00:00.000000Z", "?object=1&history=true": "1",
		"?registreringstid=2020-12-31T23:59:59.999999Z": "1 2", "?registreringstid=2021-01-01T00:00:00Z": "1",
	} {
		var got []string
		for _, item := range w.ok(200, w.call("GET", "/registers/halls/Hall"+query, "")).items() {
			text := item["id"].(string)
			if to, ended := item["registreringTil"].(string); ended && strings.Contains(query, "history") {
				text += " to " + to
			}
			got = append(got, text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
	for query, want := range map[string]string{
		"?history=true":                       "bad-request query:history object",
		"?object=1&object=2":                  "bad-request query:object count",
		"?virkningstid=yesterday":             "bad-request query:virkningstid time",
		"?format=geojson&srs=25832":           "bad-request query:srs geojson",
		"?format=gml":                         "bad-request query:format enum",
		"?srs=3857":                           "bad-request query:srs enum",
		"?after=k" + strings.Repeat("A", 4):   "bad-request query:after cursor",
		"?registreringstid=1&virkningstid=2":  "bad-request query:registreringstid time; query:virkningstid time",
		"?personnummer=0101701234&limit=1000": "bad-request query:* unknown",
	} {
		if got := w.call("GET", "/registers/halls/Hall"+query, "").problem(); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	for _, path := range []string{"/registers/halls/Stall", "/registers/stalls/Hall"} {
		if got := w.call("GET", path, "").problem(); got != "not-found" {
			t.Errorf("%s: %s", path, got)
		}
	}
}

// Places are told as GeoJSON, and as WKT in both reference systems. København H lies at 12.565 E, 55.673 N.
func TestPlacesOfRows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.halls()
	var features struct {
		Type     string `json:"type"`
		Features []struct {
			Type     string `json:"type"`
			Geometry *struct {
				Type        string    `json:"type"`
				Coordinates []float64 `json:"coordinates"`
			} `json:"geometry"`
			Properties map[string]string `json:"properties"`
		} `json:"features"`
	}
	a := w.ok(200, w.call("GET", "/registers/halls/Hall?format=geojson&registreringstid=2020-06-01", ""))
	w.Must(json.Unmarshal([]byte(a.text), &features))
	if features.Type != "FeatureCollection" || len(features.Features) != 2 || features.Features[1].Geometry != nil || features.Features[0].Properties["id"] != "1" || features.Features[0].Properties["geometri"] != "" {
		t.Fatalf("%s", a.text)
	}
	at := features.Features[0].Geometry
	if at.Type != "Point" || math.Abs(at.Coordinates[0]-12.565) > 0.005 || math.Abs(at.Coordinates[1]-55.673) > 0.005 {
		t.Errorf("it lies at %v", at)
	}
	for query, want := range map[string]string{"": "POINT (724181 6175433)", "?srs=25832": "SRID=25832;POINT (724181 6175433)", "?srs=4326": "SRID=4326;POINT (12.56"} {
		items := w.ok(200, w.call("GET", "/registers/halls/Hall"+query, "")).items()
		if got := items[0]["geometri"].(string); !strings.HasPrefix(strings.ReplaceAll(got, "POINT(", "POINT ("), want) {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}
