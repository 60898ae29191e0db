package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// Rotate wraps every data key and every key that messages are signed with with the vault's newest key-encryption key, while
// hubs may run on the database. Every node must have that key in its vault: see docs/storage.md.
// Errors: fault.KeyMissing and fault.SealBroken when a key cannot be unwrapped; then nothing was changed.
func Rotate(ctx context.Context, url string, keys store.Keys) (r store.Rotation, err error) {
	c, err := connectToHub(ctx, url)
	if err != nil {
		return r, err
	}
	defer func() { _ = c.Close(ctx) }() // what counted was committed
	if r.KEK, err = keys.NewestKEK(); err != nil {
		return r, err
	}
	// A node that asked for the newest key before there was this one may have written what it wrapped since: that is
	// what is found the second time.
	for found := true; found && err == nil; {
		before := r.Wrapped
		err = pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error { return rewrap(ctx, tx, keys, &r) })
		found = r.Wrapped > before
	}
	if fault.Known(err) {
		return r, err
	}
	return r, trouble(err, "the keys could not be wrapped anew")
}

// wrapped is a key that stands in the database, wrapped.
type wrapped struct {
	kek    string
	rewrap func() ([]byte, error)
	write  func(wrapped []byte) (query string, args []any)
}

// rewrap wraps what is there with another key than the new one. Nodes that make keys wait meanwhile.
func rewrap(ctx context.Context, tx pgx.Tx, keys store.Keys, r *store.Rotation) error {
	if _, err := tx.Exec(ctx, "LOCK TABLE data_keys, signing_keys IN SHARE ROW EXCLUSIVE MODE"); err != nil {
		return err
	}
	list, err := toRewrap(ctx, tx, keys, r.KEK)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for i := range list {
		text, err := list[i].rewrap()
		if err != nil {
			return err
		}
		query, args := list[i].write(text)
		batch.Queue(query, args...)
	}
	if err := tx.SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	for i := range list {
		r.Add(list[i].kek)
	}
	return nil
}

// toRewrap lists the keys that are wrapped with another key-encryption key than the newest.
func toRewrap(ctx context.Context, tx pgx.Tx, keys store.Keys, newest string) (list []wrapped, err error) {
	err = each(ctx, tx, dataKeyColumns+"WHERE k.wrapped IS NOT NULL AND k.kek <> $1", []any{newest}, func(row pgx.Rows) error {
		d, err := scanDataKey(row)
		list = append(list, wrapped{d.KEK, func() ([]byte, error) { return d.Rewrap(keys, newest) }, func(text []byte) (string, []any) {
			return "UPDATE data_keys SET kek = $1, wrapped = $2 WHERE n = $3", []any{newest, text, d.N}
		}})
		return err
	})
	if err != nil {
		return nil, err
	}
	err = each(ctx, tx, "SELECT ref, kek, wrapped FROM signing_keys WHERE kek <> $1", []any{newest}, func(row pgx.Rows) error {
		k, err := scanSigningKey(row)
		list = append(list, wrapped{k.kek, func() ([]byte, error) { return k.rewrap(keys, newest) }, func(text []byte) (string, []any) {
			return "UPDATE signing_keys SET kek = $1, wrapped = $2 WHERE ref = $3", []any{newest, text, k.ref}
		}})
		return err
	})
	return list, err
}

// KEKsInUse tells how many keys of a database, data keys and keys that messages are signed with, each key-encryption key
// wraps, by id.
func KEKsInUse(ctx context.Context, url string) (map[string]int, error) {
	c, err := connectToHub(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close(ctx) }() // nothing was written
	uses := map[string]int{}
	for _, query := range []string{store.KEKs, "SELECT kek, count(*) FROM signing_keys GROUP BY kek"} {
		err := each(ctx, c, query, nil, func(row pgx.Rows) error {
			var kek string
			var many int
			err := row.Scan(&kek, &many)
			uses[kek] += many
			return err
		})
		if err != nil {
			return nil, trouble(err, "cannot read the data keys")
		}
	}
	return uses, nil
}
