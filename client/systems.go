package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// System is a receiving system with the agreement that the operator has made with it.
type System struct {
	Name      string       `json:"name"` // slug; stays
	Title     string       `json:"title,omitempty"`
	Agreement Agreement    `json:"agreement"`
	Signing   []SigningKey `json:"signing,omitempty"` // the hub's; put it back as it is, or leave it out
}

// Agreement is what a system may receive and where it is reached.
type Agreement struct {
	Profile       string         `json:"profile"`
	BaseURL       string         `json:"baseUrl"`                 // subscriptions add only a path
	Organisations []Organisation `json:"organisations,omitempty"` // none: every organisation
	Sources       []string       `json:"sources"`                 // names of sources; "*": every source
	Contacts      Contacts       `json:"contacts"`
	Certificate   *Certificate   `json:"certificate,omitempty"` // the client certificate the hub shows
	CABundle      string         `json:"caBundle,omitempty"`    // file, on the hub, of the authorities of the system's servers
	Login         *BrokerLogin   `json:"login,omitempty"`       // of a broker: how the hub shows who it is
	Retry4xx      bool           `json:"retry4xx,omitempty"`    // star: retry 4xx instead of parking
	PushWrapper   string         `json:"pushWrapper,omitempty"` // datafordeler: "none" pushes JSON in the bare shape of the documentation
	Batch         int            `json:"batch,omitempty"`       // datafordeler: messages in one request, at most; 0: 100
	BatchOfOne    bool           `json:"batchOfOne,omitempty"`  // datafordeler: a message that goes alone goes as a batch, too
	MaxInFlight   int            `json:"maxInFlight,omitempty"` // per endpoint; 0: 64
}

// Organisation is a type of organisation and a code within it.
type Organisation struct {
	Type string `json:"type"`
	Code string `json:"code"`
}

// Contacts are the three people of an agreement.
type Contacts struct {
	Commercial Contact `json:"commercial"`
	Technical  Contact `json:"technical"` // told when deliveries stand; needs a mail address
	Legal      Contact `json:"legal"`
}

// Certificate names files on the hub.
type Certificate struct {
	CertFile string `json:"certFile"`
	KeyFile  string `json:"keyFile"`
}

// BrokerLogin is how the hub shows a broker who it is; what is secret stands in files on the hub.
type BrokerLogin struct {
	User            string `json:"user,omitempty"`
	PasswordFile    string `json:"passwordFile,omitempty"`
	Mechanism       string `json:"mechanism,omitempty"`       // Kafka: plain, scram-sha-256 or scram-sha-512 (the default)
	CredentialsFile string `json:"credentialsFile,omitempty"` // NATS
}

// SigningKey refers to a key that signs what a system is sent.
type SigningKey struct {
	Ref    string    `json:"ref"`
	Kind   string    `json:"kind"`             // KeyHMAC or KeyEd25519
	Public string    `json:"public,omitempty"` // of KeyEd25519: what receivers verify with
	Until  time.Time `json:"until,omitzero"`   // it signs until then; zero: until it is rotated
}

// Systems lists the receiving systems.
func (c *Client) Systems(ctx context.Context) ([]System, error) {
	return list[System](ctx, c, nil, "systems")
}

// System reads one. Error: CodeNotFound.
func (c *Client) System(ctx context.Context, name string) (System, ETag, error) {
	return fetch[System](ctx, c, nil, "systems", name)
}

// PutSystem makes a system or changes it.
func (c *Client) PutSystem(ctx context.Context, s System, match ETag) (System, ETag, error) {
	return put(ctx, c, s, match, "systems", s.Name)
}

// Removal is what went with a system.
type Removal struct {
	Subscriptions int   `json:"subscriptions"`
	Drop          int64 `json:"drop"` // undelivered messages
}

// DeleteSystem ends the agreement with a system. One that has subscriptions goes only with drop, the exact count of
// undelivered messages that go with it, see Drop; nil: it must have none.
//
// Errors: CodeDropCount with the count in Problem.Drop, CodeNotFound, CodePrecondition, CodeNeedsIfMatch. A repeat
// after a lost answer finds CodeNotFound.
func (c *Client) DeleteSystem(ctx context.Context, name string, match ETag, drop *int64) (Removal, error) {
	var removal Removal
	_, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"systems", name}, match: match, query: dropping(drop)}, &removal)
	return removal, err
}

// Drop agrees to the loss of so many undelivered messages.
func Drop(count int64) *int64 { return &count }

func dropping(drop *int64) url.Values {
	if drop == nil {
		return url.Values{}
	}
	return url.Values{"drop": {strconv.FormatInt(*drop, 10)}}
}

