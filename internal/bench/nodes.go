package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strconv"
	"time"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/fleet"
)

// several measures a hub of so many nodes, each a process: events come over HTTP, fifty a request, to all of them in
// turn, and go to ten systems, which the nodes have divided among themselves.
func several(nodes int) func(context.Context, *run, *Figure) error {
	return func(ctx context.Context, r *run, f *Figure) error {
		const batch, fanOut = 50, 10
		if err := r.startReceiver(nil); err != nil {
			return err
		}
		if err := r.passable(); err != nil {
			return err
		}
		hub, err := fleet.Start(ctx, fleet.Options{Nodes: nodes, Dir: r.dir, Settings: settings, Serve: r.Serve, Flags: []string{"--log-level", "warn"}})
		if err != nil {
			return err
		}
		r.onClose(hub.Stop)
		if err := r.describe(ctx, hub.Nodes[0].URL, fanOut); err != nil {
			return err
		}
		setup := publisherSetup{Run: filepath.Base(r.dir), Batch: batch, Size: r.Size, Counter: r.addr, FanOut: fanOut}
		for _, node := range hub.Nodes {
			setup.Addrs = append(setup.Addrs, node.URL[len("http://"):])
		}
		var ready publisherAnswer
		publisher, err := r.spawn(rolePublisher, setup, &ready)
		if err != nil {
			return err
		}
		r.used = func() (u usage) {
			for _, node := range hub.Nodes {
				u.hub += cpuOf(node.PID())
			}
			u.store, u.receiver, u.publisher = cpuOfAll(hub.Server.Leader()), cpuOf(r.receiver.cmd.Process.Pid), cpuOf(publisher.cmd.Process.Pid)
			return u
		}
		if err := r.divided(ctx, hub.Nodes[0].URL, nodes, fanOut); err != nil {
			return err
		}
		if err := r.beside(ctx, f, nil, func(ctx context.Context) error { return r.have(ctx, fanOut, publisher) }); err != nil {
			return err
		}
		f.CeilingCPU = 0 // the loops run in this process, the nodes do not
		return r.askRetried(ctx, hub)
	}
}

// askRetried adds up what the nodes had to send again.
func (r *run) askRetried(ctx context.Context, hub *fleet.Fleet) error {
	for _, node := range hub.Nodes {
		c, err := client.New(node.URL, client.Options{})
		if err != nil {
			return err
		}
		totals, err := c.Totals(ctx)
		if err != nil {
			return err
		}
		r.again += totals.Retried
	}
	return nil
}

// describe makes the world through the API of a node: one type, and a system with a subscription for each message that an
// event makes.
func (r *run) describe(ctx context.Context, url string, fanOut int) error {
	hub, err := client.New(url, client.Options{})
	if err != nil {
		return err
	}
	kind := client.EventType{Name: typeName, Title: "Bench", Order: "key", Retention: string(retention)}
	if _, _, err := hub.PutEventType(ctx, kind, ""); err != nil {
		return err
	}
	v := client.Version{Type: typeName, Version: version, State: "draft", Sample: []byte(`{"fictive":true}`)}
	_, match, err := hub.PutVersion(ctx, v, "")
	if err != nil {
		return err
	}
	v.State = "active"
	if _, _, err := hub.PutVersion(ctx, v, match); err != nil {
		return err
	}
	if _, _, err := hub.PutSource(ctx, client.Source{Name: sourceName, URI: sourceURI, Title: "Bench", Types: []string{"*"}}, ""); err != nil {
		return err
	}
	for n := range fanOut {
		agreement := client.Agreement{
			Profile: "standard", BaseURL: "http://" + r.addr + receiverPath(n), Sources: []string{"*"}, MaxInFlight: max(1, r.Size.InFlight/fanOut),
			Contacts: client.Contacts{Technical: client.Contact{Email: "bench@varsel.invalid"}},
		}
		if _, _, err := hub.PutSystem(ctx, client.System{Name: systemName(n), Agreement: agreement}, ""); err != nil {
			return err
		}
		set := []client.Subscription{{Name: fmt.Sprintf("bench-%d", n)}}
		if _, err := hub.PutSubscriptionSet(ctx, systemName(n), set, "", client.SetOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// divided waits until the nodes have divided the systems among themselves.
func (r *run) divided(ctx context.Context, url string, nodes, systems int) error {
	hub, err := client.New(url, client.Options{})
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		list, err := hub.Nodes(ctx)
		if err != nil {
			return err
		}
		least, most := 1<<10, 0
		delivered := 0
		for _, node := range list.Items {
			holds := len(node.Systems) + len(node.Duties)
			least, most, delivered = min(least, holds), max(most, holds), delivered+len(node.Systems)
		}
		if len(list.Items) == nodes && delivered == systems && most-least <= 1 {
			return nil
		}
		if err := pass(ctx, 100*time.Millisecond, nil); err != nil {
			return err
		}
	}
	return fault.New(fault.Internal, "the nodes did not divide the systems among themselves")
}

// counting asks the receiver how much has come, now and then.
type counting struct {
	url   string
	last  int64
	asked time.Time
}

// askEvery is how old the receiver's count may be.
const askEvery = 5 * time.Millisecond

// count returns what the receiver said last; one that has gone counts no more. One goroutine asks.
func (c *counting) count() int64 {
	if time.Since(c.asked) < askEvery {
		return c.last
	}
	c.asked = time.Now()
	answer, err := http.Get(c.url) //nolint:noctx // it ends with the receiver
	if err != nil {
		return c.last
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); err == nil {
		if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
			c.last = n
		}
	}
	return c.last
}
