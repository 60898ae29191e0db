package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
)

// A key-encryption key wraps the database's data keys, so that a copy of the database tells nothing without the vault.
// Its file is kek-<id> with 64 hexadecimal digits; ids are UUIDv7, so the newest is the last in order. The newest wraps,
// every one unwraps. Wrapping is AES-256-GCM with random nonces, an authenticated mode that NIST SP 800-38F section 3.1
// allows for keys.
const (
	kekPrefix = "kek-"
	kekSize   = 32

	// preparedPrefix is of a key that opens what it has wrapped, but wraps nothing yet: nodes that share a database all have
	// it before the first of them wraps with it.
	preparedPrefix = "new-kek-"
)

// KEKs lists the ids of the key-encryption keys, oldest first.
func (v *Vault) KEKs() ([]string, error) { return v.named(kekPrefix) }

// named lists the ids in the names of files with a prefix, in order.
func (v *Vault) named(prefix string) ([]string, error) {
	files, err := os.ReadDir(v.dir)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot list the secrets in %s", v.dir)
	}
	var ids []string
	for _, file := range files {
		if id, ok := strings.CutPrefix(file.Name(), prefix); ok {
			if _, err := ident.Parse(id); err == nil {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// Missing lists the files that a hub needs for data under these keys and the vault does not have.
func (v *Vault) Missing(keks []string) (files []string, err error) {
	for _, id := range keks {
		if _, e := os.Stat(filepath.Join(v.dir, preparedPrefix+id)); e != nil {
			files = append(files, kekPrefix+id)
		}
	}
	files = append(files, laneKeyFile)
	files = slices.DeleteFunc(files, func(name string) bool {
		_, e := os.Stat(filepath.Join(v.dir, name))
		if e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = fault.Wrap(fault.Internal, e, "cannot look at the secret %s", name)
		}
		return e == nil
	})
	return files, err
}

// NewestKEK is the id of the key that wraps from now on, "" when there is none.
func (v *Vault) NewestKEK() (string, error) {
	ids, err := v.KEKs()
	if len(ids) == 0 || err != nil {
		return "", err
	}
	return ids[len(ids)-1], nil
}

// MakeKEK makes a key that wraps from now on. It is on disk when this returns.
// Error: fault.Conflict when the machine's clock stands before the newest key's time.
func (v *Vault) MakeKEK() (string, error) { return v.makeKEK(kekPrefix) }

// PrepareKEK makes a key that wraps nothing before UsePrepared, and returns its file's name, which it has on other nodes too.
// Error: as MakeKEK.
func (v *Vault) PrepareKEK() (file string, err error) {
	id, err := v.makeKEK(preparedPrefix)
	return preparedPrefix + id, err
}

// Prepared lists the ids of the keys that wrap nothing yet, oldest first.
func (v *Vault) Prepared() ([]string, error) { return v.named(preparedPrefix) }

// UsePrepared has the keys that were prepared wrap from now on: the last of them does. It returns their ids.
func (v *Vault) UsePrepared() (ids []string, err error) {
	ids, err = v.Prepared()
	for _, id := range ids {
		if err == nil {
			err = v.use(id)
		}
	}
	if err == nil && len(ids) > 0 {
		err = v.sync()
	}
	if err != nil && !fault.Known(err) {
		err = fault.Wrap(fault.StorageFull, err, "cannot take the new key in use")
	}
	return ids, err
}

func (v *Vault) use(id string) error {
	return os.Rename(filepath.Join(v.dir, preparedPrefix+id), filepath.Join(v.dir, kekPrefix+id))
}

func (v *Vault) makeKEK(prefix string) (string, error) {
	newest, err := v.NewestKEK()
	if err != nil {
		return "", err
	}
	id := ident.New().String()
	if id <= newest {
		return "", fault.New(fault.Conflict, "the clock of this machine stands before the time when the key kek-%s was made: set it right first", newest)
	}
	key := make([]byte, kekSize)
	rand.Read(key)
	return id, v.write(prefix+id, hex.EncodeToString(key))
}

// Wrap encrypts a data key under a key-encryption key and binds it to what it is for.
// Error: fault.KeyMissing when the vault does not have that key.
func (v *Vault) Wrap(kek string, key, bound []byte) ([]byte, error) {
	aead, err := v.kek(kek)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, key, bound), nil
}

// Unwrap is the inverse of Wrap.
// Errors: fault.KeyMissing when the vault does not have that key; fault.SealBroken when it is another key than the one
// that wrapped, or the wrapped key or what it is bound to was changed.
func (v *Vault) Unwrap(kek string, wrapped, bound []byte) ([]byte, error) {
	aead, err := v.kek(kek)
	if err != nil {
		return nil, err
	}
	key, err := aead.Open(nil, nil, wrapped, bound)
	if err != nil {
		return nil, fault.Wrap(fault.SealBroken, err, "the key kek-%s does not open a data key that it has wrapped", kek)
	}
	return key, nil
}

func (v *Vault) kek(id string) (cipher.AEAD, error) {
	if _, err := ident.Parse(id); err != nil {
		return nil, fault.New(fault.SealBroken, "a data key names a wrapping key that cannot be one")
	}
	text, err := os.ReadFile(filepath.Join(v.dir, kekPrefix+id))
	if errors.Is(err, fs.ErrNotExist) {
		// Another node has rotated, so it wraps here too from now on. Where the file cannot be renamed it goes on opening.
		if text, err = os.ReadFile(filepath.Join(v.dir, preparedPrefix+id)); err == nil {
			_ = v.use(id)
		}
	}
	if err != nil {
		return nil, fault.Wrap(fault.KeyMissing, err, "data is encrypted under the key kek-%s, which cannot be read", id)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != kekSize {
		return nil, fault.New(fault.KeyMissing, "kek-%s is not 64 hexadecimal digits", id)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "AES is not to be had")
	}
	return cipher.NewGCMWithRandomNonce(block)
}
