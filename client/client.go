package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options say how a client shows who it is and how patient it is. The zero value shows nothing.
type Options struct {
	// Token is asked for a bearer token (RFC 6750) before every attempt; keep it until it expires. nil: none is sent. A
	// token goes over https only, or to this machine itself.
	Token func(context.Context) (string, error)
	// TLS holds the client's certificate and the authorities that sign the hub's; nil: the machine's defaults.
	TLS *tls.Config
	// HTTP makes the requests in the place of a client of its own, which uses TLS and gives up an attempt after a
	// minute. Redirects are not followed by either: they would lead events elsewhere.
	HTTP *http.Client
	// Attempts bounds how often a request is made; 0: 8, which takes about half a minute. 1: no repeats.
	Attempts int
	// MaxWait bounds the time before the next attempt, also where the hub asks for more: then its problem is returned
	// at once. 0: one minute.
	MaxWait time.Duration
}

// Client talks to one hub. It is safe for concurrent use.
type Client struct {
	base    *url.URL
	http    *http.Client
	streams *http.Client // the same without a time limit
	options Options
	wait    func(context.Context, time.Duration) error
}

// Errors of requests that the hub has not decided; errors.Is finds them.
var (
	// ErrNoAnswer: no connection, or it broke. The request may have been carried out.
	ErrNoAnswer = errors.New("no answer from the hub")
	// ErrNotAHub: the answer is not one that a hub gives, as from a proxy or another address.
	ErrNotAHub = errors.New("the answer is not a hub's")
)

const (
	attemptTimeout   = time.Minute
	handshakeTimeout = 10 * time.Second
	idleTimeout      = 90 * time.Second
)

// New returns a client of the hub at an address without /api/v1, such as https://hub.example. Nothing is sent yet.
//
// Errors: the address is not one, TLS and HTTP are both given, or a token would go over plain http.
func New(address string, options Options) (*Client, error) {
	base, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, fmt.Errorf("client: %w", err)
	case base.Scheme != "http" && base.Scheme != "https" || base.Host == "" || base.RawQuery != "" || base.Fragment != "" || base.User != nil:
		return nil, errors.New("client: want an address such as https://hub.example, without user, query and fragment")
	case options.Token != nil && base.Scheme != "https" && !isLoopback(base.Hostname()):
		return nil, errors.New("client: a token goes over https only")
	case options.TLS != nil && options.HTTP != nil:
		return nil, errors.New("client: give TLS or HTTP, not both")
	}
	if options.Attempts <= 0 {
		options.Attempts = defaultAttempts
	}
	if options.MaxWait <= 0 {
		options.MaxWait = defaultMaxWait
	}
	c := &Client{base: base.JoinPath("api", "v1"), http: options.client(), options: options, wait: wait}
	streams := *c.http
	streams.Timeout = 0 // a long answer ends with its caller's context
	c.streams = &streams
	return c, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (o *Options) client() *http.Client {
	c := &http.Client{Timeout: attemptTimeout}
	if o.HTTP != nil {
		*c = *o.HTTP
	}
	if o.TLS != nil {
		c.Transport = &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: o.TLS.Clone(), ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: handshakeTimeout, IdleConnTimeout: idleTimeout,
		}
	}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c
}

// request is one call of the API.
type request struct {
	method    string
	path      []string // below /api/v1, each part not yet escaped
	query     url.Values
	mediaType string // of body; empty: there is none
	accept    string // empty: JSON
	body      []byte
	match     ETag
	// repeatable says that carrying it out twice is the same as once.
	repeatable bool
}

// call makes a request, again where that may help, and reads the answer into a document.
func (c *Client) call(ctx context.Context, r request, into any) (ETag, error) {
	for attempt := 1; ; attempt++ {
		tag, err := c.attempt(ctx, &r, into)
		if err == nil {
			return tag, nil
		}
		delay, again := c.again(&r, err, attempt)
		if !again || ctx.Err() != nil {
			return "", err
		}
		if gaveUp := c.wait(ctx, delay); gaveUp != nil {
			return "", fmt.Errorf("%w; %w", err, gaveUp)
		}
	}
}

// attempt makes a request once.
func (c *Client) attempt(ctx context.Context, r *request, into any) (ETag, error) {
	request, err := c.request(ctx, r)
	if err != nil {
		return "", err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	return ETag(response.Header.Get("ETag")), read(response, text, into)
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 64 << 20

func (c *Client) request(ctx context.Context, r *request) (*http.Request, error) {
	address := *c.base
	// Names are escaped one by one: a slash in a name must not become another address.
	var escaped strings.Builder
	for _, part := range r.path {
		address.Path += "/" + part
		escaped.WriteString("/" + url.PathEscape(part))
	}
	address.RawPath = c.base.EscapedPath() + escaped.String()
	address.RawQuery = r.query.Encode()
	request, err := http.NewRequestWithContext(ctx, r.method, address.String(), bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	request.Header.Set("Accept", "application/json, application/problem+json")
	if r.accept != "" {
		request.Header.Set("Accept", r.accept+", application/problem+json")
	}
	if r.mediaType != "" {
		request.Header.Set("Content-Type", r.mediaType)
	}
	if r.match != "" {
		request.Header.Set("If-Match", string(r.match))
	}
	if c.options.Token == nil {
		return request, nil
	}
	token, err := c.options.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("client: getting a token: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	return request, nil
}

// read takes an answer apart: a document, a problem, or neither.
func read(response *http.Response, text []byte, into any) error {
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch {
	case kind == "application/problem+json":
		p := &Problem{RetryAfter: retryAfter(response.Header.Get("Retry-After"), time.Now())}
		if err := json.Unmarshal(text, p); err == nil && p.Code != "" {
			p.Status = response.StatusCode
			return p
		}
	case kind == "application/json" && response.StatusCode < http.StatusMultipleChoices:
		if err := json.Unmarshal(text, into); err == nil {
			return nil
		}
	}
	return &strangeAnswer{status: response.StatusCode, text: response.Status, host: response.Request.URL.Host,
		after: retryAfter(response.Header.Get("Retry-After"), time.Now())}
}

// strangeAnswer is ErrNotAHub with what was answered.
type strangeAnswer struct {
	status int
	text   string
	host   string
	after  time.Duration
}

// Error implements error.
func (s *strangeAnswer) Error() string {
	return fmt.Sprintf("%s answered %s, not as a hub does", s.host, s.text)
}

// Unwrap returns ErrNotAHub.
func (s *strangeAnswer) Unwrap() error { return ErrNotAHub }
