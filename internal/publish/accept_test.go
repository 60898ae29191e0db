package publish

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
)

// rules writes violations as "pointer rule", one after another.
func rules(violations []fault.Violation) string {
	var texts []string
	for _, v := range violations {
		texts = append(texts, v.Pointer+" "+v.Rule)
	}
	return strings.Join(texts, "; ")
}

// directory is a fixed configuration.
type directory struct {
	sources  map[string]*event.Source
	versions map[string]*event.Compiled // "type version"; the active one also as "type "
}

func (d *directory) Source(uri string) *event.Source { return d.sources[uri] }

func (d *directory) Version(typeName, version string) *event.Compiled {
	return d.versions[typeName+" "+version]
}

func (d *directory) add(t testing.TB, y event.Type, v event.Version) {
	t.Helper()
	y.Title, y.Retention, v.Type = "Title", "P6M", y.Name
	compiled, violations := event.Compile(&y, &v, time.UTC)
	if violations != nil {
		t.Fatal(violations)
	}
	d.versions[y.Name+" "+v.Version] = compiled
	if v.State == event.StateActive {
		d.versions[y.Name+" "] = compiled
	}
}

const sample = `{"cpr":"0101010000","changed":"2026-01-31T12:00:00Z","org":101}`

func configuration(t testing.TB) *directory {
	d := &directory{
		sources: map[string]*event.Source{
			"urn:cv":    {Name: "cv", URI: "urn:cv", Types: []string{"*"}},
			"urn:other": {Name: "other", URI: "urn:other", Types: []string{"plain"}},
		},
		versions: map[string]*event.Compiled{},
	}
	person := event.Type{Name: "person", Order: event.OrderKey, Personal: true}
	schema := json.RawMessage(`{"type":"object","required":["cpr","changed"],"properties":{"cpr":{"type":"string","pattern":"^[0-9]{10}$"},"changed":{"type":"string","format":"date-time"}}}`)
	mapping := event.Mapping{
		Fields:   map[string]string{"key": "/cpr", "organisation.type": "Constant(5)", "organisation.code": "/org", "messageId": "/id"},
		Personal: []string{"/cpr", "/names"},
	}
	d.add(t, person, event.Version{Version: "v1", State: event.StateDeprecated, Schema: schema, Sample: json.RawMessage(sample), Mapping: mapping})
	d.add(t, person, event.Version{Version: "v2", State: event.StateActive, Schema: schema, Sample: json.RawMessage(sample), Mapping: mapping})
	d.add(t, person, event.Version{Version: "v3", State: event.StateDraft, Mapping: mapping})
	d.add(t, person, event.Version{Version: "v0", State: event.StateRetired, Sample: json.RawMessage(sample), Mapping: mapping})
	d.add(t, person, event.Version{Version: "v4", State: event.StateDeprecated, Sample: json.RawMessage(sample), Mapping: mapping, StartDate: "2026-02-01"})
	d.add(t, event.Type{Name: "plain", Order: event.OrderNone}, event.Version{Version: "1", State: event.StateActive, Sample: json.RawMessage(`{}`)})
	d.add(t, event.Type{Name: "keyed", Order: event.OrderKey}, event.Version{Version: "1", State: event.StateActive, Sample: json.RawMessage(`{}`)})
	d.add(t, event.Type{Name: "mapped", Order: event.OrderKey}, event.Version{Version: "1", State: event.StateActive, Sample: json.RawMessage(sample),
		Mapping: event.Mapping{Fields: map[string]string{"key": "/cpr", "organisation.code": "/org", "organisation.type": "Constant(5)"}}})
	d.add(t, event.Type{Name: "private", Order: event.OrderNone, Personal: true}, event.Version{Version: "1", State: event.StateActive, Sample: json.RawMessage(sample),
		Mapping: event.Mapping{Personal: []string{"/cpr"}}})
	d.add(t, event.Type{Name: "ready", Order: event.OrderNone}, event.Version{Version: "1", State: event.StateActive, Sample: json.RawMessage(`{}`),
		Mapping: event.Mapping{Fields: map[string]string{"besked.message": "Load(besked)"}}})
	d.add(t, event.Type{Name: "SagCreate", Order: event.OrderNone}, event.Version{Version: "1", State: event.StateActive, Sample: json.RawMessage(`{"id":"1","fra":"t"}`),
		Mapping: event.Mapping{Fields: map[string]string{
			"besked.objektID": "Load(id)", "besked.objekttype": "Constant(Sag)", "besked.registreringstid": "Load(fra)", "besked.sikkerhedsklassificering": "Constant(s)",
		}}})
	d.add(t, event.Type{Name: "titled", Order: event.OrderNone}, event.Version{Version: "1", State: event.StateActive, Sample: json.RawMessage(`{"title":"a"}`),
		Mapping: event.Mapping{Fields: map[string]string{"subject": "/title"}}})
	return d
}

