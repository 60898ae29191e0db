package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/varselhub/varsel/client"
)

type publishCommand struct {
	hubFlags
	File    string `arg:"" optional:"" help:"CloudEvents JSON: one event, an array, or one a line; - is stdin." placeholder:"FILE"`
	Source  string `help:"Make one event instead: its source's URI."`
	Type    string `help:"Its type."`
	Data    string `help:"Its data, JSON." placeholder:"{…}"`
	ID      string `help:"Its id; made when left out. The same id and content again is a duplicate, not a second event."`
	Partial bool   `help:"Let good events in although others of their batch are refused."`
	Quiet   bool   `help:"Print only what was refused, and the sum."`
}

// batchSize is how many events go in one request.
const batchSize = 50

// Validate implements kong's hook.
func (c *publishCommand) Validate() error {
	one := c.Source != "" || c.Type != "" || c.Data != "" || c.ID != ""
	switch {
	case one && c.File != "":
		return errors.New("give a file, or --source, --type and --data, not both")
	case one && (c.Source == "" || c.Type == ""):
		return errors.New("one event needs --source and --type")
	case !one && c.File == "":
		return errors.New("give a file of events, - for stdin, or --source, --type and --data for one event")
	case c.Data != "" && !json.Valid([]byte(c.Data)):
		return errors.New("--data is not JSON; quote it for the shell, such as --data '{\"permit\":\"2026-0117\"}'")
	}
	return nil
}

// Run sends the events in batches, in their order, and stops at the first batch that is refused.
func (c *publishCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	in, err := c.open(s)
	if err != nil {
		return err
	}
	defer in.Close()
	p := &publishing{command: c, hub: hub, streams: s, watched: isTerminal(s.err) && !isTerminal(s.out)}
	err = eachBatch(in, func(batch []json.RawMessage) error { return p.send(ctx, batch) })
	p.sum()
	if err == nil && p.refused > 0 {
		return errSaid
	}
	return err
}

func (c *publishCommand) open(s *streams) (io.ReadCloser, error) {
	switch c.File {
	case "":
		return c.one()
	case "-":
		return io.NopCloser(s.in), nil
	}
	return os.Open(c.File)
}

// one is the event that the flags describe.
func (c *publishCommand) one() (io.ReadCloser, error) {
	e := map[string]any{"specversion": "1.0", "id": c.ID, "source": c.Source, "type": c.Type}
	if c.ID == "" {
		e["id"] = client.NewID()
	}
	if c.Data != "" {
		e["data"] = json.RawMessage(c.Data)
	}
	text, err := json.Marshal(e)
	return io.NopCloser(bytes.NewReader(text)), err
}

// eachBatch hands on the events of the input without holding more than a batch of them, which visit must not keep.
func eachBatch(in io.Reader, visit func([]json.RawMessage) error) error {
	var batch []json.RawMessage
	err := eachEvent(in, func(e json.RawMessage) error {
		if batch = append(batch, e); len(batch) < batchSize {
			return nil
		}
		err := visit(batch)
		batch = batch[:0]
		return err
	})
	if err != nil || len(batch) == 0 {
		return err
	}
	return visit(batch)
}

// eachEvent reads one event, an array of events, or events one after the other.
func eachEvent(in io.Reader, visit func(json.RawMessage) error) error {
	buffered := bufio.NewReader(in)
	decoder := json.NewDecoder(buffered)
	array, err := startsArray(buffered)
	if err != nil {
		return fmt.Errorf("the input cannot be read: %w", err)
	}
	if array {
		if _, err := decoder.Token(); err != nil {
			return notJSON(decoder, err)
		}
	}
	for !array || decoder.More() {
		var e json.RawMessage
		err := decoder.Decode(&e)
		if errors.Is(err, io.EOF) && !array {
			return nil
		}
		if err != nil {
			return notJSON(decoder, err)
		}
		if err := visit(e); err != nil {
			return err
		}
	}
	if _, err := decoder.Token(); err != nil { // the end of the array
		return notJSON(decoder, err)
	}
	return nil
}

func notJSON(decoder *json.Decoder, err error) error {
	return fmt.Errorf("the input is not JSON after byte %d: %w\n  Events before it that were answered are published; mend the rest and send it again", decoder.InputOffset(), err)
}

// startsArray looks past white space without taking anything else.
func startsArray(in *bufio.Reader) (bool, error) {
	for {
		next, err := in.Peek(1)
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil:
			return false, err
		}
		switch next[0] {
		case ' ', '\t', '\r', '\n':
			if _, err := in.Discard(1); err != nil {
				return false, err
			}
		default:
			return next[0] == '[', nil
		}
	}
}

// publishing counts what became of the events.
type publishing struct {
	command *publishCommand
	hub     *client.Client
	streams *streams
	watched bool // progress is worth showing: results go elsewhere

	sent, accepted, duplicates, refused int
}

func (p *publishing) send(ctx context.Context, batch []json.RawMessage) error {
	body, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	results, err := p.hub.PublishBatch(ctx, body, p.command.Partial)
	var refused *client.Problem
	if errors.As(err, &refused) {
		p.refused += len(batch)
		return p.placed(refused)
	}
	if err != nil {
		return err
	}
	p.sent += len(batch)
	p.tell(results)
	if p.watched {
		fmt.Fprintf(p.streams.err, "\r%d events sent\x1b[K", p.sent)
	}
	return nil
}

// placed says which events of the input broke which rules, counted from 1, and that nothing of their batch is in.
func (p *publishing) placed(r *client.Problem) error {
	for i := range r.Violations {
		v := &r.Violations[i]
		v.Pointer = fmt.Sprintf("event %d %s", p.sent+v.Entry+1, v.Pointer)
	}
	if p.sent > 0 {
		return fmt.Errorf("%w\n  The %d events before are published; nothing from event %d on is", r, p.sent, p.sent+1)
	}
	return r
}

func (p *publishing) tell(results []client.Result) {
	for _, result := range results {
		switch result.Status {
		case client.Accepted:
			p.accepted++
		case client.Duplicate:
			p.duplicates++
		default:
			p.refused++
			fmt.Fprintf(p.streams.err, "%s  refused", result.ID)
			if result.Problem != nil {
				fmt.Fprintf(p.streams.err, ": %s", result.Problem)
			}
			fmt.Fprintln(p.streams.err)
			continue
		}
		if !p.command.Quiet {
			fmt.Fprintf(p.streams.out, "%-9s at position %d  %s\n", result.Status, result.Position, result.ID)
		}
	}
}

func (p *publishing) sum() {
	if p.watched {
		fmt.Fprint(p.streams.err, "\r\x1b[K")
	}
	fmt.Fprintf(p.streams.err, "%d accepted, %d duplicates, %d refused\n", p.accepted, p.duplicates, p.refused)
}
