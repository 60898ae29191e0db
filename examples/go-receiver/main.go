// Command go-receiver is a receiver of a Varsel hub, to copy from.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/varselhub/varsel/receive"
)

// take is what this receiver does with a message. An error has the hub send it again.
func take(_ context.Context, m *receive.Message) error {
	fmt.Println("took", m.ID, m.Type)
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
	// Without a Store of its own the handler remembers in memory: see receive.Store for one that survives.
	handler, err := receive.New(take, receive.Options{
		Keys:   strings.Fields(os.Getenv("VARSEL_SECRET")), // several while a key is changed
		Failed: func(_ *http.Request, err error) { log.Print("refused: ", err) },
	})
	if err != nil {
		return fmt.Errorf("set VARSEL_SECRET to the secret that the hub signs with: %w", err)
	}
	address := os.Getenv("ADDR")
	if address == "" {
		address = "127.0.0.1:9000"
	}
	socket, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("listening at http://%s\n", socket.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute}
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
