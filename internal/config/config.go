// Package config is what an operator decides about one hub: one struct, whose tags make the file's keys, the environment
// variables, the flags and the page docs/configuration.md.
//
// A setting has one name. `smtp.host` in the file is --smtp-host as a flag and VARSEL_SMTP_HOST in the environment; the
// flag wins over the environment, that over the file, that over the default. The file is YAML: a list of listeners reads
// well in it, and its parser gives every key its line. Scalars are read by the setting's own type, never by YAML's
// guesses: `environment: NO` is Norway.
package config

import (
	"net/netip"
	"reflect"
	"slices"
	"time"
)

// Config is every setting. The tags are kong's, which makes the flags of `varsel serve` of them; `kong:"-"` stands in the
// file alone.
type Config struct {
	Data           string        `name:"data" default:"./varsel-data" placeholder:"DIR" help:"Directory of the database and the secrets; made when it is not there."`
	Environment    string        `name:"environment" default:"T1" help:"What this installation is: PROD, PREPROD, T3 and so on."`
	Zone           Zone          `name:"zone" default:"Europe/Copenhagen" placeholder:"ZONE" help:"Time zone of dates that name none."`
	Operator       string        `name:"operator" placeholder:"MAIL" help:"Mail address told about what is the operator's to mend."`
	InFlight       int           `name:"in-flight" default:"4096" placeholder:"N" help:"Messages being sent at once, at most."`
	MaxEvent       Size          `name:"max-event" default:"1MiB" placeholder:"SIZE" help:"The largest event that is accepted, attributes and data together."`
	AllowSinks     bool          `name:"allow-sinks" help:"Subscriptions may have a sink: the hub takes their messages itself, and counts them as delivered. For hubs to develop with; never where somebody waits for the messages."`
	Municipalities string        `name:"municipalities" placeholder:"FILE" help:"Outlines of municipalities, for filters that name one by its code (docs/filters.md): GeoJSON with the code as property kode, or a list of rows with kommunekode and geometri, as in examples/registers/municipalities. None: filters give outlines themselves."`
	ReceiptHours   int           `name:"receipt-hours" default:"24" placeholder:"N" help:"How long after its delivery the receipt for a message that requires one is overdue (docs/receipts.md)."`
	Drain          time.Duration `name:"drain" placeholder:"TIME" help:"How long the hub goes on as before once it is asked to stop, while /readyz answers 503: twice the time between a load balancer's health checks. None: it stops at once, which is right where no load balancer stands in front."`
	Grace          time.Duration `name:"grace" default:"10s" placeholder:"TIME" help:"How long requests and attempts under way may take to finish when the hub is asked to stop."`

	Store         StoreURL `name:"store" placeholder:"URL" help:"PostgreSQL database of a hub of several nodes, such as postgres://varsel@db.example/varsel: each varsel serve with the same one is a node of it (docs/nodes.md). Where a standby may take over, name both: postgres://varsel@one.example:5432,other.example:5432/varsel. None: SQLite in the data directory."`
	StorePassword Secret   `name:"store-password-file" placeholder:"FILE" help:"File that holds the password for the user in store."`
	Node          Node     `embed:"" prefix:"node-" name:"node"`

	Listen     string `name:"listen" default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Address of everything the hub answers, without TLS: one of this machine's own. For more than that, list listeners in the file."`
	AuditHeads string `name:"audit-heads" placeholder:"DIR" help:"Directory that the heads of the audit log are exported to; best on another machine. The data directory when empty."`

	Extracts string `name:"extracts" placeholder:"DIR" help:"Directory of the files of extracts. Of a hub of several nodes it is one that all of them share, for one makes the files and all serve them. None: extracts in the data directory."`

	SFTP SFTP `embed:"" prefix:"sftp-" name:"sftp"`

	OperateListen string     `name:"operate-listen" default:"127.0.0.1:9090" placeholder:"HOST:PORT" help:"Address of health and metrics alone, without TLS; empty: none. When the default's port is taken the hub starts without it."`
	Listeners     []Listener `kong:"-" name:"listeners" help:"What listens where, instead of listen."`

	NoAccess  bool     `name:"no-access" help:"Ask nobody who they are: whoever reaches the hub may do everything. Only where this machine alone can reach it."`
	PublicURL URL      `name:"public-url" placeholder:"URL" help:"Where the hub is reached from outside, such as https://hub.example: issuer and audience of its access tokens. None: the first listener that answers api, by its first name, the first in its certificate, or its address."`
	RateLimit int      `name:"rate-limit" default:"1000" placeholder:"N" help:"Requests a second that one account may make; twice as many for a moment."`
	Issuers   []Issuer `kong:"-" name:"issuers" help:"Who else gives access tokens for this hub."`
	SignIn    SignIn   `embed:"" prefix:"sign-in-" name:"sign-in"`

	AllowEgress         []netip.Prefix `name:"allow-egress" placeholder:"CIDR" help:"Ranges that may be called although they are not public, such as 10.1.0.0/16."`
	AllowHTTP           bool           `name:"allow-http" help:"Call receivers by http as well as https."`
	AllowBrokers        bool           `name:"allow-brokers" help:"Call NATS and Kafka too: sources may be read from their streams, and agreements may have them as base URL. By TLS; without it only where allow-http is set too."`
	EgressProxy         URL            `name:"egress-proxy" placeholder:"URL" help:"HTTP proxy that every call goes through, such as http://user@proxy.example:3128."`
	EgressAddresses     []netip.Addr   `name:"egress-address" placeholder:"ADDRESS" help:"Addresses that the hub's calls come from, as receivers see them: told to them by GET /api/v1/egress, for their firewalls. They change nothing here."`
	EgressProxyPassword Secret         `name:"egress-proxy-password-file" placeholder:"FILE" help:"File that holds the password for the user in egress-proxy."`

	Paging string `name:"paging" default:"one-based" enum:"one-based,zero-based" help:"How /system/EventMessages/ counts pages: one-based, as its clients do, or zero-based, as the ranges in Datafordeleren's guide are counted (docs/datafordeler.md)."`

	Traces URL `name:"traces" placeholder:"URL" help:"OpenTelemetry collector that spans are sent to by OTLP over HTTP, such as http://collector.example:4318; none: no spans are made."`

	SMTP SMTP `embed:"" prefix:"smtp-" name:"smtp"`
	Log  Log  `embed:"" prefix:"log-" name:"log"`
}

