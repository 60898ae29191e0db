package event

import (
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
)

// Stream is a stream at a broker that a source's events are read from. What a source publishes otherwise is taken too.
type Stream struct {
	Kind       string `json:"kind"`                 // nats or kafka
	Broker     Broker `json:"broker"`               // where it is
	Name       string `json:"name"`                 // the JetStream stream, or the topic
	Filter     string `json:"filter,omitempty"`     // nats: only subjects that match it
	Start      string `json:"start,omitempty"`      // where it is read from the first time: first (the default) or new
	Generation int    `json:"generation,omitempty"` // raised when the stream is made anew: it is then read from its start again
	Form       string `json:"form,omitempty"`       // cloudevents (the default) or json
	JSON       *Plain `json:"json,omitempty"`       // with form json
	// SubjectIsKey says that a subject names what must stay in order (nats). It is used where the data cannot be read.
	SubjectIsKey bool `json:"subjectIsKey,omitempty"`
	MostAside    int  `json:"mostAside,omitempty"` // messages set aside before reading stops; 0: 1,000
	Stopped      bool `json:"stopped,omitempty"`   // it is not read
}

// Plain says how an event is made of a message of plain JSON: the message is its data.
type Plain struct {
	Type       string `json:"type"`
	DataSchema string `json:"dataSchema,omitempty"` // a URI that ends in the type's version; empty: the active one
	ID         string `json:"id,omitempty"`         // JSON Pointer to what tells it from all others; empty: its place in the stream
	Time       string `json:"time,omitempty"`       // JSON Pointer to when it happened: RFC 3339, or milliseconds since 1970
}

// Broker is where a broker's servers are and how the hub shows who it is. What is secret stands in files.
type Broker struct {
	Servers         []string `json:"servers"`                   // host:port
	PlainText       bool     `json:"plainText,omitempty"`       // without TLS
	CABundle        string   `json:"caBundle,omitempty"`        // file of CAs that sign the servers; empty: the machine's
	CertFile        string   `json:"certFile,omitempty"`        // of the client certificate that the hub shows,
	KeyFile         string   `json:"keyFile,omitempty"`         // and of its key
	User            string   `json:"user,omitempty"`            // where the broker asks for a user,
	PasswordFile    string   `json:"passwordFile,omitempty"`    // and the file of the password
	Mechanism       string   `json:"mechanism,omitempty"`       // kafka: plain, scram-sha-256 or scram-sha-512 (the default)
	CredentialsFile string   `json:"credentialsFile,omitempty"` // nats: a .creds file
}

// The words of a stream's document.
const (
	NATS        = "nats"
	Kafka       = "kafka"
	StartFirst  = "first"
	StartNew    = "new"
	FormEvents  = "cloudevents"
	FormJSON    = "json"
	SASLPlain   = "plain"
	SCRAMSHA256 = "scram-sha-256"
	SCRAMSHA512 = "scram-sha-512"
)

// How many messages of a stream may be set aside.
const (
	usualAside = 1000
	mostAside  = 10_000
)

// ID tells the stream from others that the source was or will be read from: places of one mean nothing in another.
func (s *Stream) ID() string {
	id := s.Kind + ":" + s.Name
	if s.Generation != 0 {
		id += "/" + strconv.Itoa(s.Generation)
	}
	return id
}

// AsideLimit is how many messages may be set aside before reading stops.
func (s *Stream) AsideLimit() int {
	if s.MostAside == 0 {
		return usualAside
	}
	return s.MostAside
}

// BrokerURL writes a server as the egress rules look at it. kafka://HOST:PORT and nats://HOST:PORT are without TLS.
func BrokerURL(kind, server string, plainText bool) *url.URL {
	scheme := kind
	if !plainText {
		scheme += "+tls"
	}
	return &url.URL{Scheme: scheme, Host: server}
}

func (c *checks) stream(s *Stream) {
	c.word("/kind", s.Kind, NATS, Kafka)
	c.below("/broker", s.Broker.Check(s.Kind))
	switch {
	case !isStreamName(s.Name):
		c.refuse("/name", "stream-name", "want the name of a JetStream stream or a topic: 1 to 249 of a-z, A-Z, 0-9, . - and _")
	case s.Kind == NATS && strings.Contains(s.Name, "."):
		c.refuse("/name", "stream-name", "the name of a JetStream stream has no dots; a subject stands in filter")
	}
	if s.Kind == Kafka && (s.Filter != "" || s.SubjectIsKey) {
		c.refuse("/filter", "kind", "filter and subjectIsKey are for nats")
	}
	if s.Filter != "" && !IsSubject(s.Filter, true) {
		c.refuse("/filter", "subject", "want a subject, such as orders.> or orders.*.changed")
	}
	if s.Start != "" {
		c.word("/start", s.Start, StartFirst, StartNew)
	}
	if s.Generation < 0 {
		c.refuse("/generation", "range", "must not be below 0")
	}
	if s.MostAside < 0 || s.MostAside > mostAside {
		c.refuse("/mostAside", "range", "use 1 to 10000, or leave it out for 1000")
	}
	c.streamForm(s)
}

