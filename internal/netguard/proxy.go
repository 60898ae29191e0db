package netguard

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// maxProxyAnswer bounds what is read of a proxy's answer, in bytes.
const maxProxyAnswer = 16 << 10

// proxy tunnels connections by CONNECT (RFC 9110 section 9.3.6).
type proxy struct {
	addr          string // host:port
	authorization string // value of Proxy-Authorization; empty: none
}

func parseProxy(raw string) (*proxy, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		// Not wrapped: the cause quotes the URL and with it the password.
		return nil, fault.New(fault.InvalidDocument, "the egress proxy is not of the form http://host:port")
	}
	port := u.Port()
	if port == "" {
		port = "3128"
	}
	p := &proxy{addr: net.JoinHostPort(u.Hostname(), port)}
	if u.User != nil {
		password, _ := u.User.Password()
		credentials := u.User.Username() + ":" + password
		p.authorization = "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))
	}
	return p, nil
}

// connect returns a connection to target through the proxy.
func (p *proxy) connect(ctx context.Context, dialer *net.Dialer, target string) (net.Conn, error) {
	conn, err := dialer.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, fault.Wrap(fault.ConnectFailed, err, "the egress proxy cannot be reached")
	}
	if deadline, ok := ctx.Deadline(); ok {
		conn.SetDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	err = p.ask(conn, target)
	if !stop() && err == nil {
		err = fault.Wrap(fault.SendTimeout, ctx.Err(), "the egress proxy did not answer in time")
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	return conn, nil
}

func (p *proxy) ask(conn net.Conn, target string) error {
	request := "CONNECT " + target + " HTTP/1.1\r\nHost: " + target + "\r\n"
	if p.authorization != "" {
		request += "Proxy-Authorization: " + p.authorization + "\r\n"
	}
	if _, err := io.WriteString(conn, request+"\r\n"); err != nil {
		return fault.Wrap(fault.ConnectFailed, err, "the egress proxy hung up")
	}
	reader := bufio.NewReader(io.LimitReader(conn, maxProxyAnswer))
	answer, err := http.ReadResponse(reader, &http.Request{Method: http.MethodConnect})
	if err != nil {
		return proxyFault(err)
	}
	// The body of a refusal is left unread: the connection is closed.
	if answer.StatusCode < 200 || answer.StatusCode > 299 {
		return fault.New(fault.ConnectFailed, "the egress proxy answered %d for %s", answer.StatusCode, target)
	}
	if reader.Buffered() > 0 {
		return fault.New(fault.ConnectFailed, "the egress proxy sent data before the tunnel was used")
	}
	return nil
}

func proxyFault(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fault.Wrap(fault.SendTimeout, err, "the egress proxy did not answer in time")
	}
	return fault.Wrap(fault.ConnectFailed, err, "the egress proxy's answer cannot be read")
}
