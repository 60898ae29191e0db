package account

import (
	"slices"
	"strings"
)

// Role is what someone may do, by the table in rules.go.
type Role string

// The roles (DESIGN section 6).
const (
	Operator   Role = "operator"    // does everything
	Auditor    Role = "auditor"     // sees everything but payloads, changes nothing
	Source     Role = "source"      // publishes as its own sources
	Subscriber Role = "subscriber"  // sees and configures its own systems
	SiteEditor Role = "site-editor" // writes on its own status sites
)

// Roles lists them in the order of the table's columns.
var Roles = []Role{Operator, Auditor, Source, Subscriber, SiteEditor}

func roleNames() string {
	names := make([]string, len(Roles))
	for i, role := range Roles {
		names[i] = string(role)
	}
	return strings.Join(names, ", ")
}

// Method is how a principal has shown who it is.
type Method string

// The methods.
const (
	ByToken       Method = "token"       // a bearer token (RFC 6750)
	ByCertificate Method = "certificate" // a client certificate
	ByPassword    Method = "password"    // a person's password; on the live page an account's secret
	ByProvider    Method = "provider"    // an OpenID Connect provider where the person signs in
	ByKey         Method = "ssh-key"     // a key, by SSH
	Unasked       Method = "unasked"     // the hub runs without access control
)

// Principal is who makes a request. It never changes.
type Principal struct {
	Name    string // of the account; of someone from another issuer "ISSUER/subject", which no account can be called
	Roles   []Role
	Systems []string // of a subscriber
	Sources []string // of a source, by name
	Sites   []string // of a site-editor, by slug; AllSites: all
	Method  Method
}

// Principal is who an account's requests are made by.
func (a *Account) Principal(by Method) *Principal {
	return &Principal{Name: a.Name, Roles: a.Roles, Systems: a.Systems, Sources: a.Sources, Sites: a.Sites, Method: by}
}

// Anyone is who makes every request to a hub without access control.
func Anyone() *Principal {
	return &Principal{Name: "anyone", Roles: []Role{Operator}, Method: Unasked}
}

// Has reports whether the principal has a role.
func (p *Principal) Has(role Role) bool { return slices.Contains(p.Roles, role) }

// ActsFor reports whether a system is one of its own. Operators and auditors need not ask: see Reach.
func (p *Principal) ActsFor(system string) bool {
	return p.Has(Subscriber) && slices.Contains(p.Systems, system)
}

// PublishesAs reports whether a source is one of its own.
func (p *Principal) PublishesAs(source string) bool {
	return p.Has(Source) && slices.Contains(p.Sources, source)
}

// Edits reports whether a status site is one of its own.
func (p *Principal) Edits(site string) bool {
	return p.Has(SiteEditor) && (slices.Contains(p.Sites, site) || slices.Contains(p.Sites, AllSites))
}

// ReachesSite reports whether the principal may do on a status site what a rule is about.
func (p *Principal) ReachesSite(rule Rule, site string) bool {
	switch p.Reach(rule) {
	case All:
		return true
	case Own:
		return p.Edits(site)
	default:
		return false
	}
}

// Reach is how far the principal gets under a rule: as far as the role that gets furthest.
func (p *Principal) Reach(rule Rule) Reach {
	furthest := None
	for i, role := range Roles {
		if p.Has(role) {
			furthest = max(furthest, rule.Reach[i])
		}
	}
	return furthest
}
