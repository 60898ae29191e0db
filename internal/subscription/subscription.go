package subscription

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/filter"
	"github.com/varselhub/varsel/internal/profile"
)

// Subscription is what one system asks for: types × organisations, from a date to a date, to one path (S6) or to be
// fetched.
type Subscription struct {
	ID            string               `json:"id"`                      // UUIDv7, made by the hub
	System        string               `json:"system"`                  // name of the system
	Name          string               `json:"name"`                    // unique within the system; a set is compared by it
	Types         []string             `json:"types,omitempty"`         // empty: every type
	Organisations []event.Organisation `json:"organisations,omitempty"` // empty: every organisation the agreement grants
	Filter        *filter.Filter       `json:"filter,omitempty"`        // of what a message says; with the profile datafordeler
	Channel       Channel              `json:"channel,omitempty"`       // empty: webhook
	AlertAfter    int                  `json:"alertAfter,omitempty"`    // minutes until what was not fetched is told (S59); 0: 10; with queue and cursor
	Path          string               `json:"path"`                    // the rest of the URL after the base (S45); with webhook
	PendingPath   *string              `json:"pendingPath,omitempty"`   // takes over when its test has passed
	Sink          *Sink                `json:"sink,omitempty"`          // takes what the path would get (S58); with webhook
	Mode          string               `json:"mode,omitempty"`          // CloudEvents content mode: "structured" (default) or "binary"
	Format        string               `json:"format,omitempty"`        // of a Hændelsesbesked: "json" (default) or "xml"; with the profile datafordeler
	From          string               `json:"from,omitempty"`          // events recorded from this instant, RFC 3339; empty: from its creation
	To            string               `json:"to,omitempty"`            // and before this one; empty: no end
	State         State                `json:"state"`
	Reason        string               `json:"reason,omitempty"`      // why it is deactivated
	ExpiredUpTo   int64                `json:"expiredUpTo,omitempty"` // the hub's: it was deactivated after it had failed too long, and what it had coming up to this position is given up (F21)

	from, to int64 // µs UTC; 0: open
}

// Channel is how a subscription's events reach its system.
type Channel string

// The channels. From a queue or by a cursor the system fetches them itself.
const (
	Webhook Channel = "webhook"
	Queue   Channel = "queue"  // leased and acknowledged one by one, at most one of a key at a time
	Cursor  Channel = "cursor" // read in order of position from wherever the reader says it stands
	Window  Channel = "window" // asked for by the time they were recorded; nothing is pending and nothing acknowledged (F31)
)

// Pulled reports whether the system fetches the events itself.
func (s *Subscription) Pulled() bool {
	return s.Channel == Queue || s.Channel == Cursor || s.Channel == Window
}

// Patience is how long an event may wait to be fetched before somebody is told.
func (s *Subscription) Patience() time.Duration {
	if s.AlertAfter == 0 {
		return 10 * time.Minute
	}
	return time.Duration(s.AlertAfter) * time.Minute
}

// State is where a subscription stands; docs/states.md says for each what is kept, what moves and what holds.
type State string

// The states that configuration decides. Paused and rejecting are the pause's and the endpoint's, shown in its place.
const (
	Draft       State = "draft"       // saved, never matched
	Untested    State = "untested"    // wants a passed test before anything is matched (S57)
	Active      State = "active"      // matched and sent
	Paused      State = "paused"      // matched and kept, not sent
	Rejecting   State = "rejecting"   // matched and kept, not sent until a test passes
	Deactivated State = "deactivated" // matched and kept, not sent until activated again
	Ended       State = "ended"       // matched no more
)

// Kept reports whether events are matched and kept for a subscription in this state.
func (s State) Kept() bool { return s == Active || s == Deactivated }

// Prepare reads the dates once; call it on every document before Wants. A date without a time is the start of that day
// in zone.
func (s *Subscription) Prepare(zone *time.Location) error {
	var err error
	if s.from, err = instant(s.From, zone); err != nil {
		return err
	}
	s.to, err = instant(s.To, zone)
	return err
}

// dateOnly is a date without a time.
const dateOnly = "2006-01-02"

func instant(text string, zone *time.Location) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UnixMicro(), nil
	}
	at, err := time.ParseInLocation(dateOnly, text, zone)
	if err != nil {
		return 0, fault.New(fault.InvalidDocument, "give a date such as 2026-12-31 or an instant such as 2026-12-31T12:00:00Z")
	}
	return at.UnixMicro(), nil
}

