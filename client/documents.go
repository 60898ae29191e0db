package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

// ETag names the state that a document had when it was read. Putting the document needs the one it was read with; the
// empty one only makes documents that are not there yet. Putting what is so already succeeds with any.
//
// Errors of a put with another: CodePrecondition, or CodeNeedsIfMatch where it is empty and there is one already.
type ETag string

// AnyState changes a document whatever its state is, and overwrites what others have changed. There must be one.
const AnyState ETag = "*"

// fetch reads one document.
func fetch[T any](ctx context.Context, c *Client, query url.Values, path ...string) (document T, tag ETag, err error) {
	tag, err = c.call(ctx, request{method: http.MethodGet, path: path, query: query, repeatable: true}, &document)
	return document, tag, err
}

// put makes or changes a document and reads it as it stands now.
func put[T any](ctx context.Context, c *Client, document T, match ETag, path ...string) (now T, tag ETag, err error) {
	tag, err = send(ctx, c, request{method: http.MethodPut, path: path, match: match, repeatable: true}, document, &now)
	return now, tag, err
}

// send makes a request with a document.
func send(ctx context.Context, c *Client, r request, document, into any) (ETag, error) {
	body, err := json.Marshal(document)
	if err != nil {
		return "", fmt.Errorf("client: %w", err)
	}
	r.mediaType, r.body = "application/json", body
	return c.call(ctx, r, into)
}

// Source is who may publish: a register, a business domain, a status site.
type Source struct {
	Name    string   `json:"name"` // slug
	URI     string   `json:"uri"`  // the CloudEvents source of its events; stays
	Title   string   `json:"title"`
	Types   []string `json:"types"` // the event types it may publish; "*": all
	Contact *Contact `json:"contact,omitempty"`
	Stream  *Stream  `json:"stream,omitempty"` // that its events are read from
}

// Contact is how a person or a desk is reached.
type Contact struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
}

// Sources lists who may publish.
func (c *Client) Sources(ctx context.Context) ([]Source, error) {
	return list[Source](ctx, c, nil, "sources")
}

// Source reads one. Error: CodeNotFound.
func (c *Client) Source(ctx context.Context, name string) (Source, ETag, error) {
	return fetch[Source](ctx, c, nil, "sources", name)
}

// PutSource registers a source or changes it, and returns it as it stands now.
func (c *Client) PutSource(ctx context.Context, s Source, match ETag) (Source, ETag, error) {
	return put(ctx, c, s, match, "sources", s.Name)
}

// EventType is what kind of event. What its data looks like is said by its versions.
type EventType struct {
	Name        string     `json:"name"` // the CloudEvents type
	Title       string     `json:"title"`
	Description string     `json:"description,omitempty"`
	Order       string     `json:"order"`               // "key": events that share a key stay in order; "none"
	Personal    bool       `json:"personal"`            // its data holds personal values; every version's mapping names them
	Retention   string     `json:"retention,omitempty"` // ISO 8601 duration, such as P6M
	Catalogue   *Catalogue `json:"catalogue,omitempty"`
}

// Catalogue is what subscribers are told of a type, in free text.
type Catalogue struct {
	EntityName         string            `json:"entityName,omitempty"`
	EntityID           string            `json:"entityId,omitempty"`
	ExternalIdentifier string            `json:"externalIdentifier,omitempty"`
	VersionIdentifier  string            `json:"versionIdentifier,omitempty"`
	IdentificationType string            `json:"identificationType,omitempty"`
	ChangeTypes        []string          `json:"changeTypes,omitempty"`
	Body               string            `json:"body,omitempty"`
	Replaces           string            `json:"replaces,omitempty"`
	SendingRules       string            `json:"sendingRules,omitempty"`
	SendingStrategies  map[string]string `json:"sendingStrategies,omitempty"` // receiver type to strategy
	FetchFrom          string            `json:"fetchFrom,omitempty"`
}

// EventTypes lists the catalogue of types.
func (c *Client) EventTypes(ctx context.Context) ([]EventType, error) {
	return list[EventType](ctx, c, nil, "event-types")
}

// EventType reads one. Error: CodeNotFound.
func (c *Client) EventType(ctx context.Context, name string) (EventType, ETag, error) {
	return fetch[EventType](ctx, c, nil, "event-types", name)
}

// PutEventType makes a type or changes it; order and personal stay once it has a version.
func (c *Client) PutEventType(ctx context.Context, t EventType, match ETag) (EventType, ETag, error) {
	return put(ctx, c, t, match, "event-types", t.Name)
}

