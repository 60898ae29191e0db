package main

import (
	"fmt"

	"github.com/varselhub/varsel/client"
)

// hubFlags name the hub that a command talks to, and who the command is there.
type hubFlags struct {
	URL        string `help:"The hub." default:"http://127.0.0.1:8080" env:"VARSEL_URL"`
	Account    string `help:"The account to be, on a hub that asks. Its secret is read from --secret-file or VARSEL_SECRET, never from a flag: flags can be seen by others. A token of another issuer is read from VARSEL_TOKEN." default:"operator" env:"VARSEL_ACCOUNT"`
	SecretFile string `help:"File that holds the account's secret." type:"existingfile" env:"VARSEL_SECRET_FILE" placeholder:"FILE"`
}

// hubAttempts is how often a command asks before it tells the person: long enough for a hub that restarts, and short
// enough for one that does not run.
const hubAttempts = 4

func (f *hubFlags) hub() (*client.Client, error) {
	token, err := f.token()
	if err != nil {
		return nil, err
	}
	hub, err := client.New(f.URL, client.Options{Attempts: hubAttempts, Token: token})
	if err != nil {
		return nil, fmt.Errorf("--url %s cannot be used: %w", f.URL, err)
	}
	return hub, nil
}
