package peer

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
)

// tolerance is how far the clocks of two nodes may be apart, and how long a call may take to arrive.
const tolerance = 30 * time.Second

// mostNonces bounds how many calls are remembered for as long as one could be made again: far more than a node answers.
const mostNonces = 1 << 20

// scheme names how a node shows that it is one (RFC 9110 section 11.1).
const scheme = "Varsel-Node"

// proof is the header of an answer by which the one that asks knows that a node gave it.
const proof = "Varsel-Node"

// Key is what the nodes of a hub know each other by. It is made of the vault's token key, which all of them have.
func Key(tokenKey []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, tokenKey, nil, "varsel node door 1", sha256.Size)
}

// ticket is one call's proof that a node makes it, once, to the node it is for and with this body.
type ticket struct {
	to     int64 // the number of the node that is asked: of one life of a process, so it is good at no other
	at     int64 // s since 1970
	nonce  [16]byte
	digest [sha256.Size]byte // of the body
	seal   [sha256.Size]byte
}

func newTicket(key []byte, path string, to int64, now time.Time, body []byte) *ticket {
	t := &ticket{to: to, at: now.Unix(), digest: sha256.Sum256(body)}
	rand.Read(t.nonce[:])
	t.seal = t.sealed(key, path)
	return t
}

// sealed is what the seal must be.
func (t *ticket) sealed(key []byte, path string) (seal [sha256.Size]byte) {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(http.MethodPost + "\n" + path + "\n" + t.text()))
	mac.Sum(seal[:0])
	return seal
}

// echo is what the answer to the call is known by.
func (t *ticket) echo(key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("answer\n"))
	mac.Write(t.seal[:])
	return hex.EncodeToString(mac.Sum(nil))
}

func (t *ticket) text() string {
	return strconv.FormatInt(t.to, 10) + "." + strconv.FormatInt(t.at, 10) + "." + hex.EncodeToString(t.nonce[:]) + "." + hex.EncodeToString(t.digest[:])
}

// String is the value of the header Authorization.
func (t *ticket) String() string {
	return scheme + " " + t.text() + "." + hex.EncodeToString(t.seal[:])
}

// parseTicket reads what String wrote, and nothing else.
func parseTicket(header string) (t *ticket, ok bool) {
	text, ok := strings.CutPrefix(header, scheme+" ")
	parts := strings.Split(text, ".")
	if !ok || len(text) > 256 || len(parts) != 5 {
		return nil, false
	}
	t = &ticket{}
	var errs [2]error
	t.to, errs[0] = strconv.ParseInt(parts[0], 10, 64)
	t.at, errs[1] = strconv.ParseInt(parts[1], 10, 64)
	if errs[0] != nil || errs[1] != nil {
		return nil, false
	}
	for i, into := range [][]byte{t.nonce[:], t.digest[:], t.seal[:]} {
		bytes, err := hex.DecodeString(parts[2+i])
		if err != nil || copy(into, bytes) != len(into) || len(bytes) != len(into) {
			return nil, false
		}
	}
	return t, t.String() == header
}

// guard lets in who has the key, once for each ticket.
type guard struct {
	key   []byte
	clock clock.Clock

	mu           sync.Mutex
	turned       time.Time
	seen, before map[[16]byte]bool
}

func newGuard(key []byte, clk clock.Clock) *guard {
	return &guard{key: key, clock: clk, turned: clk.Now(), seen: map[[16]byte]bool{}}
}

// admit says who asks before the body is read: nobody without the key makes the node read more than a head.
// Error: fault.Unauthenticated, which does not tell why; fault.RateLimited.
func (g *guard) admit(r *http.Request) (*ticket, error) {
	refused := fault.New(fault.Unauthenticated, "only the hub's own nodes are answered here")
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return nil, refused
	}
	t, ok := parseTicket(headers[0])
	if !ok {
		return nil, refused
	}
	want := t.sealed(g.key, r.URL.Path)
	if !hmac.Equal(want[:], t.seal[:]) {
		return nil, refused
	}
	now := g.clock.Now()
	if apart := now.Sub(time.Unix(t.at, 0)); apart > tolerance || apart < -tolerance {
		return nil, refused
	}
	switch once, room := g.note(t.nonce, now); {
	case !room:
		return nil, fault.New(fault.RateLimited, "more calls than can be told apart")
	case !once:
		return nil, refused
	}
	return t, nil
}

// note remembers a call for longer than it is good for.
func (g *guard) note(nonce [16]byte, now time.Time) (once, room bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Sub(g.turned) >= 2*tolerance {
		g.before, g.seen, g.turned = g.seen, map[[16]byte]bool{}, now
	}
	if g.seen[nonce] || g.before[nonce] {
		return false, true
	}
	if len(g.seen) >= mostNonces {
		return false, false
	}
	g.seen[nonce] = true
	return true, true
}

// holds reports whether a body is the one that the ticket is for.
func (t *ticket) holds(body []byte) bool {
	digest := sha256.Sum256(body)
	return hmac.Equal(digest[:], t.digest[:])
}