func (c *checks) streamForm(s *Stream) {
	if s.Form != "" {
		c.word("/form", s.Form, FormEvents, FormJSON)
	}
	if (s.Form == FormJSON) != (s.JSON != nil) {
		c.refuse("/json", "form", "belongs to the form json, and the form json wants it")
	}
	if s.JSON == nil {
		return
	}
	c.typeName("/json/type", s.JSON.Type)
	c.pointer("/json/id", s.JSON.ID)
	c.pointer("/json/time", s.JSON.Time)
	if s.JSON.DataSchema == "" {
		return
	}
	if v := checkURI(s.JSON.DataSchema, maxDataSchema); v != "" {
		c.refuse("/json/dataSchema", "uri", v)
	} else if !strings.Contains(s.JSON.DataSchema, ":") {
		c.refuse("/json/dataSchema", "uri", "want an absolute URI")
	}
}

func (c *checks) pointer(where, text string) {
	if _, err := ParsePointer(text); err != nil {
		c.refuse(where, "json-pointer", err.Error())
	}
}

func (c *checks) word(pointer, text string, words ...string) {
	for _, word := range words {
		if text == word {
			return
		}
	}
	c.refuse(pointer, "enum", "use "+strings.Join(words, " or "))
}

// maxServers bounds what a broker is reached at; the others it tells by itself.
const maxServers = 16

// Check reports what is wrong with how a broker of a kind is reached.
func (b *Broker) Check(kind string) []fault.Violation {
	var c checks
	if len(b.Servers) == 0 || len(b.Servers) > maxServers {
		c.refuse("/servers", "required", "name 1 to 16 servers as host:port")
	}
	for i, server := range b.Servers {
		if host, port, err := net.SplitHostPort(server); err != nil || host == "" || port == "" || checkURI(server, maxSource) != "" {
			c.refuse(at("/servers", i), "server", "want host:port")
		}
	}
	c.below("", b.CheckLogin(kind))
	if (b.CertFile == "") != (b.KeyFile == "") {
		c.refuse("/certFile", "required", "name both certFile and keyFile")
	}
	if b.PlainText && (b.CABundle != "" || b.CertFile != "") {
		c.refuse("/plainText", "tls", "certificates are for TLS; leave one of them out")
	}
	return c.found
}

// CheckLogin reports what is wrong with how the hub shows who it is by password or credentials.
func (b *Broker) CheckLogin(kind string) []fault.Violation {
	var c checks
	if (b.User == "") != (b.PasswordFile == "") {
		c.refuse("/user", "required", "name both user and passwordFile")
	}
	if b.Mechanism != "" {
		c.word("/mechanism", b.Mechanism, SASLPlain, SCRAMSHA256, SCRAMSHA512)
	}
	if kind == NATS && b.Mechanism != "" || kind == Kafka && b.CredentialsFile != "" {
		c.refuse("/mechanism", "kind", "mechanism is for kafka, credentialsFile for nats")
	}
	if b.User != "" && b.CredentialsFile != "" {
		c.refuse("/credentialsFile", "one", "give a user or credentials, not both")
	}
	if b.PlainText && (b.User != "" || b.CredentialsFile != "") {
		c.refuse("/plainText", "tls", "a password is not sent without encryption")
	}
	return c.found
}

const maxStreamName = 249

func isStreamName(name string) bool {
	return name != "" && len(name) <= maxStreamName && name != "." && name != ".." &&
		only(name, func(c byte) bool { return isLetter(c) || isDigit(c) || c == '.' || c == '-' || c == '_' })
}

// IsTopic reports whether a text can be the name of a topic.
func IsTopic(name string) bool { return isStreamName(name) }

// IsSubject reports whether a text can be a subject of NATS: tokens with dots between them. Where wild is allowed a token
// may be *, and the last one >.
func IsSubject(text string, wild bool) bool {
	if len(text) > maxStreamName || strings.HasPrefix(text, "$") {
		return false
	}
	tokens := strings.Split(text, ".")
	for i, token := range tokens {
		switch {
		case wild && (token == "*" || token == ">" && i == len(tokens)-1):
		case token == "" || !only(token, func(c byte) bool { return c > ' ' && c < 0x7f && c != '*' && c != '>' }):
			return false
		}
	}
	return true
}
