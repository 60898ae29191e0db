// Package profile holds policy as named data: envelope, order, schedule and what an answer means (DESIGN section 1).
package profile

import (
	"time"

	"github.com/varselhub/varsel/internal/channel"
)

// Name is how an agreement refers to a profile.
type Name string

// The profiles this hub knows.
const (
	Standard Name = "standard"
	Star     Name = "star"

	// Statuspage is for who reads the webhooks of a status site the way Statuspage sends them.
	Statuspage Name = "statuspage"

	// Datafordeler is for who receives the messages of registers the way Datafordeleren sends them.
	Datafordeler Name = "datafordeler"
)

// Scope says who the consumer is: whose cursor, lease and lanes.
type Scope string

// The scopes.
const (
	PerSubscription Scope = "subscription" // each subscription reads the log by itself
	PerSystem       Scope = "system"       // a system's push subscriptions are one consumer, most specific wins
)

// Profile is the policy of one kind of receiver.
type Profile struct {
	Name        Name
	Title       string
	Envelope    string // "cloudevents", "star", "statuspage" or "haendelsesbesked"
	Scope       Scope
	Retry       Schedule
	Hold        time.Duration // a delivery that has failed this long is parked; 0: never
	RejectOther bool          // 1xx, 3xx and 4xx park at once instead of being retried
	Retry4xx    bool          // with RejectOther: 4xx is retried all the same (an agreement's option)
	GoneEnds    bool          // 410 deactivates the subscription
	Sign        bool          // Standard Webhooks headers
	RequireTest bool          // a new or changed path needs a passed test first
	Timeout     time.Duration // per attempt, connect to answer
	MaxAfter    time.Duration // Retry-After is clamped to this
}

// Schedule is the delay after a failure: min(2ⁿ−1, Cap) seconds, where n ≥ 1 counts the failed attempts (S37).
type Schedule struct {
	Cap    time.Duration
	Jitter float64 // 0.2 spreads by ±20 %; 0 is exact
}

// Delay is the time to wait after n failed attempts. random is in [0,1) and only used with jitter.
func (s Schedule) Delay(n int, random float64) time.Duration {
	delay := s.Cap
	if n < 62 {
		if exact := time.Duration(1<<n-1) * time.Second; exact > 0 && exact < s.Cap {
			delay = exact
		}
	}
	if s.Jitter > 0 {
		delay = time.Duration(float64(delay) * (1 - s.Jitter + 2*s.Jitter*random))
	}
	return delay
}

// Classify says what an HTTP status means under this profile. Status 0 is no answer: timeout, refused, TLS, reset.
// A deferral (Retry-After on 429 or 503) is recognised by the channel, which has the header.
func (p *Profile) Classify(status int) channel.Class {
	switch {
	case status >= 200 && status <= 299:
		return channel.Delivered
	case status == 410 && p.GoneEnds:
		return channel.Gone
	case status == 0 || status >= 500:
		return channel.Retry
	case !p.RejectOther || p.Retry4xx && status >= 400:
		return channel.Retry
	default:
		return channel.Rejected
	}
}

var profiles = []Profile{
	{
		Name: Standard, Title: "CloudEvents with Standard Webhooks", Envelope: "cloudevents", Scope: PerSubscription,
		Retry: Schedule{Cap: 3 * time.Hour, Jitter: 0.2}, Hold: 72 * time.Hour, GoneEnds: true, Sign: true,
		Timeout: 20 * time.Second, MaxAfter: time.Hour,
	},
	{
		Name: Star, Title: "STAR/DFDG webservicebesked", Envelope: "star", Scope: PerSystem,
		Retry: Schedule{Cap: 3 * time.Hour}, RejectOther: true, RequireTest: true,
		Timeout: 30 * time.Second, MaxAfter: time.Hour,
	},
	{
		Name: Statuspage, Title: "Statuspage webhooks, signed", Envelope: "statuspage", Scope: PerSubscription,
		Retry: Schedule{Cap: 3 * time.Hour, Jitter: 0.2}, Hold: 72 * time.Hour, GoneEnds: true, Sign: true,
		Timeout: 30 * time.Second, MaxAfter: time.Hour,
	},
	{
		Name: Datafordeler, Title: "Hændelsesbeskeder as from Datafordeleren", Envelope: "haendelsesbesked", Scope: PerSubscription,
		Retry: Schedule{Cap: time.Hour}, RequireTest: true,
		Timeout: 30 * time.Second, MaxAfter: time.Hour,
	},
}

// Get returns a copy of a profile's policy; ok is false when there is none of that name.
func Get(name Name) (p Profile, ok bool) {
	for _, p := range profiles {
		if p.Name == name {
			return p, true
		}
	}
	return Profile{}, false
}

// All lists the profiles in the order they are shown.
func All() []Profile { return append([]Profile(nil), profiles...) }