func accepter(t testing.TB, limits Limits) (*Accepter, *event.Hasher) {
	t.Helper()
	hasher, err := event.NewHasher(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	now := clock.NewFake(time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC))
	return NewAccepter(configuration(t), hasher, now, limits), hasher
}

func draft(typeName, data string) event.Draft {
	return event.Draft{Entry: 4, SpecVersion: "1.0", ID: "1", Source: "urn:cv", Type: typeName, MediaType: "application/json", Data: []byte(data)}
}

func TestAcceptMakesTheEvent(t *testing.T) {
	t.Parallel()
	a, hasher := accepter(t, Limits{})
	d := draft("person", sample)
	d.Time, d.Extensions = "2026-01-31T12:34:56.789+01:00", []event.Extension{{Name: "correlationid", Value: "c"}}
	e, violations := a.Accept(d)
	if violations != nil {
		t.Fatal(violations)
	}
	if e.ID != ident.Message("urn:cv", "1") || e.Source != "urn:cv" || e.SourceID != "1" || e.Type != "person" || e.Version != "v2" || !e.Personal ||
		e.Organisation != (event.Organisation{Type: "5", Code: "101"}) || e.Lane != hasher.Lane("urn:cv", "0101010000") || e.Time != 1769859296789000 ||
		e.MediaType != "application/json" || &e.Data[0] != &d.Data[0] || e.Position != 0 || e.Recorded != 0 {
		t.Errorf("got %+v", e)
	}
	const head = `{"specversion":"1.0","id":"1","source":"urn:cv","type":"person","time":"2026-01-31T12:34:56.789+01:00","datacontenttype":"application/json","correlationid":"c"}`
	if string(e.Head) != head {
		t.Errorf("head %s", e.Head)
	}
}

