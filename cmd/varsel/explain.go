package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/mattn/go-isatty"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/fault"
)

// explain tells a person what happened, what it means and what to do next.
func explain(err error) string {
	switch {
	case errors.Is(err, client.ErrNoAnswer):
		return err.Error() + "\n  Is it running? Start one with `varsel serve`, or name another with --url." +
			"\n  What was accepted before is not published twice when it is sent again"
	case errors.Is(err, client.ErrLogin):
		return err.Error() + "\n  Check --account, and the secret in --secret-file or VARSEL_SECRET"
	case errors.Is(err, client.ErrNotAHub):
		return err.Error() + "\n  Check --url: it is the hub's address without /api/v1"
	}
	var f *fault.Fault
	if !errors.As(err, &f) {
		return err.Error()
	}
	entry := fault.Lookup(f.Code)
	var text strings.Builder
	text.WriteString(err.Error())
	for _, v := range f.Violations {
		fmt.Fprintf(&text, "\n  %s: %s (%s)", v.Pointer, v.Message, v.Rule)
	}
	fmt.Fprintf(&text, "\n  %s. %s", entry.Title, entry.Mend)
	return text.String()
}

// explainListen tells why an address cannot be listened on, and how to choose another.
func explainListen(err error, flag string) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%w\n  Another program listens there, perhaps another varsel. End it, or choose another port: %s 127.0.0.1:8081, or port 0 for any that is free", err, flag)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%w\n  This port is the system's. Choose one above 1023 with %s", err, flag)
	}
	return err
}

// isTerminal reports whether a person watches w. /dev/null, a device like a terminal, is watched by nobody: what is told
// once must not be told to it.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	return ok && isatty.IsTerminal(file.Fd()) && os.Getenv("TERM") != "dumb"
}
