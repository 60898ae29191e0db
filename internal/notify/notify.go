// Package notify tells people: what the engine finds wrong becomes an event in the log like any other, and mail to the
// contact it concerns is that event's delivery.
package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// The hub as a source of events, and the system that stands for its contacts.
const (
	SourceName = "varsel"
	SourceURI  = "urn:varsel:hub"
	System     = "varsel-contacts"
	BaseURL    = "mail://contacts"
)

// The hub's own event types.
const (
	LaneParked        = "varsel.lane.parked"
	LaneExpired       = "varsel.lane.expired"
	MessageInvalid    = "varsel.message.invalid"
	EndpointDown      = "varsel.endpoint.down"
	EndpointRejecting = "varsel.endpoint.rejecting"
	SubscriptionGone  = "varsel.subscription.deactivated"
	NotFetched        = "varsel.subscription.not-fetched"

	SubscriptionFailing = "varsel.subscription.failing"
	SubscriptionOverdue = "varsel.subscription.overdue"
	ExtractReady        = "varsel.extract.ready"
	ExtractFailed       = "varsel.extract.failed"
)

// kinds says of each of them what happened, what it means and what to do next, for a tired person.
var kinds = []struct{ name, title, meaning, next string }{
	{LaneParked, "A delivery is parked", "It will not be sent again by itself, and what comes after it for the same key waits behind it.",
		"See what your receiver answered, mend it, then release the lane; or discard the delivery if it may go."},
	{LaneExpired, "A delivery has expired", "Its retention ended before it could be delivered. What waited behind it goes on.",
		"Fetch the current data of what it was about."},
	{MessageInvalid, "A message breaks its own contract", "It was not sent. What comes after it for the same key waits.",
		"Mend the mapping or the schema of its type, then release the lane."},
	{EndpointDown, "An endpoint does not answer", "Several deliveries in a row failed. One delivery goes on trying; everything else is kept, in order.",
		"Check the receiver. When it answers, what waits is sent at once."},
	{EndpointRejecting, "An endpoint rejects everything", "Five deliveries of different keys in a row were rejected. Nothing more is sent to it.",
		"Mend the receiver, then send a test message: when it passes, all of this is sent again."},
	{SubscriptionGone, "A subscription is deactivated", "Its receiver answered 410 Gone. Events for it are kept, not sent.",
		"If that was wrong, activate the subscription again; otherwise remove it."},
	{NotFetched, "A queue is not emptied", "Events have waited longer than agreed for your system to fetch them. They are kept, in order.",
		"Check that the program that fetches them runs, and what it was last answered."},
	{SubscriptionFailing, "A subscription cannot be delivered to", "It is tried again every hour, in order and with the same ids. If nothing is taken before the day named below, the subscription is deactivated and its messages are deleted.",
		"See what your service answered, and mend it; `varsel check` walks the way there. What waits is then delivered by itself."},
	{SubscriptionOverdue, "A subscription is deactivated and its messages are deleted", "Nothing could be delivered to it for as long as it is tried.",
		"Mend your service, send a test message, activate the subscription again, and ask the operator to replay what was deleted, or fetch the current data."},
	{ExtractReady, "An extract is ready", "A new file of an extract has been made for your system.",
		"Fetch it with an account of your system, by HTTPS from the address below or by SFTP, and hold it to its checksum."},
	{ExtractFailed, "An extract cannot be made", "It failed twice in a row, and is tried again at least every hour. Its system waits for a file.",
		"See the hub's log for why, and mend it; free disk space where that is missing. `varsel extract run` tries at once."},
}

// operators are of what the operator has to mend, whoever it concerns.
var operators = []string{MessageInvalid, ExtractFailed}

// Register is the configuration that makes the hub a source. With mail it also makes the contacts a receiver;
// operator tells whether there is an operator's address, for what concerns nobody else.
func Register(mail, operator bool) []revision.Revision {
	var types []string
	revisions := []revision.Revision{}
	for _, k := range kinds {
		if operator || !slices.Contains(operators, k.name) {
			types = append(types, k.name)
		}
		revisions = append(revisions,
			revision.Of(SourceName, revision.Type, k.name, event.Type{Name: k.name, Title: k.title, Description: k.meaning, Order: event.OrderKey, Retention: "P180D"}),
			revision.Of(SourceName, revision.Version, k.name+"/v1", event.Version{
				Type: k.name, Version: "v1", State: event.StateActive, Sample: json.RawMessage(`{"system":"example"}`),
				Mapping: event.Mapping{Fields: map[string]string{"key": "/system"}},
			}))
	}
	revisions = append(revisions, revision.Of(SourceName, revision.Source, SourceName, event.Source{Name: SourceName, URI: SourceURI, Title: "This hub", Types: []string{"*"}}))
	if mail {
		revisions = append(revisions,
			revision.Of(SourceName, revision.System, System, subscription.System{Name: System, Title: "Contacts, by mail", Agreement: subscription.Agreement{
				Profile: profile.Standard, BaseURL: BaseURL, Sources: []string{SourceName},
			}}),
			revision.Of(SourceName, revision.Subscription, mailID, subscription.Subscription{
				ID: mailID, System: System, Name: "mail", Types: types, State: subscription.Active,
			}))
	}
	return revisions
}

