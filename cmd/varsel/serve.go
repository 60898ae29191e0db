package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/channel/mail"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/web/access"
)

type serveCommand struct {
	Data           string         `help:"Directory of the database and the secrets; made when it is not there." default:"./varsel-data" env:"VARSEL_DATA" placeholder:"DIR"`
	Listen         string         `help:"Address of the API and the live page." default:"127.0.0.1:8080" env:"VARSEL_LISTEN" placeholder:"HOST:PORT"`
	NoAccess       bool           `help:"Ask nobody who they are: whoever reaches the hub may do everything. Only on this machine's own addresses." env:"VARSEL_NO_ACCESS"`
	OpenToEveryone bool           `help:"Listen by plain HTTP on an address that other machines can reach: behind a proxy that speaks TLS." env:"VARSEL_OPEN_TO_EVERYONE"`
	PublicURL      string         `help:"Where the hub is reached from outside; http and the address of --listen when left out." env:"VARSEL_PUBLIC_URL" placeholder:"URL"`
	Issuers        string         `help:"JSON file of the other issuers whose access tokens are taken; see docs/access.md." type:"existingfile" env:"VARSEL_ISSUERS" placeholder:"FILE"`
	RateLimit      int            `help:"Requests a second that one account may make; 0 is 1000." env:"VARSEL_RATE_LIMIT"`
	Environment    string         `help:"What this installation is: PROD, PREPROD, T3 and so on." default:"T1" env:"VARSEL_ENVIRONMENT"`
	AllowEgress    []netip.Prefix `help:"Ranges that may be called although they are not public, such as 10.1.0.0/16." env:"VARSEL_ALLOW_EGRESS" placeholder:"CIDR"`
	AllowHTTP      bool           `help:"Call receivers by http as well as https." env:"VARSEL_ALLOW_HTTP"`
	EgressProxy    string         `help:"HTTP proxy that every call goes through." env:"VARSEL_EGRESS_PROXY" placeholder:"URL"`
	Operator       string         `help:"Mail address told about what is the operator's to mend." env:"VARSEL_OPERATOR" placeholder:"MAIL"`
	InFlight       int            `help:"Messages being sent at once; 0 is 4096." env:"VARSEL_IN_FLIGHT"`
	SMTP           smtpFlags      `embed:"" prefix:"smtp-"`
}

type smtpFlags struct {
	Host string `help:"Mail server; without one no mail is sent." env:"VARSEL_SMTP_HOST"`
	Port int    `help:"Its port." default:"587" env:"VARSEL_SMTP_PORT"`
	TLS  string `help:"starttls, implicit or none." default:"starttls" enum:"starttls,implicit,none" env:"VARSEL_SMTP_TLS"`
	From string `help:"Sender of mails." env:"VARSEL_SMTP_FROM" placeholder:"MAIL"`
	User string `help:"User name, where the server asks for one. The password is read from VARSEL_SMTP_PASSWORD alone: flags can be seen by others." env:"VARSEL_SMTP_USER"`
}

// mailTimeout is for one whole mail: servers may greet slowly on purpose (RFC 5321 section 4.5.3.2).
const mailTimeout = time.Minute

// Run serves until the person or the system ends it.
func (c *serveCommand) Run(ctx context.Context, s *streams) error {
	if err := c.checkListen(); err != nil {
		return err
	}
	if err := c.SMTP.check(); err != nil {
		return err
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return explainListen(err, "--listen")
	}
	logger := slog.New(slog.NewTextHandler(s.err, nil))
	hub, err := c.start(ctx, s, socket, logger)
	if err != nil {
		_ = socket.Close()
		return err
	}
	logger.Info("serving", "address", "http://"+socket.Addr().String(), "data", c.Data, "environment", c.Environment, "version", version)
	<-ctx.Done()
	logger.Info("stopping: what is in flight may finish; a second signal ends at once", "grace", app.ShutdownGrace)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), app.ShutdownGrace)
	defer cancel()
	hub.Stop(grace)
	logger.Info("stopped")
	return nil
}

// checkListen refuses to be reached from elsewhere by those who are not asked, and by tokens that others can read.
func (c *serveCommand) checkListen() error {
	err := onlyLoopback(c.Listen)
	switch {
	case c.NoAccess && (err != nil || c.OpenToEveryone):
		return errors.New("--no-access is for this machine alone: leave it out where other machines can reach the hub")
	case err != nil && !c.OpenToEveryone:
		return fmt.Errorf("%w by plain HTTP, and so can everyone on the way read the tokens"+
			"\n  Put it behind a proxy that speaks TLS and give --open-to-everyone", err)
	}
	return nil
}

func (c *serveCommand) start(ctx context.Context, s *streams, socket net.Listener, logger *slog.Logger) (*app.Hub, error) {
	config, err := c.config(socket.Addr())
	if err != nil {
		return nil, err
	}
	if isTerminal(s.err) {
		config.Welcome = func(account, secret string) error { return welcome(s.err, account, secret) }
	}
	hub, err := app.New(ctx, config, logger)
	if err != nil {
		return nil, err
	}
	if err = hub.Start(ctx); err == nil {
		err = hub.Serve(socket)
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

func (c *serveCommand) config(address net.Addr) (app.Config, error) {
	config := app.Config{
		Data: c.Data, Environment: c.Environment, Operator: c.Operator, InFlight: c.InFlight, SMTP: c.SMTP.config(),
		NoAccess: c.NoAccess, OpenToEveryone: c.OpenToEveryone, URL: c.PublicURL, Limits: access.Limits{Principal: c.RateLimit},
		Egress: netguard.Rules{Allow: c.AllowEgress, AllowHTTP: c.AllowHTTP, Proxy: c.EgressProxy},
	}
	if config.URL == "" {
		config.URL = "http://" + address.String()
	}
	if c.Issuers == "" {
		return config, nil
	}
	text, err := os.ReadFile(c.Issuers)
	if err == nil {
		decoder := json.NewDecoder(bytes.NewReader(text))
		decoder.DisallowUnknownFields()
		err = decoder.Decode(&config.Issuers)
	}
	if err != nil {
		return config, fmt.Errorf("--issuers %s cannot be read: %w\n  It is a JSON array; docs/access.md shows one", c.Issuers, err)
	}
	return config, nil
}

func (f *smtpFlags) config() *mail.Config {
	if f.Host == "" {
		return nil
	}
	return &mail.Config{
		Host: f.Host, Port: f.Port, TLS: mail.TLS(f.TLS), From: f.From, User: f.User, Password: os.Getenv("VARSEL_SMTP_PASSWORD"), Timeout: mailTimeout,
	}
}

// check finds at the start what would otherwise fail the first mail.
func (f *smtpFlags) check() error {
	config := f.config()
	if config == nil {
		return nil
	}
	config.Dial = (&net.Dialer{}).DialContext
	sender, err := mail.New(*config)
	if err != nil {
		return err
	}
	return sender.Close()
}
