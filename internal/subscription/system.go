// Package subscription holds who receives: systems with their agreements, their subscriptions, and which of them an
// event is for.
package subscription

import (
	"net/mail"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
)

// System is a receiving IT system and the one agreement the operator has made with it (S2, S5).
type System struct {
	Name      string       `json:"name"` // slug, fixed at creation
	Title     string       `json:"title,omitempty"`
	Agreement Agreement    `json:"agreement"`
	Signing   []SigningKey `json:"signing,omitempty"` // newest first; all that are not retired sign (rotation with overlap)
}

// SigningKey refers to a key that signs what the system is sent. The key itself is a secret and stands elsewhere.
type SigningKey struct {
	Ref    string `json:"ref"`
	Kind   string `json:"kind"`             // "v1" (HMAC) or "v1a" (ed25519)
	Public string `json:"public,omitempty"` // v1a: what the receiver verifies with
	Until  string `json:"until,omitempty"`  // RFC 3339: it signs until then; empty: until it is rotated
}

// Retired tells when the key stops signing; retiring is false for one that was not rotated.
func (k *SigningKey) Retired() (until time.Time, retiring bool) {
	until, err := time.Parse(time.RFC3339, k.Until)
	return until, err == nil
}

// Agreement is the operator's grant to a system: what it may receive and where it is reached. Nothing outside it is
// ever matched or sent (DESIGN promise 8).
type Agreement struct {
	Profile       profile.Name         `json:"profile"`
	BaseURL       string               `json:"baseUrl"`                 // subscriptions add only a path (S45)
	Organisations []event.Organisation `json:"organisations,omitempty"` // empty: every organisation
	Sources       []string             `json:"sources"`                 // names of sources; "*": every source
	Contacts      Contacts             `json:"contacts"`
	Certificate   *Certificate         `json:"certificate,omitempty"` // the client certificate the hub shows (S46)
	CABundle      string               `json:"caBundle,omitempty"`    // file of CAs that sign this system's servers; empty: the machine's
	Login         *Login               `json:"login,omitempty"`       // of a broker: how the hub shows who it is
	Retry4xx      bool                 `json:"retry4xx,omitempty"`    // star: retry 4xx instead of parking (S32)
	PushWrapper   string               `json:"pushWrapper,omitempty"` // datafordeler: "none" pushes JSON in the bare shape of the documentation; "": as it is fetched
	Batch         int                  `json:"batch,omitempty"`       // datafordeler: messages in one request, at most; 0: 100
	BatchOfOne    bool                 `json:"batchOfOne,omitempty"`  // datafordeler: a message that goes alone goes as a batch, too
	MaxInFlight   int                  `json:"maxInFlight,omitempty"` // per endpoint; 0: 64
}

// Certificate names the files of a client certificate; they are read again when they change.
type Certificate struct {
	CertFile string `json:"certFile"`
	KeyFile  string `json:"keyFile"`
}

// Contacts are the three people of an agreement (S4).
type Contacts struct {
	Commercial Contact `json:"commercial"`
	Technical  Contact `json:"technical"` // told when deliveries park, endpoints reject, subscriptions end (S40)
	Legal      Contact `json:"legal"`
}

// Contact is how one of them is reached.
type Contact struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
}

// GrantsSource reports whether events of the named source may go to the system.
func (a *Agreement) GrantsSource(name string) bool {
	return slices.Contains(a.Sources, "*") || slices.Contains(a.Sources, name)
}

// GrantsOrganisation reports whether events that concern o may go to the system. An event that concerns nobody may.
func (a *Agreement) GrantsOrganisation(o event.Organisation) bool {
	return o.IsZero() || len(a.Organisations) == 0 || slices.Contains(a.Organisations, o)
}

// Policy is the agreement's profile with its options applied.
func (a *Agreement) Policy() profile.Profile {
	p, _ := profile.Get(a.Profile)
	p.Retry4xx = a.Retry4xx
	if p.Batch > 0 && a.Batch > 0 {
		p.Batch = a.Batch
	}
	return p
}

// URLCheck says whether the hub may ever call a URL; the egress guard implements it.
type URLCheck func(*url.URL) error

