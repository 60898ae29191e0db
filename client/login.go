package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

const (
	tokenEarly = 30 * time.Second // before its end a token is not used any more
	maxToken   = 64 << 10         // bytes of an answer with a token
)

// Login returns an Options.Token for an account of the hub and its secret: it asks the hub for a token (RFC 6749 section
// 4.4) and keeps it until shortly before it ends. https is nil for a client of its own. The function is safe for
// concurrent use; its errors are ErrNoAnswer, ErrNotAHub and, when the account or the secret is not accepted, ErrLogin.
func Login(address, account, secret string, https *http.Client) func(context.Context) (string, error) {
	l := &login{endpoint: strings.TrimSuffix(address, "/") + "/oauth/token", account: account, secret: secret}
	l.http = (&Options{HTTP: https}).client()
	return l.token
}

// ErrLogin says that the hub gives no token for an account and its secret.
var ErrLogin = errors.New("the hub does not accept the account and its secret")

type login struct {
	endpoint, account, secret string
	http                      *http.Client

	mu    sync.Mutex
	given string
	until time.Time
}

func (l *login) token(ctx context.Context) (string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Now().Before(l.until) {
		return l.given, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {l.account}, "client_secret": {l.secret}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("client: %w", err)
	}
	if request.URL.Scheme != "https" && !isLoopback(request.URL.Hostname()) {
		return "", errors.New("client: a secret goes over https only")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := l.http.Do(request)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	defer answer.Body.Close()
	var document struct {
		Token       string `json:"access_token"`
		Expires     int    `json:"expires_in"`
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	switch err := json.NewDecoder(io.LimitReader(answer.Body, maxToken)).Decode(&document); {
	case err != nil, document.Token == "" && document.Error == "":
		return "", fmt.Errorf("%w: it answered %s", ErrNotAHub, answer.Status)
	case document.Token == "":
		return "", fmt.Errorf("%w: %s", ErrLogin, document.Description)
	}
	l.given, l.until = document.Token, time.Now().Add(time.Duration(document.Expires)*time.Second-tokenEarly)
	return l.given, nil
}
