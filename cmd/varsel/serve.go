package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/channel/mail"
	"github.com/varselhub/varsel/internal/netguard"
)

type serveCommand struct {
	Data           string         `help:"Directory of the database and the secrets; made when it is not there." default:"./varsel-data" env:"VARSEL_DATA" placeholder:"DIR"`
	Listen         string         `help:"Address of the API and the live page." default:"127.0.0.1:8080" env:"VARSEL_LISTEN" placeholder:"HOST:PORT"`
	OpenToEveryone bool           `help:"Listen on an address that other machines can reach, although whoever reaches it may do everything." env:"VARSEL_OPEN_TO_EVERYONE"`
	Environment    string         `help:"What this installation is: PROD, PREPROD, T3 and so on." default:"T1" env:"VARSEL_ENVIRONMENT"`
	AllowEgress    []netip.Prefix `help:"Ranges that may be called although they are not public, such as 10.1.0.0/16." env:"VARSEL_ALLOW_EGRESS" placeholder:"CIDR"`
	AllowHTTP      bool           `help:"Call receivers by http as well as https." env:"VARSEL_ALLOW_HTTP"`
	EgressProxy    string         `help:"HTTP proxy that every call goes through." env:"VARSEL_EGRESS_PROXY" placeholder:"URL"`
	Operator       string         `help:"Mail address told about what is the operator's to mend." env:"VARSEL_OPERATOR" placeholder:"MAIL"`
	InFlight       int            `help:"Messages being sent at once; 0 is 4096." env:"VARSEL_IN_FLIGHT"`
	AuditHeads     string         `help:"Directory that the heads of the audit log are exported to; best on another machine. The data directory when empty." env:"VARSEL_AUDIT_HEADS" placeholder:"DIR"`
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
	if err := onlyLoopback(c.Listen); err != nil && !c.OpenToEveryone {
		return fmt.Errorf("%w\n  There is no access control yet: whoever reaches the hub may read and change everything."+
			"\n  Put it behind a proxy that knows who may, or give --open-to-everyone if the network is yours alone", err)
	}
	if err := c.SMTP.check(); err != nil {
		return err
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return explainListen(err, "--listen")
	}
	logger := slog.New(slog.NewTextHandler(s.err, nil))
	hub, err := c.start(ctx, socket, logger)
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

func (c *serveCommand) start(ctx context.Context, socket net.Listener, logger *slog.Logger) (*app.Hub, error) {
	hub, err := app.New(ctx, c.config(), logger)
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

func (c *serveCommand) config() app.Config {
	return app.Config{
		Data: c.Data, Environment: c.Environment, Operator: c.Operator, InFlight: c.InFlight, SMTP: c.SMTP.config(), AuditHeads: c.AuditHeads, OpenToEveryone: c.OpenToEveryone,
		Egress: netguard.Rules{Allow: c.AllowEgress, AllowHTTP: c.AllowHTTP, Proxy: c.EgressProxy},
	}
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
