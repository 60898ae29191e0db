package app

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/web/access"
	"github.com/varselhub/varsel/internal/web/listener"
	"github.com/varselhub/varsel/internal/web/session"
)

// guard makes what finds out who asks, and at the very first start the account of the one who makes all others.
func (h *Hub) guard(ctx context.Context, book *revision.Book, egress *netguard.Guard, clk clock.Clock) error {
	key, err := h.Vault.TokenKey()
	if err != nil {
		return err
	}
	h.gate, err = access.New(access.Options{
		Accounts: book, Passwords: h.passwords, Clock: clk, Egress: egress, URL: h.config.URL, Key: key, Issuers: h.config.Issuers, Limits: h.config.Limits,
	})
	if err != nil || h.config.NoAccess {
		return err
	}
	tell := h.config.Welcome
	if tell == nil {
		tell = h.leaveSecret
	}
	told := false
	made, err := h.Manager.FirstAccount(ctx, func(name, secret string) error {
		told = true
		return tell(name, secret)
	})
	if err == nil && told && !made { // another node was first
		h.logger.Warn("another node of the hub has made the first account at this moment: the secret that this one has told is of no use")
		err = os.RemoveAll(filepath.Join(h.config.Data, secretFile))
	}
	return err
}

// letIn makes what people sign in by.
func (h *Hub) letIn(book *revision.Book, egress *netguard.Guard, clk clock.Clock) error {
	key, err := h.Vault.SessionKey()
	if err != nil {
		return err
	}
	h.sessions, err = session.New(session.Options{
		Accounts: book, Passwords: h.passwords, Clock: clk, Key: key, URL: h.config.URL, Providers: h.config.Providers, Egress: egress,
		SignedIn: h.Manager.SignedIn, Logger: h.logger, Open: h.config.NoAccess,
	})
	return err
}

// secretFile is where the first start leaves the operator's secret.
const secretFile = "operator-secret"

// leaveSecret writes the secret to a file of its own. One that a start which was cut short has left is of no account.
func (h *Hub) leaveSecret(name, secret string) error {
	path := filepath.Join(h.config.Data, secretFile)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fault.Wrap(fault.StorageFull, err, "cannot replace %s", path)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fault.Wrap(fault.StorageFull, err, "cannot write the operator's secret to %s", path)
	}
	_, err = file.WriteString(secret + "\n")
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return fault.Wrap(fault.StorageFull, err, "cannot write the operator's secret to %s", path)
	}
	h.logger.Info("the first account is made; keep its secret and delete the file", "account", name, "file", path)
	return nil
}

// who is asked of every request to the API.
func (h *Hub) who() func(*http.Request) (*account.Principal, error) {
	if h.config.NoAccess {
		return access.Unguarded
	}
	return h.gate.Principal
}

// watched is the live page for those who may see it.
func (h *Hub) watched(page http.Handler) http.Handler {
	if h.config.NoAccess {
		return page
	}
	return h.gate.Page(account.LivePage, page)
}

// checkReach refuses to serve without access control, or by plain HTTP, where other machines can reach it. The settings
// were held to the same rule; this is the address that was really taken.
func (h *Hub) checkReach(l *listener.Listener) error {
	c := l.Config()
	c.Address = l.Address()
	if rule, message := c.Exposed(h.config.NoAccess); rule != "" {
		return fault.Invalid(fault.Configuration, []fault.Violation{{Pointer: c.Address, Rule: rule, Message: message}})
	}
	return nil
}

// ReachedByNodes is where the other nodes of the hub reach these listeners, when nobody says it: the first that answers
// them, at its own address.
func ReachedByNodes(listeners []*listener.Listener) string {
	for _, l := range listeners {
		if slices.Contains(l.Faces(), "node") {
			return l.URL()
		}
	}
	return ""
}

// Reached is where a hub of these listeners is reached from outside, when nobody says it: the first that answers the API.
func Reached(listeners []*listener.Listener) string {
	for _, l := range listeners {
		if slices.Contains(l.Faces(), "api") {
			return l.Outside()
		}
	}
	return ""
}
