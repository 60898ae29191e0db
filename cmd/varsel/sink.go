package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/varselhub/varsel/client"
)

type sinkCommand struct {
	Subscription string        `arg:"" help:"Id of the subscription."`
	On           bool          `help:"Let the sink take its messages from now on, in place of its endpoint."`
	Status       int           `help:"With --on: the HTTP status that it answers." default:"200"`
	Delay        time.Duration `help:"With --on: how long it waits before each answer, at most 1m."`
	FailFirst    int           `help:"With --on: how many attempts of each message it answers 500 first." placeholder:"N"`
	Off          bool          `help:"Send its messages to its endpoint again; where the profile demands tests, once one has passed."`
	Empty        bool          `help:"Let go of what the sink has taken."`
	Bodies       bool          `help:"Print bodies too. Each that is looked at stands in the hub's audit log."`
	Once         bool          `help:"Print what is there and end, instead of waiting for more."`
	JSON         bool          `help:"Print JSON, one line for each message, for programs."`
	hubFlags
}

// Validate implements kong's hook.
func (c *sinkCommand) Validate() error {
	doing := 0
	for _, asked := range []bool{c.On, c.Off, c.Empty} {
		if asked {
			doing++
		}
	}
	if doing > 1 {
		return errors.New("--on, --off and --empty are three things; say one")
	}
	return nil
}

// Run does what the flags say, or shows what the sink takes.
func (c *sinkCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	switch {
	case c.On:
		return c.put(ctx, s, hub, &client.Sink{Status: c.Status, DelayMS: int(c.Delay / time.Millisecond), FailFirst: c.FailFirst})
	case c.Off:
		return c.put(ctx, s, hub, nil)
	case c.Empty:
		return hub.EmptySink(ctx, c.Subscription)
	}
	return c.follow(ctx, s, hub)
}

// put changes the subscription's sink and nothing else of its system's set.
func (c *sinkCommand) put(ctx context.Context, s *streams, hub *client.Client, sink *client.Sink) error {
	standing, err := hub.Subscription(ctx, c.Subscription)
	if err != nil {
		return err
	}
	set, tag, err := hub.SubscriptionSet(ctx, standing.System)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(set, func(one client.Subscription) bool { return one.ID == c.Subscription })
	if at < 0 {
		return fmt.Errorf("%s was removed meanwhile", c.Subscription)
	}
	one := &set[at]
	if one.PendingPath != nil && sink != nil {
		one.PendingPath = nil // into the sink: the path as it is in force is where it comes out again
	}
	one.Sink = sink
	report, err := hub.PutSubscriptionSet(ctx, standing.System, set, tag, client.SetOptions{})
	if err != nil {
		return err
	}
	waits := slices.ContainsFunc(report.PendingTests, func(p client.PendingTest) bool { return p.ID == c.Subscription })
	switch {
	case waits && sink == nil:
		fmt.Fprintf(s.out, "The sink goes on until a test of the endpoint has passed: POST /api/v1/subscriptions/%s/test\n", c.Subscription)
	case waits:
		fmt.Fprintf(s.out, "The sink takes its messages once a test has passed, which goes into the sink: POST /api/v1/subscriptions/%s/test\n", c.Subscription)
	case sink == nil:
		fmt.Fprintln(s.out, "Its messages go to its endpoint from now on. What the sink took is not sent again; varsel replay does that.")
	default:
		fmt.Fprintln(s.out, "The sink takes its messages from now on. Nothing is sent to its endpoint.")
	}
	return nil
}

// sinkWait is how long one request of a follower stays.
const sinkWait = 30 * time.Second

func (c *sinkCommand) follow(ctx context.Context, s *streams, hub *client.Client) error {
	after, wait := int64(0), time.Duration(0)
	for {
		arrivals, on, err := hub.Arrivals(ctx, c.Subscription, after, 0, wait)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the person has seen enough
		}
		if err != nil {
			return err
		}
		for i := range arrivals {
			if err := c.print(ctx, s, hub, &arrivals[i]); err != nil {
				return err
			}
			after = arrivals[i].Number
		}
		if len(arrivals) == 0 && c.Once {
			return nil
		}
		if wait == 0 && len(arrivals) == 0 {
			if wait = sinkWait; on {
				fmt.Fprintln(s.err, "Waiting for more; Ctrl-C ends.")
			} else {
				fmt.Fprintln(s.err, "Its sink is off: nothing comes before --on. Ctrl-C ends.")
			}
		}
	}
}

func (c *sinkCommand) print(ctx context.Context, s *streams, hub *client.Client, a *client.Arrival) error {
	if c.Bodies {
		one, err := hub.RevealArrival(ctx, c.Subscription, a.Number)
		switch {
		case err == nil:
			a = &one
		case !client.Has(err, client.CodeNotFound) && !client.Has(err, client.CodeConflict):
			return err
		}
	}
	if c.JSON {
		return printJSON(s.out, a)
	}
	_, err := fmt.Fprintf(s.out, "%s  %s  %s\n", a.At.Local().Format("15:04:05.000"), a.MessageID, c.line(a))
	if err == nil && a.Body != "" {
		_, err = fmt.Fprintf(s.out, "%s\n", a.Body)
	}
	return err
}

func (c *sinkCommand) line(a *client.Arrival) string {
	text := fmt.Sprintf("%s  attempt %d, %s, signature %s, %d bytes", a.Type, a.Attempt, a.Sighting, a.Signature, a.Size)
	if a.Test {
		text += ", test"
	}
	if a.Pass != 0 {
		text += fmt.Sprintf(", replay %d", a.Pass)
	}
	if a.Status == 0 {
		text += ": no answer in time"
	} else {
		text += fmt.Sprintf(": %d %s", a.Status, a.Result)
	}
	if a.Fault != "" {
		text += "  ! " + a.Fault
	}
	return text
}
