package client

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Standing is a subscription with how it stands now.
type Standing struct {
	Subscription
	Standing State   `json:"standing"`           // its state together with its dates, pauses and endpoint
	PausedBy []Scope `json:"pausedBy,omitempty"` // every pause that stops it, the widest first
	Endpoint string  `json:"endpoint,omitempty"` // base URL and path
}

// Subscriptions tells how subscriptions stand: those of a system, or with "" of all; in a state, or with "" in any.
func (c *Client) Subscriptions(ctx context.Context, system string, state State) ([]Standing, error) {
	return list[Standing](ctx, c, given("system", system, "state", string(state)), "subscriptions")
}

// given is a query of the names that have a value.
func given(namesAndValues ...string) url.Values {
	query := url.Values{}
	for i := 0; i < len(namesAndValues); i += 2 {
		if namesAndValues[i+1] != "" {
			query.Set(namesAndValues[i], namesAndValues[i+1])
		}
	}
	return query
}

// Subscription tells how one stands. Error: CodeNotFound.
func (c *Client) Subscription(ctx context.Context, id string) (Standing, error) {
	standing, _, err := fetch[Standing](ctx, c, nil, "subscriptions", id)
	return standing, err
}

// TestReport is what came of a test message.
type TestReport struct {
	Subscription string  `json:"subscription"`
	Endpoint     string  `json:"endpoint"` // where it went
	Type         string  `json:"type"`     // whose sample it was
	Version      string  `json:"version"`
	MessageID    string  `json:"messageId"`
	Passed       bool    `json:"passed"`
	Status       int     `json:"status,omitempty"` // of the answer; 0: there was none
	Reason       string  `json:"reason,omitempty"` // why there was none
	Detail       string  `json:"detail,omitempty"`
	Millis       float64 `json:"durationMs"`
	Activated    bool    `json:"activated"`   // the subscription was untested and is active now
	PathInForce  bool    `json:"pathInForce"` // the pending path has taken over
}

// TestSubscription sends a sample to where the subscription is to go; passed, it puts in force what waited for it.
//
// Errors: CodeTestFailed with the report in Problem.Test, CodeConflict when there is no sample, CodeNotFound.
func (c *Client) TestSubscription(ctx context.Context, id string) (TestReport, error) {
	var report TestReport
	_, err := c.call(ctx, request{method: http.MethodPost, path: []string{"subscriptions", id, "test"}}, &report)
	return report, err
}

// Activate takes a draft into use, or a deactivated subscription again.
func (c *Client) Activate(ctx context.Context, id string) (Standing, error) {
	var standing Standing
	_, err := c.call(ctx, request{method: http.MethodPost, path: []string{"subscriptions", id, "activate"}, repeatable: true}, &standing)
	return standing, err
}

// Deactivate stops a subscription; what is for it is kept. The reason is shown, at most 500 bytes.
func (c *Client) Deactivate(ctx context.Context, id, reason string) (Standing, error) {
	var standing Standing
	_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"subscriptions", id, "deactivate"}, repeatable: true}, because{Reason: reason}, &standing)
	return standing, err
}

type because struct {
	Reason string `json:"reason,omitempty"`
	System string `json:"system,omitempty"` // of an endpoint
	URL    string `json:"url,omitempty"`    // of an endpoint
}

// Scope is what a pause stops: Hub, or what OfSystem, OfSubscription and OfEndpoint make.
type Scope string

// Hub is everything that leaves the hub.
const Hub Scope = "hub"

// OfSystem is everything for a system.
func OfSystem(name string) Scope { return Scope("system/" + name) }

// OfSubscription is everything for a subscription.
func OfSubscription(id string) Scope { return Scope("subscription/" + id) }

// OfEndpoint is everything for one URL of a system.
func OfEndpoint(system, url string) Scope { return Scope("endpoint/" + system + "/" + url) }

// address is where a scope is paused and resumed, and what the body must name.
func (s Scope) address() (path []string, body because, err error) {
	kind, name, _ := strings.Cut(string(s), "/")
	switch {
	case s == Hub:
		return []string{"hub"}, because{}, nil
	case kind == "system" && name != "":
		return []string{"systems", name}, because{}, nil
	case kind == "subscription" && name != "":
		return []string{"subscriptions", name}, because{}, nil
	case kind == "endpoint":
		if system, url, found := strings.Cut(name, "/"); found {
			return []string{"endpoints"}, because{System: system, URL: url}, nil
		}
	}
	return nil, because{}, errors.New("client: a scope is Hub, or what OfSystem, OfSubscription and OfEndpoint make")
}

