package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/varselhub/varsel/client"
)

// token is what gets the tokens that a command shows the hub; nil when it has nothing to show: a hub that runs without
// access control asks for nothing.
func (f *hubFlags) token() (func(context.Context) (string, error), error) {
	if token := os.Getenv("VARSEL_TOKEN"); token != "" {
		return func(context.Context) (string, error) { return token, nil }, nil
	}
	secret := os.Getenv("VARSEL_SECRET")
	if f.SecretFile != "" {
		text, err := os.ReadFile(f.SecretFile)
		if err != nil {
			return nil, fmt.Errorf("--secret-file cannot be read: %w", err)
		}
		secret = string(text)
	}
	if secret = strings.TrimSpace(secret); secret == "" {
		return nil, nil
	}
	return client.Login(f.URL, f.Account, secret, nil), nil
}

type tokenCommand struct{ hubFlags }

// Run prints a token for other programs to use, such as curl.
func (c *tokenCommand) Run(ctx context.Context, s *streams) error {
	get, err := c.token()
	if err != nil {
		return err
	}
	if get == nil {
		return errors.New("there is no secret to get a token with\n  Give --secret-file, or set VARSEL_SECRET")
	}
	token, err := get(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.out, token)
	return err
}
