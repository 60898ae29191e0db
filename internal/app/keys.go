package app

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store"
	"github.com/varselhub/varsel/internal/store/movefile"
	"github.com/varselhub/varsel/internal/store/postgres"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// RotateKeys wraps every key of a hub's database with a new one, while hubs may run. Of a hub in a data directory the new
// key is made; where nodes share a database it is the one that MakeKey has made, for each of them must have it before.
// Error: fault.Conflict when there is none that everything is not wrapped with.
func RotateKeys(ctx context.Context, c Config) (store.Rotation, error) {
	vault, err := c.vaultOf()
	if err != nil {
		return store.Rotation{}, err
	}
	if c.Store == "" {
		return sqlite.Rotate(ctx, c.database(), vault)
	}
	uses, err := postgres.KEKsInUse(ctx, c.storeURL())
	if err != nil {
		return store.Rotation{}, err
	}
	if _, err := vault.UsePrepared(); err != nil {
		return store.Rotation{}, err
	}
	newest, err := vault.NewestKEK()
	if err != nil {
		return store.Rotation{}, err
	}
	delete(uses, newest)
	if len(uses) == 0 {
		return store.Rotation{}, fault.New(fault.Conflict, "the key kek-%s wraps everything already: make another with varsel keys make, copy its file to every node, and rotate then", newest)
	}
	return postgres.Rotate(ctx, c.storeURL(), vault)
}

// MakeKey makes the key of the next rotation in the vault of one node, and returns its file's name. Nothing is wrapped with it
// until RotateKeys.
func MakeKey(c Config) (file string, err error) {
	vault, err := c.vaultOf()
	if err != nil {
		return "", err
	}
	return vault.PrepareKEK()
}

// Key is one key-encryption key of a hub.
type Key struct {
	ID       string `json:"id"`
	DataKeys int    `json:"dataKeys"` // of the database that it wraps
	Newest   bool   `json:"newest"`   // it wraps from now on
	Prepared bool   `json:"prepared"` // it wraps from the next rotation on
	Missing  bool   `json:"missing"`  // the database needs it, and the vault does not have it
}

// ListKeys lists the keys of the vault and those that the database needs, oldest first.
func ListKeys(ctx context.Context, c Config) ([]Key, error) {
	vault, err := c.vaultOf()
	if err != nil {
		return nil, err
	}
	ids, err := vault.KEKs()
	if err != nil {
		return nil, err
	}
	prepared, err := vault.Prepared()
	if err != nil {
		return nil, err
	}
	var uses map[string]int
	if c.Store == "" {
		uses, err = sqlite.KEKsInUse(ctx, c.database())
	} else {
		uses, err = postgres.KEKsInUse(ctx, c.storeURL())
	}
	if err != nil {
		return nil, err
	}
	var keys []Key
	for i, id := range ids {
		keys = append(keys, Key{ID: id, DataKeys: uses[id], Newest: i == len(ids)-1})
		delete(uses, id)
	}
	for _, id := range prepared {
		keys = append(keys, Key{ID: id, DataKeys: uses[id], Prepared: true})
		delete(uses, id)
	}
	for id, n := range uses {
		keys = append(keys, Key{ID: id, DataKeys: n, Missing: true})
	}
	slices.SortFunc(keys, func(a, b Key) int { return strings.Compare(a.ID, b.ID) })
	return keys, nil
}

// vaultOf is vault for the keys of a hub that is where c says.
// Errors: fault.HubMoved, fault.MoveUnfinished.
func (c *Config) vaultOf() (*secret.Vault, error) {
	if c.Store == "" {
		if err := movefile.Refuse(c.Data); err != nil {
			return nil, err
		}
	}
	return c.vault()
}

// vault opens the vault of a data directory that is there: a mistyped name must not make one.
func (c *Config) vault() (*secret.Vault, error) {
	if _, err := os.Stat(c.secrets()); errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NoDatabase, "%s holds no secrets", c.Data)
	}
	return secret.Open(c.secrets())
}

// storeURL is the URL of the hub's database, with the password.
func (c *Config) storeURL() string {
	u, err := url.Parse(c.Store)
	if err != nil || c.StorePassword == "" {
		return c.Store
	}
	u.User = url.UserPassword(u.User.Username(), c.StorePassword)
	return u.String()
}
