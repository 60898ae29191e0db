package app

import (
	"context"
	"errors"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/intake"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/retention"
	"github.com/varselhub/varsel/internal/search"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/movefile"
	"github.com/varselhub/varsel/internal/store/postgres"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// Store is what a hub is kept in: SQLite in its data directory, or PostgreSQL, which its nodes share.
type Store interface {
	eventlog.Store
	search.Store
	retention.Store
	intake.Store
	Audit(ctx context.Context, q audit.Query) ([]audit.Entry, error)
	AuditHead(ctx context.Context) (audit.Head, error)
}

// signing keeps the keys that messages are signed with: the vault, or a database that all nodes sign from.
type signing interface {
	manage.Keys
	SigningKey(ref string) (string, error)
}

func (h *Hub) openStore(ctx context.Context) error {
	tell := func(text string) { h.logger.Info(text) }
	if h.config.Store == "" {
		if err := movefile.Refuse(h.config.Data); err != nil {
			return err
		}
		s, err := sqlite.Open(h.config.database(), sqlite.Options{Keys: h.Vault, Same: publish.Same, Version: h.config.Version, Tell: tell})
		if err != nil {
			return err
		}
		h.Store, h.rows, h.Signing = s, s.Registers(), h.Vault
		return nil
	}
	s, err := postgres.Open(ctx, h.config.Store, postgres.Options{Keys: h.Vault, Same: publish.Same, Version: h.config.Version, Password: h.config.StorePassword, Tell: tell})
	if err != nil {
		return err
	}
	h.Store, h.rows, h.Signing, h.shared = s, s.Registers(), s.Signing(), s
	return sameSecrets(ctx, h.Vault, s)
}

// sameSecrets sees to it that this node's secrets are the hub's: events are put into lanes, audit entries sealed and
// tokens signed alike on every node. The first node's are the hub's.
// Error: fault.NodeSecrets.
func sameSecrets(ctx context.Context, vault *secret.Vault, s *postgres.Store) error {
	begun, err := s.HasSecrets(ctx)
	if err != nil {
		return err
	}
	if begun && !vault.Whole() { // nothing is made that is not the hub's
		return fault.New(fault.NodeSecrets, "lane.key, audit.key or token.key is not in this node's directory of secrets")
	}
	lane, err := vault.LaneKey()
	seal, errSeal := vault.AuditKey(0)
	token, errToken := vault.TokenKey()
	if err := errors.Join(err, errSeal, errToken); err != nil {
		return err
	}
	return s.SameSecrets(ctx, lane, seal, token)
}
