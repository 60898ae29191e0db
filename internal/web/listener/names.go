package listener

import (
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/config"
)

// onlyNames answers 421 (RFC 9110 section 15.5.20) for a host that is not the listener's. Without names of its own a
// listener on a loopback address answers to this machine alone: a web page could otherwise give its own name the address
// 127.0.0.1 and drive the hub from its visitor's browser (DNS rebinding).
func onlyNames(c *config.Listener, at net.Addr, next http.Handler) http.Handler {
	known := func(host string) bool {
		return slices.ContainsFunc(c.Names, func(n string) bool { return strings.EqualFold(n, host) })
	}
	text := "this address does not answer to that host name"
	if len(c.Names) == 0 {
		ip, _, _ := net.SplitHostPort(at.String())
		if !config.IsLoopback(ip) {
			return next
		}
		known, text = config.IsLoopback, "this hub answers only to localhost; use http://127.0.0.1 and its port"
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if !known(host) {
			http.Error(w, text, http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}
