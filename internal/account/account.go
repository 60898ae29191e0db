// Package account holds who calls the hub and what they may do: accounts, the principals they become, the roles, and in
// rules.go the one table of every route by role, which the server obeys and docs/access.md is made from.
package account

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"net/mail"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
)

// Account is a program that calls the hub, or a person who signs in to it, with what it may do. It is never deleted, only
// disabled: its name stands in the revisions it wrote, and nobody else gets it.
type Account struct {
	Name         string        `json:"name"` // slug; also the client_id
	Title        string        `json:"title,omitempty"`
	Email        string        `json:"email,omitempty"`
	Roles        []Role        `json:"roles"`
	Systems      []string      `json:"systems,omitempty"` // a subscriber's: those it acts for
	Sources      []string      `json:"sources,omitempty"` // a source's: those it publishes as
	Sites        []string      `json:"sites,omitempty"`   // a site-editor's: those it writes on, by slug; "*": all
	Certificates []Certificate `json:"certificates,omitempty"`
	SSHKeys      []string      `json:"sshKeys,omitempty"`  // public keys that it fetches extracts with by SFTP, each as in a .pub file
	Disabled     bool          `json:"disabled,omitempty"` // refused from the next request on
	Secrets      []Secret      `json:"secrets,omitempty"`  // newest first
	Password     string        `json:"password,omitempty"` // what is kept of it, see Passwords; never shown
}

// AllSites is what stands among an account's sites for all of them, those that are yet to be made too.
const AllSites = "*"

// Certificate says which client certificate is the account's: by its fingerprint, or by the subject that a trusted
// authority gave it, which a renewed certificate keeps. Exactly one of the two is set.
type Certificate struct {
	SHA256  string `json:"sha256,omitempty"`  // of the whole certificate (DER), 64 lower-case hexadecimal digits
	Subject string `json:"subject,omitempty"` // as RFC 4514 writes it: CN=permits,O=Example
}

// Secret is what is kept of a client secret: never the secret itself. It is 256 random bits, so a plain hash is enough;
// there is nothing to guess that a slow hash would protect.
type Secret struct {
	ID     string `json:"id"`
	SHA256 string `json:"sha256"`          // of its text, in hexadecimal
	Until  string `json:"until,omitempty"` // RFC 3339: it is taken until then; empty: until it is rotated
}

// secretMark begins every secret, so that one that is committed to a repository by mistake can be found.
const secretMark = "varsel_"

const secretSize = 32 // bytes

