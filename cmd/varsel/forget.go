package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/varselhub/varsel/client"
)

type eraseCommand struct {
	Reason string `help:"Why, in one line: the number of the case. It is kept for ever and must not name the person." placeholder:"TEXT"`
	Count  *int64 `help:"How many events it is to be, where nobody is there to type it: what was counted before." placeholder:"N"`
	Report int64  `help:"Tell of this erasure instead: who had the events, and when." placeholder:"NUMBER"`
	List   bool   `help:"List the erasures instead."`
	JSON   bool   `help:"Print one JSON object on stdout, or one a line."`
	hubFlags
}

// Validate implements kong's hook.
func (c *eraseCommand) Validate() error {
	if c.Reason == "" && c.Report == 0 && !c.List {
		return errors.New("say --reason; or --list, or --report. The person is asked for, or read from stdin: never from the command line, where others can see it")
	}
	return nil
}

// Run counts, asks, erases and reports.
func (c *eraseCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	switch {
	case c.List:
		return c.list(ctx, s, hub)
	case c.Report != 0:
		return c.report(ctx, s, hub, c.Report)
	}
	answers := bufio.NewReader(io.LimitReader(s.in, 4096))
	person, err := ask(s, answers, "Person, as the number stands in the events (it is shown as you type): ")
	if err != nil || person == "" {
		return errors.New("no person was given: type the number, or send it to stdin as one line")
	}
	count, err := hub.CountErasure(ctx, person)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "%d events and rows of registers name this person and can still be read.\n", count)
	if count == 0 {
		return nil
	}
	typed, err := c.typed(s, answers, count)
	if err != nil {
		return err
	}
	erasure, err := hub.Erase(ctx, person, c.Reason, typed)
	if err != nil {
		return err
	}
	if erasure.State != client.ErasureEnded {
		if err := c.await(ctx, s, hub, erasure.Number); err != nil {
			return err
		}
	}
	return c.report(ctx, s, hub, erasure.Number)
}

// typed is the count that whoever erases confirms.
func (c *eraseCommand) typed(s *streams, answers *bufio.Reader, count int64) (int64, error) {
	if c.Count != nil {
		return *c.Count, nil
	}
	fmt.Fprintln(s.err, "They cannot be brought back, here or by anyone. Who got them is reported, so that you can tell them.")
	text, err := ask(s, answers, fmt.Sprintf("Type %d to erase them: ", count))
	if err == nil {
		var typed int64
		if typed, err = strconv.ParseInt(text, 10, 64); err == nil && typed == count {
			return typed, nil
		}
	}
	return 0, fmt.Errorf("nothing was erased: the count was not typed\n  Without a terminal, repeat it with --count %d", count)
}

// ask reads one line; a person at a terminal is told of what.
func ask(s *streams, answers *bufio.Reader, prompt string) (string, error) {
	if f, ok := s.in.(*os.File); ok && isTerminal(f) {
		fmt.Fprint(s.err, prompt)
	}
	line, err := answers.ReadString('\n')
	if errors.Is(err, io.EOF) && line != "" {
		err = nil
	}
	return strings.TrimSpace(line), err
}

// await tells how far an erasure is that goes on by itself, until it has ended.
func (c *eraseCommand) await(ctx context.Context, s *streams, hub *client.Client, number int64) error {
	fmt.Fprintf(s.err, "Erasure %d goes on by itself; you may leave, and look with --report %d.\n", number, number)
	again := time.NewTicker(time.Second)
	defer again.Stop()
	for {
		report, err := hub.Erasure(ctx, number)
		if err != nil || report.State == client.ErasureEnded {
			return err
		}
		fmt.Fprintf(s.err, "%d of %d events are overwritten\n", report.Done, report.Events)
		select {
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *eraseCommand) list(ctx context.Context, s *streams, hub *client.Client) error {
	list, err := hub.Erasures(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		e := &list[i]
		if c.JSON {
			if err := printJSON(s.out, e); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(s.out, "%d  %s  %d events  %s  by %s  %s\n", e.Number, e.At.Local().Format(time.DateTime), e.Events, e.State, e.Author, e.Reason)
	}
	return nil
}

func (c *eraseCommand) report(ctx context.Context, s *streams, hub *client.Client, number int64) error {
	r, err := hub.Erasure(ctx, number)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, r)
	}
	fmt.Fprintf(s.out, "Erasure %d, %s, by %s: %d events, positions %d to %d. %s\n", r.Number, r.At.Local().Format(time.DateTime), r.Author, r.Events, r.First, r.Last, r.Reason)
	if r.Rows+r.Unsent > 0 {
		fmt.Fprintf(s.out, "With them %d rows of registers, %d events that were still to follow from these, and %d files of extracts.\n", r.Rows, r.Unsent, r.Files)
	}
	if r.State == client.ErasureEnded {
		fmt.Fprintf(s.out, "Nothing of them is left since %s. Backups from before still hold them until you delete them; a restore erases them again.\n", r.Ended.Local().Format(time.DateTime))
	} else {
		fmt.Fprintf(s.out, "It goes on: %d of them are overwritten.\n", r.Done)
	}
	for _, system := range r.Systems {
		switch {
		case system.Delivered > 0:
			fmt.Fprintf(s.out, "  %s has %d of them, since %s, the last on %s: tell it to erase them too\n", system.System, system.Delivered,
				system.From.Local().Format(time.DateTime), system.Until.Local().Format(time.DateTime))
		case system.Tried == 0:
			fmt.Fprintf(s.out, "  %s has none of them\n", system.System)
		}
		if system.Tried > 0 {
			fmt.Fprintf(s.out, "  %s was sent %d of them and did not confirm it: ask it\n", system.System, system.Tried)
		}
	}
	return nil
}

type revealCommand struct {
	Position int64  `arg:"" help:"The event's position."`
	Reason   string `help:"Why, in one line: the number of the case. It is kept for ever, with your account's name, and must not name the person." required:"" placeholder:"TEXT"`
	JSON     bool   `help:"Print one JSON object on stdout: attributes and answers too."`
	hubFlags
}

// Run prints the data on stdout, and what else there is on stderr.
func (c *revealCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	shown, err := hub.Reveal(ctx, c.Position, c.Reason)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, shown)
	}
	fmt.Fprintf(s.err, "event %d, message %s, %s; that you saw it is on record\n", shown.Position, shown.MessageID, shown.MediaType)
	if _, err := fmt.Fprintf(s.out, "%s\n", shown.Data); err != nil {
		return err
	}
	for _, a := range shown.Answers {
		fmt.Fprintf(s.err, "attempt %d of %s was answered %d %s: %s\n", a.Number, a.Consumer, a.Status, a.Detail, a.Body)
	}
	return nil
}