// Wants reports whether the event is asked for, whatever it says: a Filter is asked after it. It looks at the event's
// recorded time, never at the clock, so the answer is the same on every node and every day (DESIGN promise 9).
func (s *Subscription) Wants(e *event.Event) bool {
	return s.State.Kept() &&
		(s.from == 0 || e.Recorded >= s.from) && (s.to == 0 || e.Recorded < s.to) &&
		(len(s.Types) == 0 || slices.Contains(s.Types, e.Type)) &&
		(len(s.Organisations) == 0 || slices.Contains(s.Organisations, e.Organisation))
}

// Over reports whether the subscription has ended. Call Prepare first.
func (s *Subscription) Over(now time.Time) bool { return s.to != 0 && now.UnixMicro() >= s.to }

// Specificity ranks the four shapes of S6: type and organisation, organisation, type, all. In a profile with one
// consumer per system the highest that wants an event gets it.
func (s *Subscription) Specificity() int {
	rank := 0
	if len(s.Organisations) > 0 {
		rank += 2
	}
	if len(s.Types) > 0 {
		rank++
	}
	return rank
}

// Overlaps reports whether two equally specific subscriptions could want the same event.
func (s *Subscription) Overlaps(o *Subscription) bool {
	return s.Specificity() == o.Specificity() &&
		(len(s.Types) == 0 || intersect(s.Types, o.Types)) &&
		(len(s.Organisations) == 0 || intersect(s.Organisations, o.Organisations)) &&
		(s.to == 0 || o.from < s.to) && (o.to == 0 || s.from < o.to)
}

func intersect[T comparable](a, b []T) bool {
	return slices.ContainsFunc(a, func(x T) bool { return slices.Contains(b, x) })
}

// Label is a name made from what is asked for, for a subscription that was given none.
func (s *Subscription) Label() string {
	types, organisations := "all", "all"
	if len(s.Types) > 0 {
		types = strings.Join(s.Types, "+")
	}
	if len(s.Organisations) > 0 {
		var names []string
		for _, o := range s.Organisations {
			names = append(names, o.String())
		}
		organisations = strings.Join(names, "+")
	}
	return types + "|" + organisations
}

// CheckSet lists every rule that a system's whole set of subscriptions breaks, against the agreement and the types
// that exist (all or nothing: SyncWebhookAbonnementer, requirements 5b). The set is the member items of its document.
func CheckSet(system *System, set []*Subscription, zone *time.Location, typeExists func(string) bool) []fault.Violation {
	var v violations
	names := map[string]int{}
	shapes := &filter.Shapes{}
	for i, s := range set {
		at := "/items/" + itoa(i)
		if err := s.Prepare(zone); err != nil {
			v.add(at+"/from", "date", fault.Of(err).Detail)
		}
		if s.to != 0 && s.from >= s.to {
			v.add(at+"/to", "order", "must be after from")
		}
		if first, taken := names[s.Name]; taken {
			v.add(at+"/name", "unique", "entry "+itoa(first)+" has the same name")
		}
		names[s.Name] = i
		v.checkSubscription(at, system, s, typeExists)
		v.checkFilter(at, system, s, shapes)
		if system.Agreement.Policy().Scope == profile.PerSystem && !s.Pulled() {
			v.checkOverlap(at, s, set[:i])
		}
	}
	return v
}

func (v *violations) checkSubscription(at string, system *System, s *Subscription, typeExists func(string) bool) {
	for i, t := range s.Types {
		if !typeExists(t) {
			v.add(at+"/types/"+itoa(i), "exists", "no such event type")
		}
	}
	for i, o := range s.Organisations {
		p := at + "/organisations/" + itoa(i)
		v.checkOrganisation(p, o)
		if !system.Agreement.GrantsOrganisation(o) {
			v.add(p, string(fault.NotGranted), "the agreement does not grant this organisation")
		}
	}
	v.checkChannel(at, system, s)
	if s.Mode != "" && s.Mode != "structured" && s.Mode != "binary" {
		v.add(at+"/mode", "enum", "use structured or binary")
	}
	v.checkFormat(at, system, s)
	if len(s.Name) > 128 {
		v.add(at+"/name", "length", "at most 128 characters")
	}
}

