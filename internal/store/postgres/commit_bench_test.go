package postgres_test

import (
	"bytes"
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/store/pgtest"
)

// One operation is a commit as a busy node makes it: 64 events of 1 KiB, and the outcomes of the 64 before them; on a
// server that waits for its disk.
func BenchmarkCommit(b *testing.B) {
	s := newDatabaseAt(b, pgtest.Start(b, "fsync=on", "full_page_writes=on").URL()).node(b)
	found(b, s, "s", "c")
	list, err := s.TakeUp(b.Context(), 0, "c")
	if err != nil {
		b.Fatal(err)
	}
	for _, outcomes := range []bool{false, true} {
		b.Run(map[bool]string{false: "Events", true: "EventsAndOutcomes"}[outcomes], func(b *testing.B) {
			benchmarkCommit(b, s, list[0].ID, outcomes)
		})
	}
}

// numbers go on from one run of a benchmark to the next.
var lastEvent, lastCut int

func benchmarkCommit(b *testing.B, s eventlog.Store, consumer int64, outcomes bool) {
	const group = 64
	data := bytes.Repeat([]byte("x"), 1024)
	commit := &eventlog.Commit{}
	b.ReportAllocs()
	for b.Loop() {
		commit.Requests = commit.Requests[:0]
		commit.Now = time.Now().UnixMicro()
		for range group {
			lastEvent++
			commit.Requests = append(commit.Requests, &eventlog.Request{Entries: []eventlog.Entry{{Event: &event.Event{
				ID: ident.New(), Source: "urn:bench", SourceID: "run-" + strconv.Itoa(lastEvent), Type: "bench", Version: "v1", Lane: event.Lane{byte(lastEvent), 1},
				Head: data[:200], MediaType: "application/json", Data: data,
			}}}})
		}
		if err := s.Commit(context.Background(), commit); err != nil {
			b.Fatal(err)
		}
		if commit.Cuts = commit.Cuts[:0]; !outcomes {
			continue
		}
		lastCut++
		cut := &eventlog.Cut{Consumer: consumer, Number: lastCut}
		for _, r := range commit.Requests {
			cut.Attempts = append(cut.Attempts, eventlog.Attempt{
				Position: r.Entries[0].Position, Number: 1, At: commit.Now, Outcome: eventlog.Done,
				Result: channel.Result{Class: channel.Delivered, Status: 200, Duration: time.Millisecond},
			})
			cut.Tally(eventlog.Tally{Line: "019b1f2e-0000-7000-8000-000000000000", Day: eventlog.DayOf(commit.Now), Outcome: eventlog.Done, Count: 1})
		}
		commit.Cuts = append(commit.Cuts, cut)
	}
	b.ReportMetric(float64(group*b.N)/b.Elapsed().Seconds(), "events/s")
}
