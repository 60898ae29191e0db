package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store"
	"github.com/varselhub/varsel/internal/store/erasurefile"
	"github.com/varselhub/varsel/internal/store/lockfile"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// Backup copies the database of a data directory to a file, while a hub may run on it. The secrets are not in it.
func Backup(ctx context.Context, data, to string, o sqlite.Copying) (sqlite.Manifest, error) {
	c := Config{Data: data}
	return sqlite.Backup(ctx, c.database(), to, o)
}

// Restore makes the database of a data directory anew from a backup. missing are the files that the directory's vault
// should have and does not, to be put back before a hub is started on it. No hub may run on the directory, and none can
// be started meanwhile: what a running one holds open would not be what is restored.
//
// journal is the file of the hub's journal of erasures; "" is the one in the data directory. What it says is erased in
// the restored database too. without goes on where the backup's hub had one and it is not there.
// Errors: as sqlite.Restore; fault.JournalMissing, fault.JournalInvalid, fault.KeyMissing where the journal's key is not
// in the vault.
func Restore(ctx context.Context, from, data, journal string, without bool, o sqlite.Copying) (m sqlite.Manifest, missing []string, err error) {
	c := Config{Data: data}
	if err := os.MkdirAll(data, 0o700); err != nil {
		return m, nil, fault.Wrap(fault.Internal, err, "cannot make the directory %s", data)
	}
	lock, err := lockfile.Take(data)
	if err != nil {
		return m, nil, err
	}
	defer func() { _ = lock.Release() }() // at the latest it goes with the process
	if o.Erasures, err = c.erasures(from, journal, without); err != nil {
		return m, nil, err
	}
	if m, err = sqlite.Restore(ctx, from, c.database(), o); err != nil {
		return m, nil, err
	}
	vault, err := secret.Open(c.secrets())
	if err != nil {
		return m, nil, err
	}
	missing, err = vault.Missing(m.KEKs)
	return m, missing, err
}

// erasures reads the journal of erasures for a restore.
func (c *Config) erasures(from, named string, without bool) ([]eventlog.Journaled, error) {
	if without {
		return nil, nil
	}
	m, err := sqlite.ReadManifest(from)
	if err != nil {
		return nil, err
	}
	file := named
	if file == "" {
		file = filepath.Join(c.auditHeads(), erasurefile.Name)
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && named == "" && m.Erasures == 0 {
		return nil, nil
	} else if err != nil {
		return nil, fault.Wrap(fault.JournalMissing, err, "there is no journal of erasures %s; the backup is from a hub that had made %d", file, m.Erasures)
	}
	vault, err := secret.Open(c.secrets())
	if err != nil {
		return nil, err
	}
	key, err := vault.AuditKey(1) // the one that is there: none is made
	if err != nil {
		return nil, fault.Wrap(fault.KeyMissing, err, "the journal of erasures is sealed with audit.key: put it into %s, from the copy of the secrets, before you restore", c.secrets())
	}
	list, _, err := erasurefile.At(file, key).Read()
	if err != nil {
		return nil, err
	}
	last := int64(0)
	for i := range list {
		last = max(last, list[i].N)
	}
	if last < m.Erasures {
		return nil, fault.New(fault.JournalMissing, "the journal %s ends at erasure %d, and the backup is from after erasure %d: it is not the newest", file, last, m.Erasures)
	}
	return list, nil
}

// RotateKeys makes a new key in the vault of a data directory and wraps every data key of the database with it, while a
// hub may run on both.
func RotateKeys(ctx context.Context, data string) (store.Rotation, error) {
	c := Config{Data: data}
	vault, err := c.vault()
	if err != nil {
		return store.Rotation{}, err
	}
	return sqlite.Rotate(ctx, c.database(), vault)
}

// Key is one key-encryption key of a data directory.
type Key struct {
	ID       string `json:"id"`
	DataKeys int    `json:"dataKeys"` // of the database that it wraps
	Newest   bool   `json:"newest"`   // it wraps from now on
	Missing  bool   `json:"missing"`  // the database needs it, and the vault does not have it
}

// ListKeys lists the keys of the vault and those that the database needs, oldest first.
func ListKeys(ctx context.Context, data string) ([]Key, error) {
	c := Config{Data: data}
	vault, err := c.vault()
	if err != nil {
		return nil, err
	}
	ids, err := vault.KEKs()
	if err != nil {
		return nil, err
	}
	uses, err := sqlite.KEKsInUse(ctx, c.database())
	if err != nil {
		return nil, err
	}
	var keys []Key
	for i, id := range ids {
		keys = append(keys, Key{ID: id, DataKeys: uses[id], Newest: i == len(ids)-1})
		delete(uses, id)
	}
	for id, n := range uses {
		keys = append(keys, Key{ID: id, DataKeys: n, Missing: true})
	}
	slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.ID, b.ID) })
	return keys, nil
}

// vault opens the vault of a data directory that is there: a mistyped name must not make one.
func (c *Config) vault() (*secret.Vault, error) {
	if _, err := os.Stat(c.secrets()); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NoDatabase, "%s holds no secrets", c.Data)
	}
	return secret.Open(c.secrets())
}
