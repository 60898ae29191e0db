package receive_test

import (
	"bytes"
	"net/http"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/envelope/cloudevents"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/receive"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// accepted is an event as the hub keeps it.
func accepted(mediaType, data string) *event.Event {
	draft := event.Draft{
		ID: "7", Source: "https://permits.example/søen", Type: "permit.changed", Subject: `50 % "of" it`, Time: "2026-11-22T11:59:58.5+01:00",
		DataSchema: "https://schemas.example/permit/v2", MediaType: mediaType,
		Extensions: []event.Extension{{Name: "correlationid", Value: "c-1"}, {Name: "urgent", Value: "true", Bare: true}, {Name: "level", Value: "-3", Bare: true}},
	}
	return &event.Event{
		Position: 42, Recorded: noon.UnixMicro(), ID: ident.Message(draft.Source, draft.ID), Source: draft.Source, SourceID: draft.ID, Type: draft.Type,
		Head: draft.Head(draft.Subject), MediaType: mediaType, Data: []byte(data),
	}
}

// want is what a receiver makes of accepted.
func want(e *event.Event, header http.Header) *receive.Message {
	return &receive.Message{
		ID: e.ID.String(), EventID: "7", Source: e.Source, Type: e.Type, Version: "v2", Subject: `50 % "of" it`,
		Time: time.Date(2026, 11, 22, 11, 59, 58, 500_000_000, time.FixedZone("", 3600)), Recorded: noon,
		Sequence: "00000000000000000042", Position: 42, Schema: "https://schemas.example/permit/v2",
		Data: e.Data, MediaType: e.MediaType,
		Extensions: map[string]string{"correlationid": "c-1", "urgent": "true", "level": "-3"}, Header: header,
	}
}

// Every envelope that the hub renders comes out as it went in: attributes, and data byte for byte.
func TestDecodesWhatTheHubRenders(t *testing.T) {
	t.Parallel()
	for _, data := range []struct{ mediaType, text string }{
		{"application/json", `{ "permit" : "p\u00e6",  "n": 1.50 }`},
		{"application/vnd.example+json", `"text"`},
		{"application/xml", "<permit navn=\"Å\">\r\n</permit>"},
		{"text/plain; charset=iso-8859-1", "\xe5\xe6"},
		{"application/octet-stream", "\x00\xff\x01"},
	} {
		e := accepted(data.mediaType, data.text)
		for name, envelope := range map[string]interface {
			Render(*event.Event) *event.Rendering
		}{"structured": cloudevents.Structured{}, "binary": cloudevents.Binary{}} {
			r := envelope.Render(e)
			header := http.Header{"Content-Type": {r.ContentType}, "Webhook-Id": {"the-message"}, "Varsel-Replay": {"pass-1"}, "Varsel-Test": {"1"}, "Varsel-Attempt": {"3"}}
			for _, h := range r.Headers {
				header.Set(h.Name, h.Value)
			}
			wanted := want(e, header)
			wanted.ID, wanted.Pass, wanted.Test, wanted.Attempt = "the-message", "pass-1", true, 3
			check(t, name+" "+data.mediaType, header, r.Body, wanted)
		}
		header := http.Header{"Content-Type": {cloudevents.BatchType}, "Webhook-Id": {"the-request"}}
		check(t, "batch "+data.mediaType, header, cloudevents.AppendBatch(nil, []*event.Event{e, e}), want(e, header), want(e, header))
	}
}

func check(t *testing.T, name string, header http.Header, body []byte, wanted ...*receive.Message) {
	t.Helper()
	got, err := receive.Decode(header, body)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	for _, m := range append(got, wanted...) {
		m.Time = m.Time.UTC()
	}
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("%s:\ngot  %+v\nwant %+v", name, got[0], wanted[0])
	}
}

