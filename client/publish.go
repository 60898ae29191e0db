package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/ident"
)

// MaxBatch is how many events one request may carry. Together they may have 32 MiB, each 1 MiB of data.
const MaxBatch = 1000

// Event is a fact to publish (CloudEvents 1.0).
type Event struct {
	// ID and Source name the event for ever: the same again is a duplicate, not a second event. Keep personal values
	// out of both.
	ID     string
	Source string // a URI that the hub has registered
	Type   string
	// Subject is what it is about, "" for none; types with personal data have none.
	Subject string
	// Time is when it happened; zero: when the hub accepts it.
	Time time.Time
	// Schema ends in the version of the type; "": the active one.
	Schema string
	// MediaType of Data; "": application/json.
	MediaType string
	// Data goes byte for byte: valid JSON, or whatever another media type is. nil: none.
	Data []byte
	// Extensions are further context attributes, such as partitionkey and correlationid; their names are lower-case
	// letters and digits.
	Extensions map[string]string
}

// NewID returns an id that no other event has, a UUIDv7.
func NewID() string { return ident.New().String() }

// NewEvent makes an event with an id of its own and data as JSON. Keep it until it is published: made anew it would be
// another event.
//
// Error: data cannot be written as JSON.
func NewEvent(source, eventType string, data any) (Event, error) {
	text, err := json.Marshal(data)
	if err != nil {
		return Event{}, fmt.Errorf("client: %w", err)
	}
	return Event{ID: NewID(), Source: source, Type: eventType, Data: text}, nil
}

// MarshalJSON writes the JSON event format.
//
// Errors: there is no ID, an extension has the name of another attribute, or Data is not the JSON it is said to be.
func (e Event) MarshalJSON() ([]byte, error) {
	if e.ID == "" {
		return nil, errors.New("client: an event needs an ID that stays the same when it is published again; NewID makes one")
	}
	members := asAny(e.Extensions)
	for name := range e.Extensions {
		if isAttribute(name) {
			return nil, fmt.Errorf("client: the extension %s has the name of an attribute", name)
		}
	}
	members["specversion"], members["id"], members["source"], members["type"] = "1.0", e.ID, e.Source, e.Type
	for name, value := range map[string]string{"subject": e.Subject, "dataschema": e.Schema, "datacontenttype": e.MediaType} {
		if value != "" {
			members[name] = value
		}
	}
	if !e.Time.IsZero() {
		members["time"] = e.Time.Format(time.RFC3339Nano)
	}
	inJSON := isJSON(e.MediaType)
	switch {
	case e.Data == nil:
	case !inJSON:
		members["data_base64"] = e.Data
	case !json.Valid(e.Data):
		return nil, errors.New("client: the data of an event is not valid JSON; say its MediaType")
	}
	text, err := json.Marshal(members)
	if err != nil || e.Data == nil || !inJSON {
		return text, err
	}
	// Beside encoding/json, which would write it anew: receivers get the bytes that were published.
	text = append(text[:len(text)-1], `,"data":`...)
	return append(append(text, e.Data...), '}'), nil
}

func asAny(texts map[string]string) map[string]any {
	values := make(map[string]any, len(texts))
	for name, text := range texts {
		values[name] = text
	}
	return values
}

func isAttribute(name string) bool {
	switch name {
	case "specversion", "id", "source", "type", "subject", "time", "dataschema", "datacontenttype", "data", "data_base64":
		return true
	}
	return false
}

func isJSON(mediaType string) bool {
	kind, _, err := mime.ParseMediaType(mediaType)
	return mediaType == "" || err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json"))
}

// Status is what became of one event.
type Status string

// The statuses.
const (
	Accepted  Status = "accepted"  // durable, at Position
	Duplicate Status = "duplicate" // it was accepted before, at Position
	Refused   Status = "refused"   // not in the log; Problem says why
)

// Result is what became of one event of a request.
type Result struct {
	ID       string   `json:"id"`
	Position int64    `json:"position"` // 0 when refused
	Status   Status   `json:"status"`
	Problem  *Problem `json:"problem"` // of a refused one
}

// Publish brings events into the log, in their order, all of them or none, and returns when that is durable: one
// result for each, accepted or duplicate. At most MaxBatch.
//
// Errors: a *Problem, among others CodeInvalidEvent with every violation of every event and CodeEventConflict; then
// nothing of the request is in. After ErrNoAnswer all of it or nothing is: publish it again.
func (c *Client) Publish(ctx context.Context, events ...Event) ([]Result, error) {
	return c.publish(ctx, events, false)
}

// PublishPartial is Publish where each event succeeds or fails by itself, except that after a refused one the later
// ones of its key are refused too, so that nothing of a key overtakes what is still to be mended. Look at every
// Result: refused events are no error here.
func (c *Client) PublishPartial(ctx context.Context, events ...Event) ([]Result, error) {
	return c.publish(ctx, events, true)
}

func (c *Client) publish(ctx context.Context, events []Event, partial bool) ([]Result, error) {
	if len(events) == 0 {
		return nil, nil
	}
	var batch []byte
	for i := range events {
		event, err := events[i].MarshalJSON()
		if err != nil {
			return nil, err
		}
		batch = append(append(batch, ','), event...)
	}
	batch[0] = '['
	batch = append(batch, ']')
	results, err := c.PublishBatch(ctx, batch, partial)
	if err == nil && len(results) != len(events) {
		return nil, fmt.Errorf("client: %w: %d results for %d events", ErrNotAHub, len(results), len(events))
	}
	return results, err
}

// PublishBatch publishes events that are CloudEvents already: a JSON array of them, sent as it is. With partial it is
// PublishPartial, else Publish.
func (c *Client) PublishBatch(ctx context.Context, batch []byte, partial bool) ([]Result, error) {
	r := request{method: http.MethodPost, path: []string{"events"}, mediaType: "application/cloudevents-batch+json", body: batch, repeatable: true}
	if partial {
		r.query = url.Values{"partial": {"true"}}
	}
	var answer struct {
		Results []Result `json:"results"`
	}
	if _, err := c.call(ctx, r, &answer); err != nil {
		return nil, err
	}
	return answer.Results, nil
}
