package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
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

// ClassOf is what an event is forgotten together with.
func ClassOf(retention event.Retention, recorded int64) eventlog.Class {
	return eventlog.Class{Retention: retention, Day: event.Day(recorded)}
}

// sealsPerKey is how often one key may seal under random nonces: NIST SP 800-38D section 8.3.
const sealsPerKey = 1 << 32

// SealingKey is a data key made by this process. No other process ever seals with it, so its count is right.
type SealingKey struct {
	N     int64
	aead  cipher.AEAD
	seals uint64
}

// DataKey is a row of data_keys.
type DataKey struct {
	N       int64
	Class   eventlog.Class
	KEK     string
	Wrapped []byte // empty: destroyed
}

// Unwrap returns the key itself.
// Errors: ErrForgotten, fault.KeyMissing, fault.SealBroken.
func (d *DataKey) Unwrap(vault Keys) ([]byte, error) {
	if len(d.Wrapped) == 0 {
		return nil, ErrForgotten
	}
	return vault.Unwrap(d.KEK, d.Wrapped, wrapping(d.N, d.Class))
}

// Rewrap wraps the key with another key-encryption key.
func (d *DataKey) Rewrap(vault Keys, kek string) ([]byte, error) {
	key, err := d.Unwrap(vault)
	if err != nil {
		return nil, err
	}
	return vault.Wrap(kek, key, wrapping(d.N, d.Class))
}

// wrapping is what a wrapped key is bound to: moved to a class that is kept longer, it does not open.
func wrapping(n int64, c eventlog.Class) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 32), uint64(n))
	b = binary.BigEndian.AppendUint64(b, uint64(c.Day))
	return append(b, c.Retention...)
}

// NewDataKey makes the data key n of a class, wrapped by the vault's newest: read each time, for keys may have been
// rotated since by another process.
func NewDataKey(vault Keys, n int64, c eventlog.Class) (*SealingKey, DataKey, error) {
	row := DataKey{N: n, Class: c}
	key := make([]byte, 32)
	rand.Read(key)
	aead, err := aes256(key)
	if err != nil {
		return nil, row, err
	}
	if row.KEK, err = vault.NewestKEK(); err != nil {
		return nil, row, err
	}
	row.Wrapped, err = vault.Wrap(row.KEK, key, wrapping(n, c))
	return &SealingKey{N: n, aead: aead}, row, err
}

// Rotation is what wrapping the data keys with a new key-encryption key did.
type Rotation struct {
	KEK     string   `json:"kek"`     // wraps from now on
	Wrapped int      `json:"wrapped"` // keys that it wraps now
	Retired []string `json:"retired"` // wrapped them before, and nothing here any more
}

// Add notes a key that is wrapped now, and what wrapped it before.
func (r *Rotation) Add(before string) {
	r.Wrapped++
	if !slices.Contains(r.Retired, before) {
		r.Retired = append(r.Retired, before)
	}
}

func aes256(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// openingKey is a data key read from the database.
type openingKey struct {
	aead      cipher.AEAD
	retention event.Retention
}

// Keyring holds the data keys in use, unwrapped.
type Keyring struct {
	vault Keys

	sealing map[eventlog.Class]*SealingKey // the writer's alone
	renew   atomic.Bool                    // a class was forgotten: none of the sealing keys may be used again

	mu         sync.RWMutex
	opening    map[int64]openingKey
	generation uint64 // grows when opening is emptied: what was read before must not be kept after
}

// The bounds of the maps: a replay of years must not fill the memory with keys.
const (
	sealingKeys = 1024
	openingKeys = 4096
)

// NewKeyring returns an empty one.
func NewKeyring(vault Keys) *Keyring {
	return &Keyring{vault: vault, sealing: map[eventlog.Class]*SealingKey{}, opening: map[int64]openingKey{}}
}

// Vault is what wraps the keys.
func (k *Keyring) Vault() Keys { return k.vault }

// Forget drops every key that was read: a transaction was taken back, or a class was destroyed.
func (k *Keyring) Forget() {
	k.mu.Lock()
	clear(k.opening)
	k.generation++
	k.mu.Unlock()
}

// Renew has the writer seal with keys of its own making from its next commit on. Where a store's own lock says when that
// is, it is held.
func (k *Keyring) Renew() { k.renew.Store(true) }

// Renewed drops the sealing keys when Renew was called since. The writer's.
func (k *Keyring) Renewed() {
	if k.renew.Swap(false) {
		clear(k.sealing)
	}
}

// DropSealing drops the sealing keys: what made them was taken back. The writer's.
func (k *Keyring) DropSealing() { clear(k.sealing) }

// Sealing returns the key that a class is sealed with in this process, for one more seal. make makes one when there is
// none, or when the one there is has sealed as often as it may. The writer's.
func (k *Keyring) Sealing(c eventlog.Class, make func(eventlog.Class) (*SealingKey, error)) (*SealingKey, error) {
	key := k.sealing[c]
	if key == nil || key.seals == sealsPerKey {
		var err error
		if key, err = make(c); err != nil {
			return nil, err
		}
		if len(k.sealing) == sealingKeys {
			clear(k.sealing)
		}
		k.sealing[c] = key
	}
	key.seals++
	return key, nil
}

// WearOut makes every sealing key have sealed as often as it may, for tests.
func (k *Keyring) WearOut() {
	for _, key := range k.sealing {
		key.seals = sealsPerKey
	}
}

// Opener is for one read; load reads a row of data_keys.
func (k *Keyring) Opener(by Binding, load func(n int64) (DataKey, error)) *Opener {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return &Opener{Binding: by, ring: k, load: load, generation: k.generation}
}

// key returns the data key n, ErrForgotten when it was destroyed.
func (o *Opener) key(n int64) (k openingKey, err error) {
	if n == o.last && o.lastKey.aead != nil {
		return o.lastKey, nil
	}
	if k, err = o.find(n); err == nil {
		o.last, o.lastKey = n, k
	}
	return k, err
}

func (o *Opener) find(n int64) (openingKey, error) {
	o.ring.mu.RLock()
	k, ok := o.ring.opening[n]
	o.ring.mu.RUnlock()
	if ok {
		return k, nil
	}
	k, err := o.unwrap(n)
	if err != nil {
		return k, err
	}
	o.ring.mu.Lock()
	defer o.ring.mu.Unlock()
	if o.generation == o.ring.generation {
		if len(o.ring.opening) == openingKeys {
			clear(o.ring.opening)
		}
		o.ring.opening[n] = k
	}
	return k, nil
}

func (o *Opener) unwrap(n int64) (k openingKey, err error) {
	row, err := o.load(n)
	if err != nil {
		return k, err
	}
	key, err := row.Unwrap(o.ring.vault)
	if err != nil {
		return k, err
	}
	k.retention = row.Class.Retention
	k.aead, err = aes256(key)
	return k, err
}
