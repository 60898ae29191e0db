package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
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
	// Before anything is asked: what is typed at once is not shown either.
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return "", fmt.Errorf("the terminal cannot be kept from showing a password: %w\n  Give it on standard input", err)
	}
	defer func() { _ = term.Restore(int(in.Fd()), before) }()
	terminal := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{in, s.err}, "")
	first, err := terminal.ReadPassword("New password of " + name + ": ")
	if err != nil {
		return "", unchanged(err)
	}
	again, err := terminal.ReadPassword("The same again: ")
	if err != nil {
		return "", unchanged(err)
	}
	if again != first {
		return "", unchanged(errors.New("the two are not the same"))
	}
	return first, nil
}

// unchanged is why there is no password, as when somebody has typed Ctrl-C.
func unchanged(err error) error {
	if errors.Is(err, io.EOF) {
		err = errors.New("no password was given")
	}
	return fmt.Errorf("%w\n  Nothing was changed", err)
}
