package mail

import (
	"bytes"
	netmail "net/mail"
	"net/textproto"
	"strings"
	"unicode"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/fault"
)

// letter is a mail ready to be handed in.
type letter struct {
	from      string   // the envelope's, in angle brackets
	to        []string // the same
	content   []byte   // headers and body, 7 bit
	needsUTF8 bool     // an address has letters beyond ASCII (RFC 6531)
}

// ownHeaders are set by the channel; a message that brings one of them is refused, so that nobody mails in another's
// name or to someone the hub does not know of.
var ownHeaders = map[string]bool{
	"From": true, "Sender": true, "Return-Path": true, "Cc": true, "Bcc": true, "Date": true, "Message-Id": true,
	"Auto-Submitted": true, "Mime-Version": true, "Content-Type": true, "Content-Transfer-Encoding": true,
	"Varsel-Test": true,
}

// compose writes the mail. Its faults name the header and the rule, never the value.
func (s *Sender) compose(m *channel.Message) (*letter, error) {
	if !utf8.Valid(m.Body) {
		return nil, invalid("the body is not UTF-8 text")
	}
	if !plainID(m.ID) {
		return nil, invalid("the message id cannot be part of a Message-ID")
	}
	mail := gomail.NewMsg(gomail.WithCharset(gomail.CharsetUTF8), gomail.WithEncoding(gomail.EncodingQP),
		gomail.WithNoDefaultUserAgent())
	mail.FromMailAddress(&s.from)
	recipients, err := copyHeaders(mail, m)
	if err != nil {
		return nil, err
	}
	mail.ToMailAddress(recipients...)
	mail.SetMessageIDWithValue(m.ID + "@" + s.domain)
	mail.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834 section 5.1: no out-of-office answers
	if !m.At.IsZero() {
		mail.SetDateWithValue(m.At)
	}
	if m.Test {
		mail.SetGenHeader("Varsel-Test", "1")
	}
	mail.SetBodyString(gomail.TypeTextPlain, string(m.Body))

	var content bytes.Buffer
	if _, err := mail.WriteTo(&content); err != nil {
		return nil, fault.Wrap(fault.InvalidMessage, err, "the mail cannot be written")
	}
	l := &letter{from: bracketed(s.from.Address), content: content.Bytes()}
	for _, recipient := range recipients {
		l.to = append(l.to, bracketed(recipient.Address))
		l.needsUTF8 = l.needsUTF8 || !ascii(recipient.Address)
	}
	return l, nil
}

// copyHeaders takes over the message's headers and returns its recipients.
func copyHeaders(mail *gomail.Msg, m *channel.Message) ([]*netmail.Address, error) {
	var recipients []*netmail.Address
	seen := map[string]bool{}
	for _, header := range m.Headers {
		name := textproto.CanonicalMIMEHeaderKey(header.Name)
		switch {
		case !fieldName(name):
			return nil, invalid("a header's name has characters that no header name has (RFC 5322 section 2.2)")
		case strings.ContainsFunc(header.Value, unicode.IsControl) || !utf8.ValidString(header.Value):
			return nil, invalid("the header %s holds a line break or another control character", name)
		case ownHeaders[name]:
			return nil, invalid("the header %s is set by the hub", name)
		case name == "To":
			list, err := netmail.ParseAddressList(header.Value)
			if err != nil {
				return nil, invalid("the header To is not a list of e-mail addresses")
			}
			recipients = append(recipients, list...)
			continue
		case seen[name]:
			return nil, invalid("the header %s is there twice", name)
		}
		seen[name] = true
		mail.SetGenHeader(gomail.Header(name), header.Value)
	}
	switch {
	case len(recipients) == 0:
		return nil, invalid("there is no recipient in a header To")
	case len(recipients) > maxRecipients:
		return nil, invalid("there are more than %d recipients", maxRecipients)
	case !seen["Subject"]:
		return nil, invalid("there is no header Subject")
	}
	return recipients, nil
}

func invalid(detail string, args ...any) error {
	return fault.New(fault.InvalidMessage, detail, args...)
}

// bracketed writes an address for the envelope. String quotes the local part where it must be, so that an address
// such as "a> b"@example.org cannot add a parameter to the command.
func bracketed(address string) string { return (&netmail.Address{Address: address}).String() }

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

// fieldName reports whether name is made of the printable ASCII characters a header name may have, which is all but
// space and colon.
func fieldName(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == ':' || r > '~' })
}

// plainID reports whether id is letters, digits, hyphens and underscores: a UUID, or what profiles use besides.
func plainID(id string) bool {
	return id != "" && len(id) <= 128 && !strings.ContainsFunc(id, func(r rune) bool {
		return r != '-' && r != '_' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	})
}
