package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// FetchOptions say how much to fetch.
type FetchOptions struct {
	After string        // the cursor of what you have; "": from where the hub knows you to stand
	Limit int           // events at most, 1 to 100,000; 0: the hub's 1,000
	Wait  time.Duration // how long to wait for the first event when there is none, up to a minute
}

// Fetched is one event, and the cursor of who has it. Keep the cursor in the same transaction as what the event did.
type Fetched struct {
	Cursor string
	Event  json.RawMessage // as its profile renders it: a CloudEvent, with the member cursor added
}

// Fetch reads what is for a subscription whose channel is cursor, one event at a time, and returns the cursor to come
// back with: it also moves over what was not for you. When an answer breaks off it goes on behind the last event that
// visit took, so visit sees each once. An error of visit ends it, with the cursor before that event.
// Errors: CodeNotFound, CodeConflict, CodeFetchPaused, CodeBadCursor, CodeLogRewound, and what visit returns.
func (c *Client) Fetch(ctx context.Context, subscription string, o FetchOptions, visit func(Fetched) error) (next string, err error) {
	f := fetching{left: o.Limit, at: o.After, visit: visit}
	r := request{method: http.MethodGet, path: []string{"pull", subscription}, accept: linesOfJSON, repeatable: true}
	for attempt := 1; ; attempt++ {
		r.query = f.query(o)
		err := f.read(ctx, c, &r)
		if err == nil || f.refused != nil || ctx.Err() != nil {
			return f.at, errors.Join(err, f.refused)
		}
		delay, again := c.again(&r, err, attempt)
		if !again {
			return f.at, err
		}
		if gaveUp := c.wait(ctx, delay); gaveUp != nil {
			return f.at, fmt.Errorf("%w; %w", err, gaveUp)
		}
	}
}

const linesOfJSON = "application/x-ndjson"

// fetching is a fetch on its way, over as many answers as it takes.
type fetching struct {
	at      string // the cursor of the last event that was taken
	left    int
	visit   func(Fetched) error
	refused error // what visit returned
}

func (f *fetching) query(o FetchOptions) url.Values {
	query := given("after", f.at)
	if o.Limit > 0 {
		query.Set("limit", strconv.Itoa(f.left))
	}
	if o.Wait > 0 {
		query.Set("wait", strconv.Itoa(int(o.Wait/time.Second)))
	}
	return query
}

func (f *fetching) read(ctx context.Context, c *Client, r *request) error {
	request, err := c.request(ctx, r)
	if err != nil {
		return err
	}
	response, err := c.streams.Do(request)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	defer response.Body.Close()
	if kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); kind != linesOfJSON {
		text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoAnswer, err)
		}
		return read(response, text, new(struct{}))
	}
	return f.lines(bufio.NewReaderSize(response.Body, 64<<10))
}

// lines reads events until the line that holds nothing but the last cursor.
func (f *fetching) lines(body *bufio.Reader) error {
	for {
		line, err := body.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("%w: the answer broke off: %w", ErrNoAnswer, err)
		}
		var own struct {
			Cursor string `json:"cursor"`
		}
		if err := json.Unmarshal(line, &own); err != nil || own.Cursor == "" {
			return fmt.Errorf("%w: a line without a cursor", ErrNotAHub)
		}
		if len(line) == len(`{"cursor":""}`)+len(own.Cursor)+1 {
			f.at = own.Cursor
			return nil
		}
		if f.refused = f.visit(Fetched{Cursor: own.Cursor, Event: line[:len(line)-1]}); f.refused != nil {
			return nil
		}
		f.at = own.Cursor
		f.left--
	}
}

// LeaseOptions say how much of a queue to lease, and for how long.
type LeaseOptions struct {
	Max  int           // messages at most, 1 to 1,000; 0: 100
	Hold time.Duration // acknowledge within this, whole seconds; 0: a minute
	Wait time.Duration // how long to wait for the first when there is none, up to a minute
}

// Leased is a message that is lent: nothing after it of the same key is lent before it is acknowledged.
type Leased struct {
	Lease       string          `json:"lease"`
	Until       time.Time       `json:"until"`
	ID          string          `json:"id"` // the same each time it is lent: take it once
	Position    int64           `json:"position"`
	Attempts    int             `json:"attempts"` // how often it was tried before
	ContentType string          `json:"contentType"`
	Message     json.RawMessage `json:"message"`
}

// Lease leases messages of a subscription whose channel is queue. It is not repeated when its answer is lost: what was
// lent then comes again when its time is over.
// Errors: CodeNotFound, CodeConflict, CodeFetchPaused.
func (c *Client) Lease(ctx context.Context, subscription string, o LeaseOptions) ([]Leased, error) {
	var answer struct {
		Messages []Leased `json:"messages"`
	}
	ask := map[string]int{"max": o.Max, "seconds": int(o.Hold / time.Second), "wait": int(o.Wait / time.Second)}
	_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"pull", subscription, "lease"}}, ask, &answer)
	return answer.Messages, err
}

// Acknowledge ends leased messages as delivered. Those whose lease was over are in gone, and come again.
func (c *Client) Acknowledge(ctx context.Context, subscription string, leases ...string) (gone []string, err error) {
	return c.settle(ctx, subscription, "acknowledge", leases)
}

// Return gives leased messages back before their time, to be leased again at once.
func (c *Client) Return(ctx context.Context, subscription string, leases ...string) (gone []string, err error) {
	return c.settle(ctx, subscription, "return", leases)
}

// settle may be repeated: a lease that was settled is gone the second time, and its message does not come again.
func (c *Client) settle(ctx context.Context, subscription, verb string, leases []string) ([]string, error) {
	var answer struct {
		Gone []string `json:"gone"`
	}
	r := request{method: http.MethodPost, path: []string{"pull", subscription, verb}, repeatable: true}
	_, err := send(ctx, c, r, map[string][]string{"leases": leases}, &answer)
	return answer.Gone, err
}
