package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/web/listener"
)

type serveCommand struct{ settingsFlags }

// Run serves until the person or the system ends it.
func (c *serveCommand) Run(ctx context.Context, s *streams, parsed *kong.Context) error {
	settings, err := c.load(parsed)
	if err != nil {
		return err
	}
	logger := newLogger(s, &settings.Log)
	listeners, err := app.Listen(ctx, settings, logger)
	if err != nil {
		return explainListen(err, "--listen")
	}
	hub, err := start(ctx, s, &settings.Config, listeners, logger)
	if err != nil {
		for _, l := range listeners {
			_ = l.Close()
		}
		return err
	}
	for _, l := range listeners {
		logger.Info("serving", "address", l.URL(), "faces", strings.Join(l.Faces(), ","))
	}
	logger.Info("started", "data", settings.Data, "environment", settings.Environment, "version", version)
	select {
	case <-ctx.Done():
	case err = <-hub.Failed():
		logger.Error("this process ends, to be started anew: what it knows of the log is not true any more", "error", err)
	}
	if settings.Drain > 0 && err == nil {
		logger.Info("draining: not ready any more, and everything goes on until the load balancer has seen it; a second signal ends at once", "drain", settings.Drain)
		hub.Drain(context.WithoutCancel(ctx), settings.Drain)
	}
	logger.Info("stopping: what is under way may finish; a second signal ends at once", "grace", settings.Grace)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), settings.Grace)
	defer cancel()
	hub.Stop(grace)
	logger.Info("stopped")
	return err
}

func start(ctx context.Context, s *streams, settings *config.Config, listeners []*listener.Listener, logger *slog.Logger) (*app.Hub, error) {
	c := app.Configured(settings)
	c.Version = version
	if c.URL == "" {
		c.URL = app.Reached(listeners)
	}
	if c.NodeURL == "" {
		c.NodeURL = app.ReachedByNodes(listeners)
	}
	if isTerminal(s.err) {
		c.Welcome = func(account, secret string) error { return welcome(s.err, account, secret) }
	}
	hub, err := app.New(ctx, c, logger)
	if err != nil {
		return nil, err
	}
	if err = hub.Start(ctx); err == nil {
		err = hub.Answer(listeners...)
	}
	if err != nil {
		hub.Stop(ctx)
		return nil, err
	}
	return hub, nil
}

// welcome tells the person who starts the first hub its first secret.
func welcome(terminal io.Writer, account, secret string) error {
	_, err := fmt.Fprintf(terminal, "\nThis hub has an account now, the operator's. Its secret is shown this once; keep it where you keep passwords:"+
		"\n\n  account  %s\n  secret   %s\n\n", account, secret)
	return err
}

func newLogger(s *streams, c *config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // one of the choices
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(s.err, options))
	}
	return slog.New(slog.NewTextHandler(s.err, options))
}
