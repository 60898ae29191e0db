package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/web/api"
)

// auditCommand reads the audit log of a hub that runs or not, and changes nothing.
type auditCommand struct {
	List   auditListCommand   `cmd:"" help:"Show who did what."`
	Verify auditVerifyCommand `cmd:"" help:"Find out whether the audit log is whole; exit code 1 when it is not."`
	Head   auditHeadCommand   `cmd:"" help:"Print the last entry's number and MAC: note them elsewhere, and nothing before them can vanish unseen."`
}

type auditFlags struct {
	storeFlags
	JSON bool `help:"Print JSON, one object or line, for programs."`
}

func (f *auditFlags) open(ctx context.Context) (app.AuditLog, error) {
	place, err := f.place()
	if err != nil {
		return nil, err
	}
	return app.OpenAudit(ctx, place)
}

type auditListCommand struct {
	auditFlags
	Actor   string `help:"Only what this one did." placeholder:"NAME"`
	Act     string `help:"Only this act, such as discard; docs/audit.md lists them." placeholder:"ACT" values:"acts"`
	Subject string `help:"Only what was done to this, such as system/jobnet." placeholder:"KIND/NAME"`
	From    string `help:"Only from this time on, such as 2026-03-01T12:00:00Z." placeholder:"TIME"`
	To      string `help:"Only before this time." placeholder:"TIME"`
	Oldest  bool   `help:"Oldest first."`
	Limit   int    `help:"At most so many; 0 is all." default:"50"`
}

// Run prints the entries.
func (c *auditListCommand) Run(ctx context.Context, s *streams) error {
	query, err := c.query()
	if err != nil {
		return err
	}
	log, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // nothing is lost with it
	entries, err := log.Audit(query)
	if err != nil {
		return err
	}
	for i := range entries {
		if err := c.print(s.out, &entries[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c *auditListCommand) query() (q audit.Query, err error) {
	q = audit.Query{Actor: c.Actor, Act: audit.Act(c.Act), Subject: c.Subject, Newest: !c.Oldest, Limit: c.Limit}
	if c.Act != "" && !q.Act.Known() {
		return q, fmt.Errorf("--act is %q, which is no act; use one of %v", c.Act, audit.Acts())
	}
	if c.Limit < 0 {
		return q, fmt.Errorf("--limit is %d; give 0 or more", c.Limit)
	}
	if q.From, err = instantFlag("--from", c.From); err == nil {
		q.To, err = instantFlag("--to", c.To)
	}
	return q, err
}

// instantFlag reads a time as µs UTC; 0 for none.
func instantFlag(flag, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	us, ok := event.ParseTime(text)
	if !ok {
		return 0, fmt.Errorf("%s is %q; give a time such as 2026-03-01T12:00:00Z or 2026-03-01T13:00:00+01:00", flag, text)
	}
	return us, nil
}

func (c *auditListCommand) print(out io.Writer, e *audit.Entry) error {
	if c.JSON {
		return printJSON(out, api.ViewAudit(e))
	}
	at := time.UnixMicro(e.At).UTC().Format("2006-01-02 15:04:05")
	_, err := fmt.Fprintf(out, "%8d  %sZ  %-16s  %-17s  %-40s  %s\n", e.Number, at, e.Actor, e.Act, e.Subject, e.Detail)
	return err
}

type auditVerifyCommand struct {
	auditFlags
	Heads string `help:"File of exported heads; audit-heads.jsonl in the data directory when empty." placeholder:"FILE"`
}

// progressEvery is how many entries are verified between two lines of progress: some seconds' worth.
const progressEvery = 250_000

// Run verifies the log and says what it found.
func (c *auditVerifyCommand) Run(ctx context.Context, s *streams) error {
	place, err := c.place()
	if err != nil {
		return err
	}
	report, err := app.VerifyAudit(ctx, place, c.Heads, func(number int64) {
		if number%progressEvery == 0 {
			fmt.Fprintf(s.err, "%d entries are right so far\n", number)
		}
	})
	if err != nil {
		return err
	}
	if c.JSON {
		err = printJSON(s.out, report)
	} else {
		err = tellAudit(s.out, report)
	}
	if err == nil && !report.Whole {
		err = errSaid
	}
	return err
}

func tellAudit(out io.Writer, r *app.AuditReport) error {
	symbol := "✓"
	if !r.Whole {
		symbol = "✗"
	}
	text := fmt.Sprintf("%s %s\n  %d entries are right, held against %d exported heads\n", symbol, r.Says, r.Entries, r.Heads)
	if r.NoHeads {
		text += "! there are no exported heads: entries removed from the end cannot be seen; name the file of heads with --heads\n"
	}
	if r.Unreadable > 0 {
		text += fmt.Sprintf("! %d lines of the file of heads cannot be read\n", r.Unreadable)
	}
	_, err := io.WriteString(out, text)
	return err
}

type auditHeadCommand struct{ auditFlags }

// Run prints the head.
func (c *auditHeadCommand) Run(ctx context.Context, s *streams) error {
	log, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // nothing is lost with it
	head, err := log.Head()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, map[string]any{"number": head.Number, "mac": head.MAC.String()})
	}
	_, err = fmt.Fprintf(s.out, "%d %s\n", head.Number, head.MAC)
	return err
}
