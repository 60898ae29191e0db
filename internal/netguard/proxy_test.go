package netguard_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/netguard"
)

// connectProxy is an HTTP proxy that tunnels to wherever target says, and reports each request.
func connectProxy(t *testing.T, answer string, target func(asked string) string) (addr string, asked <-chan *http.Request) {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	requests := make(chan *http.Request, 8)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go tunnel(conn, answer, target, requests)
		}
	}()
	return listener.Addr().String(), requests
}

func tunnel(conn net.Conn, answer string, target func(string) string, requests chan<- *http.Request) {
	defer conn.Close()
	request, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	requests <- request
	io.WriteString(conn, answer)
	if !strings.HasPrefix(answer, "HTTP/1.1 200") {
		return
	}
	inner, err := net.Dial("tcp", target(request.Host))
	if err != nil {
		return
	}
	defer inner.Close()
	io.Copy(conn, inner)
}

const tunnelOpen = "HTTP/1.1 200 Connection established\r\n\r\n"

func TestProxyIsToldTheCheckedAddress(t *testing.T) {
	t.Parallel()
	port := listen(t)
	addr, asked := connectProxy(t, tunnelOpen, func(asked string) string { return asked })
	rules := netguard.Rules{Allow: loopback, Proxy: "http://varsel:s%20ecret@" + addr}
	if err := dial(t, guard(t, rules, &names{answers: [][]string{{"127.0.0.1"}}}), "hooks.example.dk:"+port); err != nil {
		t.Fatal(err)
	}
	request := <-asked
	if request.Method != http.MethodConnect || request.Host != "127.0.0.1:"+port {
		t.Errorf("the proxy was asked %s %s", request.Method, request.Host)
	}
	if got := request.Header.Get("Proxy-Authorization"); got != "Basic dmFyc2VsOnMgZWNyZXQ=" {
		t.Errorf("Proxy-Authorization %q", got)
	}
}

func TestProxyDoesNotOpenWhatTheRulesClose(t *testing.T) {
	t.Parallel()
	addr, asked := connectProxy(t, tunnelOpen, func(asked string) string { return asked })
	for _, resolves := range []bool{false, true} {
		g := guard(t, netguard.Rules{Proxy: "http://" + addr, ProxyResolves: resolves}, &names{answers: [][]string{{"10.0.0.1"}}})
		wantRule(t, dial(t, g, "127.0.0.1:443"), "loopback")
		if !resolves {
			wantRule(t, dial(t, g, "hooks.example.dk:443"), "private")
		}
	}
	if len(asked) != 0 {
		t.Error("the proxy was asked for a refused address")
	}
}

func TestProxyResolvesWhereTheOperatorSaysSo(t *testing.T) {
	t.Parallel()
	port := listen(t)
	addr, asked := connectProxy(t, tunnelOpen, func(string) string { return "127.0.0.1:" + port })
	unused := &names{}
	if err := dial(t, guard(t, netguard.Rules{Proxy: "http://" + addr, ProxyResolves: true}, unused), "hooks.example.dk:443"); err != nil {
		t.Fatal(err)
	}
	if request := <-asked; request.Host != "hooks.example.dk:443" {
		t.Errorf("the proxy was asked for %s, want the name", request.Host)
	}
	if unused.asked.Load() != 0 {
		t.Error("the name was looked up here as well")
	}
}

func TestProxyAnswers(t *testing.T) {
	t.Parallel()
	port := listen(t)
	tests := []struct{ name, answer, words string }{
		{"refuses", "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "answered 403"},
		{"redirects", "HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n", "answered 302"},
		{"hangs up", "", "cannot be read"},
		{"is no proxy", "SSH-2.0-OpenSSH_9.2\r\n", "cannot be read"},
		{"has headers beyond the limit", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Filler: y\r\n", 4000) + "\r\n", "cannot be read"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			addr, _ := connectProxy(t, test.answer, func(asked string) string { return asked })
			err := dial(t, guard(t, netguard.Rules{Allow: loopback, Proxy: "http://" + addr}, nil), "127.0.0.1:"+port)
			if !fault.Has(err, fault.ConnectFailed) || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got %v, want %s with %q", err, fault.ConnectFailed, test.words)
			}
		})
	}
}

func TestProxyURLIsReadStrictlyAndNeverQuoted(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"https://p:1", "socks5://u:secret@p", "p:3128", "http://", "http://u:secret@p:3128/path", "http://u:secret@p:x"} {
		_, err := netguard.New(netguard.Rules{Proxy: raw}, nil)
		if !fault.Has(err, fault.InvalidDocument) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %s without the password", raw, err, fault.InvalidDocument)
		}
	}
}
