package receive

import (
	"net/http"
	"time"
)

// Message is one message of the hub, whatever envelope it came in. It is the receiver's to keep.
type Message struct {
	// ID is the same on every retry and every replay of a message: webhook-id, which in STAR's messages is
	// BeskedIdentifier too. An event of a batch has none of its own; its ID is the one that the hub makes of source and
	// EventID for types that map no other.
	ID string
	// Pass names the replay that the message is part of; empty for its first delivery. A receiver that asked for a
	// replay wants the same messages once more, so it de-duplicates on both, see [Key].
	Pass string
	// Test says that the data is invented: acknowledge it, do nothing. A Handler does so by itself.
	Test bool
	// Attempt counts the hub's tries from 1; 0 when it does not say.
	Attempt int

	// EventID and Source together name the event where it was published. In STAR's messages EventID is empty and Source
	// is SystemId.
	EventID string
	Source  string
	// Type is the event's type; in STAR's messages EntitetId, the same in all environments.
	Type string
	// Version is that of the type: the end of dataschema, or BeskedtypeVersion. Empty when the message names none.
	Version string
	// Subject is what the event is about; in STAR's messages EksternIdentifier. Empty for types with personal data.
	Subject string
	// Time is when it happened; zero when the message does not say.
	Time time.Time
	// Recorded is when the hub accepted it; zero when the message does not say, as STAR's do not.
	Recorded time.Time
	// Sequence sorts as text in the order of the hub's log, Position is the same as a number. Empty and 0 when the
	// message has none, as STAR's have not. Between two messages of a subscription numbers may be missing.
	Sequence string
	Position int64
	// Organisation is in STAR's messages the authority that caused it (RegistrerendeMyndighed); else zero.
	Organisation Organisation
	// Schema is dataschema, the form the data has; empty when the message does not say.
	Schema string

	// Data is byte for byte what was published; of STAR's messages, Body. Nil when there is none.
	Data []byte
	// MediaType says what Data is, such as application/json; empty when there is none.
	MediaType string

	// Extensions are CloudEvents' other context attributes as text, such as correlationid; nil for none.
	Extensions map[string]string
	// MetaData is the technical part of a STAR message; nil of others. It may hold a citizen's number: keep it out of
	// logs.
	MetaData *MetaData
	// Header is that of the request; every message of one request shares it.
	Header http.Header
}

// Organisation is a type of organisation and a code within it.
type Organisation struct {
	Type string
	Code string
}

// IsZero reports whether there is no organisation.
func (o Organisation) IsZero() bool { return o == Organisation{} }

// Key is what makes a message the same one: two with equal keys must have one effect.
type Key struct {
	ID   string
	Pass string // of a replay, which repeats on purpose; empty: none
}

// Key returns what to de-duplicate the message on.
func (m *Message) Key() Key { return Key{ID: m.ID, Pass: m.Pass} }
