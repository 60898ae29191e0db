package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/varselhub/varsel/client"
)

// exampleHub stands for a hub that knows the type and accepts each id once.
func exampleHub() *httptest.Server {
	known := map[string]int{}
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var events []struct{ ID string }
		_ = json.NewDecoder(r.Body).Decode(&events)
		if events[0].ID == "taken" {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusConflict)
			fmt.Fprint(w, `{"code":"event-conflict","title":"An event with this source and id exists with other content","mend":"Give the new fact a new id."}`)
			return
		}
		var results []client.Result
		for _, e := range events {
			status := client.Duplicate
			if known[e.ID] == 0 {
				known[e.ID], status = len(known)+1, client.Accepted
			}
			results = append(results, client.Result{ID: e.ID, Position: int64(known[e.ID]), Status: status})
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(map[string]any{"results": results})
	}))
}

// Publishing an event again, because its answer was lost or the program began anew, does not make a second one.
func Example() {
	server := exampleHub()
	defer server.Close()
	hub, err := client.New(server.URL, client.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	permit := client.Event{
		ID: "permit/2026-17/3", Source: "https://permits.example", Type: "permit.changed",
		Data: []byte(`{"permit":"2026-17","status":"granted"}`),
	}
	for range 2 {
		results, err := hub.Publish(context.Background(), permit)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(results[0].Status, results[0].Position)
	}
	// Output:
	// accepted 1
	// duplicate 1
}

// What the hub refuses has a code to decide on, and a text for the person who has to mend it.
func ExampleProblem() {
	server := exampleHub()
	defer server.Close()
	hub, _ := client.New(server.URL, client.Options{})
	_, err := hub.Publish(context.Background(), client.Event{ID: "taken", Source: "https://permits.example", Type: "permit.changed"})
	var problem *client.Problem
	if errors.As(err, &problem) && problem.Code == client.CodeEventConflict {
		fmt.Println(problem)
	}
	// Output:
	// An event with this source and id exists with other content (event-conflict)
	//   Give the new fact a new id.
}

// A subscription is part of its system's set, which is put as a whole by those who have read it.
func ExampleClient_PutSubscriptionSet() {
	subscribe := func(ctx context.Context, hub *client.Client, system string, wanted client.Subscription) error {
		set, seen, err := hub.SubscriptionSet(ctx, system)
		if err != nil {
			return err
		}
		report, err := hub.PutSubscriptionSet(ctx, system, append(set, wanted), seen, client.SetOptions{})
		if client.Has(err, client.CodePrecondition) {
			return errors.New("somebody was faster: read the set again")
		}
		for _, waiting := range report.PendingTests {
			if _, err := hub.TestSubscription(ctx, waiting.ID); err != nil {
				return err
			}
		}
		return err
	}
	_ = subscribe
}
