package exchange

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// explain turns the error of an exchange into a code and a sentence for the person on call. It tells nothing of the
// message's or the answer's content.
func (l *Line) explain(ctx context.Context, c *conn, err error) error {
	var garbled malformed
	var network *net.OpError
	limit := l.config.Timeout
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fault.Wrap(fault.SendTimeout, ctx.Err(), "the hub gave up waiting for the answer")
	case isTimeout(err) && c.heard:
		return fault.Wrap(fault.SendTimeout, err, "the receiver began to answer but did not finish its headers within %s", limit)
	case isTimeout(err) && c.wrote:
		return fault.Wrap(fault.SendTimeout, err, "the receiver took the message but did not answer within %s", limit)
	case isTimeout(err):
		return fault.Wrap(fault.SendTimeout, err, "the receiver did not read the whole message within %s", limit)
	case errors.As(err, &garbled):
		return fault.New(fault.BadAnswer, "the receiver's answer %s", garbled)
	case errors.As(err, &network) && network.Op == "remote error":
		return fault.Wrap(fault.TLSFailed, err, "%s", l.refusal(c.trust, network.Err))
	}
	return fault.Wrap(fault.ConnectionReset, err, "%s", c.broke(err))
}

func (c *conn) broke(err error) string {
	how := "the connection broke"
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		how = "the receiver closed the connection"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		how = "the receiver reset the connection"
	}
	switch {
	case c.heard:
		return how + " in the middle of its answer's headers"
	case c.trust != nil && c.trust.leaf != nil && !c.used:
		// With TLS 1.3 a client certificate is refused after the handshake, and some servers just hang up.
		return how + " right after the TLS handshake, before an answer; it may not trust our client certificate"
	}
	return how + " before an answer"
}

// handshakeFault explains why there is no TLS session.
func (l *Line) handshakeFault(ctx context.Context, trust *trust, err error) error {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return fault.Wrap(fault.SendTimeout, err, "the hub gave up waiting for the TLS handshake")
	case ctx.Err() != nil, isTimeout(err):
		return fault.Wrap(fault.SendTimeout, err, "the TLS handshake was not finished within %s", l.config.Timeout)
	}
	return fault.Wrap(fault.TLSFailed, err, "%s", l.handshakeProblem(trust, err))
}

func (l *Line) handshakeProblem(trust *trust, err error) string {
	var (
		hostname  x509.HostnameError
		unknown   x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		network   *net.OpError
		authority = "the machine's authorities"
	)
	if trust.ownCA {
		authority = "the system's CA bundle"
	}
	switch {
	case errors.As(err, &hostname):
		return fmt.Sprintf("the receiver's certificate is for %s, not for %s", namesOf(hostname.Certificate), l.host)
	case errors.As(err, &unknown) && unknown.Cert != nil:
		return fmt.Sprintf("the receiver's certificate was issued by %q, which is not among %s", short(unknown.Cert.Issuer.String()), authority)
	case errors.As(err, &invalid):
		return invalidity(invalid, l.config.Clock.Now())
	case errors.As(err, &record):
		return "what listens on the receiver's port does not speak TLS"
	case errors.As(err, &network) && network.Op == "remote error":
		return l.refusal(trust, network.Err)
	case strings.Contains(err.Error(), "unsupported protocol version"): // crypto/tls has no type for it
		return "the receiver does not speak TLS 1.2 or later"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET):
		return "the receiver hung up during the TLS handshake"
	}
	return short(err.Error())
}

func invalidity(invalid x509.CertificateInvalidError, now time.Time) string {
	certificate := invalid.Cert
	switch {
	case invalid.Reason == x509.Expired && now.Before(certificate.NotBefore):
		return fmt.Sprintf("the receiver's certificate %q is not valid until %s", short(certificate.Subject.String()), date(certificate.NotBefore))
	case invalid.Reason == x509.Expired:
		return fmt.Sprintf("the receiver's certificate %q expired on %s", short(certificate.Subject.String()), date(certificate.NotAfter))
	}
	return short(invalid.Error())
}

// refusal explains a TLS alert from the receiver; alert is crypto/tls's text of it.
func (l *Line) refusal(trust *trust, alert error) string {
	text := "the receiver refused the TLS handshake: " + strings.TrimPrefix(alert.Error(), "tls: ")
	switch now := l.config.Clock.Now(); {
	case strings.Contains(alert.Error(), "protocol version"):
		return text + "; it may not speak TLS 1.2 or later"
	case trust.leaf == nil:
		return text + "; it may want a client certificate, and none is configured"
	case now.After(trust.leaf.NotAfter):
		return text + "; our client certificate expired on " + date(trust.leaf.NotAfter)
	}
	return text + "; it may not trust our client certificate"
}

func namesOf(certificate *x509.Certificate) string {
	names := certificate.DNSNames
	for _, ip := range certificate.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no name at all"
	}
	return fmt.Sprintf("%q", short(strings.Join(names, ", ")))
}

func date(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// short bounds what a receiver can write into our log.
func short(text string) string {
	const most = 200
	if len(text) > most {
		return text[:most] + "…"
	}
	return text
}
