package access_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/oracle"
	"github.com/varselhub/varsel/internal/web/access"
)

// oidcProvider is a certified OpenID provider with a client for each algorithm, and JWT access tokens (RFC 9068) for the
// resource that is asked for (RFC 8707).
const oidcProvider = `
const { Provider } = require("oidc-provider"), crypto = require("crypto"), http = require("http");
const key = (...how) => ({ ...crypto.generateKeyPairSync(...how).privateKey.export({ format: "jwk" }), use: "sig" });
const server = http.createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = "http://127.0.0.1:" + server.address().port;
  const provider = new Provider(issuer, {
    jwks: { keys: [key("rsa", { modulusLength: 2048 }), key("ec", { namedCurve: "P-256" }), key("ed25519")] },
    clients: ["RS256", "PS256", "ES256", "EdDSA"].map((alg) => ({
      client_id: alg, client_secret: "only-for-tests", grant_types: ["client_credentials"], redirect_uris: [], response_types: [],
    })),
    features: {
      devInteractions: { enabled: false }, clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (ctx, resource, client) => ({
          scope: "", audience: resource, accessTokenFormat: "jwt", accessTokenTTL: 600, jwt: { sign: { alg: client.clientId } },
        }),
      },
    },
    extraTokenClaims: () => ({ roles: ["hub-operators"] }),
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
process.stdin.on("end", () => process.exit()).resume();
`

// tokenOf asks a provider for a token by client credentials.
func tokenOf(t *testing.T, issuer, client, resource string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, issuer+"/token",
		strings.NewReader(url.Values{"grant_type": {"client_credentials"}, "resource": {resource}}.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(client, "only-for-tests")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	var document struct {
		Token string `json:"access_token"`
	}
	if err != nil || json.Unmarshal(body, &document) != nil || strings.Count(document.Token, ".") != 2 {
		t.Fatalf("%s: %d %s", client, answer.StatusCode, body)
	}
	return document.Token
}

// publicPEM is the provider's first public key as a PEM file has it.
func publicPEM(t *testing.T, issuer string) []byte {
	t.Helper()
	answer, err := http.Get(issuer + "/jwks")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var set jose.JSONWebKeySet
	err = json.NewDecoder(answer.Body).Decode(&set)
	if err != nil || len(set.Keys) == 0 {
		t.Fatal(err, len(set.Keys))
	}
	der, err := x509.MarshalPKIXPublicKey(set.Keys[0].Key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// S47, RFC 9068: tokens of a real provider, found by its discovery document, are taken; everything that is only like
// them is refused.
func TestTokensOfARealProvider(t *testing.T) {
	t.Parallel()
	issuer, stranger := oracle.Serve(t, oidcProvider), oracle.Serve(t, oidcProvider)
	w := newWorld(t, func(o *access.Options) {
		o.Issuers = []access.Issuer{{
			Name: "oidc", URL: issuer, Algorithms: []string{"RS256", "PS256", "ES256", "EdDSA"},
			RolesClaim: "/roles", Roles: map[string]account.Role{"hub-operators": account.Operator},
		}}
	})
	tokens := map[string]string{}
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "EdDSA"} {
		tokens[algorithm] = tokenOf(t, issuer, algorithm, hubURL)
		w.clock.Advance(max(0, time.Since(w.clock.Now()))) // the provider's clock is the machine's
		if header := decoded(t, strings.Split(tokens[algorithm], ".")[0]); header["alg"] != algorithm {
			t.Fatalf("the provider signs with %v, want %s", header["alg"], algorithm)
		}
		if got := w.ask(tokens[algorithm]); got != "oidc/"+algorithm {
			t.Errorf("%s: %s", algorithm, got)
		}
	}
	parts := strings.Split(tokens["RS256"], ".")
	claims, header := decoded(t, parts[1]), decoded(t, parts[0])
	header["alg"] = "none"
	root := encoded(strings.Replace(text(claims), `"sub":"RS256"`, `"sub":"root"`, 1))
	// The public key as everyone can have it, taken for a shared secret (RFC 8725 section 2.1).
	confused := w.sign(jose.JSONWebKey{Key: publicPEM(t, issuer), KeyID: header["kid"].(string)}, jose.HS256, "at+jwt", claims)
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	w.must(err)
	signature[0] ^= 1
	for name, c := range map[string]struct{ token, want string }{
		"of another issuer":       {tokenOf(t, stranger, "RS256", hubURL), "its issuer is none that this hub takes tokens of"},
		"for another audience":    {tokenOf(t, issuer, "RS256", "https://other.example"), "it is for another audience"},
		"with other claims":       {parts[0] + "." + root + "." + parts[2], "its signature does not fit"},
		"with a bent signature":   {parts[0] + "." + parts[1] + "." + base64.RawURLEncoding.EncodeToString(signature), "its signature does not fit"},
		"HS256 by the public key": {confused, "it is no JWT"},
		"alg none":                {encoded(text(header)) + "." + root + ".", "it is no JWT"},
	} {
		if got := w.ask(c.token); !strings.HasPrefix(got, "invalid-token: "+c.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	w.clock.Advance(601 * time.Second)
	if got := w.ask(tokens["ES256"]); got != "invalid-token: its time is over" {
		t.Errorf("expired: %s", got)
	}
}
