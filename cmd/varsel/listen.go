package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/varselhub/varsel/internal/listen"
	"github.com/varselhub/varsel/receive"
)

type listenCommand struct {
	Addr      string        `help:"Address to listen on; port 0 takes a free one." default:"127.0.0.1:9000" placeholder:"HOST:PORT"`
	Secret    []string      `help:"Key that messages are signed with, whsec_ or whpk_; several bridge a rotation. Without one signatures are not checked." env:"VARSEL_SECRET" placeholder:"whsec_…"`
	Status    int           `help:"What to answer, 200 to 599." default:"200"`
	Delay     time.Duration `help:"Wait this long before each answer." placeholder:"500ms"`
	FailEvery int           `help:"Answer every nth request with 500." placeholder:"N"`
	TLSCert   string        `help:"Certificate file; makes it https." type:"existingfile" placeholder:"FILE"`
	TLSKey    string        `help:"Key file of the certificate." type:"existingfile" placeholder:"FILE"`
	ClientCA  string        `help:"Demand client certificates that this authority has signed." type:"existingfile" placeholder:"FILE"`
}

// Validate implements kong's hook.
func (c *listenCommand) Validate() error {
	switch {
	case c.Status < 200 || c.Status > 599:
		return fmt.Errorf("--status is %d; give 200 to 599", c.Status)
	case (c.TLSCert == "") != (c.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key go together; give both")
	case c.ClientCA != "" && c.TLSCert == "":
		return errors.New("--client-ca needs https; give --tls-cert and --tls-key too")
	}
	return nil
}

// Run receives until the person ends it.
func (c *listenCommand) Run(ctx context.Context, s *streams) error {
	receiver, err := c.receiver(s)
	if err != nil {
		return err
	}
	config, err := c.tls()
	if err != nil {
		return err
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return explainListen(err, "--addr")
	}
	scheme := "http"
	if config != nil {
		scheme = "https"
		socket = tls.NewListener(socket, config)
	}
	fmt.Fprintf(s.err, "Listening at %s://%s. Ctrl-C ends it.\n", scheme, socket.Addr())
	server := &http.Server{Handler: receiver, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = server.Shutdown(grace) // what is not finished by then is broken off by the end of the process
	})
	if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	fmt.Fprintf(s.err, "\n%s\n", receiver.Summary())
	return nil
}

func (c *listenCommand) receiver(s *streams) (*listen.Receiver, error) {
	options := listen.Options{
		Status: c.Status, Delay: c.Delay, FailEvery: c.FailEvery, RequireClientCertificate: c.ClientCA != "",
		RememberIDs: true, OnMessage: listen.Printer(s.out),
	}
	if len(c.Secret) > 0 {
		verifier, err := receive.NewVerifier(nil, c.Secret...)
		if err != nil {
			return nil, err
		}
		options.Verifier = verifier
	}
	return listen.New(options), nil
}

// tls is nil for plain http.
func (c *listenCommand) tls() (*tls.Config, error) {
	if c.TLSCert == "" {
		return nil, nil
	}
	certificate, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return nil, fmt.Errorf("the certificate cannot be used: %w", err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	if c.ClientCA == "" {
		return config, nil
	}
	text, err := os.ReadFile(c.ClientCA)
	if err != nil {
		return nil, err
	}
	// Asked for here and demanded by the receiver, which can say so: a handshake that fails tells nobody anything.
	config.ClientAuth, config.ClientCAs = tls.VerifyClientCertIfGiven, x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", c.ClientCA)
	}
	return config, nil
}
