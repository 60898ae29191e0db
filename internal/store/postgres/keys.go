package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// sealingKey returns the key that a class is sealed with in this process, for one more seal, and the segment that it is
// of. A new one is in the database before it seals anything. The caller holds sealing.
func (s *Store) sealingKey(ctx context.Context, of eventlog.Class) (key *store.SealingKey, segment int32, err error) {
	if segment, err = s.segment(ctx, of); err != nil {
		return nil, 0, err
	}
	if key, err = s.keys.Sealing(of, func(of eventlog.Class) (*store.SealingKey, error) { return s.makeDataKey(ctx, of, segment) }); err != nil {
		return nil, 0, err
	}
	if s.madeFor[key.N] == segment {
		return key, segment, nil
	}
	// The segment that it was made for is forgotten, and another node has begun the next.
	s.keys.DropSealing()
	key, err = s.keys.Sealing(of, func(of eventlog.Class) (*store.SealingKey, error) { return s.makeDataKey(ctx, of, segment) })
	return key, segment, err
}

func (s *Store) makeDataKey(ctx context.Context, of eventlog.Class, segment int32) (*store.SealingKey, error) {
	n := int64(0)
	if err := s.pool.QueryRow(ctx, "SELECT nextval(pg_get_serial_sequence('data_keys', 'n'))").Scan(&n); err != nil {
		return nil, err
	}
	key, row, err := store.NewDataKey(s.keys.Vault(), n, of)
	if err != nil {
		return nil, err
	}
	if len(s.madeFor) == mostMade {
		clear(s.madeFor) // a key that is not found is made anew
	}
	s.madeFor[n] = segment
	_, err = s.pool.Exec(ctx, "INSERT INTO data_keys (n, segment, kek, wrapped) VALUES ($1, $2, $3, $4)", row.N, segment, row.KEK, row.Wrapped)
	return key, err
}

// mostMade bounds what is known of keys that this process has made.
const mostMade = 4096

const dataKeyColumns = "SELECT k.n, g.class, g.day, k.kek, k.wrapped FROM data_keys k JOIN segments g ON g.n = k.segment "

func scanDataKey(row pgx.Row) (d store.DataKey, err error) {
	class := ""
	err = row.Scan(&d.N, &class, &d.Class.Day, &d.KEK, &d.Wrapped)
	d.Class.Retention = event.Retention(class)
	return d, err
}

// opener opens what is read with q.
func (s *Store) opener(ctx context.Context) *store.Opener {
	return s.keys.Opener(store.ToMessage, func(n int64) (store.DataKey, error) {
		d, err := scanDataKey(s.pool.QueryRow(ctx, dataKeyColumns+"WHERE k.n = $1", n))
		if errors.Is(err, pgx.ErrNoRows) {
			err = fault.New(fault.SealBroken, "data is sealed under the data key %d, which is not in the database", n)
		}
		return d, err
	})
}

// checkKeys sees to it, before anything is served, that the vault can open what is here, or makes its first key for a
// database that has none. One data key of each wrapping key tells.
// Errors: fault.KeyMissing, fault.SealBroken.
func (s *Store) checkKeys(ctx context.Context) error {
	var samples []store.DataKey
	err := s.read(ctx, dataKeyColumns+"WHERE k.n IN (SELECT max(n) FROM data_keys WHERE wrapped IS NOT NULL GROUP BY kek)", nil, func(rows pgx.Rows) error {
		d, err := scanDataKey(rows)
		samples = append(samples, d)
		return err
	})
	if err != nil {
		return err
	}
	for i := range samples {
		if _, err := samples[i].Unwrap(s.keys.Vault()); err != nil && !errors.Is(err, store.ErrForgotten) {
			return err
		}
	}
	newest, err := s.keys.Vault().NewestKEK()
	if newest == "" && err == nil {
		_, err = s.keys.Vault().MakeKEK()
	}
	return err
}
