package app

import (
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/channel/mail"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/config"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/store/postgres"
	"github.com/varselhub/varsel/internal/web/access"
	"github.com/varselhub/varsel/internal/web/listener"
	"github.com/varselhub/varsel/internal/web/session"
)

// Config is everything an operator decides about one hub.
type Config struct {
	Data          string // directory of the database and the secrets
	Store         string // URL of the PostgreSQL database that nodes share; empty: SQLite in Data
	StorePassword string
	NodeName      string         // empty: the machine's
	NodeURL       string         // where the other nodes reach this one
	NodeCA        string         // file of the authorities of their certificates; empty: the machine's
	Version       string         // of this program, noted in the database; "dev" when empty
	Environment   string         // PROD, PREPROD, T3 …: Miljoe in star messages; "T1" when empty
	Zone          *time.Location // of dates without an offset; Europe/Copenhagen when nil
	Egress        netguard.Rules // what the hub may call
	Addresses     []netip.Addr   // that its calls come from, as receivers see them
	Operator      string         // mail address told about what is the operator's to mend
	SMTP          *mail.Config   // nil: no mail
	InFlight      int            // sends at once on this node; 0: 4,096
	MaxEvent      int            // bytes; 0: 1 MiB
	Extracts      string         // directory of the files of extracts; extracts in Data when empty
	SFTP          string         // address of SFTP; empty: none
	SFTPHostKey   string         // file of its host key; sftp-host-key in Data when empty
	AllowSinks    bool           // subscriptions may have their messages taken by the hub itself (S58)
	ZeroBased     bool           // pages of windows are counted from 0, not from 1 (requirements 4c, 1)
	AuditHeads    string         // directory that the heads of the audit log are exported to; Data when empty
	// Municipalities is a file of outlines that filters may name by code; empty: none.
	Municipalities string
	ReceiptHours   int    // until a receipt is overdue; 0: 24
	Traces         string // URL of an OTLP collector; empty: no spans
	// NoAccess lets whoever reaches the hub do everything: for a machine of one's own. Answer refuses it on an address that
	// other machines can reach.
	NoAccess bool
	// URL is where the hub is reached from outside, such as https://hub.example: issuer and audience of its access
	// tokens; http://localhost when empty.
	URL     string
	Issuers []access.Issuer // whose access tokens are taken besides the hub's own
	Limits  access.Limits   // of how often one caller may ask
	// Providers are where people may sign in with a browser, besides by a password.
	Providers []session.Provider
	// Welcome is given the secret of the operator's account that the first start makes; nil: it is written to
	// Data/operator-secret, which only the hub's user can read. It is told nobody else, and no log.
	Welcome func(account, secret string) error
}

// mailTimeout is for one whole mail: servers may greet slowly on purpose (RFC 5321 section 4.5.3.2).
const mailTimeout = time.Minute

// Configured is a hub as its operator's settings say.
func Configured(s *config.Config) Config {
	c := Config{
		Data: s.Data, Environment: s.Environment, Zone: s.Zone.Location, Operator: s.Operator, InFlight: s.InFlight, MaxEvent: int(s.MaxEvent),
		Egress: netguard.Rules{Allow: s.AllowEgress, AllowHTTP: s.AllowHTTP, Brokers: s.AllowBrokers}, Addresses: s.EgressAddresses,
		Store: s.Store.String(), StorePassword: s.StorePassword.Text(), NodeName: s.Node.Name, NodeURL: s.Node.URL.String(), NodeCA: s.Node.CA,
		AuditHeads: s.AuditHeads, Extracts: s.Extracts, SFTP: s.SFTP.Listen, SFTPHostKey: s.SFTP.HostKey, AllowSinks: s.AllowSinks, ZeroBased: s.Paging == "zero-based", NoAccess: s.NoAccess, URL: s.PublicURL.String(), Limits: access.Limits{Principal: s.RateLimit},
		Municipalities: s.Municipalities, ReceiptHours: s.ReceiptHours,
	}
	for i := range s.Issuers {
		c.Issuers = append(c.Issuers, issuer(&s.Issuers[i]))
	}
	for i := range s.SignIn.Providers {
		c.Providers = append(c.Providers, provider(&s.SignIn.Providers[i]))
	}
	if s.Traces.URL != nil {
		c.Traces = s.Traces.URL.String()
	}
	if s.EgressProxy.URL != nil {
		proxy := *s.EgressProxy.URL
		if password := s.EgressProxyPassword.Text(); password != "" {
			proxy.User = url.UserPassword(proxy.User.Username(), password)
		}
		c.Egress.Proxy = proxy.String()
	}
	if s.SMTP.Host != "" {
		c.SMTP = &mail.Config{
			Host: s.SMTP.Host, Port: s.SMTP.Port, TLS: mail.TLS(s.SMTP.TLS), From: s.SMTP.From, User: s.SMTP.User,
			Password: s.SMTP.Password.Text(), Timeout: mailTimeout,
		}
	}
	return c
}

