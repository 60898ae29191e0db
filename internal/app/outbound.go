package app

import (
	"crypto/x509"
	"net/url"
	"strings"
	"sync"

	"github.com/varselhub/varsel/internal/brokerlink"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/channel/broker"
	"github.com/varselhub/varsel/internal/channel/mail"
	"github.com/varselhub/varsel/internal/channel/odata"
	"github.com/varselhub/varsel/internal/channel/sink"
	"github.com/varselhub/varsel/internal/channel/webhook"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/envelope"
	"github.com/varselhub/varsel/internal/envelope/cloudevents"
	"github.com/varselhub/varsel/internal/envelope/haendelsesbesked"
	"github.com/varselhub/varsel/internal/envelope/star"
	"github.com/varselhub/varsel/internal/envelope/statuspage"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/exchange"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/notify"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/signature"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/receive"
)

// outbound is the list of envelopes and channels: adding one is a folder and a line here.
type outbound struct {
	config Config
	book   *revision.Book
	guard  *netguard.Guard
	keys   signing
	clock  clock.Clock
	star   *star.Envelope
	besked [3]*haendelsesbesked.Envelope // by form
	sinks  *sink.Sinks                   // nil: subscriptions may have none

	mu         sync.Mutex
	identities map[exchange.Files]*exchange.Identity // shared by a system's endpoints; they follow their files
}

func newOutbound(config Config, book *revision.Book, guard *netguard.Guard, keys signing, clk clock.Clock) (*outbound, error) {
	envelope, err := star.New(config.Environment, book.Version)
	o := &outbound{
		config: config, book: book, guard: guard, keys: keys, clock: clk, star: envelope,
		identities: map[exchange.Files]*exchange.Identity{},
	}
	for form := range o.besked {
		if err == nil {
			o.besked[form], err = haendelsesbesked.New(book.Version, haendelsesbesked.Form(form))
		}
	}
	if config.AllowSinks {
		o.sinks = sink.New(clk)
	}
	return o, err
}

// render makes the message of an event for a subscription.
func (o *outbound) render(e *event.Event, s *subscription.Subscription) *event.Rendering {
	if s.System == notify.System {
		return notify.Mail(e, o.book, o.config.Operator)
	}
	return envelope.Of(o.envelope(s), e, o.book.Last())
}

// appendMessage appends the same message, for a reader who takes many.
func (o *outbound) appendMessage(dst []byte, e *event.Event, s *subscription.Subscription) ([]byte, error) {
	if s.System == notify.System {
		r := o.render(e, s)
		return append(dst, r.Body...), r.Err
	}
	return envelope.Append(dst, o.envelope(s), e, o.book.Last())
}

func (o *outbound) envelope(s *subscription.Subscription) envelope.Envelope {
	system, _ := o.book.System(s.System)
	switch {
	case system != nil && system.Agreement.Profile == profile.Star:
		return o.star
	case system != nil && system.Agreement.Profile == profile.Statuspage:
		return statuspage.Envelope{}
	case system != nil && system.Agreement.Profile == profile.Datafordeler:
		return o.besked[beskedForm(&system.Agreement, s)]
	case s.Mode == "binary":
		return cloudevents.Binary{}
	}
	return cloudevents.Structured{}
}

// beskedForm is the form of a subscription's messages in the profile datafordeler.
func beskedForm(a *subscription.Agreement, s *subscription.Subscription) haendelsesbesked.Form {
	switch {
	case s.Format == subscription.FormatXML:
		return haendelsesbesked.XML
	case a.PushWrapper == subscription.NoWrapper && !s.Pulled():
		return haendelsesbesked.Bare
	}
	return haendelsesbesked.JSON
}

// connect makes the sender of an endpoint.
func (o *outbound) connect(system *subscription.System, endpoint string) (channel.Sender, error) {
	if system.Name == notify.System {
		config := *o.config.SMTP
		config.Dial = o.guard.DialContext
		return mail.New(config)
	}
	signer, err := o.signer(system)
	if err != nil {
		return nil, err
	}
	if id, ok := subscription.SinkAt(endpoint); ok {
		return o.sink(system, id, signer)
	}
	if subscription.IsBroker(endpoint) {
		return o.broker(system, endpoint, signer)
	}
	if system.Agreement.Profile == profile.Datafordeler {
		return odata.New(odata.Config{
			Root: endpoint, Profile: system.Agreement.Policy(), Identity: o.identity(&system.Agreement), Dial: o.guard.DialContext,
			UserAgent: userAgent, Clock: o.clock, BatchOfOne: system.Agreement.BatchOfOne,
		})
	}
	return webhook.New(webhook.Config{
		URL: endpoint, Profile: system.Agreement.Policy(), Signer: signer, Identity: o.identity(&system.Agreement),
		Dial: o.guard.DialContext, UserAgent: userAgent, Clock: o.clock,
	})
}

