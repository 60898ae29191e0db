package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/config"
)

// storeFlags name a hub's data directory, and the database that it shares with others where it is not in there.
type storeFlags struct {
	Data              string     `help:"Data directory of the hub." default:"./varsel-data" env:"VARSEL_DATA" placeholder:"DIR"`
	Store             config.URL `help:"PostgreSQL database of the hub, such as postgres://varsel@db.example/varsel, where it is not in the data directory." env:"VARSEL_STORE" placeholder:"URL"`
	StorePasswordFile string     `help:"File that holds the password for the user in --store." env:"VARSEL_STORE_PASSWORD_FILE" placeholder:"FILE"`
}

// place is where the hub is kept.
func (f *storeFlags) place() (app.Config, error) {
	c := app.Config{Data: f.Data, Store: f.Store.String(), Version: version}
	if f.StorePasswordFile == "" {
		return c, nil
	}
	if f.Store.URL == nil {
		return c, errors.New("--store-password-file needs a --store")
	}
	text, err := os.ReadFile(f.StorePasswordFile)
	if c.StorePassword = strings.TrimRight(string(text), "\r\n"); err != nil {
		err = fmt.Errorf("--store-password-file cannot be read: %w", err)
	}
	return c, err
}

// shared is place for what is done to a PostgreSQL database alone.
func (f *storeFlags) shared() (app.Config, error) {
	if f.Store.URL == nil {
		return app.Config{}, errors.New("--store is missing: give the URL of the PostgreSQL database, such as postgres://varsel@db.example/varsel")
	}
	return f.place()
}

type moveCommand struct {
	storeFlags
	JSON bool `help:"Print one JSON object on stdout."`
}

// Run moves the hub.
func (c *moveCommand) Run(ctx context.Context, s *streams) error {
	place, err := c.shared()
	if err != nil {
		return err
	}
	watch := &pace{w: s.err, repaint: isTerminal(s.err), now: time.Now}
	moved, err := app.Move(ctx, place, app.Moving{Version: version, Step: watch.step, Tell: func(text string) { fmt.Fprintln(s.err, text) }})
	watch.end()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, moved)
	}
	for _, t := range moved.Tables {
		fmt.Fprintf(s.out, "%-10s %12d rows  %s\n", t.Name, t.Rows, t.Digest)
	}
	fmt.Fprintf(s.out, "Everything up to position %d is in %s, and the same as here: rows were opened and compared one by one, %d audit entries and %d signing keys verified.\n",
		moved.Head, c.Store, moved.Audited, moved.Signing)
	fmt.Fprintf(s.out, "Next: varsel serve --data %s --store %s\n", c.Data, c.Store)
	fmt.Fprintf(s.out, "varsel.db in %s still holds all that there was, persons too, and nothing that is forgotten from now on goes there: delete it when the hub runs well.\n", c.Data)
	return nil
}

// pace tells the person how far something of several parts is: percent, rate, and the time that is left of the part. Once a
// second where they watch, else every ten.
type pace struct {
	w       io.Writer
	repaint bool
	now     func() time.Time

	doing       string
	began, told time.Time
	from        int64 // rows that were there when the part began
	painted     bool
}

func (p *pace) step(doing string, done, total int64) {
	now := p.now()
	if doing != p.doing {
		p.doing, p.began, p.told, p.from = doing, now, now, done
	}
	every := 10 * time.Second
	if p.repaint {
		every = time.Second
	}
	if now.Sub(p.told) < every && done < total {
		return
	}
	p.told = now
	text := fmt.Sprintf("%s: %d of %d (%d %%)", doing, done, total, 100*done/max(total, 1))
	if seconds := now.Sub(p.began).Seconds(); seconds > 0 && done > p.from {
		rate := float64(done-p.from) / seconds
		left := time.Duration(float64(total-done) / rate * float64(time.Second))
		text += fmt.Sprintf(", %.0f a second, %s left", rate, left.Round(time.Second))
	}
	switch {
	case !p.repaint:
		fmt.Fprintln(p.w, text)
	case done >= total:
		fmt.Fprintf(p.w, "\r\x1b[K%s\n", text)
		p.painted = false
	default:
		fmt.Fprintf(p.w, "\r\x1b[K%s", text)
		p.painted = true
	}
}

// end leaves the line that was painted over.
func (p *pace) end() {
	if p.painted {
		fmt.Fprintln(p.w)
	}
}

type renewCommand struct {
	storeFlags
	Journal        string `help:"The hub's journal of erasures, erasures.jsonl, newer than what was restored; where audit-heads pointed. Without it: the one in the data directory." placeholder:"FILE"`
	WithoutJournal bool   `help:"Go on although the journal of erasures is lost: persons who were erased since are back."`
	JSON           bool   `help:"Print one JSON object on stdout."`
}

// renewed is what --json prints.
type renewed struct {
	Epoch        uint32 `json:"epoch"`
	Head         int64  `json:"head"`
	ErasedEvents int    `json:"erasedEvents"` // by the journal of erasures
	ErasedRows   int    `json:"erasedRows"`   // of registers
	ErasedIn     int    `json:"erasedIn"`     // of its erasures
	NoJournal    bool   `json:"noJournal"`    // there was none
}

// Run begins a new epoch, after the erasures are made again.
func (c *renewCommand) Run(ctx context.Context, s *streams) error {
	place, err := c.shared()
	if err != nil {
		return err
	}
	r := renewed{NoJournal: true}
	done, err := app.Renew(ctx, place, c.Journal, c.WithoutJournal, func(events, rows, erasures int) {
		r.ErasedEvents, r.ErasedRows, r.ErasedIn, r.NoJournal = events, rows, erasures, false
	})
	if err != nil {
		return err
	}
	r.Epoch, r.Head = done.Epoch, done.Head
	if c.JSON {
		return printJSON(s.out, r)
	}
	fmt.Fprintf(s.out, "The log ends at position %d, and a new epoch begins there: a cursor beyond it is refused.\n", r.Head)
	if r.NoJournal {
		fmt.Fprintln(s.out, "There was no journal of erasures. If persons were erased at this hub since, they are back: erase them again.")
	} else {
		fmt.Fprintf(s.out, "By the journal of erasures, %d events and %d rows of registers, of %d erasures, were erased again.\n", r.ErasedEvents, r.ErasedRows, r.ErasedIn)
	}
	fmt.Fprintln(s.out, "What was accepted and is lost: have the sources publish it again; what is here already is a duplicate to them. Now start the nodes.")
	return nil
}
