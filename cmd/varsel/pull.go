package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/varselhub/varsel/client"
)

type pullCommand struct {
	Subscription string        `arg:"" help:"Id of a subscription whose channel is cursor or queue."`
	After        string        `help:"Cursor to read on from; without one, from where the hub knows the reader to stand." placeholder:"CURSOR"`
	State        string        `help:"File that keeps the cursor from one run to the next." placeholder:"FILE" type:"path"`
	Follow       bool          `help:"Stay and wait for more." short:"f"`
	Limit        int           `help:"Events at a time, 1 to 100000; of a queue to 1000." default:"1000"`
	Hold         time.Duration `help:"How long a message of a queue is leased." default:"1m"`
	Keep         bool          `help:"Show what a queue holds without acknowledging it."`
	hubFlags
}

// Validate implements kong's hook.
func (c *pullCommand) Validate() error {
	switch {
	case c.After != "" && c.State != "":
		return errors.New("--after and --state both say where to read on; give one")
	case c.Limit < 1 || c.Limit > 100_000:
		return fmt.Errorf("--limit is %d; give 1 to 100000", c.Limit)
	case c.Hold < time.Second:
		return fmt.Errorf("--hold is %s; give a second or more", c.Hold)
	case c.Keep && c.Follow:
		return errors.New("--keep shows what is there once; leave out --follow")
	}
	return nil
}

// pullWait is how long one request of --follow stays.
const pullWait = 30 * time.Second

// Run fetches what there is and prints each event as one line of JSON.
func (c *pullCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	standing, err := hub.Subscription(ctx, c.Subscription)
	if err != nil {
		return err
	}
	switch standing.Channel {
	case client.Cursor:
		return c.ended(ctx, c.read(ctx, s, hub))
	case client.Queue:
		return c.ended(ctx, c.empty(ctx, s, hub))
	default:
		return fmt.Errorf("the subscription %s is pushed to %s; `varsel pull` is for one whose channel is cursor or queue", standing.Name, standing.Endpoint)
	}
}

// ended: a person who stops --follow has got what they asked for.
func (c *pullCommand) ended(ctx context.Context, err error) error {
	if c.Follow && ctx.Err() != nil {
		return nil //nolint:nilerr // being ended is no failure
	}
	return err
}

func (c *pullCommand) wait() time.Duration {
	if c.Follow {
		return pullWait
	}
	return 0
}

// read reads by cursor. The cursor is kept when its events have been printed: after a crash the last of them come again.
func (c *pullCommand) read(ctx context.Context, s *streams, hub *client.Client) error {
	at, err := c.kept()
	if err != nil {
		return err
	}
	for {
		count := 0
		next, err := hub.Fetch(ctx, c.Subscription, client.FetchOptions{After: at, Limit: c.Limit, Wait: c.wait()}, func(f client.Fetched) error {
			count++
			_, err := fmt.Fprintf(s.out, "%s\n", f.Event)
			return err
		})
		if next != at {
			if kept := c.keep(next); kept != nil {
				return kept
			}
		}
		if err != nil {
			return err
		}
		if at = next; count == 0 && !c.Follow {
			fmt.Fprintf(s.err, "That is all there is. Go on later with --after %s\n", at)
			return nil
		}
	}
}

func (c *pullCommand) kept() (string, error) {
	if c.State == "" {
		return c.After, nil
	}
	text, err := os.ReadFile(c.State)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(bytes.TrimSpace(text)), err
}

// keep replaces the file as a whole: it holds the old cursor or the new one.
func (c *pullCommand) keep(cursor string) error {
	if c.State == "" {
		return nil
	}
	if err := os.WriteFile(c.State+".new", []byte(cursor+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(c.State+".new", c.State)
}

// empty leases what a queue holds, prints it and acknowledges it.
func (c *pullCommand) empty(ctx context.Context, s *streams, hub *client.Client) error {
	for {
		messages, err := hub.Lease(ctx, c.Subscription, client.LeaseOptions{Max: min(c.Limit, 1000), Hold: c.Hold, Wait: c.wait()})
		if err != nil {
			return err
		}
		leases := make([]string, 0, len(messages))
		for _, m := range messages {
			leases = append(leases, m.Lease)
			if err := printLine(s, m.Message); err != nil {
				return err
			}
		}
		if err := c.settle(ctx, s, hub, leases); err != nil {
			return err
		}
		if c.Keep || len(messages) == 0 && !c.Follow {
			fmt.Fprintln(s.err, "That is all that can be leased now.")
			return nil
		}
	}
}

func (c *pullCommand) settle(ctx context.Context, s *streams, hub *client.Client, leases []string) error {
	if len(leases) == 0 {
		return nil
	}
	if c.Keep {
		_, err := hub.Return(ctx, c.Subscription, leases...)
		return err
	}
	gone, err := hub.Acknowledge(ctx, c.Subscription, leases...)
	if len(gone) > 0 {
		fmt.Fprintf(s.err, "%d of %d leases were over before they were acknowledged: those messages come again. Give a longer --hold.\n", len(gone), len(leases))
	}
	return err
}

func printLine(s *streams, message json.RawMessage) error {
	var line bytes.Buffer
	if err := json.Compact(&line, message); err != nil {
		return fmt.Errorf("a message that is not JSON: %w", err)
	}
	_, err := fmt.Fprintf(s.out, "%s\n", line.Bytes())
	return err
}
