package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web"
)

// How often a password may be tried, from one address and for one account from there. One that has just been shown to be
// right is no try: its caller reads page after page.
const (
	triesPerSecond        = 2
	triesAtOnce           = 20
	accountTriesPerSecond = 1.0 / 3
	accountTriesAtOnce    = 10
)

// Named says who makes a request that shows an account's name and its password, in whatever way the face takes them: in
// the address, where compatibility demands it, or by HTTP Basic.
// Errors: RateLimited, Unauthenticated; the context's.
func (g *Gate) Named(r *http.Request, name, password string) (*account.Principal, error) {
	return g.admit(r, func(r *http.Request, now time.Time) (*account.Principal, error) {
		a, _ := g.opts.Accounts.Account(name)
		if a != nil && !a.Disabled && g.shown.has(a, password, now) {
			return a.Principal(account.ByPassword), nil
		}
		if err := g.another(r, a, now); err != nil {
			return nil, err
		}
		fits, err := g.opts.Passwords.Fit(r.Context(), a, password)
		if err != nil {
			return nil, err
		}
		if !fits {
			return nil, fault.New(fault.Unauthenticated, "there is no such account in use with that password")
		}
		g.shown.remember(a, password, now)
		return a.Principal(account.ByPassword), nil
	})
}

// Certified says who makes a request to a face that takes client certificates alone.
// Errors: RateLimited, Unauthenticated.
func (g *Gate) Certified(r *http.Request) (*account.Principal, error) {
	return g.admit(r, func(r *http.Request, _ time.Time) (*account.Principal, error) { return g.byCertificate(r) })
}

// another counts a try. Names that are no account's are one name: they may be passwords in the wrong place.
func (g *Gate) another(r *http.Request, a *account.Account, now time.Time) error {
	address, name := web.Neighbourhood(web.PeerOf(r).Addr), ""
	if a != nil {
		name = a.Name
	}
	if wait := g.tries.Take(address, now); wait > 0 {
		return account.TooMany(wait)
	}
	if wait := g.accountTries.Take(address+" "+name, now); wait > 0 {
		return account.TooMany(wait)
	}
	return nil
}

// shown remembers for a while which passwords were right: a hash costs on purpose more than an answer. It keeps of them a
// keyed hash, whose key ends with the process; with another password, or none, what is kept fits no more.
type shown struct {
	key   [32]byte
	mu    sync.Mutex
	until map[[sha256.Size]byte]time.Time
}

func newShown() *shown {
	s := &shown{until: map[[sha256.Size]byte]time.Time{}}
	rand.Read(s.key[:])
	return s
}

func (s *shown) mark(a *account.Account, password string) (mark [sha256.Size]byte) {
	h := hmac.New(sha256.New, s.key[:])
	h.Write([]byte(a.Name + "\x00" + a.PasswordMark() + "\x00" + password))
	h.Sum(mark[:0])
	return mark
}

func (s *shown) has(a *account.Account, password string, now time.Time) bool {
	mark := s.mark(a, password)
	s.mu.Lock()
	defer s.mu.Unlock()
	return now.Before(s.until[mark])
}

func (s *shown) remember(a *account.Account, password string, now time.Time) {
	mark := s.mark(a, password)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.until) >= seenMost {
		clear(s.until) // those in use are back at the price of one hash
	}
	s.until[mark] = now.Add(seenFor)
}