func issuer(s *config.Issuer) access.Issuer {
	return access.Issuer{
		Name: s.Name, URL: s.URL, JWKS: s.JWKS, Audience: s.Audience, Algorithms: s.Algorithms, Leeway: s.Leeway, PlainJWT: s.PlainJWT,
		RolesClaim: s.RolesClaim, Roles: meaning(s.Roles), SystemsClaim: s.Systems, SourcesClaim: s.Sources, SitesClaim: s.Sites,
	}
}

func provider(s *config.Provider) session.Provider {
	return session.Provider{
		Name: s.Name, Title: s.Title, URL: s.URL, ClientID: s.ClientID, ClientSecret: s.ClientSecret.Text(), Scopes: s.Scopes,
		Claims: account.Claims{Roles: s.RolesClaim, Meaning: meaning(s.Roles), Systems: s.Systems, Sources: s.Sources, Sites: s.Sites},
	}
}

func meaning(grants []config.Grant) map[string]account.Role {
	roles := map[string]account.Role{}
	for _, grant := range grants {
		roles[grant.Value] = account.Role(grant.Role)
	}
	return roles
}

// Check finds what the settings name and cannot be used, as far as it can be told without starting: certificates, the
// way out, issuers, mail.
func Check(s *config.Config) error {
	listeners, err := s.All()
	if err != nil {
		return err
	}
	for i := range listeners {
		if err := listener.Check(&listeners[i], clock.System{}); err != nil {
			return err
		}
	}
	c := Configured(s)
	if _, err := municipalities(c.Municipalities); err != nil {
		return err
	}
	if c.Store != "" {
		if err := postgres.CheckURL(c.Store); err != nil {
			return err
		}
	}
	egress, err := netguard.New(c.Egress, nil)
	if err != nil {
		return err
	}
	if err := access.CheckIssuers(c.Issuers, c.URL, egress); err != nil {
		return err
	}
	if err := session.CheckProviders(c.Providers, egress); err != nil {
		return err
	}
	return c.checkMail()
}

// checkMail finds at the start what would otherwise fail the first mail.
func (c *Config) checkMail() error {
	if c.SMTP == nil {
		return nil
	}
	settings := *c.SMTP
	settings.Dial = (&net.Dialer{}).DialContext
	sender, err := mail.New(settings)
	if err != nil {
		return err
	}
	return sender.Close()
}

func (c *Config) withDefaults() (Config, error) {
	filled := *c
	if filled.Environment == "" {
		filled.Environment = "T1"
	}
	if filled.URL = strings.TrimSuffix(filled.URL, "/"); filled.URL == "" {
		filled.URL = "http://localhost"
	}
	if filled.Zone == nil {
		zone, err := time.LoadLocation("Europe/Copenhagen")
		if err != nil {
			return filled, fault.Wrap(fault.Internal, err, "the time zone Europe/Copenhagen is not known here")
		}
		filled.Zone = zone
	}
	if err := filled.checkMail(); err != nil {
		return filled, err
	}
	if err := os.MkdirAll(filled.Data, 0o700); err != nil {
		return filled, fault.Wrap(fault.Internal, err, "cannot make the data directory %s", filled.Data)
	}
	return filled, nil
}

func (c *Config) database() string { return filepath.Join(c.Data, "varsel.db") }

// auditHeads is the directory that the heads of the audit log are exported to.
func (c *Config) auditHeads() string {
	if c.AuditHeads == "" {
		return c.Data
	}
	return c.AuditHeads
}

func (c *Config) secrets() string { return filepath.Join(c.Data, "secrets") }

// Loopback is the range that a hub on a developer's machine may be allowed to call.
var Loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
