package client

import (
	"context"
	"net/url"
	"strconv"
	"time"
)

// Where a delivery can be: see the hub's page on whereabouts.
const (
	StatePending   = "pending"
	StateWaiting   = "waiting"
	StateSending   = "sending"
	StateRetrying  = "retrying"
	StateParked    = "parked"
	StateLeased    = "leased"
	StateServed    = "served"
	StateDelivered = "delivered"
	StateConfirmed = "confirmed"
	StateWithheld  = "withheld"
	StateDropped   = "dropped"
	StateExpired   = "expired"
	StateDiscarded = "discarded"
)

// Where is one event with where it is for everyone whom it was for.
type Where struct {
	Position int64         `json:"position"`
	Recorded time.Time     `json:"recorded"`
	Type     string        `json:"type"`
	Items    []Whereabouts `json:"items"`
}

// Whereabouts is where an event is on its way to one subscription.
type Whereabouts struct {
	System       string     `json:"system"`
	Consumer     string     `json:"consumer"`
	Subscription string     `json:"subscription"`
	Name         string     `json:"name"`    // of the subscription when the event came
	Channel      string     `json:"channel"` // as it is now
	Endpoint     string     `json:"endpoint,omitempty"`
	Lane         string     `json:"lane"`
	State        string     `json:"state"`
	Why          string     `json:"why,omitempty"` // it has not gone yet
	PausedBy     []Scope    `json:"pausedBy,omitempty"`
	At           time.Time  `json:"at,omitzero"`    // when it came to where it is
	Since        time.Time  `json:"since,omitzero"` // of the first failure, while there is trouble
	Due          time.Time  `json:"due,omitzero"`   // of the next attempt, the expiry, or the lease's end
	Tried        int        `json:"tried"`
	Status       int        `json:"status,omitempty"` // of the last answer
	Reason       string     `json:"reason,omitempty"` // why the last attempt failed
	Behind       *Ahead     `json:"behind,omitempty"`
	Replays      []Replayed `json:"replays,omitempty"`
	Attempts     []Attempt  `json:"attempts"`
}

// Ahead is what stands at the head of a lane that an event waits in.
type Ahead struct {
	Position int64     `json:"position"`
	State    string    `json:"state"`
	Why      string    `json:"why,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Due      time.Time `json:"due,omitzero"`
	Tried    int       `json:"tried"`
	Status   int       `json:"status,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	Replay   int64     `json:"replay,omitempty"`
}

// Replayed is where an event is on its way once more.
type Replayed struct {
	Pass  int64     `json:"pass"`
	State string    `json:"state"`
	At    time.Time `json:"at,omitzero"` // when that ended
	Tried int       `json:"tried"`
}

// Where tells where the event at a position is. Error: CodeNotFound.
func (c *Client) Where(ctx context.Context, position int64) (Where, error) {
	where, _, err := fetch[Where](ctx, c, nil, "events", strconv.FormatInt(position, 10), "whereabouts")
	return where, err
}

// WhereNamed tells where an event is by its message id or the id its source gave it; source "" finds it when only one source has such an id.
// Errors: CodeNotFound, CodeConflict when several have.
func (c *Client) WhereNamed(ctx context.Context, id, source string) (Where, error) {
	where, _, err := fetch[Where](ctx, c, given("id", id, "source", source), "whereabouts")
	return where, err
}

// Coming is how much is on its way now, in deliveries, replays included.
type Coming struct {
	Pending  int64 `json:"pending"` // the others are of these
	Waiting  int64 `json:"waiting"`
	Sending  int64 `json:"sending"`
	Leased   int64 `json:"leased"`
	Retrying int64 `json:"retrying"`
	Parked   int64 `json:"parked"`
}

// Ends count how deliveries ended.
type Ends struct {
	Matched   int64 `json:"matched"` // that there were
	Delivered int64 `json:"delivered"`
	Confirmed int64 `json:"confirmed"`
	Withheld  int64 `json:"withheld"`
	Dropped   int64 `json:"dropped"`
	Expired   int64 `json:"expired"`
	Discarded int64 `json:"discarded"`
	Served    int64 `json:"served"` // confirmed since or not
}

// Counts are ends of first deliveries, and of replays.
type Counts struct {
	First   Ends `json:"first"`
	Replays Ends `json:"replays"`
}

// Day are the counts of one day in UTC.
type Day struct {
	Day string `json:"day"` // YYYY-MM-DD
	Counts
}

// Figures are what is coming, and what came: of all time, and by day, the newest first.
type Figures struct {
	Now   Coming `json:"now"`
	Total Counts `json:"total"`
	Days  []Day  `json:"days"`
}

// SubscriptionFigures are those of one subscription.
type SubscriptionFigures struct {
	Subscription string `json:"subscription"`
	Name         string `json:"name"`
	Channel      string `json:"channel"`
	Removed      bool   `json:"removed"`
	Figures
}

// Oldest is the first of what has not arrived.
type Oldest struct {
	Position     int64     `json:"position"`
	Subscription string    `json:"subscription"`
	Recorded     time.Time `json:"recorded"`
}

// SystemWhereabouts is how a system stands.
type SystemWhereabouts struct {
	System string `json:"system"`
	Figures
	Oldest        *Oldest               `json:"oldest,omitempty"`
	Subscriptions []SubscriptionFigures `json:"subscriptions"`
	Lanes         StandingLanes         `json:"lanes"`
}

// StandingLanes are lanes whose heads have failed, by position: the first of them, and how many there are.
type StandingLanes struct {
	Items []Lane `json:"items"`
	Next  string `json:"next,omitempty"` // give it to Lanes as After to get what follows; empty: there is no more
	Total int64  `json:"total"`
}

// SystemWhereabouts tells how a system stands, with so many days of figures, at most 366; 0: 7. Error: CodeNotFound.
func (c *Client) SystemWhereabouts(ctx context.Context, system string, days int) (SystemWhereabouts, error) {
	query := url.Values{}
	if days != 0 {
		query.Set("days", strconv.Itoa(days))
	}
	found, _, err := fetch[SystemWhereabouts](ctx, c, query, "systems", system, "whereabouts")
	return found, err
}
