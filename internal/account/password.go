package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"github.com/varselhub/varsel/internal/fault"
)

// The length of a password.
const (
	minPassword = 12   // characters
	maxPassword = 1024 // bytes
)

// CheckPassword lists every rule that a password breaks, without the password.
func CheckPassword(text string) []fault.Violation {
	var found []fault.Violation
	refuse := func(rule, message string) {
		found = append(found, fault.Violation{Pointer: "/password", Rule: rule, Message: message})
	}
	switch {
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		refuse("text", "want text of one line, in UTF-8")
	case len(text) > maxPassword:
		refuse("length", "want at most 1024 bytes")
	case utf8.RuneCountInString(norm.NFC.String(text)) < minPassword:
		refuse("length", "want at least 12 characters; several words are easier to keep in mind than signs")
	}
	return found
}

// Cost is how much work one hash is (RFC 9106).
type Cost struct {
	Memory uint32 // KiB
	Time   uint32 // passes over it
	Lanes  uint8
}

// DefaultCost is the second recommended option of RFC 9106 section 4.
var DefaultCost = Cost{Memory: 64 << 10, Time: 3, Lanes: 4}

// The most that a stored hash may ask for, so that a damaged one cannot ask for all memory there is.
var maxCost = Cost{Memory: 256 << 10, Time: 16, Lanes: 16}

const (
	saltSize = 16 // bytes
	hashSize = 32
)

// How many hashes are made at once, and how many more may wait for one of them: what somebody who floods the sign-in
// page can make the hub spend is bounded.
const (
	hashesAtOnce  = 4
	hashesWaiting = 64
)

// Passwords hashes passwords by argon2id. It is safe for concurrent use.
type Passwords struct {
	cost   Cost
	nobody string // compared with where there is no password, so that the answer takes as long
	places chan struct{}
	seats  chan struct{}
}

// NewPasswords hashes at a cost; what was hashed at another one still fits.
func NewPasswords(cost Cost) *Passwords {
	p := &Passwords{cost: cost, places: make(chan struct{}, hashesAtOnce+hashesWaiting), seats: make(chan struct{}, hashesAtOnce)}
	p.nobody = written(cost, make([]byte, saltSize), make([]byte, hashSize)) // which no password has
	return p
}

// Hash makes of a password what is kept of it: argon2id in the PHC string format.
// Errors: RateLimited when too many wait; the context's.
func (p *Passwords) Hash(ctx context.Context, text string) (string, error) {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	hash, err := p.derive(ctx, p.cost, text, salt, hashSize)
	if err != nil {
		return "", err
	}
	return written(p.cost, salt, hash), nil
}

// Fit reports whether a password is the account's, and the account in use. a may be nil: an unknown name, an account
// without a password and one that is disabled cost the same work as a wrong password.
// Errors: as Hash.
func (p *Passwords) Fit(ctx context.Context, a *Account, text string) (bool, error) {
	kept, known := p.nobody, false
	if a != nil && a.Password != "" {
		kept, known = a.Password, !a.Disabled
	}
	if len(text) > maxPassword {
		text, known = "", false
	}
	cost, salt, hash, ok := parsed(kept)
	if !ok {
		cost, salt, hash, _ = parsed(p.nobody)
		known = false
	}
	derived, err := p.derive(ctx, cost, text, salt, uint32(len(hash)))
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(derived, hash) == 1 && known, nil
}

// derive waits for its turn and hashes. Text that is written in two ways is one password: what a keyboard composes
// differs between systems.
func (p *Passwords) derive(ctx context.Context, cost Cost, text string, salt []byte, size uint32) ([]byte, error) {
	select {
	case p.places <- struct{}{}:
		defer func() { <-p.places }()
	default:
		return nil, TooMany(time.Second)
	}
	select {
	case p.seats <- struct{}{}:
		defer func() { <-p.seats }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(norm.NFC.String(text)), salt, cost.Time, cost.Memory, cost.Lanes, size), nil
}

const phcForm = "$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s"

func written(cost Cost, salt, hash []byte) string {
	in := base64.RawStdEncoding
	return fmt.Sprintf(phcForm, argon2.Version, cost.Memory, cost.Time, cost.Lanes, in.EncodeToString(salt), in.EncodeToString(hash))
}

// parsed reads a PHC string of argon2id.
func parsed(text string) (cost Cost, salt, hash []byte, ok bool) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 {
		return cost, nil, nil, false
	}
	var version int
	_, errVersion := fmt.Sscanf(parts[2], "v=%d", &version)
	_, errCost := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &cost.Memory, &cost.Time, &cost.Lanes)
	salt, errSalt := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	hash, errHash := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	for _, err := range []error{errVersion, errCost, errSalt, errHash} {
		if err != nil {
			return cost, nil, nil, false
		}
	}
	within := cost.Memory >= 1 && cost.Memory <= maxCost.Memory && cost.Time >= 1 && cost.Time <= maxCost.Time &&
		cost.Lanes >= 1 && cost.Lanes <= maxCost.Lanes
	// Written again it must be the same, so that nothing stands in it that was passed over.
	whole := version == argon2.Version && len(salt) > 0 && len(hash) >= saltSize && written(cost, salt, hash) == text
	return cost, salt, hash, within && whole
}

// PasswordMark tells one password of the account from the next, and nothing else of it: what was begun with one ends
// with it.
func (a *Account) PasswordMark() string { return digest(a.Password) }
