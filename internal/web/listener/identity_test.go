package listener

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/varselhub/varsel/internal/config"
)

// Who goes round the proxies of a listener without TLS is not answered: what it sends could be read on the way.
func TestOnlyProxiesAreAnsweredInClearText(t *testing.T) {
	t.Parallel()
	behind := &config.Listener{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}}
	handler := identified(behind, nil, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for name, c := range map[string]struct {
		from   string
		secure bool
		want   int
	}{
		"a proxy":                      {"192.0.2.7:1234", false, 200},
		"another machine":              {"198.51.100.7:1234", false, 403},
		"another machine, by TLS":      {"198.51.100.7:1234", true, 200},
		"this machine":                 {"127.0.0.1:1234", false, 200},
		"an address that cannot be it": {"nonsense", false, 403},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		if r.RemoteAddr = c.from; c.secure {
			r.TLS = &tls.ConnectionState{}
		}
		answer := httptest.NewRecorder()
		if handler.ServeHTTP(answer, r); answer.Code != c.want {
			t.Errorf("%s: %d, want %d", name, answer.Code, c.want)
		}
	}
}
