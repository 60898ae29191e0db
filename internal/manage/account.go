package manage

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

const (
	maxSecrets       = 4 // of one account, in use at once
	maxSecretOverlap = 90 * 24 * time.Hour
)

// PutAccount makes an account or changes it. Its secrets are the hub's and its password is a matter of its own: what the
// document says of them does not count.
// A change works from the next request on, also for tokens that were given before.
// Errors: InvalidDocument, ReadOnly, Precondition, NeedsIfMatch, StorageFull, ShuttingDown.
func (m *Manager) PutAccount(ctx context.Context, a account.Account, by By) (Put, error) {
	return put(ctx, m, by, document[account.Account]{
		kind: revision.Account, act: audit.PutAccount, subject: a.Name,
		read: func() (*account.Account, int64) { return m.book.Account(a.Name) },
		next: func(old *account.Account) *account.Account {
			a.Secrets, a.Password = nil, ""
			if old != nil {
				a.Secrets, a.Password = old.Secrets, old.Password
			}
			return &a
		},
		check: func(_, next *account.Account) ([]revision.Revision, error) {
			return nil, fault.Invalid(fault.InvalidDocument, m.checkAccount(next))
		},
	})
}

// checkAccount holds an account against what else there is: what it names must exist, and a certificate is one account's.
func (m *Manager) checkAccount(a *account.Account) []fault.Violation {
	found := a.Check()
	missing := func(pointer string, i int, what string) {
		found = append(found, fault.Violation{Pointer: pointer + strconv.Itoa(i), Rule: "exists", Message: "no such " + what + "; make it first"})
	}
	for i, name := range a.Systems {
		if system, _ := m.book.System(name); system == nil {
			missing("/systems/", i, "system")
		}
	}
	for i, name := range a.Sources {
		if source, _ := m.book.Source(name); source == nil {
			missing("/sources/", i, "source")
		}
	}
	for i, name := range a.Sites {
		if site, _ := m.book.Site(name); site == nil && name != account.AllSites {
			missing("/sites/", i, "site")
		}
	}
	for i, c := range a.Certificates {
		for _, other := range m.book.Accounts() {
			if other.Name != a.Name && slices.Contains(other.Certificates, c) {
				found = append(found, fault.Violation{Pointer: "/certificates/" + strconv.Itoa(i), Rule: "unique", Message: "is the certificate of the account " + other.Name})
			}
		}
	}
	return found
}

// NewSecret is a client secret as it is told, once.
type NewSecret struct {
	Account string
	ID      string
	Text    string
	Secrets []account.Secret // all that are taken now, newest first
}

// RotateSecret gives an account a new secret. Those before it are taken for the overlap, so that the program can be
// changed in its own time; with overlap 0 they and every token given for them end at once, which is for one that leaked.
// Errors: NotFound, InvalidDocument, Conflict when there are too many secrets, StorageFull, ShuttingDown.
func (m *Manager) RotateSecret(ctx context.Context, name string, overlap time.Duration, author string) (*NewSecret, error) {
	if overlap < 0 || overlap > maxSecretOverlap {
		return nil, fault.Invalid(fault.InvalidDocument, []fault.Violation{{Pointer: "/overlapSeconds", Rule: "range", Message: "use 0 to 7776000, which is 90 days"}})
	}
	fresh, text := account.NewSecret()
	rotated := &NewSecret{Account: name, ID: fresh.ID, Text: text}
	_, err := m.change(ctx, func() (plan, error) {
		old, _ := m.book.Account(name)
		if old == nil {
			return plan{}, fault.New(fault.NotFound, "there is no account %q", name)
		}
		next := *old
		next.Secrets = append([]account.Secret{fresh}, ending(old.Secrets, m.clock.Now(), overlap)...)
		if len(next.Secrets) > maxSecrets {
			return plan{}, fault.New(fault.Conflict, "the account has %d secrets in use; wait until some have ended, or rotate with overlapSeconds 0", len(old.Secrets))
		}
		rotated.Secrets = next.Secrets
		return plan{
			revisions: []revision.Revision{revision.Of(author, revision.Account, name, next)},
			entry:     audit.Of(author, audit.RotateSecret, accountSubject(name), audit.Detail{Key: fresh.ID, Overlap: int64(overlap / time.Second)}),
		}, nil
	})
	if err != nil {
		return nil, err
	}
	return rotated, nil
}

// accountSubject names an account in the audit log.
func accountSubject(name string) string { return string(revision.Account) + "/" + name }

// ending lists the secrets that outlive a rotation, each with its end, which is never put off.
func ending(secrets []account.Secret, now time.Time, overlap time.Duration) (kept []account.Secret) {
	until := now.Add(overlap)
	for _, s := range secrets {
		if !s.Ended(until) {
			s.Until = until.UTC().Format(time.RFC3339Nano)
		}
		if !s.Ended(now) {
			kept = append(kept, s)
		}
	}
	return kept
}

// SetPassword gives an account the password that its person signs in with from now on. Every session that was begun with
// the one before ends.
// Errors: NotFound, InvalidDocument, RateLimited when too many passwords are being compared, StorageFull, ShuttingDown.
func (m *Manager) SetPassword(ctx context.Context, name, password, author string) (Put, error) {
	missing := func() error { return fault.New(fault.NotFound, "there is no account %q", name) }
	if a, _ := m.book.Account(name); a == nil {
		return Put{}, missing()
	}
	if err := fault.Invalid(fault.InvalidDocument, account.CheckPassword(password)); err != nil {
		return Put{}, err
	}
	kept, err := m.opts.Passwords.Hash(ctx, password)
	if err != nil {
		return Put{}, err
	}
	p, err := m.change(ctx, func() (plan, error) {
		old, _ := m.book.Account(name)
		if old == nil {
			return plan{}, missing()
		}
		next := *old
		next.Password = kept
		return plan{
			revisions: []revision.Revision{revision.Of(author, revision.Account, name, next)},
			entry:     audit.Of(author, audit.SetPassword, accountSubject(name), audit.Detail{Created: old.Password == ""}),
		}, nil
	})
	if err != nil {
		return Put{}, err
	}
	return Put{Position: p.last(), Changed: true}, nil
}

// SignedIn puts on record that somebody has signed in with a browser.
// Errors: StorageFull, ShuttingDown.
func (m *Manager) SignedIn(ctx context.Context, p *account.Principal) error {
	return m.record(ctx, audit.Of(p.Name, audit.Login, accountSubject(p.Name), audit.Detail{Kind: string(p.Method)}))
}

// FirstAccount makes the operator's account on a hub that has never had an account, so that there is someone who can
// make the others. tell is given its name and secret before anything is written: when that fails nothing is, and when
// the hub ends between the two the next start makes another secret. A hub that has an account is left as it is.
// Errors: what tell fails with, StorageFull, ShuttingDown.
func (m *Manager) FirstAccount(ctx context.Context, tell func(name, secret string) error) (made bool, err error) {
	const name = "operator"
	p, err := m.change(ctx, func() (plan, error) {
		if len(m.book.Accounts()) > 0 {
			return plan{}, nil
		}
		secret, text := account.NewSecret()
		if err := tell(name, text); err != nil {
			return plan{}, err
		}
		first := account.Account{Name: name, Title: "Made at the first start", Roles: []account.Role{account.Operator}, Secrets: []account.Secret{secret}}
		return plan{
			revisions: []revision.Revision{revision.Of(hub, revision.Account, name, first)},
			entry:     audit.Of(hub, audit.PutAccount, accountSubject(name), audit.Detail{Created: true}),
		}, nil
	})
	return err == nil && len(p.revisions) > 0, err
}
