package star

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/envelope"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
)

var update = flag.Bool("update", false, "write the golden files anew")

// cv is a type that goes out as webservicebesked: what the seed's sample says stands in the data or is constant.
func cv(t testing.TB, change func(*event.Version)) *event.Compiled {
	t.Helper()
	v := &event.Version{
		Type: "dk.star.cv", Version: "v2", State: event.StateActive,
		Schema: json.RawMessage(`{"type":"object","required":["content"],"properties":{"content":{"type":"object"}}}`),
		Sample: json.RawMessage(`{"cpr":"0101010000","content":{}}`),
		Mapping: event.Mapping{
			Fields: map[string]string{
				"key":                          "/cpr",
				"star.body":                    "/content",
				"star.authority.type":          "Constant(5)",
				"star.authority.code":          "/authority",
				"star.user.name":               "/user/name",
				"star.user.typeId":             "/user/type",
				"star.user.typeName":           "Constant(Borger)",
				"star.user.identification":     "/user/id",
				"star.user.email":              "/user/email",
				"star.user.authority.type":     "Constant(5)",
				"star.user.authority.code":     "/authority",
				"star.system.id":               "Constant(4)",
				"star.system.name":             "Constant(DFDG)",
				"star.entity.id":               "Constant(30000)",
				"star.entity.name":             "Constant(Cv)",
				"star.external":                "/cv",
				"star.version":                 "/cvVersion",
				"star.identification":          "/cpr",
				"star.identification.typeId":   "Constant(1)",
				"star.identification.typeName": "Constant(Cpr)+Constant(nummer)",
				"star.change.typeId":           "/change",
				"star.change.typeName":         "Constant(Opdatering)",
			},
			Personal: []string{"/cpr", "/user"},
		},
	}
	if change != nil {
		change(v)
	}
	compiled, violations := event.Compile(&event.Type{Name: "dk.star.cv", Title: "Cv", Order: event.OrderKey, Personal: true, Retention: "P6M"}, v, time.UTC)
	if violations != nil {
		t.Fatal(violations)
	}
	return compiled
}

const cvData = `{"cpr":"0000000000","authority":1,"user":{"name":"Anders And","type":1,"id":"1234567890","email":"anders@disney.dk"},` +
	`"cv":"123e4567-e89b-12d3-a456-426614174000","cvVersion":"6edebedb-0bdb-4a0e-b70b-eb4c1022e2c2","change":2,"content":{ "...": "..." }}`

func cvEvent(t testing.TB, seed *Message) *event.Event {
	t.Helper()
	id, err := ident.Parse(seed.MetaData.BeskedIdentifier)
	if err != nil {
		t.Fatal(err)
	}
	at, ok := event.ParseTime(seed.MetaData.HaendelsesTid)
	if !ok {
		t.Fatal("HaendelsesTid")
	}
	d := event.Draft{ID: "1", Source: "urn:dfdg:cv", Type: "dk.star.cv", Extensions: []event.Extension{{Name: "correlationid", Value: seed.MetaData.KorrelationsIdentifier}}}
	return &event.Event{
		Position: 7, Recorded: at + 1_000_000, ID: id, Type: d.Type, Version: "v2", Time: at, Personal: true,
		Head: d.Head(""), MediaType: "application/json", Data: []byte(cvData),
	}
}

