package telemetry_test

import (
	"encoding/hex"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	spans "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/telemetry"
)

const (
	sampled   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	unsampled = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
)

// A collector gets a span for what happened in a trace that the publisher samples, with its time, and none for any other.
func TestSpansOfSampledTracesReachTheCollector(t *testing.T) {
	t.Parallel()
	var got []*spans.Span
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		request := new(collector.ExportTraceServiceRequest)
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, request) != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL, err)
		}
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				got = append(got, scope.Spans...)
			}
		}
	}))
	t.Cleanup(server.Close)
	made, err := telemetry.New(telemetry.Options{
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Clock: clock.System{}, Traces: server.URL, Figures: func() telemetry.Figures { return figures },
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := time.Unix(1000, 0)
	for _, parent := range []string{"", unsampled, "nonsense", sampled} {
		made.Published(t.Context(), telemetry.Publish{Status: 202, Parent: parent, Duration: time.Second, Ended: ended})
		made.Attempted(&telemetry.Attempt{Result: "retry", Sent: true, Parent: parent, Duration: 2 * time.Second, Ended: ended})
		made.Attempted(&telemetry.Attempt{Result: "dropped", Parent: parent, Ended: ended})
	}
	if err := made.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 {
		t.Fatalf("%d spans: %v", len(got), got)
	}
	for i, want := range []struct {
		name   string
		kind   spans.Span_SpanKind
		took   time.Duration
		failed bool
	}{{"publish", spans.Span_SPAN_KIND_SERVER, time.Second, false}, {"deliver", spans.Span_SPAN_KIND_CLIENT, 2 * time.Second, true}} {
		span := got[i]
		failed := span.Status.GetCode() == spans.Status_STATUS_CODE_ERROR
		if span.Name != want.name || span.Kind != want.kind || failed != want.failed ||
			hex.EncodeToString(span.TraceId) != sampled[3:35] || hex.EncodeToString(span.ParentSpanId) != sampled[36:52] ||
			int64(span.EndTimeUnixNano) != ended.UnixNano() || int64(span.StartTimeUnixNano) != ended.Add(-want.took).UnixNano() {
			t.Errorf("%v, want %+v", span, want)
		}
	}
}

func TestWithoutACollectorThereAreNoSpans(t *testing.T) {
	t.Parallel()
	o := newOperator(t, slog.LevelError, figures)
	if o.Tracing() {
		t.Error("it traces")
	}
	o.Published(t.Context(), telemetry.Publish{Parent: sampled})
	if err := o.Close(t.Context()); err != nil {
		t.Error(err)
	}
}
