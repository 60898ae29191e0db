package sqlite_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// One operation is a commit as a busy hub makes it: 64 events of 1 KiB, and the outcomes of the 64 before them.
func BenchmarkCommit(b *testing.B) {
	store, err := sqlite.Open(filepath.Join(b.TempDir(), "bench.db"), options(b, func(_, _ *event.Event) bool { return true }))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	const group = 64
	data, number := bytes.Repeat([]byte("x"), 1024), 0
	commit := &eventlog.Commit{Cuts: []*eventlog.Cut{{Consumer: 1}}}
	b.ReportAllocs()
	for b.Loop() {
		commit.Requests = commit.Requests[:0]
		commit.Now = time.Now().UnixMicro()
		for range group {
			number++
			commit.Requests = append(commit.Requests, &eventlog.Request{Entries: []eventlog.Entry{{Event: &event.Event{
				ID: ident.New(), Source: "urn:bench", SourceID: "run-" + strconv.Itoa(number), Type: "bench", Version: "v1", Lane: event.Lane{byte(number), 1},
				Head: data[:200], MediaType: "application/json", Data: data,
			}}}})
		}
		if err := store.Commit(context.Background(), commit); err != nil {
			b.Fatal(err)
		}
		cut := commit.Cuts[0]
		cut.Reset()
		for _, r := range commit.Requests {
			cut.Attempts = append(cut.Attempts, eventlog.Attempt{
				Position: r.Entries[0].Position, Number: 1, At: commit.Now, Outcome: eventlog.Done,
				Result: channel.Result{Class: channel.Delivered, Status: 200, Duration: time.Millisecond},
			})
			cut.Tally(eventlog.Tally{Line: "019b1f2e-0000-7000-8000-000000000000", Day: eventlog.DayOf(commit.Now), Outcome: eventlog.Done, Count: 1})
		}
	}
}