func TestAcceptReadsWhatTheMappingNames(t *testing.T) {
	t.Parallel()
	a, hasher := accepter(t, Limits{})
	for name, tc := range map[string]struct {
		draft func() event.Draft
		want  func(*event.Event) bool
	}{
		"the mapped message id": {
			func() event.Draft {
				return draft("person", strings.Replace(sample, "{", `{"id":"f89a557e-86c3-4cb6-a350-076f660a1fd5",`, 1))
			},
			func(e *event.Event) bool { return e.ID.String() == "f89a557e-86c3-4cb6-a350-076f660a1fd5" },
		},
		"no organisation code, no organisation": {
			func() event.Draft {
				d := draft("titled", `{"title":"a"}`)
				return d
			},
			func(e *event.Event) bool { return e.Organisation.IsZero() },
		},
		"an older version": {
			func() event.Draft {
				d := draft("person", sample)
				d.DataSchema = "https://example.test/person/v1"
				return d
			},
			func(e *event.Event) bool { return e.Version == "v1" },
		},
		"unordered: the log gives the lane": {
			func() event.Draft { return draft("plain", `{}`) },
			func(e *event.Event) bool { return e.Lane.IsZero() && e.Time == 0 },
		},
		"no media type is JSON": {
			func() event.Draft { d := draft("plain", `{}`); d.MediaType = ""; return d },
			func(e *event.Event) bool {
				return e.MediaType == "application/json" && !bytes.Contains(e.Head, []byte("datacontenttype"))
			},
		},
		"no data, no media type": {
			func() event.Draft { d := draft("plain", ``); d.Data = nil; return d },
			func(e *event.Event) bool { return e.MediaType == "" && len(e.Data) == 0 },
		},
		"anything where nobody looks": {
			func() event.Draft { d := draft("plain", "\xff\x00"); d.MediaType = "image/png"; return d },
			func(e *event.Event) bool { return string(e.Data) == "\xff\x00" && e.MediaType == "image/png" },
		},
		"the partition key": {
			func() event.Draft {
				d := draft("keyed", `{}`)
				d.Extensions = []event.Extension{{Name: "partitionkey", Value: "k"}}
				return d
			},
			func(e *event.Event) bool {
				return e.Lane == hasher.Lane("urn:cv", "k") && bytes.Contains(e.Head, []byte(`"partitionkey":"k"`))
			},
		},
		"the mapped subject": {
			func() event.Draft { return draft("titled", `{"title":"Ærø"}`) },
			func(e *event.Event) bool { return e.Attribute("subject") == "Ærø" },
		},
		"the source's own subject": {
			func() event.Draft { d := draft("titled", `{"title":"b"}`); d.Subject = "a"; return d },
			func(e *event.Event) bool { return e.Attribute("subject") == "a" },
		},
	} {
		e, violations := a.Accept(tc.draft())
		if violations != nil || !tc.want(e) {
			t.Errorf("%s: %+v, %v", name, e, violations)
		}
	}
}

