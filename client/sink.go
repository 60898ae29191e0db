package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Sink takes a subscription's messages inside the hub, in place of its endpoint: to develop with. The zero value answers
// 200 at once.
type Sink struct {
	Status    int `json:"status,omitempty"`    // the HTTP status it answers, 200 to 599; 0: 200
	DelayMS   int `json:"delayMs,omitempty"`   // milliseconds before each answer, at most 60,000
	FailFirst int `json:"failFirst,omitempty"` // the first n attempts of each message are answered 500, at most 100; tests are not
}

// Arrival is a message that a sink has taken, as a receiver would have seen it.
type Arrival struct {
	Number    int64           `json:"number"` // ascending
	At        time.Time       `json:"at"`
	MessageID string          `json:"messageId"`
	Type      string          `json:"type,omitempty"`     // as the message says
	Position  int64           `json:"position,omitempty"` // of the event; 0: of a test
	Lane      string          `json:"lane,omitempty"`
	Attempt   int             `json:"attempt"`
	Pass      int64           `json:"pass,omitempty"` // of a replay
	Test      bool            `json:"test,omitempty"`
	Request   string          `json:"request"` // method and path
	Headers   []ArrivalHeader `json:"headers"`
	Size      int             `json:"size"`             // of the body, in bytes
	Signature string          `json:"signature"`        // valid, none or invalid
	Sighting  string          `json:"sighting"`         // first, again (a retry), duplicate or out-of-order
	Fault     string          `json:"fault,omitempty"`  // why a receiver could not believe or read it
	Status    int             `json:"status,omitempty"` // what the sink answered; 0: nothing
	Result    string          `json:"result"`           // what that meant: delivered, retry, rejected, gone

	Body   string `json:"body,omitempty"`       // of RevealArrival, where it is text
	Base64 []byte `json:"bodyBase64,omitempty"` // and where it is not
}

// ArrivalHeader is one header of the request.
type ArrivalHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Arrivals lists what a subscription's sink has taken after a number, oldest first and without bodies, at most limit (0:
// 100, at most 1,000). It waits so long, at most a minute, until there is something. on says whether the sink takes
// messages now. Error: CodeNotFound.
func (c *Client) Arrivals(ctx context.Context, subscription string, after int64, limit int, wait time.Duration) (list []Arrival, on bool, err error) {
	query := url.Values{"after": {strconv.FormatInt(after, 10)}, "wait": {strconv.FormatInt(int64(wait/time.Second), 10)}}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	var answer struct {
		On    bool      `json:"on"`
		Items []Arrival `json:"items"`
	}
	_, err = c.call(ctx, request{method: http.MethodGet, path: []string{"subscriptions", subscription, "sink"}, query: query, repeatable: true}, &answer)
	return answer.Items, answer.On, err
}

// RevealArrival shows one message of a sink with its body. Whoever looks is in the hub's audit log.
// Errors: CodeNotFound, CodeConflict when its body was too large to keep.
func (c *Client) RevealArrival(ctx context.Context, subscription string, number int64) (Arrival, error) {
	var one Arrival
	_, err := c.call(ctx, request{
		method: http.MethodPost, path: []string{"subscriptions", subscription, "sink", strconv.FormatInt(number, 10), "reveal"},
	}, &one)
	return one, err
}

// EmptySink lets go of all that a subscription's sink has taken. Error: CodeNotFound.
func (c *Client) EmptySink(ctx context.Context, subscription string) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"subscriptions", subscription, "sink"}}, nil)
	return err
}
