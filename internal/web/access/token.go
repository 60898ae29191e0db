package access

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/web"
)

// The paths of the built-in token service.
const (
	tokenPath    = "/oauth/token"
	keysPath     = "/oauth/jwks.json"
	metadataPath = "/.well-known/oauth-authorization-server"
)

const maxForm = 8 << 10 // bytes

// maxRemembered is how much of a client's name the limiter keeps, in bytes: more than any account's has.
const maxRemembered = 65

// OAuth answers POST /oauth/token (RFC 6749 section 4.4), and tells the keys and the metadata of the hub's own tokens
// (RFC 7517, RFC 8414).
func (g *Gate) OAuth() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+tokenPath, g.token)
	mux.HandleFunc("GET "+keysPath, func(w http.ResponseWriter, _ *http.Request) {
		tell(w, http.StatusOK, "public, max-age=300", jose.JSONWebKeySet{Keys: []jose.JSONWebKey{g.own.public}})
	})
	mux.HandleFunc("GET "+metadataPath, func(w http.ResponseWriter, _ *http.Request) {
		tell(w, http.StatusOK, "public, max-age=300", metadata{
			Issuer: g.own.url, TokenEndpoint: g.own.url + tokenPath, Keys: g.own.url + keysPath, ResponseTypes: []string{},
			GrantTypes: []string{"client_credentials"}, AuthMethods: []string{"client_secret_basic", "client_secret_post"},
		})
	})
	return mux
}

// metadata is what a client can find out by itself (RFC 8414 section 2).
type metadata struct {
	Issuer        string   `json:"issuer"`
	TokenEndpoint string   `json:"token_endpoint"`
	Keys          string   `json:"jwks_uri"`
	ResponseTypes []string `json:"response_types_supported"`
	GrantTypes    []string `json:"grant_types_supported"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
}

// refusal is an error as RFC 6749 section 5.2 wants it.
type refusal struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func (r *refusal) Error() string { return r.Code }

func invalid(code, description string) error {
	return &refusal{http.StatusBadRequest, code, description}
}

// granted is a token as RFC 6749 section 5.1 wants it.
type granted struct {
	Token   string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"` // seconds
}

// token answers a request for a token. One text refuses an unknown client, a disabled one and a wrong secret.
func (g *Gate) token(w http.ResponseWriter, r *http.Request) {
	answer, err := g.grant(w, r)
	if err == nil {
		tell(w, http.StatusOK, "no-store", answer)
		return
	}
	var refused *refusal
	if !errors.As(err, &refused) {
		refused = &refusal{http.StatusInternalServerError, "server_error", "the hub could not do this"}
	}
	if refused.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="varsel", charset="UTF-8"`)
	}
	tell(w, refused.status, "no-store", refused)
}

func (g *Gate) grant(w http.ResponseWriter, r *http.Request) (*granted, error) {
	now := g.opts.Clock.Now()
	address := web.Neighbourhood(web.PeerOf(r).Addr)
	if wait := g.logins.Take(address, now); wait > 0 {
		return nil, tooMany(w, account.TooMany(wait))
	}
	form, err := readForm(w, r)
	if err != nil {
		return nil, err
	}
	client, secret, err := credentials(r, form)
	if err != nil {
		return nil, err
	}
	// By client and address: whoever hammers at an account from elsewhere must not lock it out.
	if wait := g.logins.Take(address+" "+client[:min(len(client), maxRemembered)], now); wait > 0 {
		return nil, tooMany(w, account.TooMany(wait))
	}
	a, _ := g.opts.Accounts.Account(client)
	id, ok := account.Authenticate(a, secret, now)
	if !ok {
		return nil, &refusal{http.StatusUnauthorized, "invalid_client", "there is no such account in use with that secret"}
	}
	switch grant := form.Get("grant_type"); {
	case grant == "":
		return nil, invalid("invalid_request", "grant_type is missing")
	case grant != "client_credentials":
		return nil, invalid("unsupported_grant_type", "the grant is client_credentials")
	case form.Get("scope") != "":
		return nil, invalid("invalid_scope", "there are no scopes: an account's roles say what it may do")
	}
	text, err := g.own.give(a.Name, id, now)
	return &granted{text, "Bearer", int(lifetime.Seconds())}, err
}

// readForm reads the parameters, each at most once (RFC 6749 section 3.2). None may stand in the address, where it
// would be logged (section 2.3.1).
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, invalid("invalid_request", "want application/x-www-form-urlencoded")
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return nil, invalid("invalid_request", "the parameters cannot be read, or are longer than 8 KiB")
	}
	if r.URL.RawQuery != "" {
		return nil, invalid("invalid_request", "parameters belong in the body, not in the address")
	}
	for _, values := range r.PostForm {
		if len(values) > 1 {
			return nil, invalid("invalid_request", "a parameter is there more than once")
		}
	}
	return r.PostForm, nil
}

// credentials reads the client's name and secret from where they are, which must be one place (RFC 6749 section 2.3).
func credentials(r *http.Request, form url.Values) (client, secret string, err error) {
	scheme, encoded, err := authorization(r)
	if err != nil {
		return "", "", invalid("invalid_request", "there is more than one Authorization header")
	}
	if scheme == "" {
		if !form.Has("client_id") || !form.Has("client_secret") {
			return "", "", &refusal{http.StatusUnauthorized, "invalid_client", "give client_id and client_secret, by HTTP Basic or in the body"}
		}
		return form.Get("client_id"), form.Get("client_secret"), nil
	}
	if form.Has("client_secret") {
		return "", "", invalid("invalid_request", "the secret is in the header and in the body; give it once")
	}
	if strings.EqualFold(scheme, "Basic") {
		if name, password, ok := basic(encoded); ok {
			// Both are form-encoded before (section 2.3.1).
			client, errClient := url.QueryUnescape(name)
			secret, errSecret := url.QueryUnescape(password)
			if errClient == nil && errSecret == nil && (!form.Has("client_id") || form.Get("client_id") == client) {
				return client, secret, nil
			}
		}
	}
	return "", "", &refusal{http.StatusUnauthorized, "invalid_client", "the Authorization header cannot be read; want HTTP Basic"}
}

// basic reads the credentials of HTTP Basic (RFC 7617 section 2).
func basic(encoded string) (name, password string, ok bool) {
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(text), ":")
}

// tooMany is a refusal that tells when to come again.
func tooMany(w http.ResponseWriter, err error) error {
	w.Header().Set("Retry-After", retryAfter(err))
	return &refusal{http.StatusTooManyRequests, "temporarily_unavailable", "too many requests for tokens"}
}

func tell(w http.ResponseWriter, status int, caching string, document any) {
	text, err := json.Marshal(document)
	if err != nil {
		http.Error(w, "the answer cannot be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", caching)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) // a client that left needs no answer
}
