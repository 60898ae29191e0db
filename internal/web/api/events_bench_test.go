package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/envelope/cloudevents"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/web/api"
)

// oneType is a configuration of one source and one type that is ordered by its partition key.
type oneType struct {
	source   event.Source
	compiled *event.Compiled
}

func (o *oneType) Source(string) *event.Source            { return &o.source }
func (o *oneType) Version(string, string) *event.Compiled { return o.compiled }

// instantLog keeps nothing.
type instantLog struct{ last int64 }

func (l *instantLog) Append(_ context.Context, r *eventlog.Request) error {
	for i := range r.Entries {
		l.last++
		r.Entries[i].Status, r.Entries[i].Position = eventlog.Appended, l.last
	}
	return nil
}

// benchmarkPublish measures a publish request from its handler to its answer: all but net/http and the log.
func benchmarkPublish(b *testing.B, events int) {
	hasher, err := event.NewHasher(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		b.Fatal(err)
	}
	kind := event.Type{Name: "bench.changed", Title: "Bench", Order: event.OrderKey, Retention: "P180D"}
	compiled, violations := event.Compile(&kind, &event.Version{Type: kind.Name, Version: "v1", State: event.StateActive, Sample: []byte(`{}`)}, time.UTC)
	if violations != nil {
		b.Fatal(violations)
	}
	directory := &oneType{source: event.Source{Name: "bench", URI: "urn:varsel:bench", Types: []string{"*"}}, compiled: compiled}
	publisher := publish.New(publish.NewAccepter(directory, hasher, clock.System{}, publish.Limits{}), &instantLog{}, nil)
	handler := api.New(api.Options{Publisher: publisher, Decode: cloudevents.Decode})

	body, contentType := make([]string, events), "application/cloudevents+json"
	for i := range body {
		body[i] = fmt.Sprintf(`{"specversion":"1.0","id":"run-%d","source":"urn:varsel:bench","type":"bench.changed","datacontenttype":"application/json",`+
			`"partitionkey":"key-%d","data":{"sent":"0000000000000000000","text":%q}}`, 1000+i, i, strings.Repeat("x", 980))
	}
	text := body[0]
	if events > 1 {
		text, contentType = "["+strings.Join(body, ",")+"]", "application/cloudevents-batch+json"
	}
	content := strings.NewReader(text)
	r := httptest.NewRequest(http.MethodPost, "/api/v1/events", content)
	r.Header.Set("Content-Type", contentType)
	r.Body = io.NopCloser(struct{ io.Reader }{content}) // as from the network: no WriteTo
	w := &onlyStatus{header: http.Header{}}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		content.Reset(text)
		clear(w.header)
		handler.ServeHTTP(w, r)
		if w.status != http.StatusAccepted {
			b.Fatalf("status %d", w.status)
		}
	}
}

func BenchmarkPublish1(b *testing.B)  { benchmarkPublish(b, 1) }
func BenchmarkPublish50(b *testing.B) { benchmarkPublish(b, 50) }

// onlyStatus is a ResponseWriter that drops what is written.
type onlyStatus struct {
	header http.Header
	status int
}

func (w *onlyStatus) Header() http.Header            { return w.header }
func (w *onlyStatus) Write(text []byte) (int, error) { return len(text), nil }
func (w *onlyStatus) WriteHeader(status int)         { w.status = status }
