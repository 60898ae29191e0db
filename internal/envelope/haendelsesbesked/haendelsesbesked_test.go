package haendelsesbesked_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/envelope"
	"github.com/varselhub/varsel/internal/envelope/haendelsesbesked"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
)

const conformance = "../../../conformance/datafordeler"

func file(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(conformance, name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

const kommune = "KommuneinddelingUpdate"

// versions knows the one type, with the mapping of the worked example.
func versions(t testing.TB) func(typeName, version string) *event.Compiled {
	t.Helper()
	v := &event.Version{Type: kommune, Version: "v1", State: event.StateActive, Sample: file(t, "kommuneinddeling-update.event.json")}
	if err := json.Unmarshal(file(t, "kommuneinddeling-update.mapping.json"), &v.Mapping); err != nil {
		t.Fatal(err)
	}
	compiled, violations := event.Compile(&event.Type{Name: kommune, Title: "T", Order: event.OrderKey, Retention: "P6M"}, v, time.UTC)
	if violations != nil {
		t.Fatal(violations)
	}
	return func(typeName, version string) *event.Compiled {
		if typeName == kommune && version == "v1" {
			return compiled
		}
		return nil
	}
}

func correction(t testing.TB) *event.Event {
	t.Helper()
	id, err := ident.Parse("f90c19c0-39da-45f2-9093-fd6afe4335ca")
	if err != nil {
		t.Fatal(err)
	}
	recorded, ok := event.ParseTime("2016-08-07T05:01:24.527083Z")
	if !ok {
		t.Fatal("time")
	}
	return &event.Event{
		Position: 1878, Recorded: recorded, ID: id, Source: "urn:register:dagi", Type: kommune, Version: "v1",
		MediaType: "application/json", Data: file(t, "kommuneinddeling-update.event.json"),
	}
}

func form(t testing.TB, f haendelsesbesked.Form) *haendelsesbesked.Envelope {
	t.Helper()
	n, err := haendelsesbesked.New(versions(t), f)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

var forms = map[string]struct {
	form      haendelsesbesked.Form
	mediaType string
	golden    string
}{
	"as JSON": {haendelsesbesked.JSON, "application/json", "kommuneinddeling-update.json"},
	"as XML":  {haendelsesbesked.XML, "application/xml", "kommuneinddeling-update.xml"},
	"bare":    {haendelsesbesked.Bare, "application/json", "kommuneinddeling-update.bare.json"},
}

// TestF4OneMessageInEachForm: the event of the worked example (F14b) becomes the same message in XML and JSON, and one
// event keeps them beside each other.
func TestF4OneMessageInEachForm(t *testing.T) {
	t.Parallel()
	e := correction(t)
	for round := range 2 {
		for name, f := range forms {
			r := envelope.Of(form(t, f.form), e, 1)
			if r.Err != nil || r.ContentType != f.mediaType || string(r.Body) != string(file(t, f.golden)) || r.Headers != nil {
				t.Errorf("%s, round %d: %v, %s, %s", name, round, r.Err, r.ContentType, r.Body)
			}
		}
	}
	if _, err := haendelsesbesked.New(nil, haendelsesbesked.Bare+1); err == nil {
		t.Error("there is another form")
	}
}

// TestS23NothingLeavesThatIsNoMessage: what lacks a member is not sent, and the error tells no value.
func TestS23NothingLeavesThatIsNoMessage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*event.Event)
		want   string
	}{
		"another type":    {func(e *event.Event) { e.Type = "other" }, "version v1 of type other is not known"},
		"another version": {func(e *event.Event) { e.Version = "v2" }, "version v2 of type KommuneinddelingUpdate is not known"},
		"no JSON":         {func(e *event.Event) { e.Data = []byte(`{"objectid":"20059189`) }, "is not valid JSON"},
		"a member short":  {func(e *event.Event) { e.Data = []byte(`{"objectid":"20059189"}`) }, "registreringstid: every such message has it"},
		"forgotten":       {func(e *event.Event) { *e = *e.Skeleton() }, "the data is not JSON"},
	} {
		for _, f := range forms {
			e := correction(t)
			c.change(e)
			r := form(t, f.form).Render(e)
			if !fault.Has(r.Err, fault.InvalidMessage) || !strings.Contains(r.Err.Error(), c.want) || r.Body != nil || strings.Contains(r.Err.Error(), "20059189") {
				t.Errorf("%s: %v, want %s", name, r.Err, c.want)
			}
		}
	}
	e := correction(t)
	e.Data = []byte(strings.Replace(string(e.Data), "vedtaget", `\u0007`, 1))
	if r := form(t, haendelsesbesked.XML).Render(e); !fault.Has(r.Err, fault.InvalidMessage) || r.Body != nil {
		t.Errorf("what XML cannot hold: %v", r.Err)
	}
	if r := form(t, haendelsesbesked.JSON).Render(e); r.Err != nil {
		t.Errorf("what JSON can hold: %v", r.Err)
	}
}

func BenchmarkRender(b *testing.B) {
	e := correction(b)
	for name, f := range forms {
		n := form(b, f.form)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if r := n.Render(e); r.Err != nil {
					b.Fatal(r.Err)
				}
			}
		})
	}
}

// One operation is a message as an answer to who asks for a window has it: written behind others.
func BenchmarkAppend(b *testing.B) {
	e := correction(b)
	for name, f := range forms {
		n, room := form(b, f.form), make([]byte, 0, 8192)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := n.Append(room, e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
