package session

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web"
)

// How long a session lasts.
const (
	idle          = 12 * time.Hour     // without a request
	longest       = 7 * 24 * time.Hour // in all
	longestByName = 8 * time.Hour      // of one whose roles are a provider's: it cannot be asked again whether they still hold
	renewal       = time.Minute        // how exactly the cookie knows when it was last used
)

// ticket is what the cookie of a session says.
type ticket struct {
	Name string `json:"n"` // of the account, or PROVIDER/subject
	Mark string `json:"m"` // of what it was begun with: the account's password, or the provider's settings
	// Begun and Used are when somebody signed in and when the session was last used, in seconds since 1970.
	Begun int64 `json:"b"`
	Used  int64 `json:"u"`
	// Given is what a provider says of them; nil: the account is looked up.
	Given *given `json:"g,omitempty"`
}

type given struct {
	Provider string         `json:"p"`
	Roles    []account.Role `json:"r,omitempty"`
	Systems  []string       `json:"s,omitempty"`
	Sources  []string       `json:"o,omitempty"`
	Sites    []string       `json:"i,omitempty"`
}

// end is when the session ends if nothing is heard of it after now.
func (t *ticket) end(now time.Time) time.Time {
	most := longest
	if t.Given != nil {
		most = longestByName
	}
	last := time.Unix(t.Begun, 0).Add(most)
	if quiet := now.Add(idle); quiet.Before(last) {
		return quiet
	}
	return last
}

// of says whose a session is, nil when it has ended: by time, or because what it was begun with is not so any more.
func (s *Sessions) of(t *ticket, now time.Time) *account.Principal {
	if !now.Before(t.end(time.Unix(t.Used, 0))) {
		return nil
	}
	if g := t.Given; g != nil {
		at := slices.IndexFunc(s.providers, func(p *provider) bool { return p.Name == g.Provider })
		if at < 0 || s.providers[at].mark != t.Mark {
			return nil
		}
		return &account.Principal{Name: t.Name, Roles: g.Roles, Systems: g.Systems, Sources: g.Sources, Sites: g.Sites, Method: account.ByProvider}
	}
	a, _ := s.opts.Accounts.Account(t.Name)
	if a == nil || a.Disabled || a.PasswordMark() != t.Mark {
		return nil
	}
	return a.Principal(account.ByPassword)
}

// The cookies, each for one purpose.
const (
	sessionCookie = "varsel-session"
	flowCookie    = "varsel-sign-in" // of one who is at a provider
)

// host begins the names of cookies that a browser takes from this host alone, over https, for all its paths.
const host = "__Host-"

// largest is how much of a cookie every browser keeps, its name and attributes taken off (RFC 6265 section 6.1).
const largest = 3900 // bytes

// seal encrypts cookies.
type seal struct{ aead cipher.AEAD }

const keySize = 32 // bytes, AES-256

func newSeal(key []byte) (seal, error) {
	if len(key) != keySize {
		return seal{}, fault.New(fault.Internal, "the key for sessions has %d bytes, want %d", len(key), keySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return seal{}, fault.Wrap(fault.Internal, err, "AES is not to be had")
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return seal{aead}, err
}

// secure reports whether the browser's connection is encrypted. Then its cookies stay with such connections.
func (s *Sessions) secure(r *http.Request) bool {
	return web.PeerOf(r).Secure || strings.HasPrefix(s.opts.URL, "https://")
}

func (s *Sessions) cookie(r *http.Request, name string) *http.Cookie {
	c := &http.Cookie{Name: name, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: s.secure(r)}
	if c.Secure {
		c.Name = host + name
	}
	return c
}

// give hands the browser something sealed, to be shown until it ends.
// Error: ProviderRefused when it is more than a cookie holds.
func (s *Sessions) give(w http.ResponseWriter, r *http.Request, name string, content any, end time.Time) error {
	text, err := json.Marshal(content)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the cookie cannot be written")
	}
	c := s.cookie(r, name)
	c.Value = base64.RawURLEncoding.EncodeToString(s.seal.aead.Seal(nil, nil, text, []byte(name)))
	if len(c.Value) > largest {
		return fault.New(fault.ProviderRefused, "the provider says more of you than a session holds; name fewer sites, or all of them by *")
	}
	c.Expires, c.MaxAge = end, max(1, int(end.Sub(s.opts.Clock.Now())/time.Second))
	http.SetCookie(w, c)
	return nil
}

// read opens what was given under a name. Whatever else the browser shows is nothing.
func (s *Sessions) read(r *http.Request, name string, into any) bool {
	for _, c := range r.CookiesNamed(s.cookie(r, name).Name) {
		sealed, err := base64.RawURLEncoding.Strict().DecodeString(c.Value)
		if err != nil {
			continue
		}
		text, err := s.seal.aead.Open(nil, nil, sealed, []byte(name))
		if err == nil && json.Unmarshal(text, into) == nil {
			return true
		}
	}
	return false
}

// drop has the browser forget it.
func (s *Sessions) drop(w http.ResponseWriter, r *http.Request, name string) {
	c := s.cookie(r, name)
	c.MaxAge = -1
	http.SetCookie(w, c)
}
