package revision

import (
	"crypto/x509"
	"maps"
	"slices"

	"github.com/varselhub/varsel/internal/account"
)

// Account returns an account, and the position it was last written at; nil when there is none.
func (b *Book) Account(name string) (*account.Account, int64) { return newest(b, b.accounts, name) }

// Accounts lists the accounts by name.
func (b *Book) Accounts() []*account.Account { return list(b, b.accounts) }

// AccountShowing returns the account that a client certificate belongs to, the first by name, or nil.
func (b *Book) AccountShowing(c *x509.Certificate) *account.Account {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, name := range slices.Sorted(maps.Keys(b.accounts)) {
		if a := b.accounts[name].now(); a != nil && a.Shows(c) {
			return a
		}
	}
	return nil
}
