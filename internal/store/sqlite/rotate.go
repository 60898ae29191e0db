package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// Rotate makes a new key-encryption key and wraps every data key with it, in one transaction, while a hub may run on the
// file: a hub asks for the newest key each time it makes a data key, and it makes one inside a transaction of its own.
// Errors: fault.KeyMissing and fault.SealBroken when a data key cannot be unwrapped; then nothing was changed but that
// there is a new key.
func Rotate(ctx context.Context, file string, keys store.Keys) (r store.Rotation, err error) {
	c, err := openBeside(ctx, file)
	if err != nil {
		return r, err
	}
	defer c.Close()
	if err := knownSchema(c); err != nil {
		return r, err
	}
	if r.KEK, err = keys.MakeKEK(); err != nil {
		return r, err
	}
	if err := rewrap(c, keys, &r); err != nil {
		if fault.Known(err) {
			return r, err
		}
		return r, fault.Wrap(fault.StorageFull, err, "the data keys could not be wrapped anew")
	}
	return r, nil
}

func rewrap(c *sqlite.Conn, keys store.Keys, r *store.Rotation) (err error) {
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		return err
	}
	defer end(&err)
	var rows []store.DataKey
	err = each(c, dataKeyColumns+"WHERE wrapped IS NOT NULL AND kek <> ?", func(st *sqlite.Stmt) { st.BindText(1, r.KEK) }, func(row *sqlite.Stmt) error {
		rows = append(rows, scanDataKey(row))
		return nil
	})
	if err != nil {
		return err
	}
	for i := range rows {
		if err := rewrapOne(c, &rows[i], keys, r.KEK); err != nil {
			return err
		}
		r.Add(rows[i].KEK)
	}
	return nil
}

func rewrapOne(c *sqlite.Conn, d *store.DataKey, keys store.Keys, kek string) error {
	wrapped, err := d.Rewrap(keys, kek)
	if err != nil {
		return err
	}
	return sqlitex.Execute(c, "UPDATE data_keys SET kek = ?, wrapped = ? WHERE n = ?", &sqlitex.ExecOptions{Args: []any{kek, wrapped, d.N}})
}

// KEKsInUse tells how many data keys of a file each key-encryption key wraps, by id.
func KEKsInUse(ctx context.Context, file string) (map[string]int, error) {
	c, err := openBeside(ctx, file)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := knownSchema(c); err != nil {
		return nil, err
	}
	uses, err := keksIn(c)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot read the data keys")
	}
	return uses, nil
}

func keksIn(c *sqlite.Conn) (map[string]int, error) {
	uses := map[string]int{}
	err := each(c, store.KEKs, nil, func(row *sqlite.Stmt) error {
		uses[row.ColumnText(0)] = int(row.ColumnInt64(1))
		return nil
	})
	return uses, err
}

// openBeside opens a file that is there, for work beside the hub's own connections. What it waits for ends with ctx.
func openBeside(ctx context.Context, file string) (*sqlite.Conn, error) {
	c, err := sqlite.OpenConn(file, sqlite.OpenReadWrite)
	if err != nil {
		if sqlite.ErrCode(err) == sqlite.ResultCantOpen {
			return nil, fault.Wrap(fault.NoDatabase, err, "%s cannot be opened", file)
		}
		return nil, fault.Wrap(fault.Internal, err, "cannot open the database %s", file)
	}
	c.SetInterrupt(ctx.Done())
	return c, nil
}

// knownSchema refuses files that this program cannot judge. What the work beside a hub needs is in every schema so far.
func knownSchema(c *sqlite.Conn) error {
	steps, err := readSteps(migrations)
	if err != nil {
		return err
	}
	taken, err := number(c, "PRAGMA user_version")
	switch {
	case err != nil:
		return fault.Wrap(fault.Internal, err, "cannot read the database")
	case taken == 0:
		return fault.New(fault.NoDatabase, "it is the database of no hub")
	case taken > int64(len(steps)):
		return newer(c, taken, len(steps))
	}
	return nil
}
