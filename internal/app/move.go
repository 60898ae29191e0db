package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store"
	"github.com/varselhub/varsel/internal/store/lockfile"
	"github.com/varselhub/varsel/internal/store/movefile"
	"github.com/varselhub/varsel/internal/store/postgres"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// Moving says how a hub is moved.
type Moving struct {
	Version string
	Tell    func(text string)                     // what is worth a line; nil: nobody hears
	Step    func(doing string, done, total int64) // progress in rows, called often; nil: nobody hears
	Batch   int                                   // rows that are written together; 0: 4,096
}

// Moved is what a move did. Its tables were all compared, row by row.
type Moved struct {
	ID      string       `json:"id"`
	Head    int64        `json:"head"`    // the log's last position
	Resumed bool         `json:"resumed"` // it went on with what an earlier run had left
	Tables  []MovedTable `json:"tables"`
	Signing int          `json:"signingKeys"`
	Audited int64        `json:"auditEntries"` // that were verified with the audit key
	Copied  float64      `json:"copiedInSeconds"`
	Checked float64      `json:"checkedInSeconds"`
}

// MovedTable is what a table holds, on both sides.
type MovedTable struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	Digest string `json:"digest"` // SHA-256 of all of them, opened
}

// Move takes the hub of a data directory, which does not run, from SQLite to PostgreSQL. Everything goes, each event at its
// position; what was forgotten stays so. Killed at any moment and made again, it goes on where it was. It compares all of
// it, opened, on both sides, before the database can be used; from its beginning on no hub starts on the data directory
// without --store.
// Errors: fault.DataInUse, fault.StoreNotEmpty, fault.MoveDiffers, fault.HubMoved, fault.NoDatabase.
func Move(ctx context.Context, c Config, o Moving) (*Moved, error) {
	if _, err := os.Stat(c.database()); err != nil {
		return nil, fault.Wrap(fault.NoDatabase, err, "there is no hub's database in %s", c.Data)
	}
	lock, err := lockfile.Take(c.Data)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Release() }() // at the latest it goes with the process
	c, err = c.withDefaults()
	if err != nil {
		return nil, err
	}
	m := mover{config: c, options: o, report: &Moved{}}
	if m.options.Batch == 0 {
		m.options.Batch = rowsAtOnce
	}
	defer m.close()
	if err := m.open(ctx); err != nil {
		return nil, err
	}
	return m.report, m.move(ctx)
}

// rowsAtOnce and bytesAtOnce bound what is written together, and is in memory.
const (
	rowsAtOnce  = 4096
	bytesAtOnce = 8 << 20
)

// mover is one run of a move.
type mover struct {
	config  Config
	options Moving
	report  *Moved
	noted   *movefile.Move
	vault   *secret.Vault
	from    *sqlite.Export
	into    *postgres.Import
	book    *revision.Book
	total   map[string]int64
	opened  []func() error
}

func (m *mover) close() {
	for i := len(m.opened) - 1; i >= 0; i-- {
		_ = m.opened[i]() // what counted was committed
	}
}

// open opens both sides, and notes the move on both before anything is written.
func (m *mover) open(ctx context.Context) (err error) {
	if m.vault, err = m.config.vault(); err != nil {
		return err
	}
	tell := m.options.Tell
	old, err := sqlite.Open(m.config.database(), sqlite.Options{Keys: m.vault, Same: publish.Same, Version: m.options.Version, Tell: tell})
	if err != nil {
		return err
	}
	m.opened = append(m.opened, old.Close)
	if m.from, err = old.Export(ctx); err != nil {
		return err
	}
	m.opened = append(m.opened, m.from.Close)
	revisions, err := old.Revisions(ctx, 0)
	if err != nil {
		return err
	}
	m.book = revision.NewBook(m.config.Zone)
	if err := m.book.Apply(revisions); err != nil {
		return err
	}
	m.into, err = postgres.OpenImport(ctx, m.config.Store, postgres.Options{Keys: m.vault, Same: publish.Same, Version: m.options.Version, Password: m.config.StorePassword, Tell: tell})
	if err != nil {
		return err
	}
	m.opened = append(m.opened, m.into.Close)
	return m.count()
}

func (m *mover) count() error {
	m.total = map[string]int64{}
	for _, t := range store.Tables() {
		n, err := m.from.Count(&t)
		if err != nil {
			return err
		}
		m.total[t.Name] = n
	}
	return nil
}

func (m *mover) move(ctx context.Context) (err error) {
	end, err := m.from.End()
	if err != nil {
		return err
	}
	m.report.Head = end.Position
	if _, err := m.vault.AuditKey(end.Audited); err != nil {
		return err
	}
	if m.noted, err = movefile.Begin(m.config.Data, m.config.Store, time.Now()); err != nil {
		return err
	}
	m.report.ID, m.report.Resumed = m.noted.ID, m.noted.Resumed()
	finished, err := m.into.Begin(ctx, m.noted.ID, end)
	if fault.Has(err, fault.StoreNotEmpty) {
		m.noted.Undo(m.config.Data)
	}
	if err != nil {
		return err
	}
	if !finished {
		began := time.Now()
		if err := m.copy(ctx); err != nil {
			return err
		}
		m.report.Copied = time.Since(began).Seconds()
		began = time.Now()
		if err := m.verify(ctx); err != nil {
			return err
		}
		m.report.Checked = time.Since(began).Seconds()
		if err := m.into.Finish(ctx); err != nil {
			return err
		}
	}
	return m.noted.Finish(m.config.Data, time.Now())
}

