package examples_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/examples/registers/municipalities"
)

// F45: a map of where a register has changed, drawn from the messages of a time.
func TestF45TheHeatMap(t *testing.T) {
	t.Parallel()
	hub, ctx := startHub(t), t.Context()
	for _, name := range []string{"KommuneinddelingCreate", "KommuneinddelingUpdate"} {
		_, _, err := hub.PutEventType(ctx, client.EventType{Name: name, Title: name, Order: "key"}, "")
		must(t, err)
		_, _, err = hub.PutVersion(ctx, client.Version{
			Type: name, Version: "v1", State: "active", Sample: []byte(`{"objectid":"1","id_lokalId":"1","registreringFra":"2026-01-01T00:00:00Z"}`),
			Mapping: client.Mapping{Fields: map[string]string{
				"key": "Load(id_lokalId)", "besked.objektID": "Load(objectid)", "besked.objekttype": "Constant(Kommuneinddeling)", "besked.registreringstid": "Load(registreringFra)",
				"besked.registreringsID": `Load(id_lokalId) + "," + Load(registreringFra)`, "besked.sikkerhedsklassificering": "Constant(open)",
			}},
		}, "")
		must(t, err)
	}
	_, _, err := hub.PutSource(ctx, client.Source{Name: "dagi", URI: "urn:dagi", Title: "DAGI", Types: []string{"*"}}, "")
	must(t, err)
	_, _, err = hub.PutRegister(ctx, client.Register{Name: "dagi", Source: "dagi", Types: []client.EntityType{{Name: "Kommuneinddeling", Row: "objectid", Object: []string{"id_lokalId"}, Columns: []client.RegisterColumn{
		{Name: "objectid", Required: true}, {Name: "id_lokalId", Required: true}, {Name: "navn"}, {Name: "geometri", Type: "geometry"},
	}}}}, "")
	must(t, err)
	_, _, err = hub.PutSystem(ctx, client.System{Name: "map", Agreement: client.Agreement{Profile: "datafordeler", BaseURL: "http://127.0.0.1:1", Sources: []string{"dagi"}, Contacts: client.Contacts{Technical: client.Contact{Email: "map@example.dk"}}}}, "")
	must(t, err)
	_, err = hub.PutSubscriptionSet(ctx, "map", []client.Subscription{{Name: "all", Types: []string{"KommuneinddelingUpdate"}, Channel: "window"}}, "", client.SetOptions{})
	must(t, err)

	begun := time.Now()
	for n, text := range deliveries(t, map[string]int{"0101": 3, "0751": 1}) {
		d, err := hub.Deliver(ctx, "dagi", fmt.Sprint(n), strings.NewReader(text))
		must(t, err)
		for d.State != "published" {
			d, err = hub.Delivery(ctx, "dagi", d.ID)
			must(t, err)
		}
	}
	cmd := exec.Command(build(t, t.TempDir(), "heatmap"), "-system", "map", "-from", begun.UTC().Format(time.RFC3339Nano), "-to", time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano))
	cmd.Env = append(cmd.Environ(), "VARSEL_URL="+hub.address)
	var table bytes.Buffer
	cmd.Stderr = &table
	picture, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, table.String())
	}
	if want := "     3  København\n     1  Aarhus\n2 of 98 have changed.\n"; table.String() != want {
		t.Errorf("it lists %q, want %q", table.String(), want)
	}
	var svg struct {
		Title string `xml:"title"`
		Paths []struct {
			Fill  string `xml:"fill,attr"`
			Path  string `xml:"d,attr"`
			Title string `xml:"title"`
		} `xml:"g>path"`
	}
	must(t, xml.Unmarshal(picture, &svg))
	if svg.Title != "4 changes in 98 areas" || len(svg.Paths) != 98 {
		t.Fatalf("%q with %d areas", svg.Title, len(svg.Paths))
	}
	fills := map[string]string{}
	for _, p := range svg.Paths {
		fills[p.Title] = p.Fill
		if !strings.HasPrefix(p.Path, "M") || !strings.HasSuffix(p.Path, "Z") {
			t.Errorf("%s has no outline", p.Title)
		}
	}
	if fills["København: 3"] == fills["Aarhus: 1"] || fills["Aarhus: 1"] == fills["Odense: 0"] || fills["Odense: 0"] == "" {
		t.Errorf("the colours are %s, %s and %s", fills["København: 3"], fills["Aarhus: 1"], fills["Odense: 0"])
	}
}

// deliveries are the municipalities, of which nobody is told, and then as many corrections as there are of each, one by one.
func deliveries(t *testing.T, corrections map[string]int) (texts []string) {
	t.Helper()
	var all []struct {
		Code     string `json:"kommunekode"`
		Name     string `json:"navn"`
		Geometry string `json:"geometri"`
	}
	must(t, json.Unmarshal(municipalities.JSON, &all))
	const create = `<DataEntity><Action>Create</Action><CreateEvent>%s</CreateEvent><Kommuneinddeling><objectid>%s</objectid><id_lokalId>%s</id_lokalId><navn>%s</navn><geometri>%s</geometri>` +
		`<status>s</status><registreringFra>%s</registreringFra><virkningFra>2007-01-01T00:00:00Z</virkningFra></Kommuneinddeling></DataEntity>`
	const end = `<DataEntity><Action>Update</Action><CreateEvent>NoEvent</CreateEvent><Kommuneinddeling><objectid>%s</objectid><registreringTil>%s</registreringTil></Kommuneinddeling></DataEntity>`
	whole := func(entities string) string {
		return "<DatafordelerDataDelivery><Data>" + entities + "</Data></DatafordelerDataDelivery>"
	}
	at := func(n int) string { return time.Date(2020+n, 1, 1, 0, 0, 0, 0, time.UTC).Format(time.RFC3339) }
	first := ""
	for _, m := range all {
		first += fmt.Sprintf(create, "NoEvent", m.Code+"-0", m.Code, m.Name, m.Geometry, at(0))
	}
	texts = []string{whole(first)}
	for _, m := range all {
		for n := 1; n <= corrections[m.Code]; n++ {
			texts = append(texts, whole(fmt.Sprintf(create, "UpdateEvent", fmt.Sprint(m.Code, "-", n), m.Code, m.Name, m.Geometry, at(n))+fmt.Sprintf(end, fmt.Sprint(m.Code, "-", n-1), at(n))))
		}
	}
	return texts
}
