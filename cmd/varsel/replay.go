package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/varselhub/varsel/client"
)

type replayCommand struct {
	Subscription string    `arg:"" help:"Id of the subscription that is to have its past once more."`
	Position     int64     `help:"One event." placeholder:"POSITION"`
	After        int64     `help:"Everything above this position." placeholder:"POSITION"`
	UpTo         int64     `help:"And up to this one." placeholder:"POSITION"`
	Since        time.Time `help:"Recorded at or after, RFC 3339." placeholder:"TIME"`
	Until        time.Time `help:"And before." placeholder:"TIME"`
	Type         []string  `help:"Of these types only." placeholder:"TYPE"`
	Lane         string    `help:"Of this lane only, as the list of attempts and lanes shows it." placeholder:"LANE"`
	Rate         int       `help:"At most so many events a second." placeholder:"N"`
	DryRun       bool      `help:"Only count what would be replayed."`
	Count        *int64    `help:"How many it is to be: what --dry-run counted." placeholder:"N"`
	Wait         bool      `help:"Show how far it is until all of it is in its lanes; interrupted, the replay goes on."`
	Stop         int64     `help:"Stop this replay instead of beginning one." placeholder:"PASS"`
	hubFlags
}

// Validate implements kong's hook.
func (c *replayCommand) Validate() error {
	if c.Stop != 0 || c.DryRun || c.Count != nil {
		return nil
	}
	return errors.New("say --dry-run to count first, then --count with what it counted; or --stop")
}

// Run counts, begins or stops a replay.
func (c *replayCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	filter := client.ReplayFilter{
		Position: c.Position, After: c.After, UpTo: c.UpTo, Since: c.Since, Until: c.Until, Types: c.Type, Lane: c.Lane,
	}
	switch {
	case c.Stop != 0:
		if err := hub.StopReplay(ctx, c.Subscription, c.Stop); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "Replay %d is stopped. What stands in lanes already is delivered; nothing more comes.\n", c.Stop)
	case c.DryRun:
		found, err := hub.CountReplay(ctx, c.Subscription, filter)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%d events would be replayed.\n", found.Count)
		fmt.Fprintf(s.err, "To replay them, repeat this with --up-to %d --count %d instead of --dry-run.\n", found.UpTo, found.Count)
	default:
		pass, err := hub.BeginReplay(ctx, c.Subscription, filter, c.Rate, *c.Count)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "Replay %d has begun: %d events, header Varsel-Replay: %d.\n", pass.Pass, pass.Selected, pass.Pass)
		fmt.Fprintf(s.err, "To stop it: varsel replay %s --stop %d\n", c.Subscription, pass.Pass)
		if c.Wait {
			return c.watch(ctx, s, hub, pass)
		}
	}
	return nil
}

// lookAgain is how often a replay is asked how far it is.
const lookAgain = 500 * time.Millisecond

// watch shows how far a replay is until it has ended.
func (c *replayCommand) watch(ctx context.Context, s *streams, hub *client.Client, pass client.Replay) error {
	progress := &progress{w: s.err, doing: "replaying", unit: "events", repaint: isTerminal(s.err)}
	defer progress.end()
	for pass.Ended.IsZero() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lookAgain):
		}
		replays, err := hub.Replays(ctx, c.Subscription)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(replays, func(r client.Replay) bool { return r.Pass == pass.Pass })
		if at < 0 {
			return fmt.Errorf("the hub does not know replay %d any more", pass.Pass)
		}
		pass = replays[at]
		progress.tell(pass.Replayed, pass.Selected)
	}
	progress.end()
	fmt.Fprintf(s.out, "Replay %d has ended: %d of %d events were put into their lanes.\n", pass.Pass, pass.Replayed, pass.Selected)
	return nil
}
