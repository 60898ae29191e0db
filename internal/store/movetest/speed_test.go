package movetest_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/pgtest"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

var events = flag.Int("move.events", 500, "how many events of 1 KiB, each delivered once, the hub has whose move is measured")

// TestSpeedOfAMove measures, and asserts nothing but that all is moved.
func TestSpeedOfAMove(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	fill(t, data, *events)
	url := pgtest.Start(t, "fsync=on", "max_wal_size=4GB").URL()
	var most uint64
	last, began := "", time.Now()
	moved, err := move(t, data, url, app.Moving{Step: func(doing string, done, total int64) {
		var m runtime.MemStats
		if done%65536 == 0 {
			runtime.ReadMemStats(&m)
			most = max(most, m.Sys)
		}
		if doing != last {
			t.Logf("%6.1f s %s of %d", time.Since(began).Seconds(), doing, total)
			last = doing
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events: copied in %.1f s, %.0f a second; compared in %.1f s, %.0f a second; %d MiB of memory", *events,
		moved.Copied, float64(*events)/moved.Copied, moved.Checked, float64(*events)/moved.Checked, most>>20)
}

// fill makes a hub with events of ten days and three retentions, found by a clue each.
func fill(t *testing.T, data string, many int) {
	t.Helper()
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	keys, err := secret.Open(filepath.Join(data, "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(filepath.Join(data, "varsel.db"), sqlite.Options{Keys: keys, Same: publish.Same})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	commit := func(c *eventlog.Commit) {
		t.Helper()
		if err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	commit(&eventlog.Commit{Now: 1, Requests: []*eventlog.Request{{Consumers: []eventlog.Founding{{Name: "system/s", System: "s"}}, Revisions: []revision.Revision{
		revision.Of("me", revision.Source, "s", event.Source{Name: "s", URI: "urn:s"}),
	}}}})
	const group = 2000
	for n := 0; n < many; n += group {
		request, cut := &eventlog.Request{}, &eventlog.Cut{Consumer: 1, Low: int64(n + 2), High: int64(n + 1)}
		clues := &eventlog.Clues{After: int64(n + 1), UpTo: int64(n + group + 1)}
		for i := n; i < n+group; i++ {
			id, position := fmt.Sprint("event-", i), int64(i+2)
			request.Entries = append(request.Entries, eventlog.Entry{Event: &event.Event{
				ID: ident.Message("urn:s", id), Source: "urn:s", SourceID: id, Type: "t", Version: "v1", Lane: event.Lane{1, byte(i), byte(i >> 8)},
				Retention: []event.Retention{"P30D", "P180D", "P5Y"}[i%3], Head: fmt.Appendf(nil, `{"id":%q}`, id), MediaType: "application/json", Data: make([]byte, 1<<10),
			}})
			clues.Rows = append(clues.Rows, eventlog.Clue{Hash: event.Clue(ident.Message("clue", id)), Position: position})
			cut.Attempts = append(cut.Attempts, eventlog.Attempt{Position: position, Number: 1, At: 1, Outcome: eventlog.Done, Result: channel.Result{Status: 204}})
		}
		commit(&eventlog.Commit{Now: event.MicrosPerDay * int64(20000+10*n/many), Requests: []*eventlog.Request{request}})
		commit(&eventlog.Commit{Now: event.MicrosPerDay * int64(20000+10*n/many), Requests: []*eventlog.Request{{Clues: clues}}, Cuts: []*eventlog.Cut{cut}})
	}
}
