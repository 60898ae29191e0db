package access

import (
	"context"
	"crypto/x509"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
)

// Issuer is someone else whose tokens the hub takes, and what their claims mean here.
type Issuer struct {
	Name       string        // slug; principals are called NAME/subject
	URL        string        // the iss of its tokens
	JWKS       string        // its keys; empty: found by OpenID Connect discovery
	Audience   string        // the aud of tokens for this hub; empty: the hub's URL
	Algorithms []string      // of RS256, PS256, ES256, EdDSA; empty: RS256 alone
	Leeway     time.Duration // how far its clock may be off, at most 5 minutes
	// PlainJWT takes tokens whose typ is JWT or missing, not only at+jwt (RFC 9068 section 2.1). An issuer that gives
	// other JWTs with the same audience would have those taken too.
	PlainJWT bool
	// RolesClaim is a JSON Pointer to a text or a list of texts, such as /roles or /realm_access/roles; Roles says which
	// of them is which role. Others mean nothing.
	RolesClaim   string
	Roles        map[string]account.Role
	SystemsClaim string // pointer to the names of a subscriber's systems
	SourcesClaim string // pointer to the names of a source's sources
	SitesClaim   string // pointer to the slugs of a site-editor's sites
}

// maxLeeway is the most that two clocks may differ.
const maxLeeway = 5 * time.Minute

// issuer is one that is used.
type issuer struct {
	Issuer
	claims account.Claims
	keys   *keys
}

// CheckIssuers finds what would keep a hub of that URL from taking the issuers' tokens.
// Error: Configuration, each violation naming the setting.
func CheckIssuers(list []Issuer, url string, egress Egress) error {
	_, err := newIssuers(&Options{Issuers: list, URL: url, Egress: egress})
	return err
}

func newIssuers(opts *Options) (map[string]*issuer, error) {
	issuers, names := map[string]*issuer{}, map[string]bool{}
	for i := range opts.Issuers {
		one := opts.Issuers[i]
		if one.Audience == "" {
			one.Audience = opts.URL
		}
		if len(one.Algorithms) == 0 {
			one.Algorithms = []string{string(jose.RS256)}
		}
		found := one.check(opts.Egress)
		if issuers[one.URL] != nil || names[one.Name] || one.URL == opts.URL {
			found = append(found, fault.Violation{Rule: "unique", Message: "has the name or the address of another, or of the hub"})
		}
		for k := range found {
			found[k].Pointer = "issuers[" + strconv.Itoa(i) + "]" + found[k].Pointer
		}
		if err := fault.Invalid(fault.Configuration, found); err != nil {
			return nil, err
		}
		names[one.Name] = true
		issuers[one.URL] = &issuer{Issuer: one, claims: account.Claims{
			Roles: one.RolesClaim, Meaning: one.Roles, Systems: one.SystemsClaim, Sources: one.SourcesClaim, Sites: one.SitesClaim,
		}, keys: newKeys(one.URL, one.JWKS, opts.Egress, opts.Clock)}
	}
	return issuers, nil
}

// check says what is wrong with an issuer as it is configured.
func (i *Issuer) check(egress Egress) []fault.Violation {
	var found []fault.Violation
	refuse := func(pointer, rule, message string) {
		found = append(found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	if i.Name == "" || strings.Trim(i.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		refuse(".name", "slug", "use a-z, 0-9 and -")
	}
	for pointer, address := range map[string]string{".url": i.URL, ".jwks": i.JWKS} {
		if address == "" && pointer == ".jwks" {
			continue
		}
		if _, err := egress.CheckURL(address); err != nil {
			refuse(pointer, "egress", fault.Of(err).Detail)
		}
	}
	for _, name := range i.Algorithms {
		if !slices.Contains(signed, jose.SignatureAlgorithm(name)) {
			refuse(".algorithms", "enum", "use RS256, PS256, ES256 or EdDSA")
		}
	}
	if i.Leeway < 0 || i.Leeway > maxLeeway {
		refuse(".leeway", "range", "must be at most 5m")
	}
	for pointer, claim := range map[string]string{".roles-claim": i.RolesClaim, ".systems-claim": i.SystemsClaim, ".sources-claim": i.SourcesClaim, ".sites-claim": i.SitesClaim} {
		if claim != "" && claim[0] != '/' || claim == "" && pointer == ".roles-claim" {
			refuse(pointer, "pointer", "give a JSON Pointer to the claim, such as /roles")
		}
	}
	for _, role := range i.Roles {
		if !slices.Contains(account.Roles, role) {
			refuse(".roles", "enum", "there is no role "+strconv.Quote(string(role)))
		}
	}
	return found
}

// read verifies a token of the issuer and says what its claims mean here. One that is bound to a certificate holds for
// this request alone.
func (i *issuer) read(ctx context.Context, token *jwt.JSONWebToken, shown *x509.Certificate, now time.Time) (v verified, end time.Time, err error) {
	header := token.Headers[0]
	if !slices.Contains(i.Algorithms, header.Algorithm) {
		return v, end, fault.New(fault.InvalidToken, "it is not signed with an algorithm that is agreed with its issuer")
	}
	if !i.takes(header.ExtraHeaders[jose.HeaderType]) {
		return v, end, fault.New(fault.InvalidToken, "it is no access token: its typ is not at+jwt")
	}
	candidates, err := i.keys.find(ctx, header.KeyID, header.Algorithm)
	if err != nil {
		return v, end, err
	}
	var claims jwt.Claims
	var all map[string]any
	if !slices.ContainsFunc(candidates, func(key any) bool { return token.Claims(key, &claims, &all) == nil }) {
		return v, end, badSignature()
	}
	if err := valid(&claims, i.URL, i.Audience, i.Leeway, now); err != nil {
		return v, end, err
	}
	var certificate []byte
	if shown != nil {
		certificate = shown.Raw
	}
	if err := confirmed(all, certificate); err != nil {
		return v, end, err
	}
	if !isName(claims.Subject) {
		return v, end, fault.New(fault.InvalidToken, "its sub is longer than 200 bytes or has characters that are no part of a name")
	}
	if all["cnf"] == nil {
		end = claims.Expiry.Time().Add(i.Leeway)
	}
	return verified{principal: i.claims.Principal(i.Name+"/"+claims.Subject, account.ByToken, all)}, end, nil
}

// takes reports whether a token of that typ may be an access token (RFC 9068 section 4: compare as media types).
func (i *issuer) takes(typ any) bool {
	text, _ := typ.(string)
	text = strings.TrimPrefix(strings.ToLower(text), "application/")
	return text == tokenType || i.PlainJWT && (text == "jwt" || typ == nil)
}

const maxSubject = 200 // bytes

func isName(text string) bool {
	return len(text) <= maxSubject && utf8.ValidString(text) && !strings.ContainsFunc(text, func(c rune) bool { return !unicode.IsGraphic(c) })
}