// Pause is whether a scope is paused.
type Pause struct {
	Scope  Scope  `json:"scope"`
	Paused bool   `json:"paused"`
	Reason string `json:"reason,omitempty"`
}

// Pauses lists what is paused.
func (c *Client) Pauses(ctx context.Context) ([]Pause, error) {
	return list[Pause](ctx, c, nil, "pauses")
}

// Pause stops what is sent in a scope; what comes is matched, kept and counted. The reason is shown, at most 500 bytes.
func (c *Client) Pause(ctx context.Context, scope Scope, reason string) (Pause, error) {
	return c.setPause(ctx, scope, "pause", reason)
}

// Resume ends a pause. Other pauses that cover the same go on.
func (c *Client) Resume(ctx context.Context, scope Scope) (Pause, error) {
	return c.setPause(ctx, scope, "resume", "")
}

func (c *Client) setPause(ctx context.Context, scope Scope, verb, reason string) (Pause, error) {
	var pause Pause
	path, body, err := scope.address()
	if err != nil {
		return pause, err
	}
	body.Reason = reason
	_, err = send(ctx, c, request{method: http.MethodPost, path: append(path, verb), repeatable: true}, body, &pause)
	return pause, err
}

// Endpoint is a URL that the hub sends to, with its breaker.
type Endpoint struct {
	System   string    `json:"system"`
	URL      string    `json:"url"`
	State    string    `json:"state"` // whether messages are sent: see the hub's page on delivery
	InFlight int       `json:"inFlight"`
	Window   int       `json:"window"`         // how many may be in flight
	Failures int       `json:"failures"`       // in a row
	Since    time.Time `json:"since,omitzero"` // when it stopped taking messages
	Until    time.Time `json:"until,omitzero"` // until when the receiver asked to be left alone
}

// Endpoints lists those that were sent to.
func (c *Client) Endpoints(ctx context.Context) ([]Endpoint, error) {
	return list[Endpoint](ctx, c, nil, "endpoints")
}

// Lane is a lane that stands: its head failed, and what has the same key waits behind it.
type Lane struct {
	Consumer     string    `json:"consumer"`
	System       string    `json:"system"`
	Subscription string    `json:"subscription"`
	Lane         string    `json:"lane"`     // 32 hexadecimal digits
	Position     int64     `json:"position"` // of the event it stands at
	State        string    `json:"state"`    // retrying, standing or parked
	Behind       int       `json:"behind"`   // events that wait behind it
	Attempts     int       `json:"attempts"`
	Replay       int64     `json:"replay,omitempty"` // the pass that its event is replayed by
	Since        time.Time `json:"since,omitzero"`   // of the first failure
	Due          time.Time `json:"due,omitzero"`     // of the next attempt; when parked, of its end
	Status       int       `json:"status,omitempty"` // of the last answer
	Reason       string    `json:"reason,omitempty"`
}

// Lanes is a list of lanes, or a page of it.
type Lanes struct {
	DryRun bool   `json:"dryRun,omitempty"`
	Items  []Lane `json:"items"`
	Next   string `json:"next,omitempty"` // "": there is no more for now
	Total  int64  `json:"total"`          // of all
}

// LaneFilter says which lanes to list; zero fields: all.
type LaneFilter struct {
	System       string
	Subscription string
	State        string // retrying, standing or parked
	After        string // Next of the page before
	Limit        int    // of a page; at most 10,000; 0: 1,000
}

func (f LaneFilter) query() url.Values {
	limit := ""
	if f.Limit != 0 {
		limit = strconv.Itoa(f.Limit)
	}
	return given("system", f.System, "subscription", f.Subscription, "state", f.State, "after", f.After, "limit", limit)
}

// Lanes reads a page of the lanes that stand, by position.
func (c *Client) Lanes(ctx context.Context, f LaneFilter) (Lanes, error) {
	lanes, _, err := fetch[Lanes](ctx, c, f.query(), "lanes")
	return lanes, err
}

// Selection says which lanes to release or discard. Zero fields do not narrow it; with all of them zero, All must say
// that everything is meant.
type Selection struct {
	System       string `json:"system,omitempty"`
	Subscription string `json:"subscription,omitempty"`
	Lane         string `json:"lane,omitempty"`
	All          bool   `json:"all,omitempty"`
	DryRun       bool   `json:"dryRun,omitempty"` // only list them
}

