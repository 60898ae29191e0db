package listener

import (
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
)

// The headers of RFC 9440.
const (
	headerCert  = "Client-Cert"
	headerChain = "Client-Cert-Chain"
)

// maxChain bounds the certificates that are parsed.
const maxChain = 10

// clientCertificate reads Client-Cert and Client-Cert-Chain (RFC 9440 section 2). leaf is nil when there is none.
func clientCertificate(header http.Header) (leaf *x509.Certificate, chain []*x509.Certificate, err error) {
	lines := header[headerCert]
	if len(lines) == 0 {
		if len(header[headerChain]) > 0 {
			return nil, nil, errors.New("Client-Cert-Chain comes without Client-Cert")
		}
		return nil, nil, nil
	}
	if len(lines) > 1 { // section 2.2: an item, never a list
		return nil, nil, errors.New("Client-Cert stands there more than once")
	}
	if leaf, err = certificate(lines[0]); err != nil {
		return nil, nil, errors.New("Client-Cert is not a certificate as RFC 9440 writes it")
	}
	members := strings.Split(strings.Join(header[headerChain], ","), ",")
	if len(members) > maxChain {
		return nil, nil, errors.New("Client-Cert-Chain is too long")
	}
	for _, member := range members {
		if len(header[headerChain]) == 0 {
			break
		}
		one, err := certificate(member)
		if err != nil {
			return nil, nil, errors.New("Client-Cert-Chain is not a list of certificates as RFC 9440 writes it")
		}
		chain = append(chain, one)
	}
	return leaf, chain, nil
}

// certificate reads one byte sequence of DER (RFC 9651 section 4.2.7). No parameters are defined for it.
func certificate(item string) (*x509.Certificate, error) {
	text, ok := strings.CutPrefix(strings.Trim(item, " \t"), ":")
	if !ok {
		return nil, errors.New("no byte sequence")
	}
	text, ok = strings.CutSuffix(text, ":")
	if !ok {
		return nil, errors.New("no byte sequence")
	}
	der, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

// forwarded reads Forwarded (RFC 7239 section 4): elements divided by commas, of pairs divided by semicolons. A string
// that does not end is an error: a client could begin one, and swallow in it what the proxy adds.
func forwarded(lines []string) ([]hop, error) {
	var way []hop
	for _, line := range lines {
		elements, ok := divide(line, ',')
		if !ok {
			return nil, errors.New("Forwarded holds a string that does not end") //nolint:staticcheck // the name of a header
		}
		for _, element := range elements {
			way = append(way, step(element))
		}
	}
	return way, nil
}

// step reads one element. Without an address that can be read it is by nobody known.
func step(element string) hop {
	var h hop
	pairs, _ := divide(element, ';')
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		value = unquoted(value)
		switch {
		case strings.EqualFold(strings.TrimSpace(name), "for"):
			h.addr = node(value)
		case strings.EqualFold(strings.TrimSpace(name), "proto"):
			h.secure = strings.EqualFold(value, "https")
		}
	}
	return h
}

// divide cuts text at a mark that does not stand in a quoted string; ok is false when a string does not end.
func divide(text string, mark byte) (parts []string, ok bool) {
	quoted, from := false, 0
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quoted:
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == mark && !quoted:
			parts = append(parts, text[from:i])
			from = i + 1
		}
	}
	return append(parts, text[from:]), !quoted
}

// unquoted takes off the quotes of a quoted string; addresses need no escapes.
func unquoted(value string) string {
	value = strings.TrimSpace(value)
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
		return value[1 : len(value)-1]
	}
	return value
}
