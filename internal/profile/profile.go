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
	OneLane     bool // all that is for the consumer is one lane, in order of position; otherwise an event's key says
	Batch       int  // so many deliveries of a lane may go in one request; 0 and 1: each goes alone
	Retry       Schedule
	Hold        time.Duration // a delivery that has failed this long is parked; 0: never
	EndMonths   int           // so many calendar months after the oldest undelivered event the subscription ends (F21); 0: never
	RejectOther bool          // 1xx, 3xx and 4xx park at once instead of being retried
	Retry4xx    bool          // with RejectOther: 4xx is retried all the same (an agreement's option)
	GoneEnds    bool          // 410 deactivates the subscription
	Sign        bool          // Standard Webhooks headers
	RequireTest bool          // a new or changed path needs a passed test first
	Timeout     time.Duration // per attempt, connect to answer
	MaxAfter    time.Duration // Retry-After is clamped to this
	Months      int           // calendar months that events can be fetched by window (F30); 0: as long as retention keeps them
}

// KeptSince is the instant, µs UTC, from which on what was recorded can be fetched by window at a moment; 0: there is no
// such bound. Days that a shorter month does not have are its last (F30, requirements 7: two calendar months).
func (p *Profile) KeptSince(now time.Time) int64 {
	if p.Months == 0 {
		return 0
	}
	return addMonths(now, -p.Months).UnixMicro()
}

// KeptUntil is about when what was recorded at a moment is kept no more; zero: there is no such bound.
func (p *Profile) KeptUntil(recorded time.Time) time.Time {
	if p.Months == 0 {
		return time.Time{}
	}
	return addMonths(recorded, p.Months)
}

func addMonths(t time.Time, months int) time.Time {
	year, month, day := t.Date()
	month += time.Month(months)
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, t.Location()).Day()
	hour, minute, second := t.Clock()
	return time.Date(year, month, min(day, last), hour, minute, second, t.Nanosecond(), t.Location())
}

// Schedule is the delay after a failure: min(2ⁿ−1, Cap) seconds, where n ≥ 1 counts the failed attempts (S37), or always
// the same.
type Schedule struct {
	Every  time.Duration // after each failure (F21); 0: by the number of them
	Cap    time.Duration
	Jitter float64 // 0.2 spreads by ±20 %; 0 is exact
}

// Delay is the time to wait after n failed attempts. random is in [0,1) and only used with jitter.
func (s Schedule) Delay(n int, random float64) time.Duration {
	if s.Every > 0 {
		return s.Every
	}
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
		OneLane: true, Batch: 100, Retry: Schedule{Every: time.Hour}, EndMonths: 2, RequireTest: true,
		Timeout: 60 * time.Second, MaxAfter: time.Hour, Months: 2,
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
