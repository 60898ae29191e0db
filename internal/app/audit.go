package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/headfile"
	"github.com/varselhub/varsel/internal/store/movefile"
	"github.com/varselhub/varsel/internal/store/postgres"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// AuditLog is the audit log of a hub, for reading.
type AuditLog interface {
	Entries() audit.Entries
	Audit(q audit.Query) ([]audit.Entry, error)
	Head() (audit.Head, error)
	Close() error
}

// OpenAudit opens the audit log of a hub for reading, whether it runs or not. Nothing is changed.
// Errors: fault.HubMoved, fault.MoveUnfinished.
func OpenAudit(ctx context.Context, c Config) (AuditLog, error) {
	if c.Store != "" {
		return postgres.OpenAudit(ctx, c.storeURL())
	}
	if err := movefile.Refuse(c.Data); err != nil {
		return nil, err
	}
	file := c.database()
	if _, err := os.Stat(file); err != nil {
		return nil, fmt.Errorf("there is no hub's database in %s: %w\n  Name the hub's data directory with --data", c.Data, err)
	}
	return sqlite.OpenAudit(file)
}

// AuditReport is what came of VerifyAudit.
type AuditReport struct {
	Whole bool `json:"whole"`
	audit.Verified
	Says       string `json:"says"`                      // in one sentence
	Unreadable int    `json:"unreadableHeads,omitempty"` // lines of the file of heads
	NoHeads    bool   `json:"noHeads,omitempty"`         // there is no file of heads
}

// VerifyAudit holds the audit log of a hub against the key in its data directory and against a file of exported heads; "" is
// the one in the data directory. A file that is named must be there.
func VerifyAudit(ctx context.Context, config Config, heads string, progress func(number int64)) (*AuditReport, error) {
	report := &AuditReport{}
	// The heads first: the log of a hub that runs may be ahead of them, never behind.
	exported, err := report.heads(heads, filepath.Join(config.auditHeads(), headfile.Name))
	if err != nil {
		return nil, err
	}
	log, err := OpenAudit(ctx, config)
	if err != nil {
		return nil, err
	}
	chain, err := existingChain(config.secrets())
	if err == nil {
		report.Verified, err = audit.Verify(log.Entries(), chain, exported, progress)
	}
	if err = errors.Join(err, log.Close()); err != nil {
		return nil, err
	}
	report.Whole, report.Says = report.Break == nil, "the audit log is whole"
	if !report.Whole {
		report.Says = report.Break.String()
	}
	return report, nil
}

func (r *AuditReport) heads(named, usual string) ([]audit.Head, error) {
	file := named
	if file == "" {
		file = usual
	}
	heads, unreadable, err := headfile.Read(file)
	if fault.Has(err, fault.NotFound) {
		if named != "" {
			return nil, fmt.Errorf("there is no file of heads %s\n  Name the one that --audit-heads of varsel serve has made", named)
		}
		r.NoHeads, err = true, nil
	}
	r.Unreadable = unreadable
	return heads, err
}

func existingChain(secrets string) (*audit.Chain, error) {
	vault, err := secret.Existing(secrets)
	if err != nil {
		return nil, err
	}
	key, err := vault.AuditKey(1) // one that is there: none is made by reading
	if err != nil {
		return nil, err
	}
	return audit.NewChain(key)
}
