package netguard

import (
	"net/url"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
)

// checkName refuses host names that no receiver has and that resolvers read in surprising ways, above all numbers in
// disguise such as 2130706433, 0x7f.1 or 127.1 (WHATWG URL, "ends in a number").
func checkName(host string) error {
	if len(host) > 253 {
		return refused("the host name is longer than 253 characters (rule host)")
	}
	for label := range strings.SplitSeq(host, ".") {
		if err := checkLabel(label); err != nil {
			return err
		}
	}
	if last := host[strings.LastIndexByte(host, '.')+1:]; isNumber(last) {
		return refused("the host ends in a number but is not an IP address (rule host)")
	}
	return nil
}

func checkLabel(label string) error {
	if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
		return refused("the host name has a part that is empty, too long or edged by a hyphen (rule host)")
	}
	for _, c := range []byte(label) {
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return refused("a host name holds letters a to z, digits, hyphens and dots; write æ, ø, å as xn-- (rule host)")
		}
	}
	return nil
}

func isNumber(label string) bool {
	hex, isHex := strings.CutPrefix(strings.ToLower(label), "0x")
	if isHex {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return strings.Trim(label, "0123456789") == ""
}

func isLocalhost(host string) bool {
	host = strings.ToLower(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// JoinPath returns the URL of an endpoint: the base URL that the operator fixed for a system and environment, and the
// rest that a subscription gives (S45). The rest is empty or begins with one slash, may have a query, and cannot leave
// the base: no other host, no "..", however it is written.
// Error: fault.AddressRefused, whose detail names the rule.
func JoinPath(base, path string) (string, error) {
	if path == "" {
		return base, nil
	}
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
		return "", refused("the path begins with one slash; host and base are fixed by the agreement (rule path)")
	}
	u, err := url.Parse(path)
	if err != nil || strings.ContainsAny(path, "\\#") {
		return "", refused("the path cannot be part of a URL (rule path)")
	}
	if climbs(u.Path) {
		return "", refused("the path leaves its base (rule path)")
	}
	if strings.ContainsAny(base, "?#") {
		return "", fault.New(fault.AddressRefused, "a base URL has neither query nor fragment (rule base)")
	}
	return strings.TrimSuffix(base, "/") + u.RequestURI(), nil
}

// climbs tells whether a decoded path holds a dot segment in a form that some server would obey: with backslashes, with
// path parameters ("..;"), or encoded twice.
func climbs(path string) bool {
	if again, err := url.PathUnescape(path); err == nil {
		path = again
	}
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		segment, _, _ = strings.Cut(segment, ";")
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
