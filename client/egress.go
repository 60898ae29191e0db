package client

import (
	"context"
	"net/netip"
	"time"
)

// Egress is how the hub's calls look from outside: what a receiver needs for its firewall and trust store.
type Egress struct {
	Addresses    []netip.Addr        `json:"addresses"` // that calls come from, as the operator has configured them
	Certificates []ClientCertificate `json:"certificates"`
}

// ClientCertificate is what the hub shows when it calls the named systems.
type ClientCertificate struct {
	Systems []string  `json:"systems"`
	Subject string    `json:"subject"`
	Issuer  string    `json:"issuer"`
	Serial  string    `json:"serial"` // in hexadecimal
	SHA1    string    `json:"sha1"`   // thumbprints, in hexadecimal
	SHA256  string    `json:"sha256"`
	From    time.Time `json:"from"`
	Until   time.Time `json:"until"`
	PEM     string    `json:"pem"`   // the chain, leaf first
	Fault   string    `json:"fault"` // why it cannot be used; "": it can
}

// Egress tells how the hub's calls look from outside; a subscriber, of its own systems.
func (c *Client) Egress(ctx context.Context) (Egress, error) {
	e, _, err := fetch[Egress](ctx, c, nil, "egress")
	return e, err
}
