package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"
)

type accountPasswordCommand struct {
	hubFlags
	Name string `arg:"" help:"Name of the account."`
	JSON bool   `help:"Print JSON, for programs."`
}

// Run sets the password. It is never an argument: others can see a command line.
func (c *accountPasswordCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	password, err := newPassword(s, c.Name)
	if err != nil {
		return err
	}
	a, err := hub.SetPassword(ctx, c.Name, password)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, a)
	}
	fmt.Fprintf(s.err, "%s has a new password; who was signed in with the one before is not any more.\n", c.Name)
	return nil
}

// newPassword asks a person twice, without showing what is typed; a program gives it as one line.
func newPassword(s *streams, name string) (string, error) {
	in, ok := s.in.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return askFor(s, bufio.NewReader(s.in), "Password")
	}
	hidden := func(prompt string) (string, error) {
		fmt.Fprint(s.err, prompt)
		text, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(s.err)
		return string(text), err
	}
	first, err := hidden("New password of " + name + ": ")
	if err != nil {
		return "", err
	}
	again, err := hidden("The same again: ")
	if err == nil && again != first {
		err = errors.New("the two are not the same\n  Nothing was changed")
	}
	return first, err
}
