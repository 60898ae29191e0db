package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/signature"
	"github.com/varselhub/varsel/internal/store"
)

// Signing keeps the keys that messages are signed with in the database, wrapped by the vault's newest key, for every node
// signs. It is safe for concurrent use.
type Signing struct{ store *Store }

// Signing is the part of the store that keeps signing keys.
func (s *Store) Signing() Signing { return Signing{s} }

// signingKey is a row of signing_keys.
type signingKey struct {
	ref     [16]byte
	kek     string
	wrapped []byte
}

func scanSigningKey(row pgx.Row) (k signingKey, err error) {
	err = row.Scan(&k.ref, &k.kek, &k.wrapped)
	return k, err
}

// toSign is what a wrapped signing key is bound to: it is no data key, and in no other's place.
func toSign(ref [16]byte) []byte { return append([]byte("sign "), ref[:]...) }

func (k *signingKey) rewrap(vault store.Keys, kek string) ([]byte, error) {
	key, err := vault.Unwrap(k.kek, k.wrapped, toSign(k.ref))
	if err != nil {
		return nil, err
	}
	return vault.Wrap(kek, key, toSign(k.ref))
}

// Create makes a signing key of a kind, "v1" or "v1a", and returns what refers to it and what is shown once: the secret
// of v1, the public key of v1a.
func (s Signing) Create(ctx context.Context, _, kind string) (ref, shown string, err error) {
	private, shown, err := signature.NewKey(kind)
	if err != nil {
		return "", "", err
	}
	ref = ident.New().String()
	return ref, shown, s.put(ctx, ref, private)
}

// put keeps a key under a reference that was never used; of one that was, what was kept first stays.
func (s Signing) put(ctx context.Context, ref, private string) error {
	id, err := ident.Parse(ref)
	if err != nil {
		return fault.New(fault.Internal, "that is no key's reference")
	}
	k, vault := signingKey{ref: id}, s.store.keys.Vault()
	if k.kek, err = vault.NewestKEK(); err != nil {
		return err
	}
	if k.wrapped, err = vault.Wrap(k.kek, []byte(private), toSign(k.ref)); err != nil {
		return err
	}
	_, err = s.store.pool.Exec(ctx, "INSERT INTO signing_keys (ref, kek, wrapped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", k.ref, k.kek, k.wrapped)
	return trouble(err, "cannot keep a signing key")
}

// Delete forgets a signing key; one that is not there is forgotten already.
func (s Signing) Delete(ctx context.Context, ref string) error {
	id, err := ident.Parse(ref)
	if err != nil {
		return fault.New(fault.Internal, "that is no key's reference")
	}
	_, err = s.store.pool.Exec(ctx, "DELETE FROM signing_keys WHERE ref = $1", [16]byte(id))
	return trouble(err, "cannot delete the signing key %s", ref)
}

// SigningKey reads a signing key.
func (s Signing) SigningKey(ref string) (string, error) {
	id, err := ident.Parse(ref)
	if err != nil {
		return "", fault.New(fault.SenderConfig, "that is no key's reference")
	}
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	k, err := scanSigningKey(s.store.pool.QueryRow(ctx, "SELECT ref, kek, wrapped FROM signing_keys WHERE ref = $1", [16]byte(id)))
	if errors.Is(err, pgx.ErrNoRows) {
		return "", fault.Wrap(fault.SenderConfig, err, "the signing key %s is not in the database", ref)
	}
	if err != nil {
		return "", trouble(err, "the signing key %s cannot be read", ref)
	}
	key, err := s.store.keys.Vault().Unwrap(k.kek, k.wrapped, toSign(k.ref))
	return string(key), err
}
