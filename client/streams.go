package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Stream is a stream at a broker that a source's events are read from.
type Stream struct {
	Kind         string     `json:"kind"` // nats or kafka
	Broker       Broker     `json:"broker"`
	Name         string     `json:"name"`                   // the JetStream stream, or the topic
	Filter       string     `json:"filter,omitempty"`       // nats: only subjects that match it
	Start        string     `json:"start,omitempty"`        // where it is read from the first time: first (the default) or new
	Generation   int        `json:"generation,omitempty"`   // raised when the stream is made anew
	Form         string     `json:"form,omitempty"`         // cloudevents (the default) or json
	JSON         *PlainJSON `json:"json,omitempty"`         // with form json
	SubjectIsKey bool       `json:"subjectIsKey,omitempty"` // nats: a subject names what must stay in order
	MostAside    int        `json:"mostAside,omitempty"`    // messages set aside before reading stops; 0: 1,000
	Stopped      bool       `json:"stopped,omitempty"`      // it is not read
}

// PlainJSON says how an event is made of a message of plain JSON: the message is its data.
type PlainJSON struct {
	Type       string `json:"type"`
	DataSchema string `json:"dataSchema,omitempty"` // a URI that ends in the type's version; none: the active one
	ID         string `json:"id,omitempty"`         // JSON Pointer; none: its place in the stream
	Time       string `json:"time,omitempty"`       // JSON Pointer
}

// Broker is where a broker's servers are and how the hub shows who it is. Files are those on the hub.
type Broker struct {
	Servers         []string `json:"servers"` // host:port
	PlainText       bool     `json:"plainText,omitempty"`
	CABundle        string   `json:"caBundle,omitempty"`
	CertFile        string   `json:"certFile,omitempty"`
	KeyFile         string   `json:"keyFile,omitempty"`
	User            string   `json:"user,omitempty"`
	PasswordFile    string   `json:"passwordFile,omitempty"`
	Mechanism       string   `json:"mechanism,omitempty"`
	CredentialsFile string   `json:"credentialsFile,omitempty"`
}

// StreamStatus is how a source's stream stands.
type StreamStatus struct {
	Source     string            `json:"source"`
	Kind       string            `json:"kind"`
	Stream     string            `json:"stream"`
	State      string            `json:"state"` // stopped, waiting, connecting, reading, failing or full
	Since      time.Time         `json:"since,omitzero"`
	Code       string            `json:"code,omitempty"` // of what went wrong last
	Detail     string            `json:"detail,omitempty"`
	FailedAt   time.Time         `json:"failedAt,omitzero"`
	Aside      int               `json:"aside"` // messages set aside
	Lag        int64             `json:"lag"`   // messages still to be read, as far as the hub knows
	Partitions []PartitionStatus `json:"partitions"`
}

// PartitionStatus is how far a partition is read.
type PartitionStatus struct {
	Partition int   `json:"partition"`
	Next      int64 `json:"next"`          // the offset to read next
	End       int64 `json:"end,omitempty"` // that the next message will have; 0: it is not known
}

// Aside is a message of a stream that was set aside, without what it says.
type Aside struct {
	Number    int64     `json:"number"` // ascending in the order of the stream
	Partition int       `json:"partition"`
	Offset    int64     `json:"offset"`
	At        time.Time `json:"at"`
	Code      string    `json:"code"`
	Reason    string    `json:"reason"`
	Waits     bool      `json:"waits,omitempty"` // nothing is wrong with it but what it stands behind
	Keyed     bool      `json:"keyed"`           // it holds what comes behind it of its key
}

// RevealedAside is a message that was set aside, as it was read.
type RevealedAside struct {
	Aside
	Headers []ArrivalHeader `json:"headers"`
	Data    string          `json:"data,omitempty"`       // where it is text
	Base64  []byte          `json:"dataBase64,omitempty"` // and where it is not
}

// LetGo is what letting go of a message came to.
type LetGo struct {
	Position  int64  `json:"position,omitempty"`  // of its event in the log
	Duplicate bool   `json:"duplicate,omitempty"` // which was there before
	Code      string `json:"code,omitempty"`      // why it is still set aside
	Reason    string `json:"reason,omitempty"`
	Followed  int    `json:"followed"` // how many that waited behind it are in the log now
	Refused   int    `json:"refused"`  // how many of those are set aside for a reason of their own
}

// Streams lists how the streams of sources stand.
func (c *Client) Streams(ctx context.Context) ([]StreamStatus, error) {
	return list[StreamStatus](ctx, c, nil, "streams")
}

// Stream tells how a source's stream stands. Error: CodeNotFound.
func (c *Client) Stream(ctx context.Context, source string) (StreamStatus, error) {
	status, _, err := fetch[StreamStatus](ctx, c, nil, "sources", source, "stream")
	return status, err
}

// Asides lists what is set aside of a source after a number, in order, at most limit (0: 100, at most 1,000).
// Error: CodeNotFound.
func (c *Client) Asides(ctx context.Context, source string, after int64, limit int) ([]Aside, error) {
	query := url.Values{"after": {strconv.FormatInt(after, 10)}}
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
	var answer struct {
		Items []Aside `json:"items"`
	}
	_, err := c.call(ctx, request{method: http.MethodGet, path: []string{"sources", source, "aside"}, query: query, repeatable: true}, &answer)
	return answer.Items, err
}

// RevealAside shows a message that was set aside. Who looks and why is in the hub's audit log. Error: CodeNotFound.
func (c *Client) RevealAside(ctx context.Context, source string, number int64, reason string) (one RevealedAside, err error) {
	_, err = send(ctx, c, request{method: http.MethodPost, path: aside(source, number, "reveal")}, map[string]string{"reason": reason}, &one)
	return one, err
}

// ReleaseAside tries a message that was set aside once more, and then those that wait behind it.
// Errors: CodeNotFound; CodeConflict when it waits behind another.
func (c *Client) ReleaseAside(ctx context.Context, source string, number int64) (done LetGo, err error) {
	_, err = c.call(ctx, request{method: http.MethodPost, path: aside(source, number, "release")}, &done)
	return done, err
}

// DiscardAside gives up a message that was set aside; those that wait behind it are taken. Error: CodeNotFound.
func (c *Client) DiscardAside(ctx context.Context, source string, number int64) (done LetGo, err error) {
	_, err = c.call(ctx, request{method: http.MethodPost, path: aside(source, number, "discard")}, &done)
	return done, err
}

func aside(source string, number int64, do string) []string {
	return []string{"sources", source, "aside", strconv.FormatInt(number, 10), do}
}
