package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"

	"github.com/varselhub/varsel/internal/bench"
)

// benchCommand is `varsel bench`.
type benchCommand struct {
	Measure measureCommand `cmd:"" default:"withargs" help:"Measure the hub beside the machine's ceiling for the same work; what bench does when nothing else is asked for."`
	Chaos   chaosCommand   `cmd:"" help:"Have a hub of several nodes meet every trouble there is, and see whether it keeps its promises."`
}

// measureCommand is `varsel bench`, with the figures to take.
type measureCommand struct {
	Figures []string `arg:"" optional:"" help:"The figures to take; all of them when none is named."`

	JSON       bool          `help:"Write one JSON object per figure and line."`
	Quick      bool          `help:"Take less than a minute: a first look."`
	Window     time.Duration `help:"How long one turn is measured, instead of the default." placeholder:"2s"`
	Dir        string        `help:"Directory on the disk that is to be measured; temporary data is made in it." type:"existingdir"`
	CPUProfile string        `name:"cpuprofile" help:"Write a CPU profile of the hub's first turn of the last figure." placeholder:"FILE"`

	Role string `hidden:"" help:"Play a part in another process's measurement."`
}

// Run implements kong's command.
func (c *measureCommand) Run() error {
	if c.Role != "" {
		return bench.Child(c.Role, os.Stdin, os.Stdout)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	options := bench.Options{
		Figures: c.Figures, Size: bench.Full(), Dir: c.Dir, Report: bench.Table(os.Stdout),
		Child: func(role string) *exec.Cmd { return exec.Command(self, "bench", "--role", role) }, //nolint:noctx // it ends with its stdin, after its last answer
	}
	options.Serve = func(args ...string) *exec.Cmd { return exec.Command(self, args...) } //nolint:noctx // it is ended with the figure
	if c.Quick {
		options.Size = bench.Quick()
	}
	if c.Window > 0 {
		options.Size.Window = c.Window
	}
	if c.JSON {
		options.Report = bench.JSON(os.Stdout)
	}
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		options.Progress = func(line string) { fmt.Fprintf(os.Stderr, "\r\x1b[K%s\r", line) }
	}
	if c.CPUProfile != "" {
		file, err := os.Create(c.CPUProfile)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		options.Profile = file
	}
	return bench.Run(ctx, options)
}
