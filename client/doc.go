// Package client talks to a Varsel hub over its HTTP API: it publishes events and manages who receives them.
//
//	hub, err := client.New("https://hub.example", client.Options{Token: token})
//	event, err := client.NewEvent("https://permits.example", "permit.changed", permit)
//	results, err := hub.Publish(ctx, event)
//
// A request that is accepted is durable. One that could not be answered is tried again by the client where a repeat
// does no harm; publishing never does, because the hub knows an event by its source and id: the same content again is
// a duplicate, answered with the position it has, other content under the same id is refused as [CodeEventConflict].
// So give an event its id once, keep it with the fact, and publish until there is an answer.
//
// What the hub refuses comes back as a *[Problem] with a stable [Code]. A document is changed by those who have seen
// it: reading one gives its [ETag], and putting it asks for that back.
package client
