// Package demo is a hub with a sample world and live traffic, from nothing but a temporary directory: two sources,
// three receiving systems with web servers of their own on loopback ports, and a count at the end of what arrived, in
// which order. Read Run first.
package demo

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/netguard"
)

// Options say how a demo runs.
type Options struct {
	Listen    string        // host:port of the hub; port 0 takes a free one
	For       time.Duration // how long traffic runs; 0: until the context ends
	Rate      int           // events a second; 0: 20
	FailEvery int           // every nth message to the tax office fails at first; 0: 15
	FailTimes int           // how often such a message fails; 0: 2
	Screen    io.Writer     // where progress is shown; nil: nowhere
	Repaint   bool          // Screen is a terminal: repaint instead of writing line after line
	Logger    *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Rate == 0 {
		o.Rate = 20
	}
	if o.FailEvery == 0 {
		o.FailEvery = 15
	}
	if o.FailTimes == 0 {
		o.FailTimes = 2
	}
	if o.Screen == nil {
		o.Screen = io.Discard
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Result is what came of a demo, by the receivers' own counting.
type Result struct {
	Address         string `json:"address"`   // of the hub
	Published       int64  `json:"published"` // events
	Delivered       int64  `json:"delivered"` // messages accepted by their receivers, each once
	Retried         int64  `json:"retried"`   // attempts that had to be repeated
	BlockedLanes    int64  `json:"blocked_lanes"`
	OrderViolations int64  `json:"order_violations"` // first sightings out of order, or while an earlier one was unfinished
	Lost            int64  `json:"lost"`             // messages owed and never accepted
}

const drainGrace = 15 * time.Second

// world is a running demo.
type world struct {
	options   Options
	dir       string
	hub       *app.Hub
	address   string
	stress    *stress
	receivers []*receiver
	traffic   *traffic
	divisions *divisions
}

// Run makes a world, lets traffic run until Options.For is over or ctx ends, waits up to 15 s until everything is
// delivered, and takes the world down again. Events that a receiver still owes an answer for then count as lost.
func Run(ctx context.Context, options Options) (*Result, error) {
	w := &world{options: options.withDefaults()}
	defer w.end()
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	screen := newScreen(w)
	screen.open()
	defer screen.close()
	if err := w.live(ctx); err != nil {
		return nil, err
	}
	screen.say("No more is published; what is on its way arrives.")
	w.drain()
	return w.result(), nil
}

// begin puts everything in place, the listener first: a port that is taken is said before anything else happens.
func (w *world) begin(ctx context.Context) error {
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", w.options.Listen)
	if err != nil {
		return err
	}
	w.address = "http://" + socket.Addr().String()
	err = w.furnish(ctx, socket)
	if err != nil {
		_ = socket.Close()
	}
	return err
}

func (w *world) furnish(ctx context.Context, socket net.Listener) error {
	var err error
	if w.dir, err = os.MkdirTemp("", "varsel-demo-"); err != nil {
		return err
	}
	certificates, err := makeCertificates(filepath.Join(w.dir, "certificates"))
	if err != nil {
		return err
	}
	w.stress = newStress(w.options.FailEvery, w.options.FailTimes)
	if w.receivers, err = newReceivers(ctx, certificates, w.stress); err != nil {
		return err
	}
	w.hub, err = app.New(ctx, app.Config{
		Data: filepath.Join(w.dir, "hub"), Environment: "T1", URL: w.address, NoAccess: true, AllowSinks: true, Egress: netguard.Rules{Allow: app.Loopback, AllowHTTP: true},
	}, w.options.Logger)
	if err != nil {
		return err
	}
	if err := w.hub.Start(ctx); err != nil {
		return err
	}
	if err := w.hub.Serve(socket); err != nil {
		return err
	}
	if err := putSample(ctx, w.hub.Manager); err != nil {
		return err
	}
	if err := putSites(ctx, w.hub.Manager, time.Now()); err != nil {
		return err
	}
	if w.divisions, err = putDivisions(ctx, w.hub, time.Now()); err != nil {
		return err
	}
	for _, r := range w.receivers {
		if err := subscribe(ctx, w.hub.Manager, r); err != nil {
			return err
		}
	}
	w.traffic = newTraffic(w.hub.Publisher, w.receivers)
	return nil
}

func (w *world) live(ctx context.Context) error {
	if w.options.For > 0 {
		limited, cancel := context.WithTimeout(ctx, w.options.For)
		defer cancel()
		ctx = limited
	}
	corrected := make(chan error, 1)
	go func() { corrected <- w.divisions.run(ctx) }()
	err := w.traffic.run(ctx, w.options.Rate)
	if err == nil {
		err = <-corrected
	}
	return err
}

// drain waits until the hub owes nothing. The receiver that fails is done with that: what fails already fails to its end.
func (w *world) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), drainGrace)
	defer cancel()
	w.stress.relax()
	if w.hub.Engine.Reached(ctx, w.hub.Log.Head()) != nil {
		return
	}
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for w.hub.Engine.Totals().Pending > 0 {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (w *world) result() *Result {
	totals := w.hub.Engine.Totals()
	result := &Result{Address: w.address, Published: w.traffic.published.Load(), Retried: totals.Retried, BlockedLanes: totals.Blocked}
	w.count(result)
	return result
}

// count holds what the receivers have seen against what they are owed.
func (w *world) count(result *Result) {
	for i, r := range w.receivers {
		seen := r.counter.Summary()
		arrived := seen.Accepted - r.extra.Load()
		result.Delivered += arrived
		result.OrderViolations += seen.Violations + seen.Overtakes
		result.Lost += w.traffic.owed[i].Load() - arrived
	}
}

// end takes down what there is, the hub before those it sends to.
func (w *world) end() {
	ctx, cancel := context.WithTimeout(context.Background(), app.ShutdownGrace)
	defer cancel()
	if w.hub != nil {
		w.hub.Stop(ctx)
	}
	stopAll(ctx, w.receivers)
	if w.dir != "" {
		if err := os.RemoveAll(w.dir); err != nil && !errors.Is(err, os.ErrNotExist) {
			w.options.Logger.Warn("removing the demo's data", "error", err)
		}
	}
}
