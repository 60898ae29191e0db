package revision_test

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
)

// BenchmarkStart is what a hub does with 100,000 changes of states when it starts: it folds them, and makes the board.
func BenchmarkStart(b *testing.B) {
	const changes = 100_000
	site := statustest.New().Site
	revisions := []revision.Revision{revision.Of("eva", revision.Site, site.Name, &site)}
	for i := range changes {
		ch := status.Change{
			Component: statustest.ID("comp", i%8+1), State: status.States[i%5], At: statustest.Now.Add(time.Duration(i) * time.Minute), Cause: status.ByMonitor,
			Reason: status.Text{"en": "1 of 2 data centres", "da": "1 af 2 datacentre"},
		}
		revisions = append(revisions, revision.Of("monitor", revision.State, fmt.Sprintf("prod/%s", ch.Component), &ch))
	}
	for i := range revisions {
		revisions[i].Position = int64(i + 1)
	}
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		book := revision.NewBook(time.UTC)
		if err := book.Apply(revisions); err != nil {
			b.Fatal(err)
		}
		if book.Board("prod") == nil {
			b.Fatal("there is no board")
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		runtime.KeepAlive(book)
	}
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/(1<<20), "MiB")
}
