package client

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// The states of an erasure.
const (
	ErasureUnderWay = "under-way" // it goes on by itself: look again later
	ErasureEnded    = "ended"     // nothing is left of the events
)

// Erasure is one person's events, forgotten on demand. It does not say who that was.
type Erasure struct {
	Number int64     `json:"erasure"`
	At     time.Time `json:"at"`
	Author string    `json:"author"`
	Reason string    `json:"reason"`
	Events int       `json:"events"`
	Rows   int       `json:"rows,omitempty"`      // of registers
	Unsent int       `json:"withdrawn,omitempty"` // events that were still to follow from a register's delivery, and do not
	First  int64     `json:"firstPosition,omitempty"`
	Last   int64     `json:"lastPosition,omitempty"`
	UpTo   int64     `json:"searchedUpTo,omitempty"` // what was accepted after is not in it
	State  string    `json:"state"`
	Ended  time.Time `json:"ended,omitzero"`
}

// ErasureReport is an erasure with whom its events were for.
type ErasureReport struct {
	Erasure
	Done    int         `json:"done,omitempty"`  // events overwritten so far, while it goes on
	Files   int         `json:"files,omitempty"` // of extracts that were deleted: a row may have stood in them
	Systems []Recipient `json:"systems"`
}

// Recipient is what a system had of a person's events.
type Recipient struct {
	System    string    `json:"system"`
	Delivered int64     `json:"delivered"`      // confirmed by it,
	From      time.Time `json:"from,omitzero"`  // between here
	Until     time.Time `json:"until,omitzero"` // and here
	Tried     int64     `json:"tried"`          // sent or handed out, and not confirmed: it may have them
	Nothing   int64     `json:"nothing"`        // never sent
}

// CountErasure counts the events and the rows of registers that name a person by a value, as it stands in them. The value is in the body of the
// request, and nowhere else.
func (c *Client) CountErasure(ctx context.Context, person string) (int64, error) {
	var found struct {
		Count int64 `json:"count"`
	}
	ask := struct {
		Person string `json:"person"`
		DryRun bool   `json:"dryRun"`
	}{person, true}
	_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"erasures"}, repeatable: true}, ask, &found)
	return found.Count, err
}

// Erase forgets exactly count events of a person, whole. The reason is kept for ever: the number of a case, and nobody's
// name. One whose State is ErasureUnderWay goes on by itself. It is not repeated when its answer is lost: look at
// Erasures then.
// Errors: CodeEraseCount, CodeNothingSelected, CodeInvalidDocument.
func (c *Client) Erase(ctx context.Context, person, reason string, count int64) (Erasure, error) {
	var begun Erasure
	ask := struct {
		Person string `json:"person"`
		Reason string `json:"reason"`
		Count  int64  `json:"count"`
	}{person, reason, count}
	_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"erasures"}}, ask, &begun)
	return begun, err
}

// Erasures lists erasures, newest first, the hub's usual number of them.
func (c *Client) Erasures(ctx context.Context) ([]Erasure, error) {
	return list[Erasure](ctx, c, nil, "erasures")
}

// Erasure tells of one, and which systems had the events. Error: CodeNotFound.
func (c *Client) Erasure(ctx context.Context, number int64) (ErasureReport, error) {
	report, _, err := fetch[ErasureReport](ctx, c, nil, "erasures", strconv.FormatInt(number, 10))
	return report, err
}

// Revealed is an event with its data, and what receivers answered to it.
type Revealed struct {
	Position   int64             `json:"position"`
	MessageID  string            `json:"messageId"`
	Attributes map[string]string `json:"attributes"`
	MediaType  string            `json:"mediaType,omitempty"`
	Data       []byte            `json:"data"` // byte for byte as it was accepted
	Answers    []Answer          `json:"answers"`
}

// Answer is what a receiver answered to one attempt.
type Answer struct {
	Consumer string `json:"consumer"`
	Number   int    `json:"number"`
	Status   int    `json:"status,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Body     []byte `json:"body"` // as it came, cut to what is kept
}

// Reveal shows an event with its data. The hub puts on record who asked, and why, before it answers.
// Errors: CodeNotFound, CodeForgotten, CodeInvalidDocument for no reason or one that names a person.
func (c *Client) Reveal(ctx context.Context, position int64, reason string) (Revealed, error) {
	var shown Revealed
	ask := struct {
		Reason string `json:"reason"`
	}{reason}
	_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"events", strconv.FormatInt(position, 10), "reveal"}}, ask, &shown)
	return shown, err
}
