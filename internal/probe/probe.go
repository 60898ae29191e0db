// Package probe goes the way of a message to a receiver step by step, without sending one, and tells at each step what
// was found and what to do about it: address, name, connection, TLS with both certificates, clock.
package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/netguard"
)

// Grade is how a step went.
type Grade string

// The grades.
const (
	Fine    Grade = "fine"
	Warning Grade = "warning" // works today
	Failed  Grade = "failed"  // no message gets through
)

// Finding is what one step found.
type Finding struct {
	Grade Grade
	Step  string // such as "TLS"
	Text  string
	Next  string // what to do; empty when fine
}

// Target is a receiver as the hub would call it. The file names may be empty.
type Target struct {
	URL         string
	CA          string // file of the authorities trusted instead of the machine's
	Certificate string // client certificate and its key
	Key         string
}

// Options are how the target is reached.
type Options struct {
	Rules    netguard.Rules
	Resolver netguard.Resolver // nil: the machine's
	Clock    clock.Clock
	Timeout  time.Duration // of each step
}

// walk is one walk along the steps. A step that fails ends it: what comes after would only repeat its failure.
type walk struct {
	Options
	target   Target
	url      *url.URL
	guard    *netguard.Guard
	conn     net.Conn
	secure   *tls.Conn // nil: plain http
	findings []Finding
}

// Run walks along the steps and returns what was found, in order.
func Run(ctx context.Context, target Target, options Options) []Finding {
	if options.Resolver == nil {
		options.Resolver = net.DefaultResolver
	}
	w := &walk{Options: options, target: target}
	defer w.close()
	for _, step := range []func(context.Context) bool{w.address, w.name, w.connect, w.handshake, w.peer, w.ourselves, w.clock} {
		limited, cancel := context.WithTimeout(ctx, options.Timeout)
		ok := step(limited)
		cancel()
		if !ok {
			break
		}
	}
	return w.findings
}

func (w *walk) close() {
	if w.conn != nil {
		_ = w.conn.Close()
	}
}

func (w *walk) fine(step, text string, args ...any) bool {
	w.findings = append(w.findings, Finding{Grade: Fine, Step: step, Text: fmt.Sprintf(text, args...)})
	return true
}

func (w *walk) warn(step, next, text string, args ...any) bool {
	w.findings = append(w.findings, Finding{Warning, step, fmt.Sprintf(text, args...), next})
	return true
}

func (w *walk) fail(step, next, text string, args ...any) bool {
	w.findings = append(w.findings, Finding{Failed, step, fmt.Sprintf(text, args...), next})
	return false
}

func (w *walk) address(context.Context) bool {
	const step = "address"
	guard, err := netguard.New(w.Rules, w.Resolver)
	if err != nil {
		return w.fail(step, "Mend --egress-proxy.", "%s", fault.Of(err).Detail)
	}
	w.guard = guard
	if w.url, err = guard.CheckURL(w.target.URL); err != nil {
		return w.fail(step, "If the hub may call it, start the hub, and this check, with the --allow-egress or --allow-http that it needs.",
			"%s: %s", w.target.URL, fault.Of(err).Detail)
	}
	return w.fine(step, "%s may be called", w.target.URL)
}

func (w *walk) name(ctx context.Context) bool {
	const step = "name"
	host := w.url.Hostname()
	if _, err := netip.ParseAddr(host); err == nil {
		return true // there is no name to look up
	}
	if w.Rules.ProxyResolves {
		return w.fine(step, "%s is left to the proxy", host)
	}
	addresses, err := w.Resolver.LookupNetIP(ctx, "ip", host)
	if err != nil || len(addresses) == 0 {
		return w.fail(step, "Check the spelling, and that this machine's name server knows the name.", "%s has no address: %v", host, err)
	}
	var list []string
	for _, address := range addresses {
		if err := w.guard.CheckAddr(address.Unmap()); err != nil {
			return w.fail(step, "If the hub may call it, allow its range with --allow-egress; otherwise ask the receiver for the right name.",
				"%s: %s", host, fault.Of(err).Detail)
		}
		list = append(list, address.Unmap().String())
	}
	return w.fine(step, "%s is %s", host, strings.Join(list, ", "))
}

func (w *walk) connect(ctx context.Context) bool {
	const step = "connection"
	port := w.url.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[w.url.Scheme]
	}
	began := w.Clock.Now()
	conn, err := w.guard.DialContext(ctx, "tcp", net.JoinHostPort(w.url.Hostname(), port))
	if err != nil {
		return w.fail(step, "Is the receiver running, on this port, and does its firewall let this machine in?", "%s", fault.Of(err).Detail)
	}
	w.conn = conn
	return w.fine(step, "%s answers after %s", conn.RemoteAddr(), w.Clock.Now().Sub(began).Round(100*time.Microsecond))
}
