package api_test

import (
	"context"
	"encoding/json"
	"io"
	"math"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/web/api"
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

// What tells an object may be a person's number, so it can be asked for by a document, which no address has.
func TestF44bRowsAreAskedForByADocument(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.halls()
	asked := func(document string) answer {
		return w.call("POST", "/registers/halls/search", `{"type":"Hall",`+document[1:])
	}
	for document, want := range map[string]int{
		`{"registreringstid":"2020-06-01"}`: 2, `{"virkningstid":"2019-12-31T23:59:59Z"}`: 0, `{"object":["2"],"history":true}`: 1,
		`{"object":["1"]}`: 1, `{"registreringstid":"2020-06-01","limit":1}`: 1,
	} {
		if got := w.ok(200, asked(document)).items(); len(got) != want {
			t.Errorf("%s: %v", document, got)
		}
	}
	first := w.ok(200, asked(`{"registreringstid":"2020-06-01","limit":1}`))
	behind := asked(`{"registreringstid":"2020-06-01","limit":1,"after":"` + first.json["next"].(string) + `"}`)
	if got := w.ok(200, behind).items(); len(got) != 1 || got[0]["id"] != "2" {
		t.Errorf("the page behind: %v", got)
	}
	if got := w.ok(200, asked(`{"format":"geojson"}`)); !strings.Contains(got.text, `"FeatureCollection"`) {
		t.Error(got.text)
	}
	for document, want := range map[string]string{
		`{"history":true}`:                 "bad-request /history object",
		`{"object":["1","2"]}`:             "bad-request /object count",
		`{"limit":10001}`:                  "bad-request /limit range",
		`{"limit":-1}`:                     "bad-request /limit type",
		`{"virkningstid":"yesterday"}`:     "bad-request /virkningstid time",
		`{"after":"0101701234"}`:           "bad-request /after cursor",
		`{"personnummer":"0101701234"}`:    "invalid-document /personnummer unknown",
		`{"format":"geojson","srs":"3857"`: "bad-request  json",
	} {
		if got := asked(document).problem(); got != want {
			t.Errorf("%s: %s, want %s", document, got, want)
		}
	}
	if got := w.call("POST", "/registers/stalls/search", `{"type":"Hall"}`).problem(); got != "not-found" {
		t.Errorf("another register: %s", got)
	}
}

// DESIGN section 2: a person's number stands in no address: who asks for a person's rows by one is told where it goes.
func TestAPersonIsAskedForByADocumentAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.halls()
	w.ok(201, w.call("PUT", "/registers/people", `{"source":"dfdg","types":[{"name":"Person","row":"id","object":["cpr"],"columns":[{"name":"id","required":true},{"name":"cpr","required":true,"personal":true}]}]}`))
	a := w.call("GET", "/registers/people/Person?object=0101701234", "")
	if got := a.problem(); got != "bad-request query:object personal" || strings.Contains(a.text, "0101701234") {
		t.Errorf("it is answered with %s, %s", got, a.text)
	}
	w.ok(200, w.call("GET", "/registers/people/Person", ""))
	w.ok(200, w.call("POST", "/registers/people/search", `{"type":"Person","object":["0101701234"]}`))
}

// A delivery is held against what there was before, which may take longer than any answer of the API may: from its end to
// the answer no deadline runs.
func TestALargeDeliveryIsAnsweredHoweverLongItTakes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	timed := &timedWriter{ResponseRecorder: httptest.NewRecorder()}
	w.options.Registers = checking{w.options.Registers, func() {
		if !timed.read.IsZero() || !timed.write.IsZero() {
			t.Errorf("while it is checked: %v to read, %v to write", timed.read, timed.write)
		}
	}}
	handler := api.New(w.options)
	w.halls()
	r := httptest.NewRequest("POST", "/api/v1/registers/halls/deliveries?id=2", strings.NewReader(strings.ReplaceAll(placedOf, "<id>", "<id>1")))
	r.Header.Set("Content-Type", "application/xml")
	handler.ServeHTTP(timed, r)
	if timed.Code != 201 || timed.write.IsZero() {
		t.Errorf("%d %s, %v to write the answer", timed.Code, timed.Body, timed.write)
	}
}

// timedWriter knows its deadlines, which are set at first.
type timedWriter struct {
	*httptest.ResponseRecorder
	read, write time.Time
}

func (w *timedWriter) SetReadDeadline(at time.Time) error  { w.read = at; return nil }
func (w *timedWriter) SetWriteDeadline(at time.Time) error { w.write = at; return nil }

// checking are registers that say when they have read a delivery.
type checking struct {
	api.Registers
	read func()
}

func (c checking) Take(ctx context.Context, name, id string, body io.Reader, tell func(deposit.Progress)) (*register.Delivery, error) {
	d, err := c.Registers.Take(ctx, name, id, body, tell)
	c.read()
	return d, err
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