// Node is this process among the others of its hub.
type Node struct {
	Name string `name:"name" placeholder:"NAME" help:"What this node is called where nodes are listed; the machine's name when empty."`
	URL  URL    `name:"url" placeholder:"URL" help:"Where the other nodes of the hub reach this one, such as https://10.0.0.5:8443: a listener of its own that answers node. None: the first listener that answers node, by its address."`
	CA   string `name:"ca" placeholder:"FILE" help:"File of the authorities that the other nodes' certificates come from; the machine's when empty."`
}

// SFTP is where the files of extracts are fetched by SFTP.
type SFTP struct {
	Listen  string `name:"listen" placeholder:"HOST:PORT" help:"Address that the files of extracts are served at by SFTP, such as :2222, to accounts by their secrets or their SSH keys. None: nowhere."`
	HostKey string `name:"host-key" placeholder:"FILE" help:"File of the private key that the hub shows there; made when it is not there. Of a hub of several nodes behind one address all have the same. None: sftp-host-key in the data directory."`
}

// SMTP is where mail is handed in.
type SMTP struct {
	Host     string `name:"host" help:"Mail server; without one no mail is sent."`
	Port     int    `name:"port" default:"587" help:"Its port."`
	TLS      string `name:"tls" default:"starttls" enum:"starttls,implicit,none" help:"How its connection is secured: starttls, implicit or none."`
	From     string `name:"from" placeholder:"MAIL" help:"Sender of mails."`
	User     string `name:"user" help:"User name, where the server asks for one."`
	Password Secret `name:"password-file" placeholder:"FILE" help:"File that holds the user's password."`
}

