package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// login gets the tokens that a command shows the hub.
type login struct {
	*hubFlags
	address string
	client  *http.Client

	given string
	until time.Time // a little before the token ends
}

// early is how long before its end a token is not used any more.
const early = 30 * time.Second

// token returns a token that is good now, or "" when the command has nothing to get one with: a hub that runs without
// access control asks for none.
func (l *login) token(ctx context.Context) (string, error) {
	if token := os.Getenv("VARSEL_TOKEN"); token != "" {
		return token, nil
	}
	if l.given != "" && time.Now().Before(l.until) {
		return l.given, nil
	}
	secret, err := l.secret()
	if err != nil || secret == "" {
		return "", err
	}
	return l.ask(ctx, secret)
}

func (l *login) secret() (string, error) {
	if l.SecretFile == "" {
		return strings.TrimSpace(os.Getenv("VARSEL_SECRET")), nil
	}
	text, err := os.ReadFile(l.SecretFile)
	if err != nil {
		return "", fmt.Errorf("--secret-file cannot be read: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// ask exchanges the secret for a token (RFC 6749 section 4.4).
func (l *login) ask(ctx context.Context, secret string) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {l.Account}, "client_secret": {secret}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, l.address+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", fmt.Errorf("--url %s cannot be used: %w", l.address, err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := l.client.Do(request)
	if err != nil {
		return "", noAnswer(err)
	}
	defer response.Body.Close()
	var answer struct {
		Token       string `json:"access_token"`
		Expires     int    `json:"expires_in"`
		Description string `json:"error_description"`
	}
	err = json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(&answer)
	if err != nil || answer.Token == "" {
		return "", fmt.Errorf("the hub gives the account %s no token: %s %s\n  Check --account, and the secret in --secret-file or VARSEL_SECRET", l.Account, response.Status, answer.Description)
	}
	l.given, l.until = answer.Token, time.Now().Add(time.Duration(answer.Expires)*time.Second-early)
	return l.given, nil
}

type tokenCommand struct{ hubFlags }

// Run prints a token for other programs to use, such as curl.
func (c *tokenCommand) Run(ctx context.Context, s *streams) error {
	token, err := c.hub().login.token(ctx)
	if err != nil {
		return err
	}
	if token == "" {
		return fmt.Errorf("there is no secret to get a token with\n  Give --secret-file, or set VARSEL_SECRET")
	}
	_, err = fmt.Fprintln(s.out, token)
	return err
}