// NewSecret makes a secret. text is told once, to whom it is for.
func NewSecret() (s Secret, text string) {
	random := make([]byte, secretSize)
	rand.Read(random)
	text = secretMark + base64.RawURLEncoding.EncodeToString(random)
	return Secret{ID: ident.New().String(), SHA256: digest(text)}, text
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Ended reports whether the secret's time is over.
func (s *Secret) Ended(now time.Time) bool {
	until, err := time.Parse(time.RFC3339, s.Until)
	return err == nil && !now.Before(until)
}

// nobody is what is compared with when there is no such account, so that the answer takes as long.
var nobody = Account{Secrets: []Secret{{SHA256: strings.Repeat("0", 2*sha256.Size)}}}

// Authenticate returns the id of the account's secret that text is. a may be nil: an unknown name costs the same work
// as a wrong secret and is refused in the same way.
func Authenticate(a *Account, text string, now time.Time) (secret string, ok bool) {
	known := a != nil && !a.Disabled
	if a == nil || len(a.Secrets) == 0 {
		a = &nobody
	}
	given := []byte(digest(text))
	for i := range a.Secrets {
		s := &a.Secrets[i]
		same := subtle.ConstantTimeCompare(given, []byte(s.SHA256)) == 1
		if same && known && !s.Ended(now) {
			secret, ok = s.ID, true
		}
	}
	return secret, ok
}

// Holds reports whether a secret is still one of the account's, so that what was given for it is still good.
func (a *Account) Holds(secret string, now time.Time) bool {
	at := slices.IndexFunc(a.Secrets, func(s Secret) bool { return s.ID == secret })
	return at >= 0 && !a.Secrets[at].Ended(now)
}

// Fingerprint is a certificate's SHA-256 as Certificate writes it.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}

// Shows reports whether a client certificate, which the listener has verified, is the account's.
func (a *Account) Shows(c *x509.Certificate) bool {
	fingerprint, subject := Fingerprint(c), c.Subject.String()
	return slices.ContainsFunc(a.Certificates, func(own Certificate) bool {
		return own.SHA256 == fingerprint || own.Subject != "" && own.Subject == subject
	})
}

// The most that one account has.
const (
	maxCertificates = 16
	maxNames        = 1000 // systems, sources or sites
	maxText         = 200  // bytes
)

// Check lists every rule that the document breaks by itself.
func (a *Account) Check() []fault.Violation {
	var found []fault.Violation
	refuse := func(pointer, rule, message string) {
		found = append(found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	if !isSlug(a.Name) {
		refuse("/name", "slug", "use 1 to 64 of a-z, 0-9 and -, beginning with a letter")
	}
	if len(a.Title) > maxText || !utf8.ValidString(a.Title) {
		refuse("/title", "length", "want at most 200 bytes of text")
	}
	if a.Email != "" && !isAddress(a.Email) {
		refuse("/email", "mail", "want a bare mail address of at most 254 bytes")
	}
	if len(a.Roles) == 0 {
		refuse("/roles", "required", "name at least one of "+roleNames())
	}
	for i, role := range a.Roles {
		if !slices.Contains(Roles, role) {
			refuse(at("/roles", i), "enum", "use one of "+roleNames())
		}
	}
	a.checkNames("/systems", a.Systems, Subscriber, refuse)
	a.checkNames("/sources", a.Sources, Source, refuse)
	a.checkNames("/sites", a.Sites, SiteEditor, refuse)
	for i, site := range a.Sites {
		if site != AllSites && !isSlug(site) {
			refuse(at("/sites", i), "slug", "use a site's slug, or * for all sites")
		}
	}
	a.checkCertificates(refuse)
	a.checkSSHKeys(refuse)
	return found
}

// checkNames holds a list of what is one's own to the role that it belongs to: a list without the role would mean
// nothing, and the role without a list may do nothing.
func (a *Account) checkNames(pointer string, names []string, role Role, refuse func(pointer, rule, message string)) {
	switch has := slices.Contains(a.Roles, role); {
	case has && len(names) == 0:
		refuse(pointer, "required", "name what the account is the "+string(role)+" of")
	case !has && len(names) > 0:
		refuse(pointer, "role", "only an account with the role "+string(role)+" has these")
	case len(names) > maxNames:
		refuse(pointer, "length", "want at most 1000")
	}
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			refuse(at(pointer, i), "unique", "is listed twice")
		}
	}
}

func (a *Account) checkCertificates(refuse func(pointer, rule, message string)) {
	if len(a.Certificates) > maxCertificates {
		refuse("/certificates", "length", "want at most 16")
	}
	for i, c := range a.Certificates {
		pointer := at("/certificates", i)
		switch {
		case (c.SHA256 == "") == (c.Subject == ""):
			refuse(pointer, "one", "give sha256 or subject, not both")
		case c.SHA256 != "" && !isHex(c.SHA256, 2*sha256.Size):
			refuse(pointer+"/sha256", "hex", "want the 64 hexadecimal digits, lower-case, of the certificate's SHA-256")
		case len(c.Subject) > maxText:
			refuse(pointer+"/subject", "length", "want at most 200 bytes")
		}
	}
}

func at(pointer string, i int) string { return pointer + "/" + strconv.Itoa(i) }

const maxSlug = 64

func isSlug(text string) bool {
	if text == "" || len(text) > maxSlug || text[0] < 'a' || text[0] > 'z' {
		return false
	}
	return strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

const maxAddress = 254 // bytes (RFC 5321 section 4.5.3.1.3, less the brackets)

func isAddress(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Address == text && len(text) <= maxAddress
}

func isHex(text string, digits int) bool {
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == ""
}
