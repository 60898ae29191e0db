package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"time"

	"github.com/varselhub/varsel/internal/chaos"
)

// chaosCommand is `varsel bench chaos`.
type chaosCommand struct {
	Minutes float64  `default:"10" placeholder:"N" help:"How long troubles come, one after the other; 3 is enough for each kind."`
	Nodes   int      `default:"3" placeholder:"N" help:"How many nodes the hub has."`
	Rate    float64  `default:"20" placeholder:"N" help:"Events published a second; each goes to fifty subscriptions."`
	Seed    uint64   `placeholder:"N" help:"Decides which trouble comes when; a run says its own, to be repeated."`
	Store   string   `placeholder:"URL" help:"An empty PostgreSQL database to run on. None: a server of its own is started, which is restarted and crashes, too."`
	Only    []string `placeholder:"TROUBLE" help:"Only these troubles, such as kill,pg-crash (docs/nodes.md)."`
	Dir     string   `help:"Directory in which everything is kept while it runs." type:"existingdir"`
	JSON    bool     `help:"Write one JSON object at the end."`
}

// Run implements kong's command.
func (c *chaosCommand) Run(ctx context.Context, s *streams) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if c.Seed == 0 {
		c.Seed = rand.Uint64N(1_000_000)
	}
	fmt.Fprintf(s.err, "seed %d\n", c.Seed)
	report, err := chaos.Run(ctx, chaos.Options{
		For: time.Duration(c.Minutes * float64(time.Minute)), Nodes: c.Nodes, Rate: c.Rate, Seed: c.Seed, Dir: c.Dir, Store: c.Store, Only: c.Only,
		Serve:    func(args ...string) *exec.Cmd { return exec.Command(self, args...) }, //nolint:noctx // it ends with this process, or is killed
		Progress: func(line string) { fmt.Fprintln(s.err, line) },
	})
	if err != nil {
		return err
	}
	if c.JSON {
		if err := report.JSON(s.out); err != nil {
			return err
		}
	} else {
		report.Text(s.out)
	}
	if report.Broken > 0 {
		return fmt.Errorf("promises were broken %d times; seed %d", report.Broken, c.Seed)
	}
	return nil
}
