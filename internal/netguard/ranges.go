package netguard

import (
	"net/netip"

	"github.com/varselhub/varsel/internal/fault"
)

// special is a range that no receiver on the Internet has; rule is its stable name, what completes "… is".
type special struct {
	prefix netip.Prefix
	rule   string
	what   string
}

// specials are the ranges of the IANA special-purpose address registries (RFC 6890), and multicast.
var specials = []special{
	{netip.MustParsePrefix("0.0.0.0/8"), "unspecified", "an address of this machine"},
	{netip.MustParsePrefix("10.0.0.0/8"), "private", "private (RFC 1918)"},
	{netip.MustParsePrefix("100.64.0.0/10"), "cgnat", "inside a provider's network (RFC 6598)"},
	{netip.MustParsePrefix("127.0.0.0/8"), "loopback", "this machine itself"},
	{netip.MustParsePrefix("169.254.0.0/16"), "link-local", "link-local"},
	{netip.MustParsePrefix("172.16.0.0/12"), "private", "private (RFC 1918)"},
	{netip.MustParsePrefix("192.0.0.0/24"), "ietf-protocol", "reserved for protocols"},
	{netip.MustParsePrefix("192.0.2.0/24"), "documentation", "for documentation only"},
	{netip.MustParsePrefix("192.31.196.0/24"), "as112", "an AS112 sink"},
	{netip.MustParsePrefix("192.52.193.0/24"), "amt", "an AMT relay"},
	{netip.MustParsePrefix("192.88.99.0/24"), "6to4", "a 6to4 relay"},
	{netip.MustParsePrefix("192.168.0.0/16"), "private", "private (RFC 1918)"},
	{netip.MustParsePrefix("192.175.48.0/24"), "as112", "an AS112 sink"},
	{netip.MustParsePrefix("198.18.0.0/15"), "benchmarking", "for benchmarks only"},
	{netip.MustParsePrefix("198.51.100.0/24"), "documentation", "for documentation only"},
	{netip.MustParsePrefix("203.0.113.0/24"), "documentation", "for documentation only"},
	{netip.MustParsePrefix("224.0.0.0/4"), "multicast", "a multicast group"},
	{netip.MustParsePrefix("255.255.255.255/32"), "broadcast", "the broadcast address"},
	{netip.MustParsePrefix("240.0.0.0/4"), "reserved", "reserved"},

	{netip.MustParsePrefix("::/128"), "unspecified", "an address of this machine"},
	{netip.MustParsePrefix("::1/128"), "loopback", "this machine itself"},
	{netip.MustParsePrefix("64:ff9b::/96"), "nat64", "an IPv4 address behind NAT64"},
	{netip.MustParsePrefix("64:ff9b:1::/48"), "nat64", "an IPv4 address behind NAT64"},
	{netip.MustParsePrefix("100::/64"), "discard", "a sink"},
	{netip.MustParsePrefix("2001:db8::/32"), "documentation", "for documentation only"},
	{netip.MustParsePrefix("2001::/23"), "ietf-protocol", "reserved for protocols such as Teredo"},
	{netip.MustParsePrefix("2002::/16"), "6to4", "an IPv4 address behind 6to4"},
	{netip.MustParsePrefix("2620:4f:8000::/48"), "as112", "an AS112 sink"},
	{netip.MustParsePrefix("3fff::/20"), "documentation", "for documentation only"},
	{netip.MustParsePrefix("fc00::/7"), "unique-local", "private (unique local, RFC 4193)"},
	{netip.MustParsePrefix("fe80::/10"), "link-local", "link-local"},
	{netip.MustParsePrefix("fec0::/10"), "site-local", "private (site-local)"},
	{netip.MustParsePrefix("ff00::/8"), "multicast", "a multicast group"},
}

// globalIPv6 is the only range IANA gives out to networks; what is in neither table is refused as well.
var globalIPv6 = netip.MustParsePrefix("2000::/3")

// CheckAddr tells whether the hub may call addr. An allowed range covers an address the table would refuse, but never
// one in disguise: a mapped IPv4 address or one with a zone.
// Error: fault.AddressRefused, whose detail names the rule.
func (g *Guard) CheckAddr(addr netip.Addr) error {
	rule, what := g.refusal(addr)
	if rule == "" {
		return nil
	}
	return refused("%s is %s (rule %s)", addr, what, rule)
}

func (g *Guard) refusal(addr netip.Addr) (rule, what string) {
	switch {
	case !addr.IsValid():
		return "invalid", "not an IP address"
	case addr.Is4In6():
		return "mapped-ipv4", "an IPv4 address in disguise"
	case addr.Zone() != "":
		return "zone", "bound to one of this machine's networks"
	}
	for _, prefix := range g.rules.Allow {
		if prefix.Contains(addr) {
			return "", ""
		}
	}
	for _, s := range specials {
		if s.prefix.Contains(addr) {
			return s.rule, s.what
		}
	}
	if addr.Is6() && !globalIPv6.Contains(addr) {
		return "not-global", "outside the ranges given to networks"
	}
	return "", ""
}

func refused(detail string, args ...any) error {
	return fault.New(fault.AddressRefused, detail, args...)
}
