package app

import (
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"github.com/varselhub/varsel/internal/channel/mail"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/netguard"
)

// Config is everything an operator decides about one hub.
type Config struct {
	Data        string         // directory of the database and the secrets
	Environment string         // PROD, PREPROD, T3 …: Miljoe in star messages; "T1" when empty
	Zone        *time.Location // of dates without an offset; Europe/Copenhagen when nil
	Egress      netguard.Rules // what the hub may call
	Operator    string         // mail address told about what is the operator's to mend
	SMTP        *mail.Config   // nil: no mail
	InFlight    int            // sends at once on this node; 0: 4,096
	MaxEvent    int            // bytes; 0: 1 MiB
	AuditHeads  string         // directory that the heads of the audit log are exported to; Data when empty
	// OpenToEveryone answers requests for every host name. Without it only this machine's own names are answered: there
	// is no access control yet.
	OpenToEveryone bool
}

func (c *Config) withDefaults() (Config, error) {
	filled := *c
	if filled.Environment == "" {
		filled.Environment = "T1"
	}
	if filled.Zone == nil {
		zone, err := time.LoadLocation("Europe/Copenhagen")
		if err != nil {
			return filled, fault.Wrap(fault.Internal, err, "the time zone Europe/Copenhagen is not known here")
		}
		filled.Zone = zone
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
