package sqlite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Manifest says what a backup holds. It stands beside it, in FILE.json, and is written last: a backup without one is
// not whole.
type Manifest struct {
	Format   int       `json:"format"`  // manifestFormat
	Version  string    `json:"version"` // of the varsel that made it
	Schema   int64     `json:"schema"`
	Epoch    uint32    `json:"epoch"` // of the log, eventlog.Epoch
	Head     int64     `json:"head"`  // the last position in it
	Taken    time.Time `json:"taken"` // what was accepted before is in it
	Bytes    int64     `json:"bytes"`
	SHA256   string    `json:"sha256"`
	Erasures int64     `json:"erasures"` // the number of the last erasure in it that had ended; 0: none, and there need be no journal
	KEKs     []string  `json:"keks"`     // ids of the vault's keys that it cannot be read without; they are not in it
}

const (
	manifestFormat = 1
	manifestSuffix = ".json"
)

// Copying says how a backup is made or restored.
type Copying struct {
	Version string                  // of this program
	Tell    func(done, total int64) // progress in bytes, called often; nil: nobody hears

	// Of a restore: the journal of erasures, to be made again. Nil: there is none.
	Erasures []eventlog.Journaled
	// Erased is told how many events and rows of registers a restore has erased again, and in how many erasures; nil: nobody is.
	Erased func(events, rows, erasures int)
}

func (o *Copying) tell(done, total int64) {
	if o.Tell != nil {
		o.Tell(done, total)
	}
}

// pagesAtOnce is how much is copied between two looks at ctx: 4 MiB.
const pagesAtOnce = 512

// Backup copies a database as it is at one moment, while a hub may write to it, and returns when the copy is on disk.
// Neither waits for the other; the hub's WAL grows meanwhile by what it commits. The wrapped data keys are in the copy,
// the vault's keys are not.
// Errors: fault.NoDatabase when there is none; fault.StoreNotEmpty when to or its manifest is there already;
// fault.StoreNewer.
func Backup(ctx context.Context, file, to string, o Copying) (m Manifest, err error) {
	for _, name := range []string{to, to + manifestSuffix} {
		if err := absent(name); err != nil {
			return m, err
		}
	}
	source, err := openBeside(ctx, file)
	if err != nil {
		return m, err
	}
	defer source.Close()
	if err := knownSchema(source); err != nil {
		return m, err
	}
	part, err := reserve(to)
	if err != nil {
		return m, fault.Wrap(fault.Internal, err, "the backup cannot be written")
	}
	defer discard(part)
	m = Manifest{Format: manifestFormat, Version: o.Version, Taken: time.Now().UTC()}
	if err = copyPages(ctx, source, part, &o); err == nil {
		err = m.describe(part)
	}
	if err == nil {
		err = m.seal(part, to)
	}
	if err != nil {
		return m, fault.Wrap(fault.Internal, err, "the backup could not be written")
	}
	return m, nil
}

// absent refuses to overwrite.
func absent(name string) error {
	_, err := os.Lstat(name)
	switch {
	case err == nil:
		return fault.New(fault.StoreNotEmpty, "%s is there already", name)
	case os.IsNotExist(err):
		return nil
	}
	return fault.Wrap(fault.Internal, err, "cannot look at %s", name)
}

// reserve makes an empty file, readable by its owner alone, beside the one that it will become.
func reserve(name string) (part string, err error) {
	file, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return "", err
	}
	return file.Name(), file.Close()
}

// discard removes what was left halfway; what became whole has another name by now.
func discard(part string) {
	for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
		_ = os.Remove(part + suffix)
	}
}

// copyPages copies every page as of one read transaction: pages that the hub commits meanwhile are not seen, so the
// copy never has to begin anew.
func copyPages(ctx context.Context, source *sqlite.Conn, to string, o *Copying) (err error) {
	defer sqlitex.Transaction(source)(&err)
	if _, err := number(source, "SELECT count(*) FROM hub"); err != nil { // begins the transaction's reading
		return err
	}
	size, err := number(source, "PRAGMA page_size")
	if err != nil {
		return err
	}
	target, err := sqlite.OpenConn(to, sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	defer target.Close()
	for _, p := range []string{"PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF"} { // it is synced whole, later
		if err := sqlitex.ExecuteTransient(target, p, nil); err != nil {
			return err
		}
	}
	backup, err := sqlite.NewBackup(target, "main", source, "main")
	if err != nil {
		return err
	}
	defer backup.Close()
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if more, err = backup.Step(pagesAtOnce); err != nil {
			return err
		}
		total := int64(backup.PageCount()) * size
		o.tell(total-int64(backup.Remaining())*size, total)
	}
	return nil
}

// describe reads out of a copy what it holds, and makes it one file without a WAL.
func (m *Manifest) describe(file string) error {
	c, err := sqlite.OpenConn(file, sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := sqlitex.ExecuteTransient(c, "PRAGMA journal_mode=DELETE", nil); err != nil {
		return err
	}
	return m.read(c)
}

// read fills in what the database knows of itself.
func (m *Manifest) read(c *sqlite.Conn) (err error) {
	if m.Schema, err = number(c, "PRAGMA user_version"); err != nil {
		return err
	}
	if m.Head, err = number(c, headQuery); err != nil {
		return err
	}
	if m.Erasures, err = number(c, "SELECT coalesce(max(n), 0) FROM erasures WHERE ended <> 0"); err != nil {
		return err
	}
	epoch, err := number(c, "SELECT id FROM epochs ORDER BY n DESC LIMIT 1")
	if err != nil {
		return err
	}
	m.Epoch = uint32(epoch)
	keks, err := keksIn(c)
	m.KEKs = slices.AppendSeq([]string{}, maps.Keys(keks))
	slices.Sort(m.KEKs)
	return err
}

const headQuery = "SELECT max((SELECT coalesce(max(position), 0) FROM events), (SELECT coalesce(max(position), 0) FROM revisions))"

// seal syncs the copy, gives it its name, and then writes the manifest the same way.
func (m *Manifest) seal(part, to string) error {
	var err error
	if m.SHA256, m.Bytes, err = digest(part); err != nil {
		return err
	}
	if err := os.Rename(part, to); err != nil {
		return err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	manifest, err := reserve(to + manifestSuffix)
	if err != nil {
		return err
	}
	defer discard(manifest)
	if err := os.WriteFile(manifest, append(text, '\n'), 0o600); err != nil {
		return err
	}
	if _, _, err := digest(manifest); err != nil {
		return err
	}
	if err := os.Rename(manifest, to+manifestSuffix); err != nil {
		return err
	}
	return syncDirectory(to)
}

// digest syncs a file and reads it through.
func digest(name string) (sum string, size int64, err error) {
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	if err := file.Sync(); err != nil {
		return "", 0, err
	}
	hash := sha256.New()
	size, err = io.Copy(hash, file)
	return hex.EncodeToString(hash.Sum(nil)), size, err
}

// syncDirectory makes a file's name durable.
func syncDirectory(of string) error {
	dir, err := os.Open(filepath.Dir(of))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
