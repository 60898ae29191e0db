package app

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/erasurefile"
	"github.com/varselhub/varsel/internal/store/lockfile"
	"github.com/varselhub/varsel/internal/store/movefile"
	"github.com/varselhub/varsel/internal/store/postgres"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// Backup copies the database of a data directory to a file, while a hub may run on it. The secrets are not in it.
func Backup(ctx context.Context, data, to string, o sqlite.Copying) (sqlite.Manifest, error) {
	c := Config{Data: data}
	if err := movefile.Refuse(data); err != nil {
		return sqlite.Manifest{}, err
	}
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
	return c.journal(named, m.Erasures)
}

// journal reads the journal of erasures for a database from after its erasure made.
func (c *Config) journal(named string, made int64) ([]eventlog.Journaled, error) {
	file := named
	if file == "" {
		file = filepath.Join(c.auditHeads(), erasurefile.Name)
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) && named == "" && made == 0 {
		return nil, nil
	} else if err != nil {
		return nil, fault.Wrap(fault.JournalMissing, err, "there is no journal of erasures %s; the backup is from a hub that had made %d", file, made)
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
	if last < made {
		return nil, fault.New(fault.JournalMissing, "the journal %s ends at erasure %d, and the backup is from after erasure %d: it is not the newest", file, last, made)
	}
	return list, nil
}

// Renew makes a hub's PostgreSQL database, which was restored or has lost its end, a hub's again: see postgres.Renew. journal
// and without are as for Restore. No node may run.
// Errors: as postgres.Renew; fault.JournalMissing, fault.JournalInvalid, fault.KeyMissing.
func Renew(ctx context.Context, c Config, journal string, without bool, erased func(events, rows, erasures int)) (r postgres.Renewed, err error) {
	o := postgres.Renewing{Erased: erased}
	if !without {
		made, err := postgres.ErasuresEnded(ctx, c.storeURL())
		if err != nil {
			return r, err
		}
		if o.Erasures, err = c.journal(journal, made); err != nil {
			return r, err
		}
	}
	return postgres.Renew(ctx, c.storeURL(), o)
}
