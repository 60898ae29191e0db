// Package secret keeps what must not be in the database: the keys that wrap its data keys, the key that lanes are hashed
// with, the key that the audit log is sealed with, and the keys that messages and access tokens are signed with, as files
// that only the hub's user can read.
package secret

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/signature"
)

// Vault is a directory of secrets, mode 0700, a file of mode 0600 each. It is safe for concurrent use. Losing it while
// the database stays makes what is in it unreadable: back up both, apart from each other.
type Vault struct{ dir string }

// Open opens or creates the directory. One that others can read is refused.
func Open(dir string) (*Vault, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot make the directory of secrets %s", dir)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot look at the directory of secrets %s", dir)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fault.New(fault.Internal, "the directory of secrets %s can be read by others: chmod 700 it", dir)
	}
	return &Vault{dir: dir}, nil
}

// Existing is Open for a directory that must be there, for those who only read.
func Existing(dir string) (*Vault, error) {
	if _, err := os.Stat(dir); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "there is no directory of secrets %s", dir)
	}
	return Open(dir)
}

const (
	laneKeyFile  = "lane.key"
	auditKeyFile = "audit.key"
	tokenKeyFile = "token.key"
	keySize      = 32
	signPrefix   = "sign-"
)

// Whole reports whether the vault has what a hub makes at its first start, and every node of it needs.
func (v *Vault) Whole() bool {
	for _, name := range []string{laneKeyFile, auditKeyFile, tokenKeyFile} {
		if _, err := os.Stat(filepath.Join(v.dir, name)); err != nil {
			return false
		}
	}
	return true
}

// LaneKey returns the key that lanes are hashed with, made at first use.
func (v *Vault) LaneKey() ([]byte, error) { return v.key(laneKeyFile) }

// TokenKey returns the ed25519 seed that the hub's own access tokens are signed with, made at first use. Deleting its
// file makes another at the next start: tokens given before, and sessions, are refused then.
func (v *Vault) TokenKey() ([]byte, error) { return v.key(tokenKeyFile) }

// SessionKey returns the key that the cookies of people who have signed in are sealed with. It is made of the token key,
// so that every node of a hub has the same without another file, and it ends with that.
func (v *Vault) SessionKey() ([]byte, error) {
	token, err := v.TokenKey()
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Key(sha256.New, token, nil, "varsel: cookies of sessions, 1", keySize) // RFC 5869
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the key for sessions cannot be made")
	}
	return key, nil
}

// AuditKey returns the key that the audit log is sealed with. It is made once, for a log without entries: one that has
// some and lost its key could not be verified any more, so that is an error.
func (v *Vault) AuditKey(entries int64) ([]byte, error) {
	const name = auditKeyFile
	if entries == 0 {
		return v.key(name)
	}
	if _, err := os.Stat(filepath.Join(v.dir, name)); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(fault.Internal, err, "the audit key %s is gone: restore it from the backup", filepath.Join(v.dir, name))
	}
	return v.key(name)
}

// key reads 32 random bytes that stand in a file as hexadecimal digits, made when there is none.
func (v *Vault) key(name string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join(v.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		key := make([]byte, keySize)
		rand.Read(key)
		return key, v.write(name, hex.EncodeToString(key))
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot read %s", name)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != keySize {
		return nil, fault.New(fault.Internal, "%s is not 64 hexadecimal digits: restore it from the backup", filepath.Join(v.dir, name))
	}
	return key, nil
}

// Create makes a signing key of a kind, "v1" or "v1a", and returns what refers to it and what is shown once: the secret
// of v1, the public key of v1a.
func (v *Vault) Create(_ context.Context, _, kind string) (ref, shown string, err error) {
	private, shown, err := signature.NewKey(kind)
	if err != nil {
		return "", "", err
	}
	ref = ident.New().String()
	return ref, shown, v.write(signPrefix+ref, private)
}

// Delete forgets a signing key; one that is not there is forgotten already.
func (v *Vault) Delete(_ context.Context, ref string) error {
	if _, err := ident.Parse(ref); err != nil {
		return fault.New(fault.Internal, "that is no key's reference")
	}
	err := os.Remove(filepath.Join(v.dir, signPrefix+ref))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.Internal, err, "cannot delete the signing key %s", ref)
	}
	return nil
}

// SigningKeys lists what refers to the signing keys there are, oldest first.
func (v *Vault) SigningKeys() ([]string, error) { return v.named(signPrefix) }

// SigningKey reads a signing key.
func (v *Vault) SigningKey(ref string) (string, error) {
	if _, err := ident.Parse(ref); err != nil {
		return "", fault.New(fault.SenderConfig, "that is no key's reference")
	}
	text, err := os.ReadFile(filepath.Join(v.dir, signPrefix+ref))
	if err != nil {
		return "", fault.Wrap(fault.SenderConfig, err, "the signing key %s cannot be read", ref)
	}
	return strings.TrimSpace(string(text)), nil
}

// write puts a secret in place whole: a crash leaves the old file or the new one.
func (v *Vault) write(name, text string) error {
	file, err := os.CreateTemp(v.dir, "."+name+"-*") // mode 0600
	if err != nil {
		return fault.Wrap(fault.StorageFull, err, "cannot write a secret")
	}
	defer os.Remove(file.Name())
	_, err = file.WriteString(text + "\n")
	if err == nil {
		err = file.Sync()
	}
	if e := file.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(file.Name(), filepath.Join(v.dir, name))
	}
	if err == nil {
		err = v.sync()
	}
	if err != nil {
		return fault.Wrap(fault.StorageFull, err, "cannot write a secret")
	}
	return nil
}

// sync makes the directory's names durable: data sealed under a key must not outlive it.
func (v *Vault) sync() error {
	dir, err := os.Open(v.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
