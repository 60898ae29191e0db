package publish

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/event"
)

// FuzzAccept: whatever the data, Accept decides; what it lets in has a head that is JSON, and is the same when it comes again.
func FuzzAccept(f *testing.F) {
	f.Add("person", "1", "", []byte(sample))
	f.Add("titled", "Ærø", "urn:x:1", []byte(`{"title":"a\nb"}`))
	f.Add("keyed", "1", "urn:x:1", []byte(`[1e5,{}]`))
	a, _ := accepter(f, Limits{})
	f.Fuzz(func(t *testing.T, typeName, text, dataschema string, data []byte) {
		d := draft(typeName, string(data))
		d.ID, d.DataSchema = text, dataschema
		d.Extensions = []event.Extension{{Name: event.PartitionKey, Value: text}}
		e, violations := a.Accept(d)
		if (e == nil) != (len(violations) > 0) {
			t.Fatalf("event %v, violations %v", e, violations)
		}
		if e == nil {
			return
		}
		if !json.Valid(e.Head) {
			t.Fatalf("head %s", e.Head)
		}
		if again, _ := a.Accept(d); again == nil || !Same(e, again) || again.ID != e.ID {
			t.Fatal("accepted again it is another event")
		}
	})
}

// A schema looks at all of the data.
func BenchmarkAccept(b *testing.B) { benchmarkAccept(b, "person") }

// Only key and organisation are read from the data.
func BenchmarkAcceptMapped(b *testing.B) { benchmarkAccept(b, "mapped") }

func benchmarkAccept(b *testing.B, typeName string) {
	data := `{"cpr":"0101010000","changed":"2026-01-31T12:00:00Z","org":101,"name":{"first":"Anders","last":"And"},` +
		`"address":{"street":"Paradisæblevej 111","post":"1234","city":"Andeby"},"children":[{"name":"Rip","born":1937},{"name":"Rap","born":1937},{"name":"Rup","born":1937}],` +
		`"text":"` + strings.Repeat("Der var engang en and. ", 33) + `"}`
	a, _ := accepter(b, Limits{})
	d := draft(typeName, data)
	d.Time, d.Scanned = "2026-01-31T12:00:00Z", true
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, violations := a.Accept(d); violations != nil {
			b.Fatal(violations)
		}
	}
}

// Nobody looks into the data, so nor does Accept.
func BenchmarkAcceptUnread(b *testing.B) {
	a, _ := accepter(b, Limits{})
	d := draft("keyed", `{"text":"`+strings.Repeat("Der var engang en and. ", 43)+`"}`)
	d.Extensions = []event.Extension{{Name: event.PartitionKey, Value: "k"}}
	d.Scanned = true
	b.SetBytes(int64(len(d.Data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, violations := a.Accept(d); violations != nil {
			b.Fatal(violations)
		}
	}
}
