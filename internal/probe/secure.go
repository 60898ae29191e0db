package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"os"
	"time"
)

// Certificates are renewed before this.
const soon = 30 * 24 * time.Hour

// skew is how far a receiver's clock may be off before its signature check, or our timestamps in its log, suffer.
const skew = 30 * time.Second

func (w *walk) handshake(ctx context.Context) bool {
	const step = "TLS"
	if w.url.Scheme != "https" {
		return w.warn(step, "Use https outside this machine: anyone on the way can read the messages.", "the address is plain http")
	}
	config, ok := w.config()
	if !ok {
		return false
	}
	w.secure = tls.Client(w.conn, config)
	if err := w.secure.HandshakeContext(ctx); err != nil {
		text, next := whyNot(err)
		return w.fail(step, next, "%s", text)
	}
	state := w.secure.ConnectionState()
	return w.fine(step, "%s, %s", tls.VersionName(state.Version), tls.CipherSuiteName(state.CipherSuite))
}

// config is as the hub's: the agreement's authorities and client certificate.
func (w *walk) config() (*tls.Config, bool) {
	config := &tls.Config{ServerName: w.url.Hostname(), MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, Time: w.Clock.Now}
	if w.target.CA != "" {
		text, err := os.ReadFile(w.target.CA)
		config.RootCAs = x509.NewCertPool()
		if err != nil || !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, w.fail("authorities", "Give the agreement's caBundle a PEM file that this machine can read, or run the check on the hub's machine.",
				"%s cannot be used", w.target.CA)
		}
	}
	if w.target.Certificate != "" {
		certificate, err := tls.LoadX509KeyPair(w.target.Certificate, w.target.Key)
		if err != nil {
			return nil, w.fail("our certificate", "Mend the files that the agreement names, or run the check on the hub's machine.",
				"%s and %s cannot be used together", w.target.Certificate, w.target.Key)
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	return config, true
}

func whyNot(err error) (text, next string) {
	var authority x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var alert *net.OpError
	switch {
	case errors.As(err, &authority):
		return "the receiver's certificate is signed by an authority that is not trusted here",
			"Name the receiver's authority in the agreement's caBundle; or the receiver sends its intermediate certificates along."
	case errors.As(err, &name):
		return err.Error(), "The receiver needs a certificate for the name in the base URL, or the base URL another name."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the receiver's certificate is not valid today", "The receiver renews it. If it is right, check this machine's clock."
	case errors.As(err, &alert) && alert.Op == "remote error": // how crypto/tls hands on the other side's alert
		return "the receiver broke the handshake off: " + err.Error(), "It may demand another client certificate than the agreement names; ask its operator."
	}
	return "the handshake failed: " + err.Error(), "Does the receiver speak TLS 1.2 or newer on this port?"
}

func (w *walk) peer(context.Context) bool {
	if w.secure == nil {
		return true
	}
	return w.lasts("receiver's certificate", w.secure.ConnectionState().PeerCertificates[0], "Tell the receiver to renew it in time.")
}

func (w *walk) ourselves(context.Context) bool {
	const step = "our certificate"
	if w.secure == nil || w.target.Certificate == "" {
		return true
	}
	pair, err := tls.LoadX509KeyPair(w.target.Certificate, w.target.Key)
	if err != nil {
		return w.fail(step, "Mend the files that the agreement names.", "%s cannot be read any more", w.target.Certificate)
	}
	return w.lasts(step, pair.Leaf, "Renew it in time; the hub takes up the new file by itself.")
}

func (w *walk) lasts(step string, certificate *x509.Certificate, next string) bool {
	left := certificate.NotAfter.Sub(w.Clock.Now())
	until := certificate.NotAfter.Format(time.DateOnly)
	switch {
	case left <= 0:
		return w.fail(step, next, "%s has expired on %s", certificate.Subject, until)
	case left < soon:
		return w.warn(step, next, "%s expires on %s, in %d days", certificate.Subject, until, int(left.Hours()/24))
	}
	return w.fine(step, "%s, valid until %s", certificate.Subject, until)
}

// clock asks for nothing but the head of an answer. With TLS 1.3 this is also where a refused client certificate shows.
func (w *walk) clock(ctx context.Context) bool {
	const step = "clock"
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, w.target.URL, nil)
	if err != nil {
		return w.fail(step, "Mend the address.", "the address cannot be asked for")
	}
	request.Header.Set("User-Agent", "Varsel-Check")
	conn := w.conn
	if w.secure != nil {
		conn = w.secure
	}
	if deadline, limited := ctx.Deadline(); limited {
		_ = conn.SetDeadline(deadline) // a connection that cannot be limited cannot be written to either
	}
	err = request.Write(conn)
	var response *http.Response
	if err == nil {
		response, err = http.ReadResponse(bufio.NewReader(conn), request)
	}
	if err != nil {
		return w.noAnswer(err)
	}
	defer response.Body.Close()
	date, err := http.ParseTime(response.Header.Get("Date"))
	if err != nil {
		return w.fine(step, "the receiver does not tell its time")
	}
	if off := w.Clock.Now().Sub(date).Round(time.Second); off.Abs() > skew {
		return w.warn(step, "Set both clocks by a time server: beyond 5 minutes the receiver takes messages for replays.", "the receiver's clock is off by %s", off)
	}
	return w.fine(step, "both agree on the time")
}

func (w *walk) noAnswer(err error) bool {
	const step = "answer"
	if alert := (*net.OpError)(nil); errors.As(err, &alert) && alert.Op == "remote error" {
		text, next := whyNot(err)
		return w.fail(step, next, "%s", text)
	}
	return w.fail(step, "Is it a web server that listens there?", "the receiver took the connection and gave no answer: %s", err)
}
