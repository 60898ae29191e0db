// Package bench measures the hub against the machine it runs on. A rate by itself says little: it is the machine's as
// much as the hub's. So each figure is taken beside a ceiling, the fastest bare loop that does the same work towards the
// same receiver, in the same run and by turns, and what counts is the ratio (DESIGN section 7).
//
// The receiver, and the publisher where events come over HTTP, are processes of their own: child.go. The ceiling is in
// ceiling.go, the hub under test in hub.go, and each figure in the file of its name.
package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"

	"github.com/varselhub/varsel/internal/fault"
)

// Options say what is measured, and how thoroughly.
type Options struct {
	Figures []string // names; none: all, in the order of Names
	Size    Size
	Dir     string // where data directories are made; it must be on a disk whose speed is meant. "": the system's
	// Child makes the command that runs Child in another process.
	Child func(role string) *exec.Cmd
	// Serve makes the command that runs varsel with arguments, for the figures of several nodes.
	Serve func(args ...string) *exec.Cmd
	// Report is called for each figure when it is done.
	Report func(Figure)
	// Progress is told what is going on, a line at a time; nil: nobody.
	Progress func(line string)
	// Profile gets a CPU profile of the hub's turns of the last figure; nil: none is made.
	Profile io.Writer
}

// Figure is one measurement. Rates are per second, times in milliseconds.
type Figure struct {
	Name    string  `json:"name"`
	Value   float64 `json:"value"`
	Unit    string  `json:"unit"`
	Ceiling float64 `json:"ceiling"` // the machine's, for the same work
	Ratio   float64 `json:"ratio"`   // the median of each turn's Value/Ceiling
	Aim     string  `json:"aim"`     // of Ratio
	Met     bool    `json:"met"`

	Ceiling2 float64 `json:"ceiling2,omitempty"` // the loop with the channel's own client
	Ratio2   float64 `json:"ratio2,omitempty"`

	CPU        float64 `json:"cpuMicros,omitempty"`        // of this process, or of the nodes, for each delivery
	CeilingCPU float64 `json:"ceilingCpuMicros,omitempty"` // of this process, for each POST of the ceiling

	// Of the other processes of a hub on PostgreSQL, for each delivery; what each has of the processors while it is measured.
	StoreCPU     float64 `json:"storeCpuMicros,omitempty"`
	ReceiverCPU  float64 `json:"receiverCpuMicros,omitempty"`
	PublisherCPU float64 `json:"publisherCpuMicros,omitempty"`

	P99        float64 `json:"p99,omitempty"`
	P99Ceiling float64 `json:"p99Ceiling,omitempty"`
	P99Ratio   float64 `json:"p99Ratio,omitempty"`

	Pending int     `json:"pending,omitempty"` // how many were drained or pulled
	PeakMiB float64 `json:"peakMiB,omitempty"` // resident memory of this process while they were, or a delivery was read

	Retried int64 `json:"retried"` // attempts that the hubs had to make again; a rate with any is no rate, unless endpoints hang

	Error string `json:"error,omitempty"` // why there is no figure
}

// aim is what a ratio should be.
type aim struct {
	bound  float64
	atMost bool
}

func (a aim) String() string {
	if a.bound == 0 {
		return "" // it is for knowing, not for meeting
	}
	if a.atMost {
		return fmt.Sprintf("<= %g", a.bound)
	}
	return fmt.Sprintf(">= %g", a.bound)
}

func (a aim) met(ratio float64) bool {
	if a.atMost {
		return ratio > 0 && ratio <= a.bound
	}
	return ratio >= a.bound
}

// figure is an entry of the table of figures.
type figure struct {
	name, unit string
	aim        aim
	measure    func(context.Context, *run, *Figure) error
	onRequest  bool // it is taken only when it is named
}

