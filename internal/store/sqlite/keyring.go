package sqlite

import (
	"errors"

	"zombiezen.com/go/sqlite"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store"
)

// sealingKey returns the key that a class is sealed with in this process, for one more seal. A new one is in the
// database before it seals anything, in the same transaction.
func (s *Store) sealingKey(c eventlog.Class) (*store.SealingKey, error) {
	return s.keys.Sealing(c, s.makeDataKey)
}

func (s *Store) makeDataKey(c eventlog.Class) (*store.SealingKey, error) {
	s.made++
	last, err := number(s.writer, "SELECT coalesce(max(n), 0) FROM data_keys")
	if err != nil {
		return nil, err
	}
	k, row, err := store.NewDataKey(s.keys.Vault(), last+1, c)
	if err != nil {
		return nil, err
	}
	return k, s.run("INSERT INTO data_keys (n, class, day, kek, wrapped) VALUES (?, ?, ?, ?, ?)", func(st *sqlite.Stmt) {
		st.BindInt64(1, row.N)
		st.BindText(2, string(c.Retention))
		st.BindInt64(3, c.Day)
		st.BindText(4, row.KEK)
		st.BindBytes(5, row.Wrapped)
	})
}

// opener opens what is read with a connection.
func (s *Store) opener(c *sqlite.Conn) *store.Opener {
	return s.keys.Opener(store.ToPosition, func(n int64) (store.DataKey, error) { return readDataKey(c, n) })
}

// openEvent opens a payload into e. Head and data share the one allocation that is made.
func openEvent(o *store.Opener, row *sqlite.Stmt, key, sealed int, e *event.Event) error {
	return o.Event(row.ColumnInt64(key), blob(row, sealed), e)
}

// openAttempt opens what an attempt was answered. Where the event is forgotten, so is this.
func openAttempt(o *store.Opener, row *sqlite.Stmt, key, sealed int, consumer int64, a *eventlog.Attempt) error {
	if row.ColumnIsNull(sealed) {
		return nil
	}
	return o.Attempt(row.ColumnInt64(key), blob(row, sealed), consumer, a)
}

func blob(row *sqlite.Stmt, column int) []byte {
	b := make([]byte, row.ColumnLen(column))
	row.ColumnBytes(column, b)
	return b
}

const dataKeyColumns = "SELECT n, class, day, kek, wrapped FROM data_keys "

func scanDataKey(row *sqlite.Stmt) store.DataKey {
	return store.DataKey{
		N: row.ColumnInt64(0), Class: eventlog.Class{Retention: event.Retention(row.ColumnText(1)), Day: row.ColumnInt64(2)}, KEK: row.ColumnText(3),
		Wrapped: blob(row, 4),
	}
}

func readDataKey(c *sqlite.Conn, n int64) (d store.DataKey, err error) {
	err = each(c, dataKeyColumns+"WHERE n = ?", func(st *sqlite.Stmt) { st.BindInt64(1, n) }, func(row *sqlite.Stmt) error {
		d = scanDataKey(row)
		return nil
	})
	if err == nil && d.N == 0 {
		err = fault.New(fault.SealBroken, "data is sealed under the data key %d, which is not in the database", n)
	}
	return d, err
}

// checkKeys sees to it, before anything is served, that the vault can open what is here, or makes its first key for a
// database that has none. One data key of each wrapping key tells.
// Errors: fault.KeyMissing, fault.SealBroken.
func (s *Store) checkKeys() error {
	var samples []store.DataKey
	err := each(s.writer, dataKeyColumns+"WHERE n IN (SELECT max(n) FROM data_keys WHERE wrapped IS NOT NULL GROUP BY kek)", nil, func(row *sqlite.Stmt) error {
		samples = append(samples, scanDataKey(row))
		return nil
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
