package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/fault"
)

// Restore makes a database of a backup where none is, and begins a new epoch in it: what the log was given after the
// backup is lost, so its positions will be given to other events, and a cursor behind it must not be believed. Either
// all of it is there when Restore returns, or nothing. Persons who were erased since the backup are erased in it too, as
// far as the journal of erasures is given. An upgrade, where the backup is of an earlier schema, is the next
// start's.
// Errors: fault.StoreNotEmpty when there is a database; fault.BackupInvalid when the backup is not what its manifest
// says; fault.StoreNewer.
func Restore(ctx context.Context, from, file string, o Copying) (m Manifest, err error) {
	for _, suffix := range []string{"", "-wal", "-journal"} {
		if err := absent(file + suffix); err != nil {
			return m, err
		}
	}
	if m, err = ReadManifest(from); err != nil {
		return m, err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return m, fault.Wrap(fault.Internal, err, "cannot make the directory of %s", file)
	}
	part, err := reserve(file)
	if err != nil {
		return m, fault.Wrap(fault.Internal, err, "the database cannot be written")
	}
	defer discard(part)
	if err = copyChecked(ctx, from, part, &m, &o); err == nil {
		err = m.renew(ctx, part, &o)
	}
	if err == nil {
		_, _, err = digest(part)
	}
	if err == nil {
		err = os.Rename(part, file)
	}
	if err == nil {
		err = syncDirectory(file)
	}
	if code := sqlite.ErrCode(err).ToPrimary(); code == sqlite.ResultCorrupt || code == sqlite.ResultNotADB {
		err = fault.Wrap(fault.BackupInvalid, err, "the database in it was damaged already when it was backed up")
	}
	if err != nil && !fault.Known(err) {
		err = fault.Wrap(fault.Internal, err, "the database could not be restored")
	}
	return m, err
}

// ReadManifest reads what stands beside a backup.
// Error: fault.BackupInvalid.
func ReadManifest(from string) (m Manifest, err error) {
	text, err := os.ReadFile(from + manifestSuffix)
	if err != nil {
		return m, fault.Wrap(fault.BackupInvalid, err, "the backup's manifest %s cannot be read", from+manifestSuffix)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fault.Wrap(fault.BackupInvalid, err, "%s is no manifest", from+manifestSuffix)
	}
	if m.Format != manifestFormat {
		return m, fault.New(fault.BackupInvalid, "the backup has the format %d, made by varsel %s; this varsel reads %d", m.Format, m.Version, manifestFormat)
	}
	return m, nil
}

// copyChecked copies the file and refuses it when a byte is not the one that was backed up.
func copyChecked(ctx context.Context, from, to string, m *Manifest, o *Copying) error {
	source, err := os.Open(from)
	if err != nil {
		return fault.Wrap(fault.BackupInvalid, err, "the backup cannot be read")
	}
	defer source.Close()
	target, err := os.OpenFile(to, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer target.Close()
	hash := sha256.New()
	both := io.MultiWriter(target, hash)
	for done := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.CopyN(both, source, 4<<20)
		done += n
		o.tell(done, m.Bytes)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); sum != m.SHA256 {
		return fault.New(fault.BackupInvalid, "the file is not the one that its manifest describes: its SHA-256 is %s, not %s", sum, m.SHA256)
	}
	return target.Close()
}

// renew checks every page and row of a restored file, erases again what was erased since, and begins its new epoch.
func (m *Manifest) renew(ctx context.Context, file string, o *Copying) error {
	c, err := openBeside(ctx, file)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := knownSchema(c); err != nil {
		return err
	}
	if err := checkIntegrity(c); err != nil {
		return err
	}
	found := *m
	if err := found.read(c); err != nil {
		return err
	}
	if found.Schema != m.Schema || found.Head != m.Head || found.Epoch != m.Epoch {
		return fault.New(fault.BackupInvalid, "the file holds schema %d, epoch %d, head %d; its manifest says %d, %d, %d",
			found.Schema, found.Epoch, found.Head, m.Schema, m.Epoch, m.Head)
	}
	if err := o.eraseAgain(c, m.Head); err != nil {
		return err
	}
	const begin = "INSERT INTO epochs (n, id, after) SELECT 1 + max(n), 1 + (random() & 0x3fffffff), ? FROM epochs"
	return sqlitex.Execute(c, begin, &sqlitex.ExecOptions{Args: []any{m.Head}})
}

func checkIntegrity(c *sqlite.Conn) error {
	var found []string
	err := each(c, "PRAGMA integrity_check(10)", nil, func(row *sqlite.Stmt) error {
		found = append(found, row.ColumnText(0))
		return nil
	})
	if err != nil {
		return err
	}
	if text := strings.Join(found, "; "); text != "ok" {
		return fault.New(fault.BackupInvalid, "the database in it was damaged already when it was backed up: %s", text)
	}
	return nil
}
