package sqlite_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// One operation reads an event of 1 KiB, as a reader of the log does: 512 at a time.
func BenchmarkRange(b *testing.B) {
	store, err := sqlite.Open(filepath.Join(b.TempDir(), "bench.db"), options(b, func(_, _ *event.Event) bool { return true }))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	const ahead, all = 512, 8192
	data := bytes.Repeat([]byte("x"), 1024)
	var requests []*eventlog.Request
	for n := range all {
		requests = append(requests, &eventlog.Request{Entries: []eventlog.Entry{{Event: &event.Event{
			ID: ident.New(), Source: "urn:bench", SourceID: strconv.Itoa(n), Type: "bench", Version: "v1", Lane: event.Lane{byte(n), 1},
			Head: data[:200], MediaType: "application/json", Data: data,
		}}}})
	}
	if err := store.Commit(context.Background(), &eventlog.Commit{Now: time.Now().UnixMicro(), Requests: requests}); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	at := int64(0)
	for n := 0; n < b.N; n += ahead {
		events, err := store.Range(context.Background(), at, at+ahead, ahead)
		if err != nil || len(events) != ahead {
			b.Fatal(len(events), err)
		}
		at = (at + ahead) % all
	}
}