func newEnvelope(t testing.TB, version *event.Compiled) *Envelope {
	t.Helper()
	n, err := New("T4", func(typeName, name string) *event.Compiled {
		if typeName == "dk.star.cv" && name == "v2" {
			return version
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func readFile(t testing.TB, name string) *Message {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// S8 to S22, and the round trip of requirements section 7: what the sample of S22 says goes out in its spelling, with the offset that
// Denmark has in January, and a resend keeps who it is.
func TestS22SampleGoesOutAsItStands(t *testing.T) {
	t.Parallel()
	seed := readFile(t, "seed.json")
	e, n := cvEvent(t, seed), newEnvelope(t, cv(t, nil))
	r := n.Render(e)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if *update {
		if err := os.WriteFile("testdata/message.json", r.Body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile("testdata/message.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.Body, golden) {
		t.Errorf("got  %s\nwant %s", r.Body, golden)
	}

	want := *seed
	want.MetaData.HaendelsesTid = "2023-01-31T11:34:56.789+01:00" // the same instant
	want.MetaData.BeskedtypeVersion = "v2"
	want.Body = json.RawMessage(`{ "...": "..." }`)
	got, err := Read(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, &want) {
		t.Errorf("got  %+v\nwant %+v", got, &want)
	}
	if r.ContentType != ContentType || !reflect.DeepEqual(r.Headers, []event.Header{{Name: "Varsel-Type-Version", Value: "v2"}}) {
		t.Errorf("headers %v, content type %s", r.Headers, r.ContentType)
	}
	// S12: a resend, much later and under another configuration, is the same message.
	again := envelope.Of(n, e, 99)
	if !bytes.Equal(again.Body, r.Body) {
		t.Errorf("the resend differs: %s", again.Body)
	}
}

// order returns the names and texts of a JSON document in the order they stand.
func order(t *testing.T, raw []byte) []string {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(raw))
	var names []string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := token.(string); ok {
			names = append(names, text)
		}
	}
}

// S9 to S21: every name of the sample stands in the message, at its place and in its spelling.
func TestS22SpellingAndOrder(t *testing.T) {
	t.Parallel()
	seed, err := os.ReadFile("testdata/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	r := newEnvelope(t, cv(t, nil)).Render(cvEvent(t, readFile(t, "seed.json")))
	want, got := order(t, seed), order(t, r.Body)
	for i := range want {
		if strings.HasPrefix(want[i], "2023-01-31") {
			want[i] = "2023-01-31T11:34:56.789+01:00"
		}
		if want[i] == "Body" {
			want = append(want[:i:i], append([]string{"BeskedtypeVersion", "v2"}, want[i:]...)...)
			break
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// Ambiguity 9: both spellings are read, at both places.
func TestReadTakesEitherSpelling(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	want := readFile(t, "seed.json")
	swapped := strings.NewReplacer("OrganisationsType", "OrganisationType", "OrganisationsKode", "OrganisationKode",
		"OrganisationType", "OrganisationsType", "OrganisationKode", "OrganisationsKode").Replace(string(raw))
	if swapped == string(raw) {
		t.Fatal("nothing is swapped")
	}
	got, err := Read([]byte(swapped))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{``, `{`, `[]`, `{"MetaData":{}}`, `{"MetaData":{"EntitetId":30000},"Body":{}}`, `{"MetaData":{},"MetaData":{},"Body":1}`, `{"MetaData":{"Oprindelse":{"RegistrerendeMyndighed":1}},"Body":1}`} {
		if m, err := Read([]byte(text)); !fault.Has(err, fault.InvalidEvent) {
			t.Errorf("%s: %v, %v", text, m, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"MetaData":{"Oprindelse":{"RegistrerendeMyndighed":{"OrganisationType":"1"}}},"Body":[1]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := Read(raw)
		if err != nil {
			return
		}
		head, err := marshal(m.MetaData)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Read(message(head, m.Body))
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Fatalf("%s: %v, %+v became %+v", raw, err, m, again)
		}
	})
}

func TestWhatIsNotKnownIsEmptyAndTheExternalIdentifierZero(t *testing.T) {
	t.Parallel()
	seed := readFile(t, "seed.json")
	version := cv(t, func(v *event.Version) {
		v.Mapping.Fields = map[string]string{"key": "/cpr", "star.entity.id": "Constant(30000)", "star.entity.name": "Constant(Cv)", "star.external": "/none"}
	})
	e := cvEvent(t, seed)
	e.Time = 0 // the source gave none
	r := newEnvelope(t, version).Render(e)
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	m, err := Read(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	want := MetaData{
		BeskedIdentifier: seed.MetaData.BeskedIdentifier, HaendelsesTid: "2023-01-31T11:34:57.789+01:00", Miljoe: "T4",
		KorrelationsIdentifier: seed.MetaData.KorrelationsIdentifier, EntitetID: "30000", EntitetNavn: "Cv",
		EksternIdentifier: "00000000-0000-0000-0000-000000000000", BeskedtypeVersion: "v2",
	}
	if m.MetaData != want {
		t.Errorf("got  %+v\nwant %+v", m.MetaData, want)
	}
	if string(m.Body) != cvData {
		t.Errorf("without star.body the whole data is Body: %s", m.Body)
	}
}

func TestHaendelsesTidIsDanishTime(t *testing.T) {
	t.Parallel()
	n := newEnvelope(t, nil)
	for at, want := range map[string]string{
		"2023-01-31T10:34:56.789Z":    "2023-01-31T11:34:56.789+01:00",
		"2023-07-31T10:34:56Z":        "2023-07-31T12:34:56.000+02:00",
		"2026-03-29T00:59:59.999999Z": "2026-03-29T01:59:59.999+01:00",
		"2026-03-29T01:00:00Z":        "2026-03-29T03:00:00.000+02:00",
		"2026-10-25T00:30:00Z":        "2026-10-25T02:30:00.000+02:00",
		"2026-10-25T01:30:00Z":        "2026-10-25T02:30:00.000+01:00",
	} {
		us, ok := event.ParseTime(at)
		if got := n.time(&event.Event{Time: us}); !ok || got != want {
			t.Errorf("%s is %s, want %s", at, got, want)
		}
	}
}

// S23: what breaks the agreement is not sent, and nobody is told the value that broke it.
func TestS23MessagesThatBreakTheContractAreNotSent(t *testing.T) {
	t.Parallel()
	field := func(name, expression string) func(*event.Version) {
		return func(v *event.Version) { v.Mapping.Fields[name] = expression }
	}
	for name, tc := range map[string]struct {
		version func(*event.Version)
		event   func(*event.Event)
		want    string
	}{
		"data against the schema": {nil, func(e *event.Event) { e.Data = []byte(`{"cpr":"0101010000","content":7777}`) }, "/data/content: want object"},
		"unknown version":         {nil, func(e *event.Event) { e.Version = "v3" }, "version v3 of type dk.star.cv is not known"},
		"not JSON":                {nil, func(e *event.Event) { e.MediaType = "text/plain" }, "the data is not JSON"},
		"broken JSON":             {nil, func(e *event.Event) { e.Data = []byte(`{"cpr":`) }, "/data: is not valid JSON"},
		"erased":                  {nil, func(e *event.Event) { e.Data = nil }, "the data is not JSON"},
		"no entity":               {field("star.entity.id", "/none"), nil, "/MetaData/EntitetId: does not match"},
		"change type":             {field("star.change.typeId", "/user/name"), nil, "/MetaData/AendringstypeId: does not match"},
		"organisation type":       {field("star.authority.type", "Constant(101)"), nil, "/MetaData/Oprindelse/RegistrerendeMyndighed/OrganisationsType: does not match"},
		"no scalar":               {field("star.user.name", "/user"), nil, "/data/user: want text"},
		"no body":                 {field("star.body", "/none"), nil, "the data has nothing where the mapping says that Body stands"},
	} {
		version, e := cv(t, tc.version), cvEvent(t, readFile(t, "seed.json"))
		if tc.event != nil {
			tc.event(e)
		}
		r := newEnvelope(t, version).Render(e)
		if !fault.Has(r.Err, fault.InvalidMessage) || !strings.Contains(r.Err.Error(), tc.want) || r.Body != nil {
			t.Errorf("%s: %v, want %s", name, r.Err, tc.want)
		}
		for _, secret := range []string{"0000000000", "7777", "Anders"} {
			if r.Err != nil && strings.Contains(r.Err.Error(), secret) {
				t.Errorf("%s: the error tells a value: %v", name, r.Err)
			}
		}
	}
}

func BenchmarkRender(b *testing.B) {
	e, n := cvEvent(b, readFile(b, "seed.json")), newEnvelope(b, cv(b, nil))
	b.ReportAllocs()
	for b.Loop() {
		if r := n.Render(e); r.Err != nil {
			b.Fatal(r.Err)
		}
	}
}
