package telemetry

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// exportTimeout is for one batch of spans; a collector that does not take it in time loses it.
const exportTimeout = 10 * time.Second

// tracer sends spans to a collector by OTLP over HTTP. It makes them for traces only that the publisher began and marked
// as sampled: how much is traced is decided there. Spans wait in a bounded queue; what does not fit is dropped.
type tracer struct {
	provider *sdk.TracerProvider
	tracer   trace.Tracer
}

// newTracer returns nil for no endpoint. It does not connect.
func newTracer(o *Options) (*tracer, error) {
	if o.Traces == "" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(strings.TrimSuffix(o.Traces, "/")+"/v1/traces"), otlptracehttp.WithTimeout(exportTimeout))
	if err != nil {
		return nil, err
	}
	provider := sdk.NewTracerProvider(sdk.WithBatcher(&telling{exporter, o.Logger}), sdk.WithSampler(sdk.ParentBased(sdk.NeverSample())),
		sdk.WithResource(resource.NewSchemaless(attribute.String("service.name", "varsel"), attribute.String("service.version", o.Version),
			attribute.String("deployment.environment.name", o.Environment))))
	return &tracer{provider, provider.Tracer("github.com/varselhub/varsel")}, nil
}

// telling is an exporter whose failures go to the hub's log instead of a global handler.
type telling struct {
	sdk.SpanExporter
	logger *slog.Logger
}

// ExportSpans implements sdk.SpanExporter.
func (t *telling) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if err := t.SpanExporter.ExportSpans(ctx, spans); err != nil {
		t.logger.LogAttrs(ctx, slog.LevelWarn, "sending spans to the collector", slog.Int("lost", len(spans)), slog.String("error", err.Error()))
	}
	return nil
}

// close sends what waits, until ctx ends.
func (t *tracer) close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// published makes the span of a publish request.
func (t *tracer) published(p *Publish) {
	if t == nil {
		return
	}
	t.span(p.Parent, "publish", trace.SpanKindServer, p.Duration, p.Ended, p.Status >= 500, func() []attribute.KeyValue {
		return []attribute.KeyValue{
			attribute.String("varsel.request", p.Request), attribute.Int("http.response.status_code", p.Status), attribute.String("error.type", p.Code),
			attribute.String("cloudevents.event_source", p.Source), attribute.String("cloudevents.event_type", p.Type),
			attribute.Int("varsel.events", p.Events), attribute.Int64("varsel.position", p.First),
		}
	})
}

// attempted makes the span of an attempt.
func (t *tracer) attempted(a *Attempt) {
	if t == nil || !a.Sent {
		return
	}
	t.span(a.Parent, "deliver", trace.SpanKindClient, a.Duration, a.Ended, a.Result != "delivered", func() []attribute.KeyValue {
		return []attribute.KeyValue{
			attribute.String("varsel.message", a.Message.String()), attribute.Int64("varsel.position", a.Position), attribute.String("cloudevents.event_type", a.Type),
			attribute.String("varsel.system", a.System), attribute.String("varsel.subscription", a.Subscription), attribute.Int("varsel.attempt", a.Number),
			attribute.String("varsel.outcome", a.Outcome), attribute.Int("http.response.status_code", a.Status), attribute.String("error.type", a.Reason),
		}
	})
}

// span records something that has happened, as a child of a traceparent. Without one that is sampled there is none.
func (t *tracer) span(parent, name string, kind trace.SpanKind, took time.Duration, ended time.Time, failed bool, attributes func() []attribute.KeyValue) {
	if parent == "" {
		return
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{"traceparent": parent})
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return
	}
	_, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithTimestamp(ended.Add(-took)), trace.WithAttributes(attributes()...))
	if failed {
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(ended))
}
