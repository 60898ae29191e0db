package access_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web/access"
)

// counting hashes as little as it may, and counts.
type counting struct {
	*account.Passwords
	fits atomic.Int64
}

func (c *counting) Fit(ctx context.Context, a *account.Account, text string) (bool, error) {
	c.fits.Add(1)
	return c.Passwords.Fit(ctx, a, text)
}

func withPasswords(t *testing.T) (*world, *counting) {
	t.Helper()
	c := &counting{Passwords: account.NewPasswords(account.Cost{Memory: 8, Time: 1, Lanes: 1})}
	w := newWorld(t, func(o *access.Options) { o.Passwords = c })
	w.give(c, "correct horse battery")
	return w, c
}

func (w *world) give(c *counting, password string) {
	w.t.Helper()
	kept, err := c.Hash(w.t.Context(), password)
	w.must(err)
	w.accounts.change("eva", func(a *account.Account) { a.Password = kept })
}

func (w *world) named(address, name, password string) string {
	r := httptest.NewRequest("GET", "/system", nil)
	r.RemoteAddr = address + ":1234"
	p, err := w.gate.Named(r, name, password)
	if err != nil {
		return string(fault.Of(err).Code)
	}
	return p.Name + " " + string(p.Method)
}

// F33: an account's name and password; one that was right is not hashed again for every page, and ends with the password,
// and with the account.
func TestF33APasswordIsComparedOnce(t *testing.T) {
	t.Parallel()
	w, c := withPasswords(t)
	const right = "correct horse battery"
	for range 100 {
		if got := w.named("192.0.2.1", "eva", right); got != "eva password" {
			t.Fatal(got)
		}
	}
	if n := c.fits.Load(); n != 1 {
		t.Errorf("hashed %d times", n)
	}
	w.clock.Advance(time.Hour)
	if w.named("192.0.2.1", "eva", right); c.fits.Load() != 2 {
		t.Error("it is believed for ever")
	}
	for name, got := range map[string]string{
		"another password": w.named("192.0.2.2", "eva", right+"!"),
		"no password":      w.named("192.0.2.3", "eva", ""),
		"another name":     w.named("192.0.2.4", "adam", right),
	} {
		if got != "unauthenticated" {
			t.Errorf("%s: %s", name, got)
		}
	}
	w.give(c, "another one altogether")
	if got := w.named("192.0.2.5", "eva", right); got != "unauthenticated" {
		t.Errorf("the one before: %s", got)
	}
	if got := w.named("192.0.2.5", "eva", "another one altogether"); got != "eva password" {
		t.Error(got)
	}
	w.accounts.change("eva", func(a *account.Account) { a.Disabled = true })
	if got := w.named("192.0.2.5", "eva", "another one altogether"); got != "unauthenticated" {
		t.Errorf("a disabled account: %s", got)
	}
}

// Who tries passwords is slowed down, for one account and for all; who has the right one is not in the way of it.
func TestF33WhoTriesPasswordsIsSlowedDown(t *testing.T) {
	t.Parallel()
	w, c := withPasswords(t)
	last := ""
	for n := range 30 {
		last = w.named("192.0.2.1", "eva", fmt.Sprint("try ", n))
	}
	if n := c.fits.Load(); last != "rate-limited" || n > 12 {
		t.Errorf("%s after %d hashes", last, n)
	}
	if got := w.named("192.0.2.2", "eva", "correct horse battery"); got != "eva password" {
		t.Errorf("from elsewhere: %s", got)
	}
	before := c.fits.Load()
	for n := range 100 {
		last = w.named("192.0.2.3", fmt.Sprint("0101701234", n), "x")
	}
	if n := c.fits.Load() - before; last != "rate-limited" || n > 25 {
		t.Errorf("names: %s after %d hashes", last, n)
	}
}

// A face that takes certificates takes nothing else.
func TestF33ACertificateIsAllThatIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	leaf := &x509.Certificate{Raw: []byte("a certificate")}
	w.accounts.change("eva", func(a *account.Account) { a.Certificates = []account.Certificate{{SHA256: account.Fingerprint(leaf)}} })
	token := w.token("eva", w.secret)
	for name, c := range map[string]struct {
		shows *x509.Certificate
		token string
		want  string
	}{"the certificate": {leaf, "", "eva certificate"}, "a token": {nil, token, "unauthenticated"}, "another's": {&x509.Certificate{Raw: []byte("another")}, "", "unauthenticated"}} {
		r := httptest.NewRequest("GET", "/system", nil)
		if c.token != "" {
			r.Header.Set("Authorization", "Bearer "+c.token)
		}
		if c.shows != nil {
			r.TLS = &tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{c.shows}}}
		}
		got := ""
		if p, err := w.gate.Certified(r); err != nil {
			got = string(fault.Of(err).Code)
		} else {
			got = p.Name + " " + string(p.Method)
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