const userAgent = "Varsel"

// broker makes the sender to a subject or topic, where the egress rules allow it.
func (o *outbound) broker(system *subscription.System, endpoint string, signer *signature.Signer) (channel.Sender, error) {
	at, err := subscription.BrokerAt(endpoint)
	if err != nil {
		return nil, fault.Wrap(fault.SenderConfig, err, "%s", fault.Of(err).Detail)
	}
	if _, err := o.guard.CheckURL(endpoint); err != nil {
		return nil, err
	}
	a := &system.Agreement
	link := brokerlink.Link{Servers: []string{at.Server}, PlainText: at.PlainText, CABundle: a.CABundle, Client: userAgent, Dial: o.guard.DialContext}
	if a.Certificate != nil {
		link.CertFile, link.KeyFile = a.Certificate.CertFile, a.Certificate.KeyFile
	}
	if a.Login != nil {
		link.User, link.PasswordFile, link.Mechanism, link.CredentialsFile = a.Login.User, a.Login.PasswordFile, a.Login.Mechanism, a.Login.CredentialsFile
	}
	return broker.New(broker.Config{Kind: at.Kind, Name: at.Name, Link: link, Signer: signer, Timeout: a.Policy().Timeout})
}

// sink makes the sender into a subscription's sink, which is shown the request that its endpoint would get.
func (o *outbound) sink(system *subscription.System, id string, signer *signature.Signer) (channel.Sender, error) {
	if o.sinks == nil {
		return nil, fault.New(fault.SenderConfig, "the subscription has a sink, and this hub has none: see allow-sinks")
	}
	verifier, err := o.verifier(system)
	if err != nil {
		return nil, err
	}
	line := o.book.Line(id)
	now := func() subscription.Subscription { // what was removed while a message was on its way ends as dropped anyway
		if s := line.Now(); s != nil {
			return *s
		}
		return subscription.Subscription{}
	}
	return o.sinks.Sender(sink.Config{
		Subscription: id, Verifier: verifier, Profile: system.Agreement.Policy(), Foreign: system.Agreement.Profile == profile.Datafordeler,
		Settings: func() *subscription.Sink { return now().Sink },
		Request: func(m *channel.Message) ([]byte, error) {
			endpoint, err := subscription.Endpoint(system.Agreement.BaseURL, now().Path)
			if err != nil {
				return nil, err
			}
			if subscription.IsBroker(endpoint) { // it is shown as the request that would carry the same message
				_, rest, _ := strings.Cut(endpoint, "://")
				endpoint = "https://" + rest
			}
			if system.Agreement.Profile == profile.Datafordeler {
				return odata.Request(endpoint, userAgent, m)
			}
			return webhook.Request(endpoint, userAgent, signer, m)
		},
	}), nil
}

// verifier holds what the system's receivers verify with; nil where nothing is signed.
func (o *outbound) verifier(system *subscription.System) (*receive.Verifier, error) {
	if !system.Agreement.Policy().Sign || len(system.Signing) == 0 {
		return nil, nil
	}
	var keys []string
	for _, k := range system.Signing {
		key := k.Public
		if key == "" {
			var err error
			if key, err = o.keys.SigningKey(k.Ref); err != nil {
				return nil, err
			}
		}
		keys = append(keys, key)
	}
	return receive.NewVerifier(o.clock.Now, keys...)
}

// signer holds the system's signing keys, newest first; none makes no signature.
func (o *outbound) signer(system *subscription.System) (*signature.Signer, error) {
	if !system.Agreement.Policy().Sign {
		return nil, nil
	}
	var keys []string
	for _, k := range system.Signing {
		key, err := o.keys.SigningKey(k.Ref)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return signature.NewSigner(keys...)
}

// shown is the chain of certificates that an agreement's system is called with.
func (o *outbound) shown(a *subscription.Agreement) ([]*x509.Certificate, error) {
	identity := o.identity(a)
	if identity == nil {
		return nil, nil
	}
	return identity.Chain()
}

func (o *outbound) identity(a *subscription.Agreement) *exchange.Identity {
	files := exchange.Files{CA: a.CABundle}
	if a.Certificate != nil {
		files.Certificate, files.Key = a.Certificate.CertFile, a.Certificate.KeyFile
	}
	if files == (exchange.Files{}) {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	identity := o.identities[files]
	if identity == nil {
		identity = exchange.NewIdentity(files, o.clock)
		o.identities[files] = identity
	}
	return identity
}

func (o *outbound) checkURL(u *url.URL) error {
	_, err := o.guard.CheckURL(u.String())
	return err
}