// The envelope's own golden file: the sample of S22, repaired.
func TestS22DecodesTheSample(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile("../internal/envelope/star/testdata/message.json")
	if err != nil {
		t.Fatal(err)
	}
	const id = "f89a557e-86c3-4cb6-a350-076f660a1fd5"
	for _, spelling := range []func(string) string{
		func(s string) string { return s },
		func(s string) string { return strings.ReplaceAll(s, "OrganisationType", "OrganisationsType") },
		func(s string) string { return strings.ReplaceAll(s, "OrganisationsKode", "OrganisationKode") },
		func(s string) string { return strings.Replace(s, `"Miljoe"`, `"Fremtid":{"a":[1]},"Miljoe"`, 1) },
	} {
		header := http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Webhook-Id": {id}}
		got, err := receive.Decode(header, []byte(spelling(string(body))))
		if err != nil {
			t.Fatal(err)
		}
		m := got[0]
		m.Time = m.Time.UTC()
		meta := *m.MetaData
		m.MetaData = nil
		wanted := &receive.Message{
			ID: id, Source: "4", Type: "30000", Version: "v2", Subject: "123e4567-e89b-12d3-a456-426614174000",
			Time:         time.Date(2023, 1, 31, 10, 34, 56, 789_000_000, time.UTC),
			Organisation: receive.Organisation{Type: "5", Code: "1"}, Data: []byte(`{ "...": "..." }`), MediaType: "application/json", Header: header,
		}
		if len(got) != 1 || !reflect.DeepEqual(m, wanted) {
			t.Errorf("got  %+v\nwant %+v", m, wanted)
		}
		if user := meta.Oprindelse.RegistrerendeBruger; meta.Miljoe != "T4" || meta.EntitetNavn != "Cv" || meta.AendringstypeNavn != "Opdatering" ||
			user.Brugernavn != "Anders And" || user.KaldendeMyndighed != (receive.Myndighed{Type: "5", Kode: "1"}) {
			t.Errorf("%+v", meta)
		}
	}
}

func TestRefusesWhatBreaksItsEnvelopesRules(t *testing.T) {
	t.Parallel()
	const structured, batch, star = "application/cloudevents+json", "application/cloudevents-batch+json", "application/json"
	event := func(more string) string {
		return `{"specversion":"1.0","id":"1","source":"s","type":"t"` + more + `}`
	}
	for _, test := range []struct {
		name, contentType, body string
		header                  []string
		status                  int // 0: taken
	}{
		{"good", structured, event(""), nil, 0},
		{"null is not there", structured, event(`,"subject":null`), nil, 0},
		{"an empty batch", batch, "[]", nil, 0},
		{"another media type", "text/plain", event(""), nil, 415},
		{"no media type", "", event(""), nil, 415},
		{"another charset", structured + "; charset=latin1", event(""), nil, 415},
		{"an envelope in XML", "application/cloudevents+xml", "<e/>", []string{"ce-id", "1"}, 415},
		{"not JSON", structured, "{", nil, 400},
		{"more after it", structured, event("") + "{}", nil, 400},
		{"null", structured, "null", nil, 400},
		{"a list", structured, "[" + event("") + "]", nil, 400},
		{"a name twice", structured, event(`,"id":"2"`), nil, 400},
		{"another case", structured, strings.Replace(event(""), `"id"`, `"ID"`, 1), nil, 400},
		{"bad UTF-8", structured, event(",\"subject\":\"\xff\""), nil, 400},
		{"another version", structured, strings.Replace(event(""), "1.0", "0.3", 1), nil, 400},
		{"no id", structured, strings.Replace(event(""), `"1"`, `""`, 1), nil, 400},
		{"an object as attribute", structured, event(`,"x":{}`), nil, 400},
		{"data twice", structured, event(`,"data":1,"data_base64":""`), nil, 400},
		{"data that is not base64", structured, event(`,"data_base64":"!"`), nil, 400},
		{"data_base64 that is not text", structured, event(`,"data_base64":1`), nil, 400},
		{"XML that is not text", structured, event(`,"datacontenttype":"text/xml","data":1`), nil, 400},
		{"no time", structured, event(`,"time":"noon"`), nil, 400},
		{"one event for a batch", batch, event(""), nil, 400},
		{"null in a batch", batch, "[null]", nil, 400},
		{"one bad in a batch", batch, "[" + event("") + ",{}]", nil, 400},
		{"binary", "text/plain", "x", []string{"ce-id", "%41", "ce-source", "s", "ce-type", "t", "ce-specversion", "1.0"}, 0},
		{"binary without type", "text/plain", "x", []string{"ce-id", "1", "ce-source", "s", "ce-specversion", "1.0"}, 400},
		{"a header twice", "text/plain", "x", []string{"ce-id", "1", "ce-id", "2", "ce-source", "s", "ce-type", "t", "ce-specversion", "1.0"}, 400},
		{"half a percent", "text/plain", "x", []string{"ce-id", "%4", "ce-source", "s", "ce-type", "t", "ce-specversion", "1.0"}, 400},
		{"no hexadecimal", "text/plain", "x", []string{"ce-id", "%+1", "ce-source", "s", "ce-type", "t", "ce-specversion", "1.0"}, 400},
		{"percent of bad UTF-8", "text/plain", "x", []string{"ce-id", "%FF", "ce-source", "s", "ce-type", "t", "ce-specversion", "1.0"}, 400},
		{"two content types", "text/plain", "x", []string{"ce-datacontenttype", "a/b", "ce-id", "1", "ce-source", "s", "ce-type", "t", "ce-specversion", "1.0"}, 400},
		{"star", star, `{"MetaData":{"BeskedIdentifier":"b"},"Body":null}`, nil, 0},
		{"star under its own id", star, `{"MetaData":{"BeskedIdentifier":"b"},"Body":1}`, []string{"webhook-id", "b"}, 0},
		{"star under another id", star, `{"MetaData":{"BeskedIdentifier":"b"},"Body":1}`, []string{"webhook-id", "c"}, 400},
		{"star without id", star, `{"MetaData":{},"Body":1}`, nil, 400},
		{"star without Body", star, `{"MetaData":{"BeskedIdentifier":"b"}}`, nil, 400},
		{"star with a number", star, `{"MetaData":{"BeskedIdentifier":"b","EntitetId":30000},"Body":1}`, nil, 400},
		{"star without an offset", star, `{"MetaData":{"BeskedIdentifier":"b","HaendelsesTid":"2026-01-31T11:34:56"},"Body":1}`, nil, 400},
		{"an id without end", structured, event(""), []string{"webhook-id", strings.Repeat("x", 4096)}, 400},
	} {
		header := http.Header{}
		if test.contentType != "" {
			header.Set("Content-Type", test.contentType)
		}
		for i := 0; i < len(test.header); i += 2 {
			header.Add(test.header[i], test.header[i+1])
		}
		_, err := receive.Decode(header, []byte(test.body))
		if got := statusOf(err); err == nil && test.status != 0 || err != nil && got != test.status {
			t.Errorf("%s: answered %d (%v), want %d", test.name, got, err, test.status)
		}
	}
}