// ReleaseLanes makes parked and retrying heads due now, their delay counted anew, and lists them.
// Error: CodeNothingSelected.
func (c *Client) ReleaseLanes(ctx context.Context, s Selection) (Lanes, error) {
	return c.operate(ctx, "release", s)
}

// DiscardLanes gives the heads up for ever, and lists them; their lanes go on. Error: CodeNothingSelected.
func (c *Client) DiscardLanes(ctx context.Context, s Selection) (Lanes, error) {
	return c.operate(ctx, "discard", s)
}

// operate is not repeatable: the second time other heads stand in the same lanes.
func (c *Client) operate(ctx context.Context, verb string, s Selection) (Lanes, error) {
	var lanes Lanes
	_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"lanes", verb}}, s, &lanes)
	return lanes, err
}

// Totals count since the hub's start.
type Totals struct {
	Delivered    int64 `json:"delivered"`
	Retried      int64 `json:"retried"`
	Parked       int64 `json:"parked"`
	BlockedLanes int64 `json:"blockedLanes"` // that were blocked at some time
	Pending      int64 `json:"pending"`      // now
	InFlight     int64 `json:"inFlight"`     // now
}

// Totals reads the counters.
func (c *Client) Totals(ctx context.Context) (Totals, error) {
	totals, _, err := fetch[Totals](ctx, c, nil, "totals")
	return totals, err
}

// Node is a process of the hub.
type Node struct {
	Node    int64     `json:"node"` // its number: the eldest has the lowest; 0: the hub is of one process
	Name    string    `json:"name"`
	URL     string    `json:"url,omitempty"` // where the other nodes reach it
	Version string    `json:"version"`
	Started time.Time `json:"started,omitzero"`
	Seen    time.Time `json:"seen,omitzero"`  // when it was last heard of
	Until   time.Time `json:"until,omitzero"` // what it holds is its own up to then
	Answers bool      `json:"answers"`        // it is the one that answered
	Systems []string  `json:"systems"`        // that it delivers
	Duties  []string  `json:"duties"`         // that it has of those that one node does at a time
}

// Nodes are the processes of the hub.
type Nodes struct {
	Alone bool   `json:"alone"` // a hub of one process
	Items []Node `json:"items"`
}

// Nodes tells which nodes the hub has, and what each of them does.
func (c *Client) Nodes(ctx context.Context) (Nodes, error) {
	nodes, _, err := fetch[Nodes](ctx, c, nil, "nodes")
	return nodes, err
}

// Logged is an event in the log, without its data.
type Logged struct {
	Position     int64             `json:"position"`
	Recorded     time.Time         `json:"recorded"`
	MessageID    string            `json:"messageId"` // webhook-id of every message made of it
	Source       string            `json:"source"`
	Type         string            `json:"type"`
	Version      string            `json:"version"`
	Time         time.Time         `json:"time"`
	Organisation string            `json:"organisation,omitempty"` // "type:code"
	Lane         string            `json:"lane"`
	Personal     bool              `json:"personal"`
	Attributes   map[string]string `json:"attributes"`
	MediaType    string            `json:"mediaType,omitempty"`
	Size         int               `json:"size"` // of its data, in bytes
}

// Event reads what stands at a position. Error: CodeNotFound.
func (c *Client) Event(ctx context.Context, position int64) (Logged, error) {
	logged, _, err := fetch[Logged](ctx, c, nil, "events", strconv.FormatInt(position, 10))
	return logged, err
}

// Attempt is one try to deliver an event.
type Attempt struct {
	Consumer    string    `json:"consumer"`
	Number      int       `json:"number"`
	At          time.Time `json:"at"`
	Outcome     string    `json:"outcome"`
	Replay      int64     `json:"replay,omitempty"` // the pass it belongs to
	Status      int       `json:"status,omitempty"` // of the answer; 0: there was none
	Millis      float64   `json:"durationMs"`
	Reason      string    `json:"reason,omitempty"`
	Detail      string    `json:"detail,omitempty"`
	AnswerBytes int       `json:"answerBytes,omitempty"` // kept of the answer's body
}

// Attempts lists every try to deliver the event at a position. Error: CodeNotFound.
func (c *Client) Attempts(ctx context.Context, position int64) ([]Attempt, error) {
	return list[Attempt](ctx, c, nil, "events", strconv.FormatInt(position, 10), "attempts")
}
