package headfile

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
)

const (
	every = 24 * time.Hour
	again = 10 * time.Minute // after an export that failed
)

// Exporter exports a log's head when it starts, once a day, and when it stops.
type Exporter struct {
	dir    string
	head   func(context.Context) (audit.Head, error)
	clock  clock.Clock
	report func(doing string, err error)

	mu      sync.Mutex
	running bool
	timer   clock.Timer
}

// NewExporter makes an exporter to a directory. report is told what fails; the hub goes on without.
func NewExporter(dir string, head func(context.Context) (audit.Head, error), clk clock.Clock, report func(doing string, err error)) *Exporter {
	return &Exporter{dir: dir, head: head, clock: clk, report: report}
}

// Start holds the log against the last head that was exported, tells when it does not fit, and exports from now on.
func (x *Exporter) Start(ctx context.Context) {
	x.report("holding the audit log against its last exported head", x.compare(ctx))
	x.mu.Lock()
	defer x.mu.Unlock()
	x.running = true
	x.export(ctx)
}

// Stop exports once more. An exporter that was not started does nothing.
func (x *Exporter) Stop(ctx context.Context) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.running {
		return
	}
	x.timer.Stop()
	x.export(context.WithoutCancel(ctx)) // it takes moments, and nobody else does it later
	x.timer.Stop()
	x.running = false
}

// compare sees only what shows without reading the whole log: `varsel audit verify` sees the rest.
func (x *Exporter) compare(ctx context.Context) error {
	heads, _, err := Read(filepath.Join(x.dir, Name))
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(heads) == 0 {
		return nil
	}
	now, errNow := x.head(ctx)
	if err = errors.Join(err, errNow); err != nil {
		return err
	}
	last := heads[len(heads)-1]
	if now.Number < last.Number || now.Number == last.Number && now.MAC != last.MAC {
		return fault.New(fault.Internal, "the audit log ends at entry %d, and the last exported head is another, of entry %d: run varsel audit verify", now.Number, last.Number)
	}
	return nil
}

// export exports and sets the timer for the next time.
func (x *Exporter) export(ctx context.Context) {
	head, err := x.head(ctx)
	if err == nil {
		head.At = clock.Micros(x.clock.Now())
		err = Append(x.dir, head)
	}
	wait := every
	if err != nil {
		x.report("exporting the audit log's head", err)
		wait = again
	}
	x.timer = x.clock.AfterFunc(wait, func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.running {
			x.export(context.Background())
		}
	})
}