func TestAcceptRefuses(t *testing.T) {
	t.Parallel()
	a, _ := accepter(t, Limits{MaxEvent: 4096})
	for name, tc := range map[string]struct {
		change func(*event.Draft)
		want   string
	}{
		"fine":                      {func(*event.Draft) {}, ""},
		"what the decoder found":    {func(d *event.Draft) { d.Violations = []fault.Violation{{Entry: 4, Pointer: "/id", Rule: "type"}} }, "/id type"},
		"attributes, source, type":  {func(d *event.Draft) { d.ID, d.Source, d.Type = "", "urn:none", "none" }, "/id required; /source not-registered; /type not-registered"},
		"nothing":                   {func(d *event.Draft) { *d = event.Draft{Entry: 4} }, "/specversion specversion; /id required; /type required; /source uri-reference"},
		"a type of others":          {func(d *event.Draft) { d.Source = "urn:other" }, "/type not-granted"},
		"a draft":                   {func(d *event.Draft) { d.DataSchema = "urn:person:v3" }, "/dataschema closed"},
		"retired":                   {func(d *event.Draft) { d.DataSchema = "urn:person:v0" }, "/dataschema closed"},
		"not in use yet":            {func(d *event.Draft) { d.DataSchema = "urn:person:v4" }, "/dataschema closed"},
		"unknown version":           {func(d *event.Draft) { d.DataSchema = "urn:person:v9" }, "/dataschema not-registered"},
		"no version in it":          {func(d *event.Draft) { d.DataSchema = "https://example.test/" }, "/dataschema version"},
		"not JSON":                  {func(d *event.Draft) { d.Data = []byte(`{"cpr":`) }, "/data json"},
		"XML to a type with schema": {func(d *event.Draft) { d.MediaType = "application/xml" }, "/data media-type"},
		"no data":                   {func(d *event.Draft) { d.Data = nil }, "/data media-type"},
		"not JSON where nobody looks": {func(d *event.Draft) { d.Type, d.Data = "plain", []byte(`{`) },
			"/data json"},
		"a number without end in data of which the key is read": {func(d *event.Draft) { d.Type, d.Data = "mapped", []byte(`{"cpr":"1","x":[{"y":1e999999}]}`) },
			"/data number"},
		"a number without end": {func(d *event.Draft) { d.Data = []byte(strings.Replace(sample, "101}", "1e999999}", 1)) }, "/data number"},
		"schema and mapping": {func(d *event.Draft) { d.Data = []byte(`{"cpr":"","changed":"7777","id":"7777","org":[]}`) },
			"/data/changed format; /data/cpr pattern; /data/cpr required; /data/id uuid; /data/org scalar"},
		"no key":           {func(d *event.Draft) { d.Type, d.Data = "keyed", []byte(`{}`) }, "/partitionkey required"},
		"a big event":      {func(d *event.Draft) { d.Type, d.Data = "plain", []byte(`"`+strings.Repeat("a", 4096)+`"`) }, "/data size"},
		"head and data":    {func(d *event.Draft) { d.Type, d.Data = "plain", []byte(`"`+strings.Repeat("a", 4096-90)+`"`) }, "/data size"},
		"personal subject": {func(d *event.Draft) { d.Subject = "x" }, "/subject personal"},
		"personal partition key": {func(d *event.Draft) { d.Extensions = []event.Extension{{Name: "partitionkey", Value: "x"}} },
			"/partitionkey personal"},
		"F2: a ready message that is none": {func(d *event.Draft) { d.Type, d.Data = "ready", []byte(`{"besked":{"x":"7777"}}`) }, "/data/besked besked"},
		"F13: what becomes no message":     {func(d *event.Draft) { d.Type, d.Data = "SagCreate", []byte(`{"id":"7777"}`) }, "/data/fra required"},
		"F13: what becomes a message":      {func(d *event.Draft) { d.Type, d.Data = "SagCreate", []byte(`{"id":"7777","fra":"t"}`) }, ""},
		"a person, and no schema":          {func(d *event.Draft) { d.Type, d.ID = "private", "cv-0101010000-1" }, "/id personal"},
		"a person in the id":               {func(d *event.Draft) { d.ID = "cv-0101010000-1" }, "/id personal"},
		"a person in an extension":         {func(d *event.Draft) { d.Extensions = []event.Extension{{Name: "x", Value: "0101010000"}} }, "/* personal"},
		"a person as an extension":         {func(d *event.Draft) { d.Extensions = []event.Extension{{Name: "x0101010000", Value: "1"}} }, "/* personal"},
		"a person in the dataschema":       {func(d *event.Draft) { d.DataSchema = "urn:0101010000:v2" }, "/dataschema personal"},
	} {
		d := draft("person", sample)
		tc.change(&d)
		e, violations := a.Accept(d)
		if got := rules(violations); got != tc.want || (e == nil) != (tc.want != "") {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
		for _, v := range violations {
			if v.Entry != 4 {
				t.Errorf("%s: a violation is of entry %d", name, v.Entry)
			}
			if strings.Contains(v.Message, "0101010000") || strings.Contains(v.Message, "7777") {
				t.Errorf("%s: a violation tells the value: %s", name, v.Message)
			}
		}
	}
}

func TestAcceptBoundsTheHead(t *testing.T) {
	t.Parallel()
	a, _ := accepter(t, Limits{})
	d := draft("plain", `{}`)
	for _, name := range "abcdefgh" {
		d.Extensions = append(d.Extensions, event.Extension{Name: string(name), Value: strings.Repeat("x", 1024)})
	}
	if _, violations := a.Accept(d); rules(violations) != " head-size" {
		t.Errorf("got %v", violations)
	}
}

func TestAcceptSharesNoViolationsBetweenCalls(t *testing.T) {
	t.Parallel()
	a, _ := accepter(t, Limits{})
	d := draft("person", sample)
	d.Violations = append(make([]fault.Violation, 0, 8), fault.Violation{Pointer: "/id", Rule: "type"})
	d.ID = ""
	if _, violations := a.Accept(d); rules(violations) != "/id type; /id required" {
		t.Errorf("got %v", violations)
	}
	if kept := d.Violations[:2]; kept[1] != (fault.Violation{}) {
		t.Errorf("the draft's memory was written to: %v", kept)
	}
}

// The version is the last segment of the path, or of a URN.
func TestVersionOfADataschema(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://example.test/cv/v2": "v2", "https://example.test/cv/v2#x": "v2", "https://example.test/cv/v2?a=/b": "v2", "urn:example:cv:2": "2",
		"https://example.test/cv/": "", "https://example.test/cv/1.0": "1.0", "https://example.test/cv/%76%32": "v2", "https://example.test/cv/%7": "", "urn:": "",
	} {
		if got := VersionOf(text); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// Promise 1: the same content again is a repeat, other content a conflict.
func TestSameContent(t *testing.T) {
	t.Parallel()
	first := func() *event.Event {
		return &event.Event{Type: "t", Organisation: event.Organisation{Type: "5", Code: "1"}, Lane: event.Lane{1}, MediaType: "application/json", Data: []byte(`{"a":1,"b":[true,null,"æ"],"n":0.30000000000000004}`)}
	}
	for name, tc := range map[string]struct {
		change func(*event.Event)
		want   bool
	}{
		"the same": {func(*event.Event) {}, true},
		"order and white space": {func(e *event.Event) {
			e.Data = []byte(` {"b":[true,null,"\u00e6"], "n":0.30000000000000004,"a":1.0e0}`)
		}, true},
		"another value":             {func(e *event.Event) { e.Data = []byte(`{"a":2,"b":[true,null,"æ"],"n":0.30000000000000004}`) }, false},
		"another order of items":    {func(e *event.Event) { e.Data = []byte(`{"a":1,"b":[null,true,"æ"],"n":0.30000000000000004}`) }, false},
		"another type":              {func(e *event.Event) { e.Type = "u" }, false},
		"another organisation":      {func(e *event.Event) { e.Organisation.Code = "2" }, false},
		"another key":               {func(e *event.Event) { e.Lane = event.Lane{2} }, false},
		"no data":                   {func(e *event.Event) { e.Data = nil }, false},
		"another time, id and head": {func(e *event.Event) { e.Time, e.Head, e.Position = 7, []byte("{}"), 9 }, true},
		"not JSON":                  {func(e *event.Event) { e.MediaType, e.Data = "text/plain", append(e.Data, ' ') }, false},
	} {
		a, b := first(), first()
		tc.change(b)
		if got := Same(a, b); got != tc.want || Same(b, a) != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}

// As doubles these are equal; as facts they are not.
func TestSameTellsNumbersApartThatDoublesDoNot(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"[9007199254740993]", "[ 9007199254740992]"}, {"[0.1]", "[0.1000000000000000000001]"}, {"[1e-400]", "[0]"}} {
		a := &event.Event{MediaType: "application/json", Data: []byte(pair[0])}
		b := &event.Event{MediaType: "application/json", Data: []byte(pair[1])}
		if Same(a, b) {
			t.Errorf("%s and %s are called the same", pair[0], pair[1])
		}
	}
}

// An unordered event gets its lane with its position: the one in the log has one, the one that comes again has none.
func TestSameOfUnorderedEvents(t *testing.T) {
	t.Parallel()
	stored := &event.Event{Position: 42, Lane: event.Alone(42)}
	again := &event.Event{}
	if !Same(stored, again) || !Same(again, stored) {
		t.Error("a repeat is called a conflict")
	}
	if Same(&event.Event{Position: 42, Lane: event.Alone(41)}, again) {
		t.Error("a lane that is not its own counts for nothing")
	}
}
