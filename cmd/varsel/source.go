package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/varselhub/varsel/client"
)

// sourceCommand is for operators and for those whose source is read from a stream.
type sourceCommand struct {
	List    sourceListCommand    `cmd:"" help:"List the streams that sources are read from, and how they stand."`
	Aside   sourceAsideCommand   `cmd:"" help:"List the messages of a source's stream that were set aside, or show one of them."`
	Release sourceReleaseCommand `cmd:"" help:"Try a message that was set aside once more, and then those that wait behind it."`
	Discard sourceDiscardCommand `cmd:"" help:"Give up a message that was set aside; those that wait behind it go on."`
}

type sourceListCommand struct {
	JSON bool `help:"Print JSON, one line for each, for programs."`
	hubFlags
}

// Run lists the streams; its exit code tells whether all of them are read.
func (c *sourceListCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	list, err := hub.Streams(ctx)
	if err != nil {
		return err
	}
	troubled := false
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for i := range list {
		one := &list[i]
		troubled = troubled || one.State == "failing" || one.State == "full"
		if c.JSON {
			err = printJSON(s.out, one)
		} else {
			err = printStream(table, one)
		}
		if err != nil {
			return err
		}
	}
	if len(list) == 0 {
		fmt.Fprintln(s.err, "No source is read from a stream.")
	}
	if err := table.Flush(); err != nil || !troubled {
		return err
	}
	return errSaid
}

func printStream(table *tabwriter.Writer, one *client.StreamStatus) error {
	_, err := fmt.Fprintf(table, "%s\t%s %s\t%s\t%d to read\t%d set aside\n", one.Source, one.Kind, one.Stream, one.State, one.Lag, one.Aside)
	if err == nil && one.Code != "" {
		_, err = fmt.Fprintf(table, "  ! %s: %s, last at %s\n", one.Code, one.Detail, one.FailedAt.Local().Format("2006-01-02 15:04:05"))
	}
	return err
}

type sourceAsideCommand struct {
	Source string `arg:"" help:"Name of the source."`
	Number int64  `arg:"" optional:"" help:"Show this message, with what it says. Who looks stands in the hub's audit log."`
	Reason string `help:"With a number: why, in one line: the number of the case. It is kept for ever and must not name a person." placeholder:"TEXT"`
	JSON   bool   `help:"Print JSON, one line for each, for programs."`
	hubFlags
}

// Validate implements kong's hook.
func (c *sourceAsideCommand) Validate() error {
	if (c.Number != 0) != (c.Reason != "") {
		return errors.New("a message is shown with its number and a --reason")
	}
	return nil
}

// Run lists what is set aside, or shows one message.
func (c *sourceAsideCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	if c.Number != 0 {
		return c.reveal(ctx, s, hub)
	}
	table := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for after := int64(0); ; {
		list, err := hub.Asides(ctx, c.Source, after, 0)
		if err != nil {
			return err
		}
		for i := range list {
			one := &list[i]
			after = one.Number
			if c.JSON {
				err = printJSON(s.out, one)
			} else {
				_, err = fmt.Fprintf(table, "%d\tpartition %d, offset %d\t%s\t%s\t%s\n", one.Number, one.Partition, one.Offset, one.At.Local().Format("2006-01-02 15:04:05"), one.Code, one.Reason)
			}
			if err != nil {
				return err
			}
		}
		if len(list) == 0 {
			break
		}
	}
	return table.Flush()
}

func (c *sourceAsideCommand) reveal(ctx context.Context, s *streams, hub *client.Client) error {
	one, err := hub.RevealAside(ctx, c.Source, c.Number, c.Reason)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, one)
	}
	for _, h := range one.Headers {
		fmt.Fprintf(s.out, "%s: %s\n", h.Name, h.Value)
	}
	_, err = fmt.Fprintf(s.out, "\n%s\n", one.Data)
	if one.Data == "" && len(one.Base64) > 0 {
		fmt.Fprintln(s.err, "It is no text; --json prints it in base64.")
	}
	return err
}

// asideFlags name one message.
type asideFlags struct {
	Source string `arg:"" help:"Name of the source."`
	Number int64  `arg:"" help:"Number of the message, as varsel source aside lists it."`
	JSON   bool   `help:"Print JSON, for programs."`
	hubFlags
}

type sourceReleaseCommand struct{ asideFlags }

// Run releases a message; its exit code tells whether it is in the log.
func (c *sourceReleaseCommand) Run(ctx context.Context, s *streams) error {
	return c.letGo(ctx, s, (*client.Client).ReleaseAside)
}

type sourceDiscardCommand struct{ asideFlags }

// Run discards a message.
func (c *sourceDiscardCommand) Run(ctx context.Context, s *streams) error {
	return c.letGo(ctx, s, (*client.Client).DiscardAside)
}

func (c *asideFlags) letGo(ctx context.Context, s *streams, do func(*client.Client, context.Context, string, int64) (client.LetGo, error)) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	done, err := do(hub, ctx, c.Source, c.Number)
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		err = printJSON(s.out, done)
	case done.Code != "":
		fmt.Fprintf(s.err, "It is still set aside: %s: %s\n", done.Code, done.Reason)
	case done.Duplicate:
		fmt.Fprintf(s.out, "Its event was in the log already, at position %d.\n", done.Position)
	case done.Position != 0:
		fmt.Fprintf(s.out, "It is in the log, at position %d.\n", done.Position)
	default:
		fmt.Fprintln(s.out, "It is gone.")
	}
	if err == nil && !c.JSON && done.Followed+done.Refused > 0 {
		fmt.Fprintf(s.out, "Of those that waited behind it %d are in the log; %d are set aside for a reason of their own.\n", done.Followed, done.Refused)
	}
	if err == nil && done.Code != "" {
		return errSaid
	}
	return err
}
