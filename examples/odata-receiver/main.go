// Command odata-receiver receives what a hub pushes as Datafordeleren does, to copy from: an OData v4 service with one entity
// set, Events, and $batch.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"
)

// take is what this receiver does with messages: with all of them, or with none. An error has the hub send them again.
func take(_ context.Context, messages []Message) error {
	for _, m := range messages {
		fmt.Println("took", m.ID, m.Type)
	}
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	address := os.Getenv("ADDR")
	if address == "" {
		address = "127.0.0.1:9001"
	}
	settings, err := mutualTLS(os.Getenv("CERT"), os.Getenv("KEY"), os.Getenv("CLIENT_CA"))
	if err != nil {
		return err
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	scheme := "http"
	if settings != nil {
		socket, scheme = tls.NewListener(socket, settings), "https"
	}
	fmt.Printf("listening at %s://%s\n", scheme, socket.Addr())
	server := &http.Server{
		Handler: newService(take), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}
	context.AfterFunc(ctx, func() {
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		_ = server.Shutdown(grace) // what is not answered by then comes again
	})
	if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// mutualTLS lets in who shows a certificate of an authority. Which certificate the hub shows, GET /api/v1/egress tells: hold the
// caller to its thumbprint where others have certificates of the same authority. Without files there is no TLS, to try it.
func mutualTLS(certificate, key, authority string) (*tls.Config, error) {
	if certificate == "" {
		return nil, nil
	}
	own, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return nil, err
	}
	pool, text := x509.NewCertPool(), []byte(nil)
	if text, err = os.ReadFile(authority); err != nil {
		return nil, fmt.Errorf("set CLIENT_CA to the authority of the hub's certificate: %w", err)
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", authority)
	}
	return &tls.Config{Certificates: []tls.Certificate{own}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MinVersion: tls.VersionTLS12}, nil
}