// Log is what the hub says on its standard error.
type Log struct {
	Level  string `name:"level" default:"info" enum:"debug,info,warn,error" help:"The least that is said: debug, info, warn or error."`
	Format string `name:"format" default:"text" enum:"text,json" help:"text or json: one line for each."`
}

// Listener is one address and what is answered there (DESIGN section 6).
type Listener struct {
	Address        string         `name:"address" placeholder:"HOST:PORT" help:"Where it listens."`
	Faces          []string       `name:"faces" enum:"api,now,sites,admin,pull,operate,node" help:"What it answers: api (/api/ and /oauth/), now (/now/, the live page), sites (/, the status sites, to everyone), admin (/admin/ and /registers, the pages of people who sign in), pull (/system/EventMessages/, events by time window as Datafordeleren gives them), operate (/healthz, /readyz, /metrics), node (/node/, the other nodes of the hub: best on an address that only they reach)."`
	Pull           string         `name:"pull" default:"password" enum:"password,certificate,sensitive" help:"Where pull is answered: how callers show themselves, and what they are shown. password (user name and password in the address; nothing sensitive), certificate (a client certificate; nothing sensitive) or sensitive (a client certificate; events of types with personal values too)."`
	Names          []string       `name:"names" placeholder:"HOST" help:"Host names it answers to, without port; any other gets 421. None: on a loopback address this machine's own names, elsewhere every name."`
	Certificates   []Certificate  `name:"certificates" help:"Its certificates; with one it speaks TLS 1.2 and 1.3, HTTP/1.1 and HTTP/2."`
	TrustedProxies []netip.Prefix `name:"trusted-proxies" placeholder:"CIDR" help:"Without certificates: proxies that are believed when they say who the client is. From anybody else such headers are taken off."`
	ProxyHeader    string         `name:"proxy-header" default:"x-forwarded-for" enum:"x-forwarded-for,forwarded,none" help:"The header in which the trusted proxies give the client's address: x-forwarded-for, forwarded (RFC 7239) or none. They must set or extend it on every request."`
	Client         Client         `name:"client"`
	MaxConnections int            `name:"max-connections" default:"10000" help:"Connections at once; more wait until one ends."`
	MaxHeader      Size           `name:"max-header" default:"64KiB" help:"The largest request head."`
	HeaderTimeout  time.Duration  `name:"header-timeout" default:"10s" help:"How long a request's head may take."`
	ReadTimeout    time.Duration  `name:"read-timeout" default:"2m" help:"How long a whole request may take to come."`
	WriteTimeout   time.Duration  `name:"write-timeout" default:"2m" help:"How long after its head its answer must be written."`
	IdleTimeout    time.Duration  `name:"idle-timeout" default:"2m" help:"How long a connection may stay unused."`
}

// Certificate names the files of a certificate, in PEM; they are read again when they change.
type Certificate struct {
	Chain string `name:"chain" placeholder:"FILE" help:"File of the certificate and its intermediates, leaf first. Read again when it changes."`
	Key   string `name:"key" placeholder:"FILE" help:"File of its private key."`
}

// Client says whether clients show certificates: by TLS, or through the trusted proxies by RFC 9440.
type Client struct {
	Certificate string `name:"certificate" default:"none" enum:"none,optional,required" help:"Client certificates: none, optional or required. Behind trusted proxies they come in Client-Cert (RFC 9440), and are checked here all the same."`
	CA          string `name:"ca" placeholder:"FILE" help:"File of the authorities that clients' certificates must come from. Read again when it changes."`
}

