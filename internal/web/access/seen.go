package access

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/account"
)

const (
	seenFor  = time.Minute // a token is verified anew after that, in case its issuer has withdrawn the key
	seenMost = 1024
)

// seen remembers tokens that have been verified, by their hash: a source that publishes event by event shows the same
// one thousands of times, and checking a signature costs more than all the rest. Only good tokens get in, so nobody
// without one can fill it.
type seen struct {
	mu     sync.RWMutex
	tokens map[[sha256.Size]byte]verified
}

// verified is what a token says. Of the hub's own it is the account and its secret, which are looked up every time.
type verified struct {
	until     time.Time
	account   string
	secret    string
	principal *account.Principal // of another issuer; nil: of the hub's own
}

func (s *seen) find(token string, now time.Time) (v verified, found bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	v, found = s.tokens[sha256.Sum256([]byte(token))]
	return v, found && now.Before(v.until)
}

// remember keeps what a token says until it ends or for a while, whichever comes first.
func (s *seen) remember(token string, v verified, now, end time.Time) {
	if v.until = now.Add(seenFor); end.Before(v.until) {
		v.until = end
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens == nil || len(s.tokens) >= seenMost {
		s.tokens = map[[sha256.Size]byte]verified{} // those in use are back at once
	}
	s.tokens[sha256.Sum256([]byte(token))] = v
}
