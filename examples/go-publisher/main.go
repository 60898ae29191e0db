// Command go-publisher publishes facts to a Varsel hub, to copy from: each line of its input is one change of a permit.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"

	"github.com/varselhub/varsel/client"
)

// change is a fact as this system keeps it. Number counts the changes of one permit.
type change struct {
	Permit string `json:"permit"`
	Number int    `json:"number"`
	Status string `json:"status"`
}

// event gives a fact an identity that it keeps: published again, also by another run of this program, it is the same
// event.
func (c *change) event() (client.Event, error) {
	data, err := json.Marshal(c)
	return client.Event{
		ID: fmt.Sprintf("%s/%d", c.Permit, c.Number), Source: "https://permits.example", Type: "permit.changed", Data: data,
	}, err
}

// together is how many events go in one request: one commit of the hub for all of them.
const together = 50

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdin); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, in io.Reader) error {
	var options client.Options
	if token := os.Getenv("VARSEL_TOKEN"); token != "" {
		options.Token = func(context.Context) (string, error) { return token, nil }
	}
	hub, err := client.New(os.Getenv("VARSEL_URL"), options)
	if err != nil {
		return fmt.Errorf("set VARSEL_URL to the hub's address: %w", err)
	}
	var batch []client.Event
	for lines := bufio.NewScanner(in); ; {
		more := lines.Scan()
		if more {
			var fact change
			if err := json.Unmarshal(lines.Bytes(), &fact); err != nil {
				return err
			}
			event, err := fact.event()
			if err != nil {
				return err
			}
			batch = append(batch, event)
		}
		if len(batch) == together || !more {
			if err := publish(ctx, hub, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
		if !more {
			return lines.Err()
		}
	}
}

// publish returns when the events are durable. The client has tried again by itself where that could help; after an
// error run the program once more with the same facts.
func publish(ctx context.Context, hub *client.Client, batch []client.Event) error {
	results, err := hub.Publish(ctx, batch...)
	for _, result := range results {
		fmt.Println(result.Status, result.Position, result.ID)
	}
	return err
}