// Issuer is someone else whose access tokens are taken, and what their claims mean here (docs/access.md).
type Issuer struct {
	Name       string        `name:"name" help:"A word of a-z, 0-9 and -; those who come with its tokens are called by it: corp/SUBJECT."`
	URL        string        `name:"url" placeholder:"URL" help:"The iss of its tokens."`
	JWKS       string        `name:"jwks" placeholder:"URL" help:"Where its keys are; none: they are found by OpenID Connect discovery."`
	Audience   string        `name:"audience" help:"The aud of tokens for this hub; none: the hub's public-url."`
	Algorithms []string      `name:"algorithms" default:"RS256" enum:"RS256,PS256,ES256,EdDSA" help:"What its tokens may be signed with: RS256, PS256, ES256, EdDSA."`
	Leeway     time.Duration `name:"leeway" help:"How far its clock may be off, at most 5m; none: not at all."`
	PlainJWT   bool          `name:"plain-jwt" help:"Take tokens whose typ is JWT or missing too, not at+jwt alone (RFC 9068)."`
	RolesClaim string        `name:"roles-claim" help:"JSON Pointer to the claim that says the roles, such as /realm_access/roles."`
	Roles      []Grant       `name:"roles" help:"What its values mean here; others mean nothing."`
	Systems    string        `name:"systems-claim" help:"JSON Pointer to the names of a subscriber's systems."`
	Sources    string        `name:"sources-claim" help:"JSON Pointer to the names of a source's sources."`
	Sites      string        `name:"sites-claim" help:"JSON Pointer to the slugs of a site-editor's status sites; *: all."`
}

// SignIn is how people sign in with a browser, besides by the password of an account.
type SignIn struct {
	Providers []Provider `kong:"-" name:"providers" help:"OpenID Connect providers where people may sign in."`
}

// Provider is where people sign in by OpenID Connect, and what its claims mean here (docs/access.md).
type Provider struct {
	Name         string   `name:"name" help:"A word of a-z, 0-9 and -; those who sign in there are called by it: corp/SUBJECT."`
	Title        string   `name:"title" help:"What the sign-in page calls it; none: its name."`
	URL          string   `name:"url" placeholder:"URL" help:"Its issuer identifier; the discovery document is found below it."`
	ClientID     string   `name:"client-id" help:"What it knows the hub by."`
	ClientSecret Secret   `name:"client-secret-file" placeholder:"FILE" help:"File that holds the client's secret; none: a public client, by PKCE alone."`
	Scopes       []string `name:"scopes" help:"What is asked for besides openid, such as profile."`
	RolesClaim   string   `name:"roles-claim" help:"JSON Pointer to the claim that says the roles, in the ID token or at the UserInfo endpoint, such as /realm_access/roles."`
	Roles        []Grant  `name:"roles" help:"What its values mean here; others mean nothing."`
	Systems      string   `name:"systems-claim" help:"JSON Pointer to the names of a subscriber's systems."`
	Sources      string   `name:"sources-claim" help:"JSON Pointer to the names of a source's sources."`
	Sites        string   `name:"sites-claim" help:"JSON Pointer to the slugs of a site-editor's status sites; *: all."`
}

// Grant is the role that a claim's value stands for.
type Grant struct {
	Value string `name:"value" help:"A value of the claim at roles-claim."`
	Role  string `name:"role" enum:"operator,auditor,source,subscriber,site-editor" help:"The role it gives: operator, auditor, source, subscriber, site-editor."`
}

// Faces are all that a listener can answer.
func Faces() []string { return []string{"api", "now", "sites", "admin", "pull", "operate", "node"} }

// NewListener is one with the defaults, plain, for an address and what is answered there.
func NewListener(address string, faces ...string) (Listener, error) {
	l := Listener{}
	err := fill(reflect.ValueOf(&l).Elem())
	l.Address, l.Faces = address, faces
	return l, err
}

// All lists the listeners, with those that listen and operate-listen stand for.
func (c *Config) All() ([]Listener, error) {
	list := slices.Clone(c.Listeners)
	if len(list) == 0 {
		l, err := NewListener(c.Listen, Faces()...)
		if err != nil {
			return nil, err
		}
		list = append(list, l)
	}
	if c.OperateListen == "" {
		return list, nil
	}
	l, err := NewListener(c.OperateListen, "operate")
	return append(list, l), err
}