// Check lists every rule the document breaks.
func (s *System) Check(checkURL URLCheck) []fault.Violation {
	var v violations
	if !IsSlug(s.Name) {
		v.add("/name", "slug", "use 1 to 64 of a-z, 0-9 and -, beginning with a letter")
	}
	if _, ok := profile.Get(s.Agreement.Profile); !ok {
		v.add("/agreement/profile", "enum", "use one of "+profileNames())
	}
	v.checkBase(s.Agreement.BaseURL, checkURL)
	v.checkBroker(&s.Agreement)
	if len(s.Agreement.Sources) == 0 {
		v.add("/agreement/sources", "required", "name the sources the system may receive from, or \"*\"")
	}
	for i, o := range s.Agreement.Organisations {
		v.checkOrganisation("/agreement/organisations/"+itoa(i), o)
	}
	v.checkContact("/agreement/contacts/technical", s.Agreement.Contacts.Technical, true)
	v.checkContact("/agreement/contacts/commercial", s.Agreement.Contacts.Commercial, false)
	v.checkContact("/agreement/contacts/legal", s.Agreement.Contacts.Legal, false)
	if c := s.Agreement.Certificate; c != nil && (c.CertFile == "" || c.KeyFile == "") {
		v.add("/agreement/certificate", "required", "name both certFile and keyFile")
	}
	v.checkWrapper(&s.Agreement)
	if n := s.Agreement.MaxInFlight; n < 0 || n > 256 {
		v.add("/agreement/maxInFlight", "range", "use 1 to 256, or leave it out for 64")
	}
	if n := s.Agreement.Batch; n < 0 || n > 1000 {
		v.add("/agreement/batch", "range", "use 1 to 1000, or leave it out for 100")
	}
	return v
}

// NoWrapper is the PushWrapper of receivers that expect a pushed message as the documentation prints it.
const NoWrapper = "none"

func (v *violations) checkWrapper(a *Agreement) {
	switch {
	case a.PushWrapper != "" && a.Profile != profile.Datafordeler:
		v.add("/agreement/pushWrapper", "profile", "is for the profile datafordeler; leave it out")
	case a.PushWrapper != "" && a.PushWrapper != NoWrapper:
		v.add("/agreement/pushWrapper", "enum", "use none, or leave it out")
	}
}

func profileNames() string {
	var names []string
	for _, p := range profile.All() {
		names = append(names, string(p.Name))
	}
	return strings.Join(names, ", ")
}

func (v *violations) checkBase(text string, checkURL URLCheck) {
	const at = "/agreement/baseUrl"
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		v.add(at, "url", "give an absolute URL, such as https://receiver.example/webhook")
	case u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		v.add(at, "url", "leave out user, query and fragment")
	case checkURL != nil:
		if err := checkURL(u); err != nil {
			v.add(at, "egress", fault.Of(err).Detail)
		}
	}
}

func (v *violations) checkOrganisation(at string, o event.Organisation) {
	if o.Type == "" || o.Code == "" || strings.Contains(o.Type, ":") || len(o.Type)+len(o.Code) > 64 {
		v.add(at, "organisation", "give type (without a colon) and code, together at most 64 characters")
	}
}

func (v *violations) checkContact(at string, c Contact, needed bool) {
	if c.Email == "" {
		if needed {
			v.add(at+"/email", "required", "name the mail address that is told when deliveries fail")
		}
		return
	}
	if a, err := mail.ParseAddress(c.Email); err != nil || a.Address != c.Email {
		v.add(at+"/email", "email", "give one bare mail address")
	}
}

// Endpoint joins the agreement's base URL with a subscription's path. The path only ever narrows: it cannot name
// another host, climb with "..", or carry a fragment (S45; requirements 7, "Base URL").
func Endpoint(base, suffix string) (string, error) {
	if suffix == "" {
		return base, nil
	}
	u, err := url.Parse(suffix)
	if err != nil || u.IsAbs() || u.Host != "" || u.Fragment != "" || strings.HasPrefix(suffix, "//") {
		return "", fault.New(fault.InvalidDocument, "the path must be only the rest after the base URL, beginning with /")
	}
	if !strings.HasPrefix(u.Path, "/") || strings.ContainsAny(suffix, "\\ \t\r\n") {
		return "", fault.New(fault.InvalidDocument, "the path must begin with / and hold no spaces or backslashes")
	}
	if cleaned := path.Clean(u.Path); cleaned != strings.TrimSuffix(u.Path, "/") && cleaned != u.Path {
		return "", fault.New(fault.InvalidDocument, "the path must not climb or repeat slashes")
	}
	return strings.TrimSuffix(base, "/") + suffix, nil
}
