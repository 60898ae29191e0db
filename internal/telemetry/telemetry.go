// Package telemetry is what the hub says of itself to those who run it: one wide line in the log for each publish request
// and each attempt, and metrics for Prometheus. It says nothing of any person: no payload, no value of a header, no
// query, no address of a client. docs/operating.md is the table of all of it.
package telemetry

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/ident"
)

// Options are what telemetry stands on.
type Options struct {
	Logger  *slog.Logger
	Clock   clock.Clock
	Version string
	// Environment is what this installation is, for spans.
	Environment string
	// Traces is the URL of an OTLP collector, such as http://collector.example:4318; empty: no spans are made.
	Traces string
	// Figures are the totals that the hub keeps as things happen. It is called when somebody reads the metrics.
	Figures func() Figures
}

// Telemetry takes what happens and turns it into lines and figures. It is safe for concurrent use.
type Telemetry struct {
	logger   *slog.Logger
	pace     pace
	registry *prometheus.Registry
	metrics  *metrics
	tracer   *tracer // nil: no spans are made
}

// New returns one with metrics of its own.
// Error: only when two metrics have one name, or the collector's URL cannot be used.
func New(o Options) (*Telemetry, error) {
	spans, err := newTracer(&o)
	if err != nil {
		return nil, err
	}
	t := &Telemetry{logger: o.Logger, pace: pace{clock: o.Clock}, registry: prometheus.NewRegistry(), metrics: newMetrics(), tracer: spans}
	about := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "varsel_build_info", Help: "Always 1; the version is a label.", ConstLabels: prometheus.Labels{"version": o.Version},
	}, func() float64 { return 1 })
	for _, c := range append(t.metrics.all(), about, &standing{o.Figures}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})) {
		if err := t.registry.Register(c); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// Tracing reports whether spans are made, and so whether Parent is worth finding out.
func (t *Telemetry) Tracing() bool { return t.tracer != nil }

// Close sends the spans that wait, until ctx ends.
func (t *Telemetry) Close(ctx context.Context) error { return t.tracer.close(ctx) }

// Metrics answers a scrape.
func (t *Telemetry) Metrics() http.Handler {
	return promhttp.HandlerFor(t.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// Publish is one publish request.
type Publish struct {
	Request   string // its id, as the answer and a problem carry it
	Status    int    // of the answer
	Code      string // of the problem; empty when the request as a whole was taken
	Principal string // who made it: an account, or ISSUER/subject; empty: nobody that is known
	Method    string // how they showed it: token, certificate; unasked without access control
	Source    string // of its first accepted event; never one that is not registered
	Type      string // the same
	Events    int
	Accepted  int
	Duplicate int
	Refused   int
	First     int64 // positions of what was accepted
	Last      int64
	Bytes     int64 // of the body, as the client gave it; -1: not given
	Duration  time.Duration
	Ended     time.Time
	Parent    string // traceparent of the request; empty: none
}

// Published takes a publish request that has been answered.
func (t *Telemetry) Published(ctx context.Context, p Publish) {
	t.metrics.published(&p)
	t.tracer.published(&p)
	level := slog.LevelDebug
	switch {
	case p.Status >= http.StatusInternalServerError:
		level = slog.LevelWarn
	case p.Status >= http.StatusBadRequest || p.Refused > 0:
		level = slog.LevelInfo
	}
	skipped, ok := t.say(ctx, level)
	if !ok {
		return
	}
	t.logger.LogAttrs(ctx, level, "publish", slog.String("request", p.Request), slog.Int("status", p.Status), slog.String("code", p.Code),
		slog.String("principal", p.Principal), slog.String("method", p.Method), slog.String("source", p.Source), slog.String("type", p.Type), slog.Int("events", p.Events), slog.Int("accepted", p.Accepted),
		slog.Int("duplicates", p.Duplicate), slog.Int("refused", p.Refused), slog.Int64("first", p.First), slog.Int64("last", p.Last),
		slog.Int64("bytes", p.Bytes), slog.Float64("ms", millis(p.Duration)), slog.Int64("skipped", skipped))
}

// Attempt is one try of one delivery, or its end without one.
type Attempt struct {
	Message      ident.UUID // its webhook-id; zero when the event was not read
	Position     int64
	Type         string
	System       string
	Subscription string
	Profile      string
	Number       int    // 1 for the first
	Outcome      string // of the delivery, as the glossary calls it
	Result       string // of the send: delivered, retry, deferred, rejected, gone; the outcome when nothing was sent
	Status       int
	Reason       string // code from the catalogue
	Duration     time.Duration
	Ended        time.Time
	Sent         bool
	Parent       string // traceparent that the event began in; empty: none, or nobody traces
}

// levels are those of the results that are not debug: trouble with a receiver is info while the hub mends it by trying
// again, and a warning when it will not.
var levels = map[string]slog.Level{
	"retry": slog.LevelInfo, "deferred": slog.LevelInfo, "failed": slog.LevelInfo,
	"rejected": slog.LevelWarn, "gone": slog.LevelWarn, "parked": slog.LevelWarn,
}

// Attempted takes an attempt that is over.
func (t *Telemetry) Attempted(a *Attempt) {
	t.metrics.attempted(a)
	t.tracer.attempted(a)
	level, trouble := levels[a.Result]
	if !trouble {
		level = slog.LevelDebug
	}
	ctx := context.Background()
	skipped, ok := t.say(ctx, level)
	if !ok {
		return
	}
	t.logger.LogAttrs(ctx, level, "attempt", slog.String("message", a.Message.String()), slog.Int64("position", a.Position),
		slog.String("type", a.Type), slog.String("system", a.System), slog.String("subscription", a.Subscription),
		slog.String("profile", a.Profile), slog.Int("number", a.Number), slog.String("outcome", a.Outcome), slog.String("result", a.Result),
		slog.Int("status", a.Status), slog.String("reason", a.Reason), slog.Float64("ms", millis(a.Duration)), slog.Int64("skipped", skipped))
}

// say reports whether a line of that level is written now, and how many were not since the last.
func (t *Telemetry) say(ctx context.Context, level slog.Level) (skipped int64, ok bool) {
	if !t.logger.Enabled(ctx, level) {
		return 0, false
	}
	if level == slog.LevelDebug {
		return 0, true // who asks for everything gets it
	}
	return t.pace.take()
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
