package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

type backupCommand struct {
	storeFlags
	To   string `help:"File to make; its manifest is FILE.json. Nothing is overwritten." required:"" placeholder:"FILE"`
	JSON bool   `help:"Print the manifest as one JSON object on stdout."`
}

// Run makes the backup, while the hub may run.
func (c *backupCommand) Run(ctx context.Context, s *streams) error {
	if c.Store.URL != nil {
		return errors.New("a hub on PostgreSQL is backed up with PostgreSQL's own means: pg_basebackup with an archive of the WAL, or pg_dump\n  docs/storage.md says which, and how the secrets go with it")
	}
	progress := &progress{w: s.err, doing: "copying", repaint: isTerminal(s.err)}
	m, err := app.Backup(ctx, c.Data, c.To, sqlite.Copying{Version: version, Tell: progress.tell})
	progress.end()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, m)
	}
	fmt.Fprintf(s.out, "%s holds everything up to position %d, accepted before %s.\n", c.To, m.Head, m.Taken.Local().Format(time.DateTime))
	fmt.Fprintf(s.out, "Its manifest is %s.json: keep the two together.\n", c.To)
	fmt.Fprintf(s.out, "It cannot be read without the directory %s/secrets, which is not in it: keep a copy of that somewhere else.\n", c.Data)
	return nil
}

type restoreCommand struct {
	storeFlags
	From           string `help:"The backup; its manifest FILE.json stands beside it." required:"" placeholder:"FILE"`
	Journal        string `help:"The hub's journal of erasures, erasures.jsonl, newer than the backup; where audit-heads pointed. Without it: the one in the data directory." placeholder:"FILE"`
	WithoutJournal bool   `help:"Restore although the journal of erasures is lost: persons who were erased since the backup are back."`
	JSON           bool   `help:"Print one JSON object on stdout."`
}

// restored is what --json prints.
type restored struct {
	sqlite.Manifest
	MissingSecrets []string `json:"missingSecrets"` // files
	ErasedEvents   int      `json:"erasedEvents"`   // by the journal of erasures
	ErasedRows     int      `json:"erasedRows"`     // of registers
	ErasedIn       int      `json:"erasedIn"`       // of its erasures
	NoJournal      bool     `json:"noJournal"`      // there was none
}

// Run restores into a directory that has no database.
func (c *restoreCommand) Run(ctx context.Context, s *streams) error {
	if c.Store.URL != nil {
		return errors.New("a PostgreSQL database is restored with PostgreSQL's own means; then, before a node is started: varsel renew --store URL\n  Without it cursors that were given out lie, and persons who were erased since are back: docs/storage.md")
	}
	progress := &progress{w: s.err, doing: "copying", repaint: isTerminal(s.err), last: "checking every page; a large database takes minutes"}
	r := restored{NoJournal: true}
	m, missing, err := app.Restore(ctx, c.From, c.Data, c.Journal, c.WithoutJournal, sqlite.Copying{
		Version: version, Tell: progress.tell, Erased: func(events, rows, erasures int) {
			r.ErasedEvents, r.ErasedRows, r.ErasedIn, r.NoJournal = events, rows, erasures, false
		},
	})
	progress.end()
	if err != nil {
		return err
	}
	if c.JSON {
		r.Manifest, r.MissingSecrets = m, append([]string{}, missing...)
		return printJSON(s.out, r)
	}
	fmt.Fprintf(s.out, "%s is as it was on %s, up to position %d, in a new epoch.\n", c.Data, m.Taken.Local().Format(time.DateTime), m.Head)
	fmt.Fprintln(s.out, "What was accepted after that is not in it: have the sources publish it again; what is here already is a duplicate to them.")
	if r.NoJournal {
		fmt.Fprintln(s.out, "There was no journal of erasures. If persons were erased at this hub since the backup, they are back: erase them again.")
	} else {
		fmt.Fprintf(s.out, "By the journal of erasures, %d events and %d rows of registers, of %d erasures, were erased again.\n", r.ErasedEvents, r.ErasedRows, r.ErasedIn)
	}
	for _, name := range missing {
		fmt.Fprintf(s.out, "Before you start it: put %s, from the copy of the secrets, into %s/secrets.\n", name, c.Data)
	}
	if len(missing) == 0 {
		fmt.Fprintf(s.out, "Next: varsel serve --data %s\n", c.Data)
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, string(text))
	return err
}

// progress tells the person how far something is, once a second: on one line where they watch, else on a line each.
type progress struct {
	w       io.Writer
	doing   string
	unit    string // of what is counted; empty: bytes, shown as MB
	last    string // what follows when everything is copied
	repaint bool
	told    time.Time
	painted bool
	whole   bool
}

func (p *progress) tell(done, total int64) {
	now := time.Now()
	if done >= total && !p.whole {
		p.whole = true
		p.line(done, total)
		p.end()
		if p.last != "" {
			fmt.Fprintln(p.w, p.last)
		}
		return
	}
	if p.whole || now.Sub(p.told) < time.Second {
		return
	}
	p.told = now
	p.line(done, total)
}

func (p *progress) line(done, total int64) {
	const mega = 1_000_000
	text := fmt.Sprintf("%s: %.1f of %.1f MB", p.doing, float64(done)/mega, float64(total)/mega)
	if p.unit != "" {
		text = fmt.Sprintf("%s: %d of %d %s", p.doing, done, total, p.unit)
	}
	if p.repaint {
		fmt.Fprintf(p.w, "\r\x1b[K%s", text)
		p.painted = true
		return
	}
	fmt.Fprintln(p.w, text)
}

// end leaves the line that was painted over.
func (p *progress) end() {
	if p.painted {
		fmt.Fprintln(p.w)
		p.painted = false
	}
}
