package search_test

import (
	"context"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/search"
)

// timed tells how long the log's writer was kept.
type timed struct {
	*eventlog.Log
	took time.Duration
}

func (l *timed) Append(ctx context.Context, r *eventlog.Request) error {
	err := l.Log.Append(ctx, r)
	if r.Clues != nil {
		l.took += r.Clues.Took
	}
	return err
}

// BenchmarkFollower is what an event costs behind the log: all in all, and of the writer's time. An event has two to
// three clues. Run it with -benchtime=20000x.
func BenchmarkFollower(b *testing.B) {
	w := newWorld(b)
	w.searcher.Stop()
	for done := 0; done < b.N; done += 1000 {
		w.publish(min(1000, b.N-done))
	}
	log := &timed{Log: w.log}
	w.searcher = search.New(log, w.store, w.book, w.hasher, search.Options{Pause: func(context.Context, time.Duration) {}})
	b.ReportAllocs()
	b.ResetTimer()
	w.must(w.searcher.Start(b.Context()))
	w.reach()
	b.StopTimer()
	b.ReportMetric(float64(log.took.Nanoseconds())/float64(b.N), "writer-ns/op")
}
