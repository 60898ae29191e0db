package sqlite

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"

	"zombiezen.com/go/sqlite"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Keys wraps and unwraps data keys with key-encryption keys that stand outside the database. It is safe for concurrent
// use.
type Keys interface {
	// NewestKEK is the id of the key that wraps, "" when there is none.
	NewestKEK() (string, error)
	// MakeKEK makes a key that wraps from now on, durable when it returns.
	MakeKEK() (string, error)
	// Wrap encrypts a data key and binds it to what it is for.
	Wrap(kek string, key, bound []byte) ([]byte, error)
	// Unwrap is the inverse; fault.KeyMissing, fault.SealBroken.
	Unwrap(kek string, wrapped, bound []byte) ([]byte, error)
}

// class is what is forgotten together: the payloads of one retention that were recorded on one day, and the answers to
// them.
type class struct {
	retention event.Retention
	day       int64 // UTC, since 1970-01-01
}

func classOf(retention event.Retention, recorded int64) class {
	return class{retention, event.Day(recorded)}
}

// sealsPerKey is how often one key may seal under random nonces: NIST SP 800-38D section 8.3.
const sealsPerKey = 1 << 32

// sealingKey is a data key made by this process. No other process ever seals with it, so its count is right.
type sealingKey struct {
	n     int64
	aead  cipher.AEAD
	seals uint64
}

// openingKey is a data key read from the database.
type openingKey struct {
	aead      cipher.AEAD
	retention event.Retention
}

// keyring holds the data keys in use, unwrapped.
type keyring struct {
	vault Keys

	sealing map[class]*sealingKey // the writer's alone
	renew   atomic.Bool           // a class was forgotten: none of the sealing keys may be used again. Set and read under SQLite's write lock

	mu         sync.RWMutex
	opening    map[int64]openingKey
	generation uint64 // grows when opening is emptied: what was read before must not be kept after
}

// The bounds of the maps: a replay of years must not fill the memory with keys.
const (
	sealingKeys = 1024
	openingKeys = 4096
)

func newKeyring(vault Keys) *keyring {
	return &keyring{vault: vault, sealing: map[class]*sealingKey{}, opening: map[int64]openingKey{}}
}

// forget drops every key: a transaction was taken back, or a class was destroyed.
func (k *keyring) forget() {
	k.mu.Lock()
	clear(k.opening)
	k.generation++
	k.mu.Unlock()
}

func (k *keyring) opener() *opener {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return &opener{keys: k, generation: k.generation}
}

// sealingKey returns the key that a class is sealed with in this process, for one more seal. A new one is in the
// database before it seals anything, in the same transaction.
func (s *Store) sealingKey(c class) (*sealingKey, error) {
	k := s.keys.sealing[c]
	if k == nil || k.seals == sealsPerKey {
		var err error
		if k, err = s.makeDataKey(c); err != nil {
			return nil, err
		}
		if len(s.keys.sealing) == sealingKeys {
			clear(s.keys.sealing)
		}
		s.keys.sealing[c] = k
	}
	k.seals++
	return k, nil
}

func (s *Store) makeDataKey(c class) (*sealingKey, error) {
	last, err := number(s.writer, "SELECT coalesce(max(n), 0) FROM data_keys")
	if err != nil {
		return nil, err
	}
	k := &sealingKey{n: last + 1}
	key := make([]byte, 32)
	rand.Read(key)
	if k.aead, err = aes256(key); err != nil {
		return nil, err
	}
	// Read each time: keys may have been rotated since, by another process.
	kek, err := s.keys.vault.NewestKEK()
	if err != nil {
		return nil, err
	}
	wrapped, err := s.keys.vault.Wrap(kek, key, wrapping(k.n, c))
	if err != nil {
		return nil, err
	}
	return k, s.run("INSERT INTO data_keys (n, class, day, kek, wrapped) VALUES (?, ?, ?, ?, ?)", func(st *sqlite.Stmt) {
		st.BindInt64(1, k.n)
		st.BindText(2, string(c.retention))
		st.BindInt64(3, c.day)
		st.BindText(4, kek)
		st.BindBytes(5, wrapped)
	})
}

// wrapping is what a wrapped key is bound to: moved to a class that is kept longer, it does not open.
func wrapping(n int64, c class) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 32), uint64(n))
	b = binary.BigEndian.AppendUint64(b, uint64(c.day))
	return append(b, c.retention...)
}

func aes256(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// key returns the data key n, errForgotten when it was destroyed.
func (o *opener) key(c *sqlite.Conn, n int64) (openingKey, error) {
	o.keys.mu.RLock()
	k, ok := o.keys.opening[n]
	o.keys.mu.RUnlock()
	if ok {
		return k, nil
	}
	k, err := o.unwrap(c, n)
	if err != nil {
		return k, err
	}
	o.keys.mu.Lock()
	defer o.keys.mu.Unlock()
	if o.generation == o.keys.generation {
		if len(o.keys.opening) == openingKeys {
			clear(o.keys.opening)
		}
		o.keys.opening[n] = k
	}
	return k, nil
}

func (o *opener) unwrap(c *sqlite.Conn, n int64) (k openingKey, err error) {
	row, err := readDataKey(c, n)
	if err != nil {
		return k, err
	}
	key, err := row.unwrap(o.keys.vault)
	if err != nil {
		return k, err
	}
	k.retention = row.class.retention
	k.aead, err = aes256(key)
	return k, err
}

// dataKey is a row of data_keys.
type dataKey struct {
	n       int64
	class   class
	kek     string
	wrapped []byte
}

func (d *dataKey) unwrap(vault Keys) ([]byte, error) {
	if len(d.wrapped) == 0 {
		return nil, errForgotten
	}
	return vault.Unwrap(d.kek, d.wrapped, wrapping(d.n, d.class))
}

const dataKeyColumns = "SELECT n, class, day, kek, wrapped FROM data_keys "

func scanDataKey(row *sqlite.Stmt) dataKey {
	d := dataKey{
		n: row.ColumnInt64(0), class: class{event.Retention(row.ColumnText(1)), row.ColumnInt64(2)}, kek: row.ColumnText(3),
		wrapped: make([]byte, row.ColumnLen(4)),
	}
	row.ColumnBytes(4, d.wrapped)
	return d
}

func readDataKey(c *sqlite.Conn, n int64) (d dataKey, err error) {
	err = each(c, dataKeyColumns+"WHERE n = ?", func(st *sqlite.Stmt) { st.BindInt64(1, n) }, func(row *sqlite.Stmt) error {
		d = scanDataKey(row)
		return nil
	})
	if err == nil && d.n == 0 {
		err = fault.New(fault.SealBroken, "data is sealed under the data key %d, which is not in the database", n)
	}
	return d, err
}

// checkKeys sees to it, before anything is served, that the vault can open what is here, or makes its first key for a
// database that has none. One data key of each wrapping key tells.
// Errors: fault.KeyMissing, fault.SealBroken.
func (s *Store) checkKeys() error {
	var samples []dataKey
	err := each(s.writer, dataKeyColumns+"WHERE n IN (SELECT max(n) FROM data_keys WHERE wrapped IS NOT NULL GROUP BY kek)", nil, func(row *sqlite.Stmt) error {
		samples = append(samples, scanDataKey(row))
		return nil
	})
	if err != nil {
		return err
	}
	for i := range samples {
		if _, err := samples[i].unwrap(s.keys.vault); err != nil && !errors.Is(err, errForgotten) {
			return err
		}
	}
	newest, err := s.keys.vault.NewestKEK()
	if newest == "" && err == nil {
		_, err = s.keys.vault.MakeKEK()
	}
	return err
}
