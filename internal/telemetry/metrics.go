package telemetry

import (
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// The bounds of the histograms, in seconds.
var (
	attemptBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	publishBuckets = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
)

// metrics are counted as things happen, at a few nanoseconds each; everything else is taken from the hub's own totals.
type metrics struct {
	requests  *prometheus.CounterVec
	events    *prometheus.CounterVec
	took      prometheus.Histogram
	attempts  *prometheus.CounterVec
	forgotten *prometheus.CounterVec
	streamed  *prometheus.CounterVec
	durations *prometheus.HistogramVec

	mu     sync.RWMutex
	series map[seriesKey]series // what attempts count into, found without building labels
	names  bounded
}

type seriesKey struct{ system, profile, result string }

type series struct {
	count    prometheus.Counter
	duration prometheus.Observer
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	return &metrics{
		requests: counter("varsel_publish_requests_total", "Publish requests, by the HTTP status of their answer.", "status"),
		events:   counter("varsel_events_total", "Events of publish requests: accepted, duplicate or refused.", "status"),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "varsel_publish_duration_seconds", Help: "From a publish request's head to its answer; the commit is in it.", Buckets: publishBuckets,
		}),
		attempts:  counter("varsel_attempts_total", "Attempts to deliver: delivered, retry, deferred, rejected, gone; or how a delivery ended or stopped without a send.", "system", "profile", "result"),
		forgotten: counter("varsel_forgotten_events_total", "Events whose data is gone from the database: their retention was over, or their person was erased.", "cause"),
		streamed:  counter("varsel_stream_messages_total", "Messages of the streams of sources: accepted, duplicate, aside (set aside), or missed (the broker let go of them before they were read).", "source", "result"),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "varsel_attempt_duration_seconds", Help: "How long sends took, from the first byte to the answer.", Buckets: attemptBuckets,
		}, []string{"profile"}),
		series: map[seriesKey]series{},
	}
}

func (m *metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.requests, m.events, m.took, m.attempts, m.forgotten, m.streamed, m.durations}
}

func (m *metrics) published(p *Publish) {
	m.requests.WithLabelValues(strconv.Itoa(p.Status)).Inc()
	m.took.Observe(p.Duration.Seconds())
	m.events.WithLabelValues("accepted").Add(float64(p.Accepted))
	m.events.WithLabelValues("duplicate").Add(float64(p.Duplicate))
	m.events.WithLabelValues("refused").Add(float64(p.Refused))
}

// Forgotten counts events that were forgotten, by cause: retention or erasure.
func (t *Telemetry) Forgotten(cause string, events int64) {
	t.metrics.forgotten.WithLabelValues(cause).Add(float64(events))
}

// Streamed counts messages of a source's stream by what became of them.
func (t *Telemetry) Streamed(source, result string, messages int) {
	t.metrics.streamed.WithLabelValues(source, result).Add(float64(messages))
}

func (m *metrics) attempted(a *Attempt) {
	s := m.of(seriesKey{a.System, a.Profile, a.Result})
	s.count.Inc()
	if a.Sent {
		s.duration.Observe(a.Duration.Seconds())
	}
}

func (m *metrics) of(key seriesKey) series {
	m.mu.RLock()
	s, ok := m.series[key]
	m.mu.RUnlock()
	if ok {
		return s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	name := m.names.label(key.system)
	s = series{m.attempts.WithLabelValues(name, key.profile, key.result), m.durations.WithLabelValues(key.profile)}
	if name == key.system {
		m.series[key] = s
	}
	return s
}

// mostSystems bounds the values of the label system; the rest are counted together. A label's values are Prometheus'
// memory.
const (
	mostSystems = 1000
	otherSystem = "(other)"
)

// bounded gives the first systems it sees labels of their own.
type bounded struct{ known map[string]bool }

func (b *bounded) label(system string) string {
	if b.known == nil {
		b.known = map[string]bool{}
	}
	if b.known[system] {
		return system
	}
	if len(b.known) >= mostSystems {
		return otherSystem
	}
	b.known[system] = true
	return system
}