// Subscription is what a system asks for and where it wants it.
type Subscription struct {
	ID            string         `json:"id,omitempty"`            // the hub's
	System        string         `json:"system,omitempty"`        // the hub's
	Name          string         `json:"name,omitempty"`          // unique in its system; "": made from what is asked for
	Types         []string       `json:"types,omitempty"`         // none: every type
	Organisations []Organisation `json:"organisations,omitempty"` // none: every one that the agreement grants
	Filter        *Filter        `json:"filter,omitempty"`        // of what a Hændelsesbesked says (datafordeler); nil: every one
	Channel       Channel        `json:"channel,omitempty"`       // "": Webhook
	AlertAfter    int            `json:"alertAfter,omitempty"`    // minutes until what was not fetched is told; 0: 10; of Queue and Cursor
	Path          string         `json:"path"`                    // the rest of the URL after the agreement's base
	PendingPath   *string        `json:"pendingPath,omitempty"`   // the hub's: takes over when its test has passed
	Sink          *Sink          `json:"sink,omitempty"`          // takes what the path would get; of Webhook
	Mode          string         `json:"mode,omitempty"`          // of CloudEvents: structured (also when ""), or binary
	Format        string         `json:"format,omitempty"`        // of a Hændelsesbesked (datafordeler): json (also when ""), or xml
	From          string         `json:"from,omitempty"`          // RFC 3339, or a day such as 2026-01-31; "": from its creation
	To            string         `json:"to,omitempty"`            // and before this; "": no end
	State         State          `json:"state,omitempty"`         // the hub's; a new one may ask for Draft
	Reason        string         `json:"reason,omitempty"`        // the hub's: why it is deactivated
	ExpiredUpTo   int64          `json:"expiredUpTo,omitempty"`   // the hub's: deactivated after failing too long, it gave up what it had coming up to this position
}

// Channel is how a subscription's events reach its system.
type Channel string

// The channels. From a queue or by a cursor the system fetches them: see Lease and Fetch.
const (
	Webhook Channel = "webhook"
	Queue   Channel = "queue"
	Cursor  Channel = "cursor"
)

// State is where a subscription stands.
type State string

// The states. Paused, Rejecting and Ended are seen in Standing only.
const (
	Draft       State = "draft"       // saved, nothing is matched
	Untested    State = "untested"    // nothing is matched before a test has passed
	Active      State = "active"      // matched and sent
	Paused      State = "paused"      // matched and kept, not sent
	Rejecting   State = "rejecting"   // matched and kept, not sent until a test passes
	Deactivated State = "deactivated" // matched and kept, not sent until it is activated
	Ended       State = "ended"       // matched no more
)

// SubscriptionSet reads a system's whole set, as it may be put. Error: CodeNotFound.
func (c *Client) SubscriptionSet(ctx context.Context, system string) ([]Subscription, ETag, error) {
	set, tag, err := fetch[subscriptionSet](ctx, c, nil, "systems", system, "subscriptions")
	return set.Items, tag, err
}

type subscriptionSet struct {
	Items []Subscription `json:"items"`
}

// SetOptions say how a set is put in place.
type SetOptions struct {
	DryRun bool   // tell what would happen, change nothing
	Drop   *int64 // the exact count of undelivered messages that go with what is removed; nil: none may
}

// SetReport is what became of a set, or with DryRun what would.
type SetReport struct {
	DryRun       bool          `json:"dryRun,omitempty"`
	Created      []SetEntry    `json:"created"`
	Changed      []SetEntry    `json:"changed"`
	Removed      []SetEntry    `json:"removed"`
	Unchanged    []SetEntry    `json:"unchanged"`
	PendingTests []PendingTest `json:"pendingTests"` // what is not in force before its test has passed
	Drop         int64         `json:"drop"`         // undelivered messages that go with what is removed
	ETag         ETag          `json:"-"`            // of the set as it stands now
}

// SetEntry names a subscription in a SetReport.
type SetEntry struct {
	ID    string `json:"id,omitempty"` // "" of one that a dry run would make
	Name  string `json:"name"`
	State State  `json:"state"`
}

// PendingTest is a path that waits for its test.
type PendingTest struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
	Path string `json:"path"`
}

// PutSubscriptionSet makes set the whole set of a system: what is missing is made, what differs is changed, what is
// too much is removed; all of it or nothing.
//
// Errors among others: CodeInvalidDocument with every violation, CodeDropCount with the count in Problem.Drop.
func (c *Client) PutSubscriptionSet(ctx context.Context, system string, set []Subscription, match ETag, options SetOptions) (SetReport, error) {
	query := dropping(options.Drop)
	if options.DryRun {
		query.Set("dry_run", "true")
	}
	if set == nil {
		set = []Subscription{} // an empty list removes all; none at all is refused as a mistake
	}
	var report SetReport
	tag, err := send(ctx, c, request{
		method: http.MethodPut, path: []string{"systems", system, "subscriptions"}, query: query, match: match, repeatable: true,
	}, subscriptionSet{set}, &report)
	report.ETag = tag
	return report, err
}

// The kinds of signing key (Standard Webhooks 1.0.0).
const (
	KeyHMAC    = "v1"  // a secret both sides hold, whsec_
	KeyEd25519 = "v1a" // a key pair; the receiver gets the public half, whpk_
)

// NewKey is a signing key as it is told, once.
type NewKey struct {
	SigningKey
	Key     string       `json:"key"`     // what the receiver verifies with; of KeyHMAC a secret, never told again
	Signing []SigningKey `json:"signing"` // all that sign now, newest first
}

// NewSigningKey gives a system a new signing key. Those of its kind before it go on signing for the overlap, in whole
// seconds, at most 90 days; 0 ends them at once, which is for a key that leaked.
func (c *Client) NewSigningKey(ctx context.Context, system, kind string, overlap time.Duration) (NewKey, error) {
	var key NewKey
	_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"systems", system, "signing-keys"}}, map[string]any{
		"kind": kind, "overlapSeconds": int64(overlap / time.Second),
	}, &key)
	return key, err
}
