package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// FindQuery says which events to find. What is left empty selects all.
type FindQuery struct {
	ID           string    `json:"id,omitempty"`     // as its source gave it, or a message id; not with Key or Person
	Key          string    `json:"key,omitempty"`    // as it stands in the data; the hub records who asks
	Person       string    `json:"person,omitempty"` // any personal value, as it stands in the data; the hub records who asks
	Type         string    `json:"type,omitempty"`
	Source       string    `json:"source,omitempty"` // name or URI
	From         time.Time `json:"from,omitzero"`    // recorded at or after
	To           time.Time `json:"to,omitzero"`      // and before
	System       string    `json:"system,omitempty"`
	Subscription string    `json:"subscription,omitempty"`
	State        string    `json:"state,omitempty"` // with System or Subscription
	After        string    `json:"after,omitempty"` // Next of the page before
	Limit        int       `json:"limit,omitempty"` // 1 to 500; 0: 100
}

// FoundEvent is an event without its data.
type FoundEvent struct {
	Position     int64     `json:"position"`
	MessageID    string    `json:"messageId"`
	Source       string    `json:"source"`
	ID           string    `json:"id,omitempty"` // as its source gave it; empty where Forgotten
	Type         string    `json:"type"`
	Version      string    `json:"version"`
	Time         time.Time `json:"time"`
	Recorded     time.Time `json:"recorded"`
	Organisation string    `json:"organisation,omitempty"` // type:code
	Forgotten    bool      `json:"forgotten,omitempty"`    // its payload is gone
	Where        []Place   `json:"where,omitempty"`        // with the system or subscription that was asked for
}

// Place is where an event stands with one subscription.
type Place struct {
	System       string `json:"system"`
	Subscription string `json:"subscription"`
	State        string `json:"state"`
}

// FoundEvents is a page of what was found, newest first.
type FoundEvents struct {
	Items []FoundEvent `json:"items"`
	Next  string       `json:"next,omitempty"` // After of the next page, also where this one is empty; empty: there is no more
	UpTo  int64        `json:"upTo"`           // position up to which keys, persons and message ids are found
}

// Find finds events. With a key or a person it is sent as a body, so that neither stands in an address.
// Errors: CodeBadRequest, CodeNotFound for a system or subscription that never was.
func (c *Client) Find(ctx context.Context, q FindQuery) (FoundEvents, error) {
	var page FoundEvents
	if q.Key != "" || q.Person != "" {
		_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"events", "search"}, repeatable: true}, q, &page)
		return page, err
	}
	_, err := c.call(ctx, request{method: http.MethodGet, path: []string{"events"}, query: q.values(), repeatable: true}, &page)
	return page, err
}

func (q *FindQuery) values() url.Values {
	values := url.Values{}
	for name, value := range map[string]string{
		"id": q.ID, "type": q.Type, "source": q.Source, "system": q.System, "subscription": q.Subscription, "state": q.State, "after": q.After,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if !q.From.IsZero() {
		values.Set("from", q.From.Format(time.RFC3339Nano))
	}
	if !q.To.IsZero() {
		values.Set("to", q.To.Format(time.RFC3339Nano))
	}
	if q.Limit != 0 {
		values.Set("limit", strconv.Itoa(q.Limit))
	}
	return values
}
