package session

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
)

// flow is what the browser keeps while its person is at a provider: what the answer must fit.
type flow struct {
	Provider string `json:"p"`
	State    string `json:"s"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"` // of PKCE (RFC 7636)
	Next     string `json:"t"`
	Begun    int64  `json:"b"` // seconds since 1970
}

// away is how long somebody may be at a provider.
const away = 10 * time.Minute

// provider is the one that a request names.
func (s *Sessions) provider(r *http.Request) (*provider, error) {
	for _, p := range s.providers {
		if p.Name == r.PathValue("provider") {
			return p, nil
		}
	}
	return nil, fault.New(fault.NotFound, "there is no such provider")
}

// depart sends somebody to a provider (OpenID Connect Core 1.0 section 3.1.2.1).
func (s *Sessions) depart(w http.ResponseWriter, r *http.Request) error {
	p, err := s.provider(r)
	if err != nil {
		return err
	}
	if err := s.another(r, ""); err != nil {
		return err
	}
	found, err := p.discovered(r.Context())
	if err != nil {
		return err
	}
	now := s.opts.Clock.Now()
	f := &flow{
		Provider: p.Name, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(),
		Next: local(r.URL.Query().Get("next")), Begun: now.Unix(),
	}
	if err := s.give(w, r, flowCookie, f, now.Add(away)); err != nil {
		return err
	}
	to := p.oauth(found).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier),
		oauth2.SetAuthURLParam("ui_locales", s.spoken(r).Code))
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// arrive takes somebody back from a provider (section 3.1.2.5). What was kept for it is of no use a second time.
func (s *Sessions) arrive(w http.ResponseWriter, r *http.Request) error {
	p, err := s.provider(r)
	if err != nil {
		return err
	}
	if err := s.another(r, ""); err != nil {
		return err
	}
	var f flow
	known := s.read(r, flowCookie, &f)
	s.drop(w, r, flowCookie)
	now, answer := s.opts.Clock.Now(), r.URL.Query()
	fits := subtle.ConstantTimeCompare([]byte(f.State), []byte(answer.Get("state"))) == 1
	if !known || !fits || f.Provider != p.Name || now.Sub(time.Unix(f.Begun, 0)) >= away {
		return fault.New(fault.SignInLost, "the provider's answer fits no sign-in that this browser has begun")
	}
	found, err := p.discovered(r.Context())
	if err != nil {
		return err
	}
	who, err := p.principal(r.Context(), found, &f, answer, now)
	if err != nil {
		if fault.Has(err, fault.ProviderRefused) {
			s.opts.Logger.Info("a sign-in was refused", "provider", p.Name, "error", err)
		}
		return err
	}
	t := &ticket{Name: who.Name, Mark: p.mark, Given: &given{Provider: p.Name, Roles: who.Roles, Systems: who.Systems, Sources: who.Sources, Sites: who.Sites}}
	return s.begin(w, r, who, t, f.Next)
}

// principal exchanges the code of an answer for what the provider says of its person.
// Errors: ProviderRefused, ProviderUnreachable.
func (p *provider) principal(ctx context.Context, found *oidc.Provider, f *flow, answer url.Values, now time.Time) (*account.Principal, error) {
	if issuer := answer.Get("iss"); issuer != "" && issuer != p.URL { // RFC 9207 section 2.4
		return nil, fault.New(fault.ProviderRefused, "the answer is another issuer's")
	}
	if code := answer.Get("error"); code != "" {
		return nil, fault.Wrap(fault.ProviderRefused, errors.New(shortened(code)), "the provider has refused")
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.oauth(found).Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(f.Verifier))
	if err != nil {
		var refused *oauth2.RetrieveError
		if errors.As(err, &refused) && refused.Response.StatusCode < http.StatusInternalServerError {
			return nil, fault.Wrap(fault.ProviderRefused, errors.New(shortened(refused.ErrorCode)), "the provider does not take the code that it gave")
		}
		return nil, fault.Wrap(fault.ProviderUnreachable, err, "the provider %s did not answer", p.Name)
	}
	raw, _ := token.Extra("id_token").(string)
	verifier := found.Verifier(&oidc.Config{ClientID: p.ClientID, Now: func() time.Time { return now }})
	id, err := verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fault.Wrap(fault.ProviderRefused, err, "the ID token is not accepted")
	}
	claims := map[string]any{}
	if err := id.Claims(&claims); err != nil {
		return nil, fault.Wrap(fault.ProviderRefused, err, "the claims of the ID token cannot be read")
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(f.Nonce)) != 1:
		return nil, fault.New(fault.ProviderRefused, "the ID token is of another sign-in: its nonce does not fit")
	case len(id.Audience) > 1 && claims["azp"] != p.ClientID: // section 3.1.3.7, 4 and 5
		return nil, fault.New(fault.ProviderRefused, "the ID token is for another client")
	case id.AccessTokenHash != "" && id.VerifyAccessToken(token.AccessToken) != nil: // section 3.1.3.8
		return nil, fault.New(fault.ProviderRefused, "the access token is not the one that the ID token came with")
	case !isName(id.Subject):
		return nil, fault.New(fault.ProviderRefused, "its sub is longer than 200 bytes or has characters that are no part of a name")
	}
	who := p.Claims.Principal(p.Name+"/"+id.Subject, account.ByProvider, claims)
	if len(who.Roles) == 0 && found.UserInfoEndpoint() != "" {
		if who, err = p.asked(ctx, found, token, id.Subject, claims); err != nil {
			return nil, err
		}
	}
	if len(who.Roles) == 0 {
		return nil, fault.New(fault.ProviderRefused, "the provider says no role of you that means anything here")
	}
	return who, nil
}

// asked is the principal of the claims that the provider keeps at its UserInfo endpoint (section 5.3) besides those of
// the ID token: many put into that no more than who somebody is.
func (p *provider) asked(ctx context.Context, found *oidc.Provider, token *oauth2.Token, subject string, claims map[string]any) (*account.Principal, error) {
	info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, fault.Wrap(fault.ProviderUnreachable, err, "the provider %s does not tell the claims of its UserInfo endpoint", p.Name)
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil || info.Subject != subject { // section 5.3.2
		return nil, fault.New(fault.ProviderRefused, "the UserInfo endpoint tells of somebody else")
	}
	for name, value := range claims {
		more[name] = value // what is signed goes first
	}
	return p.Claims.Principal(p.Name+"/"+subject, account.ByProvider, more), nil
}

const maxSubject = 200 // bytes

func isName(text string) bool {
	if text == "" || len(text) > maxSubject || !utf8.ValidString(text) {
		return false
	}
	for _, c := range text {
		if !unicode.IsGraphic(c) {
			return false
		}
	}
	return true
}

// shortened is a text from outside as it may stand in a log.
func shortened(text string) string {
	const most = 300
	return text[:min(len(text), most)]
}