// Registered reports whether a hub knows all of its own types: an older one lacks those that came since.
func Registered(book *revision.Book) bool {
	for _, k := range kinds {
		if t, _ := book.Type(k.name); t == nil {
			return false
		}
	}
	return true
}

// mailID is the id of the contacts' subscription, the same in every hub.
const mailID = "01900000-0000-7000-8000-76617273656c"

// MailConsumer is the consumer that Register makes with mail.
const MailConsumer = "subscription/" + mailID

// Publish brings one of the hub's events into the log.
type Publish func(ctx context.Context, d event.Draft) error

// Tell publishes one of the hub's events. id tells apart what happened once from what happened again: telling the same
// twice is one event. What concerns the mail to contacts itself is not told by mail.
func Tell(ctx context.Context, publish Publish, kind, id, system string, data any) error {
	if system == System {
		return nil
	}
	d, err := Draft(kind, id, data)
	if err != nil {
		return err
	}
	return publish(ctx, d)
}

// Draft is one of the hub's events, as it is published.
func Draft(kind, id string, data any) (event.Draft, error) {
	text, err := json.Marshal(data)
	if err != nil {
		return event.Draft{}, fault.Wrap(fault.Internal, err, "cannot write a notice")
	}
	return event.Draft{
		ID: id, Source: SourceURI, SpecVersion: event.SpecVersion, Type: kind, MediaType: "application/json", Data: text,
	}, nil
}

// notice is what a hub event's data says.
type notice struct {
	System       string `json:"system"`
	Subscription string `json:"subscription"`
	URL          string `json:"endpoint"`
	Lane         string `json:"lane"`
	Position     int64  `json:"position"`
	Status       int    `json:"status"`
	Reason       string `json:"reason"`
	Attempts     int    `json:"attempts"`
	Ends         string `json:"ends"`

	// Of an extract.
	Extract string `json:"extract"`
	File    string `json:"file"`
	Link    string `json:"url"`
	Rows    int64  `json:"rows"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256"`
	Since   string `json:"failingSince"`
}

// Mail renders a hub event as a mail to the technical contact of the system it concerns (S40); what is the operator's
// to mend goes to the operator.
func Mail(e *event.Event, book *revision.Book, operator string) *event.Rendering {
	var n notice
	if err := json.Unmarshal(e.Data, &n); err != nil {
		return &event.Rendering{Err: fault.Wrap(fault.InvalidMessage, err, "the notice cannot be read")}
	}
	to := operator
	if system, _ := book.System(n.System); system != nil && !slices.Contains(operators, e.Type) {
		to = system.Agreement.Contacts.Technical.Email
	}
	if extract, _ := book.Extract(n.Extract); e.Type == ExtractReady && extract != nil && extract.Email != "" {
		to = extract.Email
	}
	if to == "" {
		return &event.Rendering{Err: fault.New(fault.InvalidMessage, "nobody is named to tell about %s", n.System)}
	}
	subject, body := n.text(e)
	return &event.Rendering{
		ContentType: "text/plain; charset=utf-8", Body: []byte(body),
		Headers: []event.Header{{Name: "To", Value: to}, {Name: "Subject", Value: subject}},
	}
}

func (n *notice) text(e *event.Event) (subject, body string) {
	for _, k := range kinds {
		if k.name != e.Type {
			continue
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s.\n\n%s\n\nWhat to do next: %s\n\n", k.title, k.meaning, k.next)
		line := func(name, value string) {
			if value != "" && value != "0" {
				fmt.Fprintf(&b, "  %-13s %s\n", name, value)
			}
		}
		line("System", n.System)
		line("Endpoint", n.URL)
		line("Subscription", n.Subscription)
		line("Lane", n.Lane)
		line("Event", fmt.Sprint(n.Position))
		line("Answer", fmt.Sprint(n.Status))
		line("Reason", n.Reason)
		line("Attempts", fmt.Sprint(n.Attempts))
		line("Ends", n.Ends)
		line("Extract", n.Extract)
		line("File", n.File)
		line("Address", n.Link)
		line("Rows", fmt.Sprint(n.Rows))
		line("Bytes", fmt.Sprint(n.Size))
		line("SHA-256", n.SHA256)
		line("Since", n.Since)
		line("Noticed", time.UnixMicro(e.Recorded).UTC().Format(time.RFC3339))
		return "[Varsel] " + k.title + ": " + n.System, b.String()
	}
	return "[Varsel] " + e.Type, "The hub noticed " + e.Type + " about " + n.System + ".\n"
}