var figures = []figure{
	{name: "deliver-1", unit: "deliveries/s", aim: aim{bound: 0.75}, measure: deliver(1)},
	{name: "deliver-10", unit: "deliveries/s", aim: aim{bound: 0.9}, measure: deliver(10)},
	{name: "publish-50", unit: "deliveries/s", aim: aim{bound: 0.55}, measure: published(50)},
	{name: "publish-1", unit: "deliveries/s", aim: aim{bound: 0.35}, measure: published(1)},
	{name: "deliver-tls", unit: "deliveries/s", aim: aim{bound: 0.8}, measure: deliverTLS},
	{name: "latency", unit: "ms", aim: aim{bound: 2, atMost: true}, measure: latency},
	{name: "hang", unit: "deliveries/s", aim: aim{bound: 0.95}, measure: hang},
	{name: "drain", unit: "deliveries/s", aim: aim{bound: 0.9}, measure: drain},
	{name: "prune", unit: "deliveries/s", aim: aim{bound: 0.95}, measure: prune},
	{name: "subs-10k", unit: "deliveries/s", aim: aim{bound: 0.8}, measure: manySubscriptions},
	{name: "pg-1", unit: "deliveries/s", measure: deliverPostgres(1)},
	{name: "pg-10", unit: "deliveries/s", measure: deliverPostgres(10)},
	{name: "nodes-1", unit: "deliveries/s", measure: several(1)},
	{name: "nodes-2", unit: "deliveries/s", measure: several(2), onRequest: true},
	{name: "nodes-3", unit: "deliveries/s", measure: several(3)},
	{name: "nodes-4", unit: "deliveries/s", measure: several(4), onRequest: true},
	{name: "pull", unit: "messages/s", aim: aim{bound: 0.3}, measure: pulled},
	{name: "windows", unit: "messages/s", aim: aim{bound: 0.3}, measure: windowed},
	{name: "site-page", unit: "answers/s", aim: aim{bound: 0.9}, measure: visited(sitePage, 64, false)},
	{name: "site-page-1000", unit: "answers/s", aim: aim{bound: 0.9}, measure: visited(sitePage, 1000, false)},
	{name: "site-summary", unit: "answers/s", aim: aim{bound: 0.9}, measure: visited(siteSummary, 64, false)},
	{name: "site-summary-1000", unit: "answers/s", aim: aim{bound: 0.9}, measure: visited(siteSummary, 1000, false)},
	{name: "site-flips", unit: "answers/s", aim: aim{bound: 0.9}, measure: visited(sitePage, 64, true)},
	{name: "register-xml", unit: "MiB/s", aim: aim{bound: 0.5}, measure: registerXML},
}

// Names lists the figures in the order they are measured.
func Names() []string {
	var names []string
	for _, f := range figures {
		names = append(names, f.name)
	}
	return names
}

// Run measures the figures one after the other. A figure that could not be taken is reported with its Error, never with
// a number; Run goes on with the next, and its own error then says how many there were.
// Errors: fault.InvalidDocument for a name that is no figure's; fault.Internal.
func Run(ctx context.Context, o Options) error {
	chosen, err := choose(o.Figures)
	if err != nil {
		return err
	}
	failed := 0
	for _, f := range chosen {
		result := measure(ctx, &o, f)
		if result.Error != "" {
			failed++
		}
		o.Report(result)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	if failed > 0 {
		return fault.New(fault.Internal, "%d of %d figures could not be taken", failed, len(chosen))
	}
	return nil
}

func choose(names []string) (chosen []figure, err error) {
	if len(names) == 0 {
		return slices.DeleteFunc(slices.Clone(figures), func(f figure) bool { return f.onRequest }), nil
	}
	for _, name := range names {
		at := slices.IndexFunc(figures, func(f figure) bool { return f.name == name })
		if at < 0 {
			return nil, fault.New(fault.InvalidDocument, "there is no figure %q; there are %v", name, Names())
		}
		chosen = append(chosen, figures[at])
	}
	return chosen, nil
}

func measure(ctx context.Context, o *Options, f figure) Figure {
	result := Figure{Name: f.name, Unit: f.unit, Aim: f.aim.String()}
	dir, err := os.MkdirTemp(o.Dir, "varsel-bench-")
	if err == nil {
		defer os.RemoveAll(dir)
		ctx, cancel := context.WithTimeout(ctx, o.Size.Limit)
		defer cancel()
		r := &run{Options: o, figure: f.name, dir: dir}
		err = f.measure(ctx, r, &result)
		result.Retried = r.retried()
		r.close()
	}
	if err != nil {
		return Figure{Name: f.name, Unit: f.unit, Aim: f.aim.String(), Error: err.Error()}
	}
	result.Met = f.aim.met(result.Ratio)
	return result
}
