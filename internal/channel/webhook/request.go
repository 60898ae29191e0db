package webhook

import (
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/exchange"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/signature"
)

// copyLimit is the largest body, in bytes, that is copied behind its headers so that one write carries both.
const copyLimit = 8 << 10

// write makes the request in the desk's buffer: the header names are Standard Webhooks' and our own, on the wire as
// written here.
func (d *desk) write(prefix []byte, m *channel.Message, unix int64) exchange.Request {
	out := append(d.out[:0], prefix...) //nolint:gocritic // d.out is set when all is in it
	out = appendHeader(out, "Content-Type", m.ContentType)
	out = append(out, "Content-Length: "...)
	out = strconv.AppendInt(out, int64(len(m.Body)), 10)
	out = append(out, "\r\n"+signature.HeaderID+": "...)
	out = append(out, m.ID...)
	out = append(out, "\r\n"+signature.HeaderTimestamp+": "...)
	out = strconv.AppendInt(out, unix, 10)
	out = append(out, "\r\n"...)
	if d.signer != nil {
		out = append(out, signature.HeaderSignature+": "...)
		out = d.signer.AppendHeader(out, m.ID, unix, m.Body)
		out = append(out, "\r\n"...)
	}
	out = append(out, "Varsel-Attempt: "...)
	out = strconv.AppendInt(out, int64(m.Attempt), 10)
	out = append(out, "\r\n"...)
	if m.Lease != 0 {
		out = append(out, "Varsel-Lease: "...)
		out = strconv.AppendInt(out, m.Lease, 10)
		out = append(out, "\r\n"...)
	}
	if m.Replay != 0 {
		out = append(out, "Varsel-Replay: "...)
		out = strconv.AppendInt(out, m.Replay, 10)
		out = append(out, "\r\n"...)
	}
	if m.Test {
		out = append(out, "Varsel-Test: 1\r\n"...)
	}
	for _, h := range m.Headers {
		out = appendHeader(out, h.Name, h.Value)
	}
	out = append(out, "\r\n"...)
	d.out = out
	if len(m.Body) > copyLimit {
		return exchange.Request{Head: out, Body: m.Body}
	}
	d.out = append(out, m.Body...)
	return exchange.Request{Head: d.out}
}

// Request is what Send would write to an endpoint, headers and body, for one who takes the message in its place. It is the
// caller's; signer may be nil.
// Errors: fault.SenderConfig, fault.InvalidMessage.
func Request(endpoint, userAgent string, signer *signature.Signer, m *channel.Message) ([]byte, error) {
	u, err := exchange.Parse(endpoint)
	if err == nil {
		err = check(m)
	}
	if err != nil {
		return nil, err
	}
	d := desk{signer: signer.Clone()}
	r := d.write(requestPrefix(u, userAgent), m, m.At.Unix())
	return append(r.Head, r.Body...), nil
}

func appendHeader(out []byte, name, value string) []byte {
	out = append(out, name...)
	out = append(out, ": "...)
	out = append(out, value...)
	return append(out, "\r\n"...)
}

// check refuses a message whose headers could not be written as they are: what an envelope makes of an event's data
// must never become another header or another request (RFC 9112 section 11.1).
func check(m *channel.Message) error {
	if m.ID == "" || strings.IndexByte(m.ID, '.') >= 0 || !isFieldValue(m.ID) {
		return fault.New(fault.InvalidMessage, "the message id cannot be a webhook-id")
	}
	if m.ContentType == "" || !isFieldValue(m.ContentType) {
		return fault.New(fault.InvalidMessage, "the content type cannot be a header's value")
	}
	for i := range m.Headers {
		if err := checkHeader(&m.Headers[i]); err != nil {
			return err
		}
	}
	return nil
}

func checkHeader(h *event.Header) error {
	if !isToken(h.Name) {
		return fault.New(fault.InvalidMessage, "an envelope's header has a name that is not one")
	}
	if isOurs(h.Name) {
		return fault.New(fault.InvalidMessage, "an envelope sets the header %s, which is the channel's", h.Name)
	}
	if !isFieldValue(h.Value) {
		return fault.New(fault.InvalidMessage, "the header %s has a value that holds control characters", h.Name)
	}
	return nil
}

// isOurs names the headers that only the channel may write.
func isOurs(name string) bool {
	switch len(name) { // most names need no comparison
	case 4, 6, 7, 10, 12, 14, 17:
	default:
		return false
	}
	for _, ours := range [...]string{
		"host", "expect", "upgrade", "trailer", "connection", "user-agent", "content-type", "content-length", "transfer-encoding",
		signature.HeaderID, signature.HeaderTimestamp, signature.HeaderSignature,
	} {
		if strings.EqualFold(name, ours) {
			return true
		}
	}
	return false
}

func isToken(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return name != ""
}

func isFieldValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
