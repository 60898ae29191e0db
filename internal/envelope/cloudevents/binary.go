package cloudevents

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/event"
)

// prefix starts the headers that carry attributes, in any case (HTTP protocol binding section 3.1.3.1).
const prefix = "ce-"

// attributeName returns the attribute that a header carries.
func attributeName(header string) (name string, ok bool) {
	if len(header) <= len(prefix) || !strings.EqualFold(header[:len(prefix)], prefix) {
		return "", false
	}
	return strings.ToLower(header[len(prefix):]), true
}

func hasAttributes(header http.Header) bool {
	for name := range header {
		if _, ok := attributeName(name); ok {
			return true
		}
	}
	return false
}

func decodeBinary(header http.Header, contentType string, body []byte) event.Draft {
	d := event.Draft{Header: true, MediaType: contentType}
	for name, values := range header {
		if attribute, ok := attributeName(name); ok {
			takeHeader(&d, attribute, values)
		}
	}
	// Headers have no order of their own; the head of an event has.
	slices.SortFunc(d.Extensions, func(a, b event.Extension) int { return cmp.Compare(a.Name, b.Name) })
	if len(body) == 0 {
		return d
	}
	if contentType == "" {
		refuse(&d, "header:content-type", "required", "say what the data is")
		return d
	}
	takeData(&d, body)
	return d
}

// takeData keeps data as received; when it says it is JSON, it must be.
func takeData(d *event.Draft, data []byte) {
	d.Data = data
	if !event.IsJSON(d.MediaType) {
		return
	}
	if v := event.Scan(data); v != nil {
		v.Entry = d.Entry
		d.Violations = append(d.Violations, *v)
		return
	}
	d.Scanned = true
}

func takeHeader(d *event.Draft, attribute string, values []string) {
	if len(values) != 1 {
		refuse(d, d.Where("*"), "repeated", "a ce- header is there more than once")
		return
	}
	value, ok := decodeHeader(values[0])
	if !ok {
		refuse(d, d.Where("*"), "percent-encoding", "a ce- header's value must be percent-encoded UTF-8")
		return
	}
	switch attribute {
	case "specversion":
		d.SpecVersion = value
	case "id":
		d.ID = value
	case "source":
		d.Source = value
	case "type":
		d.Type = value
	case "subject":
		d.Subject = value
	case "time":
		d.Time = value
	case "dataschema":
		d.DataSchema = value
	case "datacontenttype":
		refuse(d, "header:ce-datacontenttype", "reserved", "is what Content-Type says")
	default:
		d.Extensions = append(d.Extensions, event.Extension{Name: attribute, Value: value})
	}
}

// decodeHeader reads a header's value: double quotes, which older senders use, are taken off first, then the percent
// encoding is undone exactly once (HTTP protocol binding section 3.1.3.2).
func decodeHeader(value string) (text string, ok bool) {
	if strings.HasPrefix(value, `"`) {
		if value, ok = unquote(value); !ok {
			return "", false
		}
	}
	if strings.IndexByte(value, '%') >= 0 {
		if value, ok = unescape(value); !ok {
			return "", false
		}
	}
	return value, utf8.ValidString(value)
}

// unquote reads a quoted-string (RFC 9110 section 5.6.4).
func unquote(value string) (text string, ok bool) {
	var plain strings.Builder
	for i := 1; i < len(value); i++ {
		switch c := value[i]; c {
		case '"':
			return plain.String(), i == len(value)-1
		case '\\':
			if i++; i == len(value) {
				return "", false
			}
			plain.WriteByte(value[i])
		default:
			plain.WriteByte(c)
		}
	}
	return "", false
}

func unescape(value string) (text string, ok bool) {
	var plain strings.Builder
	for i := 0; i < len(value); i++ {
		if value[i] != '%' {
			plain.WriteByte(value[i])
			continue
		}
		if i+2 >= len(value) {
			return "", false
		}
		high, low := unhex(value[i+1]), unhex(value[i+2])
		if high > 15 || low > 15 {
			return "", false
		}
		plain.WriteByte(high<<4 | low)
		i += 2
	}
	return plain.String(), true
}

// unhex returns the value of a hexadecimal digit, and 255 for anything else.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// escape writes a header's value: space, double quote, percent and everything outside U+0021 to U+007E become
// percent-encoded UTF-8 with upper-case digits (HTTP protocol binding section 3.1.3.1).
func escape(text string) string {
	clean := true
	for i := 0; i < len(text) && clean; i++ {
		clean = !mustEscape(text[i])
	}
	if clean {
		return text
	}
	const digits = "0123456789ABCDEF"
	var escaped strings.Builder
	for i := 0; i < len(text); i++ {
		if c := text[i]; mustEscape(c) {
			escaped.Write([]byte{'%', digits[c>>4], digits[c&15]})
		} else {
			escaped.WriteByte(c)
		}
	}
	return escaped.String()
}

func mustEscape(c byte) bool { return c <= ' ' || c > '~' || c == '"' || c == '%' }