func FuzzDecode(f *testing.F) {
	e := accepted("application/json", `{"a":1}`)
	f.Add(cloudevents.StructuredType, "", "", cloudevents.Structured{}.Render(e).Body)
	f.Add(cloudevents.BatchType, "", "", cloudevents.AppendBatch(nil, []*event.Event{e, e}))
	f.Add("application/xml", "Ce-Id", "%41", []byte("<x/>"))
	f.Add("application/json", "Webhook-Id", "b", []byte(`{"MetaData":{"BeskedIdentifier":"b","Oprindelse":{"RegistrerendeMyndighed":{"OrganisationsType":"5"}}},"Body":[1]}`))
	f.Add("application/cloudevents+json", "Varsel-Attempt", "99999999999999999999", []byte(`{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"AA=="}`))
	f.Fuzz(func(t *testing.T, contentType, name, value string, body []byte) {
		header := http.Header{"Content-Type": {contentType}, "Ce-Specversion": {"1.0"}, "Ce-Source": {"s"}, "Ce-Type": {"t"}}
		if name == "" {
			header = http.Header{"Content-Type": {contentType}}
		}
		header[http.CanonicalHeaderKey(name)] = append(header[http.CanonicalHeaderKey(name)], value)
		before := bytes.Clone(body)
		messages, err := receive.Decode(header, body)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was written to")
		}
		if status := statusOf(err); err != nil && status != 400 && status != 415 {
			t.Fatalf("answered %d: %v", status, err)
		}
		for _, m := range messages {
			if m.ID == "" || m.Type == "" && m.MetaData == nil || m.Position < 0 || m.Attempt < 0 {
				t.Fatalf("%+v", m)
			}
		}
	})
}