// Version is one agreed form of a type's data. Once it has been active, only its state and end may change.
type Version struct {
	Type      string          `json:"type"`
	Version   string          `json:"version"`             // the end of dataschema, such as "v2"
	State     string          `json:"state"`               // draft, active, deprecated, retired: one step at a time
	Schema    json.RawMessage `json:"schema,omitempty"`    // JSON Schema 2020-12 of the data; nil: any data
	Sample    json.RawMessage `json:"sample,omitempty"`    // fictive data, for test messages; every version in use has one
	Mapping   Mapping         `json:"mapping,omitzero"`    // where in the data key, organisation and so on stand
	StartDate string          `json:"startDate,omitempty"` // first day, such as "2026-01-31"; "": at once
	EndDate   string          `json:"endDate,omitempty"`   // last day; "": no end
}

// Mapping says where in the data things stand: names of fields, such as "key", to JSON Pointers or expressions.
type Mapping struct {
	Fields   map[string]string
	Personal []string // JSON Pointers to every personal value
}

// personalMember is the one member of a mapping's JSON that is no field.
const personalMember = "personal"

// IsZero reports whether nothing is mapped.
func (m Mapping) IsZero() bool { return len(m.Fields) == 0 && len(m.Personal) == 0 }

// MarshalJSON writes the fields and "personal" side by side.
func (m Mapping) MarshalJSON() ([]byte, error) {
	members := asAny(m.Fields)
	if len(m.Personal) > 0 {
		members[personalMember] = m.Personal
	}
	return json.Marshal(members)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Mapping) UnmarshalJSON(text []byte) error {
	*m = Mapping{}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	if personal, there := members[personalMember]; there {
		if err := json.Unmarshal(personal, &m.Personal); err != nil {
			return err
		}
		delete(members, personalMember)
	}
	for name, value := range members {
		var expression string
		if err := json.Unmarshal(value, &expression); err != nil {
			return err
		}
		if m.Fields == nil {
			m.Fields = map[string]string{}
		}
		m.Fields[name] = expression
	}
	return nil
}

// Versions lists those of a type. Error: CodeNotFound.
func (c *Client) Versions(ctx context.Context, eventType string) ([]Version, error) {
	return list[Version](ctx, c, nil, "event-types", eventType, "versions")
}

// Version reads one. Error: CodeNotFound.
func (c *Client) Version(ctx context.Context, eventType, version string) (Version, ETag, error) {
	return fetch[Version](ctx, c, nil, "event-types", eventType, "versions", version)
}

// PutVersion makes a version or changes it; making one active deprecates the one before. Error among others:
// CodeVersionFixed.
func (c *Client) PutVersion(ctx context.Context, v Version, match ETag) (Version, ETag, error) {
	return put(ctx, c, v, match, "event-types", v.Type, "versions", v.Version)
}

// OpenAPI reads the API's description, OpenAPI 3.1 in JSON; the ETag tells whether it has changed. It is open to all.
func (c *Client) OpenAPI(ctx context.Context) (json.RawMessage, ETag, error) {
	return fetch[json.RawMessage](ctx, c, nil, "openapi.json")
}

// Profile is a policy that an agreement can choose: envelope, order, schedule, and what an answer means.
type Profile struct {
	Name              string  `json:"name"`
	Title             string  `json:"title"`
	Envelope          string  `json:"envelope"`
	Consumer          string  `json:"consumer"`                    // whose messages stay in order with each other: subscription or system
	OneLane           bool    `json:"oneLane,omitempty"`           // all of a subscription's messages are in order with each other
	Batch             int     `json:"batch,omitempty"`             // so many messages may go in one request
	RetryEverySeconds float64 `json:"retryEverySeconds,omitempty"` // after each failure; 0: by the number of them, up to the cap
	RetryCapSeconds   float64 `json:"retryCapSeconds"`
	Jitter            float64 `json:"jitter"`
	HoldSeconds       float64 `json:"holdSeconds,omitempty"` // a message that has failed this long is parked; 0: never
	EndMonths         int     `json:"endMonths,omitempty"`   // so long after the oldest undelivered event the subscription is deactivated; 0: never
	ParksRejections   bool    `json:"parksRejections"`
	GoneDeactivates   bool    `json:"goneDeactivates"`
	Signs             bool    `json:"signs"`
	RequiresTest      bool    `json:"requiresTest"`
	TimeoutSeconds    float64 `json:"timeoutSeconds"`
}

// Profiles lists the policies.
func (c *Client) Profiles(ctx context.Context) ([]Profile, error) {
	return list[Profile](ctx, c, nil, "profiles")
}
