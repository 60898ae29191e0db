package listener_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"

	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/oracle"
)

func prefixes(texts ...string) []netip.Prefix {
	var list []netip.Prefix
	for _, text := range texts {
		list = append(list, netip.MustParsePrefix(text))
	}
	return list
}

// haproxy ends TLS in front of the hub and passes the client's certificate on as RFC 9440 says. It asks for one, and
// lets through what it cannot verify: the hub must see to that itself. It calls the hub from 127.0.0.2.
const haproxy = `
defaults
  mode http
  timeout connect 10s
  timeout client 10s
  timeout server 10s
frontend in
  bind fd@3 ssl crt %[1]s ca-file %[2]s verify optional crt-ignore-err all ca-ignore-err all alpn h2,http/1.1
  http-request del-header Client-Cert
  http-request del-header Client-Cert-Chain
  http-request set-header Client-Cert ":%%[ssl_c_der,base64]:" if { ssl_c_used }
  http-request set-header X-Forwarded-Proto https
  %[4]s
  default_backend hub
backend hub
  server hub %[3]s source 127.0.0.2
`

// proxied starts HAProxy in front of an address and returns its own.
func proxied(t *testing.T, server identity, ca, hub, forwarding string) string {
	t.Helper()
	program := oracle.Program(t, "haproxy")
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	inherited, err := socket.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer inherited.Close()
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	write(t, file, fmt.Appendf(nil, haproxy, server.both, ca, hub, forwarding))
	var said bytes.Buffer
	cmd := exec.Command(program, "-db", "-f", file)
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = &said, &said, []*os.File{inherited}
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("haproxy said:\n%s", said.String())
		}
	})
	return socket.Addr().String()
}

// Behind a real proxy that ends TLS the client is who it showed the proxy; beside it, nobody is believed.
func TestRFC9440BehindHAProxy(t *testing.T) {
	t.Parallel()
	a, other := newAuthority(t, "clients", nil), newAuthority(t, "others", nil)
	server, known, stranger := a.server("localhost"), a.client("known"), other.client("stranger")
	forged := []string{"Client-Cert", rfc9440(known.Leaf), "X-Forwarded-For", "198.51.100.9", "Forwarded", "for=198.51.100.9"}
	for header, forwarding := range map[string]string{
		"x-forwarded-for": "option forwardfor",
		"forwarded":       `http-request add-header Forwarded for=%[src];proto=https`,
	} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			c := plainly()
			c.TrustedProxies, c.ProxyHeader = prefixes("127.0.0.2/32"), header
			c.Client = config.Client{Certificate: "optional", CA: a.file()}
			hub := listen(t, c)
			url := "https://" + proxied(t, server, a.file(), hub.Address(), forwarding)
			for name, x := range map[string]struct {
				client *http.Client
				url    string
				status int
				want   seen
			}{
				"known":                    {client(a, known.Certificate), url, 200, seen{Addr: "127.0.0.1", Name: "known", Chain: 2, Secure: true, Proto: "HTTP/1.1"}},
				"nobody":                   {client(a), url, 200, seen{Addr: "127.0.0.1", Secure: true, Proto: "HTTP/1.1"}},
				"of another authority":     {client(a, stranger.Certificate), url, 403, seen{}},
				"forged, beside the proxy": {client(nil), hub.url(), 200, seen{Addr: "127.0.0.1", Proto: "HTTP/1.1"}},
			} {
				if status, got := get(t, x.client, x.url, forged...); status != x.status || !reflect.DeepEqual(got, x.want) {
					t.Errorf("%s: %d %+v, want %d %+v", name, status, got, x.status, x.want)
				}
			}
		})
	}
}
