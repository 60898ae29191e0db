package subscription

import (
	"net/url"
	"strings"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// BrokerEndpoint is where a broker is sent to: kafka+tls://HOST:PORT/topic, nats+tls://HOST:PORT/subject, or the same
// without +tls. Slashes between the parts of base URL and path stand for dots, so that an agreement can grant what begins
// with some word alone, as it does with URLs (S45).
type BrokerEndpoint struct {
	Kind      string // event.NATS or event.Kafka
	Server    string // host:port
	PlainText bool
	Name      string // the subject or topic
}

// brokerSchemes are the schemes by kind.
var brokerSchemes = map[string]BrokerEndpoint{
	"nats": {Kind: event.NATS, PlainText: true}, "nats+tls": {Kind: event.NATS},
	"kafka": {Kind: event.Kafka, PlainText: true}, "kafka+tls": {Kind: event.Kafka},
}

// IsBroker reports whether a base URL or an endpoint is of a broker.
func IsBroker(endpoint string) bool {
	scheme, _, _ := strings.Cut(endpoint, "://")
	_, is := brokerSchemes[scheme]
	return is
}

// BrokerAt reads the endpoint of a broker.
// Error: fault.InvalidDocument.
func BrokerAt(endpoint string) (BrokerEndpoint, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return BrokerEndpoint{}, fault.New(fault.InvalidDocument, "this is no address of a broker")
	}
	at, is := brokerSchemes[u.Scheme]
	if !is || u.Port() == "" || u.RawQuery != "" {
		return BrokerEndpoint{}, fault.New(fault.InvalidDocument, "give a broker as kafka+tls://HOST:PORT or nats+tls://HOST:PORT")
	}
	at.Server = u.Host
	at.Name = strings.ReplaceAll(strings.Trim(u.Path, "/"), "/", ".")
	if at.Kind == event.Kafka && !event.IsTopic(at.Name) {
		return at, fault.New(fault.InvalidDocument, "base URL and path together must name a topic: /a/b is the topic a.b; at most 249 of a-z, A-Z, 0-9, . - and _")
	}
	if at.Kind == event.NATS && !event.IsSubject(at.Name, false) {
		return at, fault.New(fault.InvalidDocument, "base URL and path together must name a subject: /a/b is the subject a.b")
	}
	return at, nil
}

// Login is how the hub shows a broker who it is, besides by its certificate. What is secret stands in files.
type Login struct {
	User            string `json:"user,omitempty"`            // where the broker asks for a user,
	PasswordFile    string `json:"passwordFile,omitempty"`    // and the file of the password
	Mechanism       string `json:"mechanism,omitempty"`       // kafka: plain, scram-sha-256 or scram-sha-512 (the default)
	CredentialsFile string `json:"credentialsFile,omitempty"` // nats: a .creds file
}

// checkBroker holds what an agreement says of a broker to what its base URL is.
func (v *violations) checkBroker(a *Agreement) {
	if !IsBroker(a.BaseURL) {
		if a.Login != nil {
			v.add("/agreement/login", "channel", "is for brokers; leave it out")
		}
		return
	}
	u, err := url.Parse(a.BaseURL)
	if err != nil {
		return // told already
	}
	if u.Port() == "" {
		v.add("/agreement/baseUrl", "url", "give the broker's port")
	}
	at := brokerSchemes[u.Scheme]
	if at.PlainText && (a.Certificate != nil || a.CABundle != "") {
		v.add("/agreement/baseUrl", "tls", "certificates are for TLS: begin with "+u.Scheme+"+tls://")
	}
	if a.Login == nil {
		return
	}
	login := event.Broker{PlainText: at.PlainText, User: a.Login.User, PasswordFile: a.Login.PasswordFile, Mechanism: a.Login.Mechanism, CredentialsFile: a.Login.CredentialsFile}
	for _, found := range login.CheckLogin(at.Kind) {
		v.add("/agreement/login"+found.Pointer, found.Rule, found.Message)
	}
}
