package client

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// ReplayFilter selects past events of a subscription. What is left empty selects all.
type ReplayFilter struct {
	Position      int64          `json:"position,omitempty"` // one event; or
	After         int64          `json:"after,omitempty"`    // positions above this one,
	UpTo          int64          `json:"upTo,omitempty"`     // and up to this one
	Since         time.Time      `json:"since,omitzero"`     // recorded at or after
	Until         time.Time      `json:"until,omitzero"`     // and before
	Types         []string       `json:"types,omitempty"`
	Organisations []Organisation `json:"organisations,omitempty"`
	Lane          string         `json:"lane,omitempty"`
}

// ReplayCount is how many events a filter selects up to a position.
type ReplayCount struct {
	Count int64 `json:"count"`
	UpTo  int64 `json:"upTo"` // put it into the filter, so that the count stays true
}

// Replay is a pass over past events.
type Replay struct {
	Pass         int64     `json:"pass"` // in the header Varsel-Replay
	Subscription string    `json:"subscription"`
	Author       string    `json:"author"`
	Began        time.Time `json:"began"`
	Ended        time.Time `json:"ended,omitzero"` // when everything was in its lanes, or it was stopped
	Rate         int       `json:"rate,omitempty"`
	Selected     int64     `json:"selected"`
	Replayed     int64     `json:"replayed"` // of these, put into lanes; the rest was not over yet
	Position     int64     `json:"position"` // looked at up to here
}

// CountReplay counts what a filter selects. Errors: CodeNotFound, CodeConflict where a cursor reads.
func (c *Client) CountReplay(ctx context.Context, subscription string, f ReplayFilter) (ReplayCount, error) {
	var count ReplayCount
	ask := struct {
		ReplayFilter
		DryRun bool `json:"dryRun"`
	}{f, true}
	_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"subscriptions", subscription, "replays"}, repeatable: true}, ask, &count)
	return count, err
}

// BeginReplay begins a pass of exactly count events, at most rate a second; 0: as fast as they are taken. It is not
// repeated when its answer is lost: look at Replays then.
// Errors: CodeNotFound, CodeConflict, CodeReplayCount, CodeNothingSelected.
func (c *Client) BeginReplay(ctx context.Context, subscription string, f ReplayFilter, rate int, count int64) (Replay, error) {
	var begun Replay
	ask := struct {
		ReplayFilter
		Rate  int   `json:"rate,omitempty"`
		Count int64 `json:"count"`
	}{f, rate, count}
	_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"subscriptions", subscription, "replays"}}, ask, &begun)
	return begun, err
}

// Replays lists a subscription's, newest first.
func (c *Client) Replays(ctx context.Context, subscription string) ([]Replay, error) {
	return list[Replay](ctx, c, nil, "subscriptions", subscription, "replays")
}

// StopReplay stops one that is under way. Error: CodeNotFound.
func (c *Client) StopReplay(ctx context.Context, subscription string, pass int64) error {
	_, err := c.call(ctx, request{
		method: http.MethodDelete, path: []string{"subscriptions", subscription, "replays", strconv.FormatInt(pass, 10)},
	}, nil)
	return err
}
