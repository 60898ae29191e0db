package main

import (
	"fmt"

	"github.com/varselhub/varsel/client"
)

// hubFlags name the hub that a command talks to.
type hubFlags struct {
	URL string `help:"The hub." default:"http://127.0.0.1:8080" env:"VARSEL_URL"`
}

// hubAttempts is how often a command asks before it tells the person: long enough for a hub that restarts, and short
// enough for one that does not run.
const hubAttempts = 4

func (f *hubFlags) hub() (*client.Client, error) {
	hub, err := client.New(f.URL, client.Options{Attempts: hubAttempts})
	if err != nil {
		return nil, fmt.Errorf("--url %s cannot be used: %w", f.URL, err)
	}
	return hub, nil
}
