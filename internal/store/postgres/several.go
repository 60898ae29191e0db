package postgres

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"github.com/varselhub/varsel/internal/fault"
)

// HasSecrets reports whether a node has said what the hub's secrets are.
func (s *Store) HasSecrets(ctx context.Context) (known bool, err error) {
	err = s.pool.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM hub WHERE name = 'secrets')").Scan(&known)
	return known, trouble(err, "cannot look for the hub's secrets")
}

// SameSecrets holds a node's secrets against those of the hub, which are the first node's. The database keeps a keyed
// digest that tells nothing of them.
// Error: fault.NodeSecrets.
func (s *Store) SameSecrets(ctx context.Context, secrets ...[]byte) error {
	digest := sha256.New()
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte("varsel: the secrets of a hub"))
		digest.Write(mac.Sum(nil))
	}
	mine, hubs := hex.EncodeToString(digest.Sum(nil)), ""
	err := s.pool.QueryRow(ctx, "INSERT INTO hub (name, value) VALUES ('secrets', $1) ON CONFLICT (name) DO UPDATE SET value = hub.value RETURNING value", mine).Scan(&hubs)
	if err != nil {
		return trouble(err, "cannot look for the hub's secrets")
	}
	if !hmac.Equal([]byte(mine), []byte(hubs)) {
		return fault.New(fault.NodeSecrets, "lane.key, audit.key or token.key in this node's directory of secrets is another than the hub's")
	}
	return nil
}

// DrawPass gives a replay a number that no other has.
func (s *Store) DrawPass(ctx context.Context) (n int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	const draw = `INSERT INTO hub (name, value) SELECT 'passes', (coalesce(max(n), 0) + 1)::text FROM passes
		ON CONFLICT (name) DO UPDATE SET value = (greatest(hub.value::bigint, excluded.value::bigint - 1) + 1)::text RETURNING value::bigint`
	err = s.pool.QueryRow(ctx, draw).Scan(&n)
	return n, trouble(err, "cannot number the replay")
}
