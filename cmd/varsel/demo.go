package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/varselhub/varsel/internal/demo"
)

type demoCommand struct {
	Listen string        `help:"Address of the hub and its live page; port 0 takes a free one." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	For    time.Duration `help:"End by itself after this long; 0 runs until Ctrl-C." default:"0" placeholder:"20s"`
	Rate   int           `help:"Events published a second, 1 to 5000." default:"20"`
	JSON   bool          `help:"Print one JSON object with what came of it on stdout at the end."`
}

// Validate implements kong's hook.
func (c *demoCommand) Validate() error {
	if c.Rate < 1 || c.Rate > 5000 {
		return fmt.Errorf("--rate is %d; give 1 to 5000 events a second", c.Rate)
	}
	if c.For < 0 {
		return fmt.Errorf("--for is %s; give a time such as 20s", c.For)
	}
	return nil
}

// Run runs the demo until its time is over or the person ends it.
func (c *demoCommand) Run(ctx context.Context, s *streams) error {
	if err := onlyLoopback(c.Listen); err != nil {
		return fmt.Errorf("%w; the demo is for this machine alone", err)
	}
	screen := s.out
	if c.JSON {
		screen = s.err
	}
	result, err := demo.Run(ctx, demo.Options{
		Listen: c.Listen, For: c.For, Rate: c.Rate, Screen: screen, Repaint: isTerminal(screen),
		Logger: slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		return explainListen(err, "--listen")
	}
	if c.JSON {
		text, err := json.Marshal(result)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(s.out, string(text))
		return err
	}
	_, err = fmt.Fprintf(screen, "\n%d events published, %d messages delivered, %d attempts retried, %d times a lane was blocked; %d out of order, %d lost.\n",
		result.Published, result.Delivered, result.Retried, result.BlockedLanes, result.OrderViolations, result.Lost)
	return err
}

// onlyLoopback refuses addresses that others can reach.
func onlyLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("--listen is %q; give host and port, such as 127.0.0.1:8080", address)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("--listen is %s, which other machines can reach", address)
}
