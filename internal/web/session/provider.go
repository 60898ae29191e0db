package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
)

// Provider is where people sign in by OpenID Connect.
type Provider struct {
	Name         string // slug; people are called NAME/subject
	Title        string // as the sign-in page names it; empty: Name
	URL          string // its issuer identifier, below which its discovery document is
	ClientID     string
	ClientSecret string   // empty: a public client, by PKCE alone
	Scopes       []string // besides openid
	Claims       account.Claims
}

// Egress is the way to providers.
type Egress interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
	CheckURL(text string) (*url.URL, error)
}

// CheckProviders finds what would keep a hub from sending people to the providers.
// Error: Configuration, each violation naming the setting.
func CheckProviders(list []Provider, egress Egress) error {
	_, err := newProviders(&Options{Providers: list, Egress: egress})
	return err
}

func newProviders(opts *Options) ([]*provider, error) {
	var list []*provider
	var found []fault.Violation
	for i := range opts.Providers {
		one := opts.Providers[i]
		wrong := one.check(opts.Egress)
		if slices.ContainsFunc(list, func(p *provider) bool { return p.Name == one.Name }) {
			wrong = append(wrong, fault.Violation{Pointer: ".name", Rule: "unique", Message: "is the name of another"})
		}
		for k := range wrong {
			wrong[k].Pointer = "sign-in.providers[" + strconv.Itoa(i) + "]" + wrong[k].Pointer
		}
		found = append(found, wrong...)
		list = append(list, newProvider(one, opts))
	}
	return list, fault.Invalid(fault.Configuration, found)
}

// check says what is wrong with a provider as it is configured.
func (p *Provider) check(egress Egress) []fault.Violation {
	var found []fault.Violation
	refuse := func(pointer, rule, message string) {
		found = append(found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	if p.Name == "" || strings.Trim(p.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		refuse(".name", "slug", "use a-z, 0-9 and -")
	}
	if _, err := egress.CheckURL(p.URL); err != nil {
		refuse(".url", "egress", fault.Of(err).Detail)
	}
	if p.ClientID == "" {
		refuse(".client-id", "required", "give the client id that the provider knows the hub by")
	}
	for _, one := range []struct{ pointer, claim string }{
		{".roles-claim", p.Claims.Roles}, {".systems-claim", p.Claims.Systems}, {".sources-claim", p.Claims.Sources}, {".sites-claim", p.Claims.Sites},
	} {
		if one.claim != "" && one.claim[0] != '/' || one.claim == "" && one.pointer == ".roles-claim" {
			refuse(one.pointer, "pointer", "give a JSON Pointer to the claim, such as /roles")
		}
	}
	return found
}

// The bounds of what is asked of a provider.
const (
	askTimeout  = 5 * time.Second
	maxDocument = 256 << 10        // bytes
	freshFor    = time.Hour        // its discovery document
	staleFor    = 24 * time.Hour   // the same, when the provider cannot be asked again
	askPause    = 10 * time.Second // after a time that failed
)

// provider is one that is used.
type provider struct {
	Provider
	mark     string // of its settings: a session ends when they change
	redirect string
	client   *http.Client
	clock    clock.Clock

	mu     sync.Mutex
	last   *oidc.Provider
	seen   time.Time
	failed time.Time
	err    error // of the last time
}

func newProvider(p Provider, opts *Options) *provider {
	if p.Title == "" {
		p.Title = p.Name
	}
	return &provider{
		Provider: p, mark: p.digest(), redirect: opts.URL + signInPath + "/" + p.Name + "/callback", clock: opts.Clock,
		client: &http.Client{
			Timeout: askTimeout,
			Transport: &bounded{opts.Egress, &http.Transport{
				DialContext: opts.Egress.DialContext, DisableKeepAlives: true, MaxResponseHeaderBytes: maxDocument,
				TLSHandshakeTimeout: askTimeout, ResponseHeaderTimeout: askTimeout,
			}},
			// A redirect could lead anywhere, and no provider needs one.
			CheckRedirect: func(*http.Request, []*http.Request) error { return errors.New("the provider redirects") },
		},
	}
}

// digest tells settings that mean something else from these.
func (p *Provider) digest() string {
	text, _ := json.Marshal([]any{p.URL, p.ClientID, p.Claims}) // texts and maps of them can always be written
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// bounded goes where the egress rules allow, and reads no more than a provider has to say.
type bounded struct {
	egress Egress
	next   http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (b *bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := b.egress.CheckURL(r.URL.String()); err != nil {
		return nil, err
	}
	answer, err := b.next.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, maxDocument), answer.Body}
	}
	return answer, err
}

// discovered returns what the provider says of itself. Those who come while it is asked wait for the answer.
// Error: ProviderUnreachable.
func (p *provider) discovered(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.clock.Now()
	if p.last != nil && now.Sub(p.seen) < freshFor {
		return p.last, nil
	}
	if p.err == nil || now.Sub(p.failed) >= askPause {
		// Who came first may leave; the others still want the answer.
		found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.URL)
		if p.err = nil; err == nil {
			p.last, p.seen = found, now
		} else {
			p.err, p.failed = errors.New(shortened(err.Error())), now
		}
	}
	if p.err != nil && (p.last == nil || now.Sub(p.seen) >= staleFor) {
		return nil, fault.Wrap(fault.ProviderUnreachable, p.err, "the provider %s cannot be asked at the moment", p.Name)
	}
	return p.last, nil
}

// oauth is how codes are asked for and exchanged at the provider.
func (p *provider) oauth(found *oidc.Provider) *oauth2.Config {
	var says struct {
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	_ = found.Claims(&says) // without it the default of the standard holds
	endpoint := found.Endpoint()
	// Said and not tried out: a code that is shown twice is taken for stolen (RFC 6749 section 4.1.2).
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if p.ClientSecret == "" || len(says.Methods) > 0 && !slices.Contains(says.Methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	scopes := []string{oidc.ScopeOpenID}
	for _, scope := range p.Scopes {
		if scope != oidc.ScopeOpenID {
			scopes = append(scopes, scope)
		}
	}
	return &oauth2.Config{ClientID: p.ClientID, ClientSecret: p.ClientSecret, Endpoint: endpoint, RedirectURL: p.redirect, Scopes: scopes}
}
