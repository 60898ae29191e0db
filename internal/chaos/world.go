package chaos

import (
	"context"
	"fmt"
	"time"

	"github.com/varselhub/varsel/client"
)

// The world that trouble comes over: so many systems, each with so many subscriptions, and all want everything.
const (
	systems       = 10
	subscriptions = 5 // of each system
	lanes         = 48
	inFlight      = 16 // POSTs at once to a subscription, at most
)

func systemName(n int) string { return fmt.Sprintf("system-%d", n) }

func path(system, n int) string { return fmt.Sprintf("/%d/%d", system, n) }

// cursorName is the subscription that is fetched when all is over: it is to have everything, too.
const cursorName = "cursor"

// configure makes the world through a node, and opens a book for each subscription. It returns the id of the one that is
// fetched.
func configure(ctx context.Context, hub *client.Client, l *ledger, receiver string) (cursor string, err error) {
	contact := client.Contact{Email: "chaos@varsel.invalid"}
	if _, _, err := hub.PutEventType(ctx, client.EventType{Name: typeName, Title: "Chaos", Order: "key", Retention: "P30D"}, ""); err != nil {
		return "", err
	}
	version := client.Version{Type: typeName, Version: "v1", State: "draft", Sample: []byte(`{"key":"k"}`), Mapping: client.Mapping{Fields: map[string]string{"key": "/key"}}}
	_, match, err := hub.PutVersion(ctx, version, "")
	if err != nil {
		return "", err
	}
	version.State = "active"
	if _, _, err := hub.PutVersion(ctx, version, match); err != nil {
		return "", err
	}
	if _, _, err := hub.PutSource(ctx, client.Source{Name: sourceName, URI: sourceURI, Title: "Chaos", Types: []string{typeName}}, ""); err != nil {
		return "", err
	}
	for n := range systems {
		agreement := client.Agreement{
			Profile: "standard", BaseURL: receiver, Sources: []string{sourceName}, MaxInFlight: inFlight, Contacts: client.Contacts{Technical: contact},
		}
		if _, _, err := hub.PutSystem(ctx, client.System{Name: systemName(n), Agreement: agreement}, ""); err != nil {
			return "", err
		}
		var set []client.Subscription
		for s := range subscriptions {
			l.open(n, path(n, s))
			set = append(set, client.Subscription{Name: fmt.Sprintf("push-%d", s), Path: path(n, s)})
		}
		if n == 0 {
			set = append(set, client.Subscription{Name: cursorName, Channel: client.Cursor})
		}
		report, err := hub.PutSubscriptionSet(ctx, systemName(n), set, "", client.SetOptions{})
		if err != nil {
			return "", err
		}
		for _, s := range report.Created {
			if s.Name == cursorName {
				cursor = s.ID
			}
		}
	}
	return cursor, nil
}

// patient is a client for what is not measured.
func patient(url string) (*client.Client, error) {
	return client.New(url, client.Options{MaxWait: 5 * time.Second})
}