// The formats of a Hændelsesbesked.
const (
	FormatJSON = "json"
	FormatXML  = "xml"
)

func (v *violations) checkFormat(at string, system *System, s *Subscription) {
	datafordeler := system.Agreement.Profile == profile.Datafordeler
	switch {
	case s.Format != "" && !datafordeler:
		v.add(at+"/format", "profile", "is for the profile datafordeler; leave it out")
	case s.Format != "" && s.Format != FormatJSON && s.Format != FormatXML:
		v.add(at+"/format", "enum", "use json or xml")
	case s.Format == FormatXML && (s.Channel == Queue || s.Channel == Cursor):
		v.add(at+"/format", "channel", "what is fetched from here is JSON; leave it out")
	}
	if s.Mode != "" && datafordeler {
		v.add(at+"/mode", "profile", "is for CloudEvents; leave it out")
	}
}

func (v *violations) checkFilter(at string, system *System, s *Subscription, shapes *filter.Shapes) {
	switch {
	case s.Filter == nil:
	case system.Agreement.Profile != profile.Datafordeler:
		v.add(at+"/filter", "profile", "is for the profile datafordeler; leave it out")
	default:
		*v = append(*v, s.Filter.Check(at+"/filter", shapes)...)
	}
}

func (v *violations) checkChannel(at string, system *System, s *Subscription) {
	switch s.Channel {
	case "", Webhook:
		endpoint, err := Endpoint(system.Agreement.BaseURL, s.Path)
		if err == nil && IsBroker(endpoint) {
			_, err = BrokerAt(endpoint)
		}
		if err != nil {
			v.add(at+"/path", "path", fault.Of(err).Detail)
		}
		if s.AlertAfter != 0 {
			v.add(at+"/alertAfter", "channel", "is for queue and cursor; leave it out")
		}
		v.checkSink(at, s.Sink)
	case Queue, Cursor:
		if s.Path != "" {
			v.add(at+"/path", "channel", "nothing is sent anywhere; leave it out")
		}
		if s.Sink != nil {
			v.add(at+"/sink", "channel", "nothing is sent anywhere; leave it out")
		}
		if s.Mode == "binary" {
			v.add(at+"/mode", "channel", "what is fetched is structured; leave it out")
		}
		if s.AlertAfter < 0 || s.AlertAfter > 7*24*60 {
			v.add(at+"/alertAfter", "range", "use 1 to 10080 minutes, or leave it out for 10")
		}
	case Window:
		v.checkWindow(at, system, s)
	default:
		v.add(at+"/channel", "enum", "use webhook, queue, cursor or window")
	}
}

// checkWindow: nobody waits for what is asked for by window, so nobody is told that it was not fetched.
func (v *violations) checkWindow(at string, system *System, s *Subscription) {
	if system.Agreement.Policy().Months == 0 {
		v.add(at+"/channel", "profile", "the profile "+string(system.Agreement.Profile)+" has no windows; use queue or cursor")
	}
	for _, m := range []struct {
		name  string
		there bool
	}{{"path", s.Path != ""}, {"sink", s.Sink != nil}, {"format", s.Format != ""}, {"mode", s.Mode != ""}, {"alertAfter", s.AlertAfter != 0}} {
		if m.there {
			v.add(at+"/"+m.name, "channel", "means nothing where the system asks for windows; leave it out")
		}
	}
}

// checkOverlap looks among what is pushed: what is fetched is a consumer of its own and may repeat others.
func (v *violations) checkOverlap(at string, s *Subscription, earlier []*Subscription) {
	for i, other := range earlier {
		if !other.Pulled() && s.Overlaps(other) {
			v.add(at, string(fault.Overlap), "entry "+itoa(i)+" is equally specific for the same events; make one of them narrower")
		}
	}
}

// IsSlug reports whether a name is 1 to 64 of a-z, 0-9 and '-', beginning with a letter.
func IsSlug(name string) bool {
	if name == "" || len(name) > 64 || name[0] < 'a' || name[0] > 'z' {
		return false
	}
	return strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

type violations []fault.Violation

func (v *violations) add(pointer, rule, message string) {
	*v = append(*v, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
}

func itoa(i int) string { return strconv.Itoa(i) }