// rows reads a table of the hub as it is to be in the new database.
func (m *mover) rows(t *store.Table, skip int64) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		for r, err := range m.from.Rows(t, skip) {
			if err == nil {
				m.fill(t, r)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// fill adds what SQLite does not know, and makes of texts what PostgreSQL can keep. The audit log is sealed: it goes as it
// is, or not at all.
func (m *mover) fill(t *store.Table, r store.Row) {
	if t.Name == auditTable {
		return
	}
	for i, v := range r {
		if text, ok := v.(string); ok {
			r[i] = store.PlainText(text)
		}
	}
	if t.Name == store.MovedConsumers {
		r[store.ColumnSystem] = m.systemOf(r[store.ColumnName].(string))
	}
}

const auditTable = "audit"

// systemOf is whose a consumer is.
func (m *mover) systemOf(consumer string) string {
	if system := m.book.SystemOf(consumer); system != "" {
		return system
	}
	system, _ := strings.CutPrefix(consumer, "system/")
	return system
}

// copy writes what is not there yet, table by table.
func (m *mover) copy(ctx context.Context) error {
	for _, t := range store.Tables() {
		if err := m.copyTable(ctx, &t); err != nil {
			return err
		}
	}
	refs, err := m.vault.SigningKeys()
	for _, ref := range refs {
		key := ""
		if err == nil {
			key, err = m.vault.SigningKey(ref)
		}
		if err == nil {
			err = m.into.PutSigningKey(ctx, ref, key)
		}
	}
	if err != nil {
		return err
	}
	return m.sameSecrets(ctx)
}

// batch is rows that are written together.
type batch struct {
	rows []store.Row
	size int
	err  error
}

// copyTable reads and opens the next rows while those before are sealed and written.
func (m *mover) copyTable(ctx context.Context, t *store.Table) error {
	ctx, stop := context.WithCancel(ctx)
	batches, read := make(chan batch, 1), make(chan struct{})
	defer func() { // the export has one reader at a time
		stop()
		<-read
	}()
	go func() {
		defer close(read)
		defer close(batches)
		m.readBatches(ctx, t, batches)
	}()
	for b := range batches {
		if b.err != nil {
			return b.err
		}
		if err := m.into.Put(ctx, t, b.rows); err != nil {
			return err
		}
		m.step("moving "+t.Name, m.into.Done(t), m.total[t.Name])
	}
	return ctx.Err()
}

func (m *mover) readBatches(ctx context.Context, t *store.Table, to chan<- batch) {
	b := batch{}
	send := func() bool {
		select {
		case to <- b:
			b = batch{}
			return true
		case <-ctx.Done():
			return false
		}
	}
	for r, err := range m.rows(t, m.into.Done(t)) {
		if err != nil {
			b.err = err
			send()
			return
		}
		b.rows, b.size = append(b.rows, r), b.size+r.Size()
		if (len(b.rows) >= m.options.Batch || b.size >= bytesAtOnce) && !send() {
			return
		}
	}
	if len(b.rows) > 0 {
		send()
	}
}

func (m *mover) step(doing string, done, total int64) {
	if m.options.Step != nil {
		m.options.Step(doing, done, total)
	}
}

// verify holds everything on one side against the other, and the audit log against its key.
func (m *mover) verify(ctx context.Context) error {
	for _, t := range store.Tables() {
		same, err := m.verifyTable(ctx, &t)
		if err != nil {
			return err
		}
		m.report.Tables = append(m.report.Tables, same)
	}
	refs, err := m.vault.SigningKeys()
	if err != nil {
		return err
	}
	for _, ref := range refs {
		mine, err := m.vault.SigningKey(ref)
		theirs, errTheirs := m.into.Signing().SigningKey(ref)
		if err = errors.Join(err, errTheirs); err != nil || mine != theirs {
			return fault.Wrap(fault.MoveDiffers, err, "the signing key %s is another", ref)
		}
		m.report.Signing++
	}
	chain, err := existingChain(m.config.secrets())
	if err != nil {
		return err
	}
	verified, err := audit.Verify(m.into.AuditEntries(ctx), chain, nil, nil)
	if err == nil && verified.Break != nil {
		err = fault.New(fault.MoveDiffers, "the audit log does not hold in the new database: %s", verified.Break)
	}
	m.report.Audited = verified.Entries
	return err
}

// verifyTable reads a table on both sides at once.
func (m *mover) verifyTable(ctx context.Context, t *store.Table) (same MovedTable, err error) {
	same.Name = t.Name
	next, stop := iter.Pull2(m.into.Rows(ctx, t))
	defer stop()
	digest, here, there := sha256.New(), []byte(nil), []byte(nil)
	for mine, err := range m.rows(t, 0) {
		if err != nil {
			return same, err
		}
		theirs, err, more := next()
		if err != nil {
			return same, err
		}
		if !more {
			return same, fault.New(fault.MoveDiffers, "%s has %d rows in the new database, and %d were to move", t.Name, same.Rows, m.total[t.Name])
		}
		if here, err = mine.Append(here[:0]); err == nil {
			there, err = theirs.Append(there[:0])
		}
		if err != nil {
			return same, err
		}
		if !bytes.Equal(here, there) {
			return same, fault.New(fault.MoveDiffers, "row %d of %s, %s, is not what it was (there it is %s)", same.Rows+1, t.Name, mine.Key(), theirs.Key())
		}
		digest.Write(here)
		same.Rows++
		m.step("comparing "+t.Name, same.Rows, m.total[t.Name])
	}
	if _, err, more := next(); more {
		return same, errors.Join(err, fault.New(fault.MoveDiffers, "%s has more rows in the new database than the %d that were to move", t.Name, same.Rows))
	}
	same.Digest = hex.EncodeToString(digest.Sum(nil))
	return same, nil
}

func (m *mover) sameSecrets(ctx context.Context) error {
	return sameSecrets(ctx, m.vault, m.into.Store)
}
