package cloudevents

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/envelope"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

var update = flag.Bool("update", false, "write the golden files anew")

// samples are events that show every way in which data is written.
func samples() map[string]*event.Event {
	make := func(mediaType, data string, extensions ...event.Extension) *event.Event {
		d := event.Draft{
			SpecVersion: "1.0", ID: "42", Source: "urn:dfdg:kontaktforloeb", Type: "dk.star.kontakt", Time: "2026-01-31T12:34:56.789+01:00",
			MediaType: mediaType, DataSchema: "https://example.test/kontakt/v2", Extensions: extensions,
		}
		e := &event.Event{Position: 1234567, Recorded: 1769859296789012, Type: d.Type, Head: d.Head(`Ærø "100%"`), MediaType: mediaType, Data: []byte(data)}
		if data == "" {
			e.MediaType = ""
		}
		return e
	}
	return map[string]*event.Event{
		"json":  make("application/json", `{"a" : 1.10,"b":"\u00e6"}`, event.Extension{Name: "correlationid", Value: "c-1"}, event.Extension{Name: "priority", Value: "7", Bare: true}, event.Extension{Name: "urgent", Value: "true", Bare: true}),
		"xml":   make("application/xml; charset=utf-8", "<a b=\"c\">Ærø\n</a>"),
		"text":  make("text/plain", "a\"b\\c\t😀"),
		"bytes": make("image/png", "\x00\xff\x10"),
		"none":  make("", ""),
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
	}
}

// message writes a rendering as it goes over the wire.
func message(r *event.Rendering) []byte {
	var text bytes.Buffer
	fmt.Fprintf(&text, "content-type: %s\n", r.ContentType)
	for _, h := range r.Headers {
		fmt.Fprintf(&text, "%s: %s\n", h.Name, h.Value)
	}
	fmt.Fprintf(&text, "\n%s", r.Body)
	return text.Bytes()
}

func TestGoldenMessages(t *testing.T) {
	t.Parallel()
	for name, e := range samples() {
		structured := Structured{}.Render(e)
		if structured.Err != nil || !json.Valid(structured.Body) {
			t.Errorf("%s: %v, %s", name, structured.Err, structured.Body)
		}
		golden(t, name+".structured", message(structured))
		golden(t, name+".binary", message(Binary{}.Render(e)))
	}
}

func TestBatchIsAnArrayOfStructuredEvents(t *testing.T) {
	t.Parallel()
	all := samples()
	if got := string(AppendBatch(nil, nil)); got != "[]" {
		t.Errorf("no events are %s", got)
	}
	got := AppendBatch([]byte("x"), []*event.Event{all["json"], all["none"]})
	want := "x[" + string(AppendStructured(nil, all["json"])) + "," + string(AppendStructured(nil, all["none"])) + "]"
	if string(got) != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Text in another charset cannot stand in a JSON string and come out byte for byte.
func TestTextThatIsNotUTF8GoesAsBase64(t *testing.T) {
	t.Parallel()
	head := samples()["none"].Head
	for mediaType, want := range map[string]string{
		"text/xml; charset=ISO-8859-1": `"data_base64":"YQ=="`, "text/xml": `"data":"a"`, "image/svg+xml": `"data":"a"`, "application/pdf": `"data_base64":"YQ=="`, "text/xml; charset": `"data_base64":"YQ=="`,
	} {
		body := AppendStructured(nil, &event.Event{Head: head, MediaType: mediaType, Data: []byte("a")})
		if !strings.HasSuffix(string(body), ","+want+"}") {
			t.Errorf("%s: %s", mediaType, body)
		}
	}
	if body := AppendStructured(nil, &event.Event{Head: head, MediaType: "text/plain", Data: []byte("\xe6")}); !strings.HasSuffix(string(body), `,"data_base64":"5g=="}`) {
		t.Errorf("Latin-1 that says nothing: %s", body)
	}
}

func TestSequenceSortsAsText(t *testing.T) {
	t.Parallel()
	if a, b := string(appendSequence(nil, 9)), string(appendSequence(nil, 10)); a >= b || len(a) != 20 {
		t.Errorf("%s does not sort before %s", a, b)
	}
}

func TestAnEventWithoutContextIsNotSent(t *testing.T) {
	t.Parallel()
	for _, env := range []envelope.Envelope{Structured{}, Binary{}} {
		if r := env.Render(&event.Event{}); !fault.Has(r.Err, fault.InvalidMessage) {
			t.Errorf("%T: %v", env, r.Err)
		}
	}
}

func BenchmarkStructured(b *testing.B) {
	e := samples()["json"]
	b.ReportAllocs()
	for b.Loop() {
		Structured{}.Render(e)
	}
}

func BenchmarkDecodeStructured(b *testing.B) {
	body := []byte("{" + required + `,"time":"2026-01-31T12:00:00Z","datacontenttype":"application/json","data":{"text":"` + strings.Repeat("a b c ", 150) + `"}}`)
	h := headers("Content-Type", structuredType)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(h, body, 1); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeBatchOf50(b *testing.B) {
	one := "{" + required + `,"time":"2026-01-31T12:00:00Z","datacontenttype":"application/json","data":{"text":"` + strings.Repeat("a b c ", 150) + `"}}`
	body := []byte("[" + strings.Repeat(one+",", 49) + one + "]")
	h := headers("Content-Type", batchType)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(h, body, 50); err != nil {
			b.Fatal(err)
		}
	}
}
