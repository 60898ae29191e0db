package event

import (
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/fault"
)

// SpecVersion is the CloudEvents version that the hub reads and writes.
const SpecVersion = "1.0"

// Limits of an event's context attributes, in bytes.
const (
	maxID         = 256
	maxSource     = 1024
	maxType       = 255
	maxSubject    = 1024
	maxDataSchema = 1024
	maxMediaType  = 255
	maxAttribute  = 1024 // the value of an extension
	maxName       = 20   // CloudEvents 1.0 section "Naming conventions"
	maxExtensions = 32
	MaxHead       = 8 << 10 // all attributes as one JSON object
)

// Extensions that mean something to the hub.
const (
	PartitionKey  = "partitionkey"  // on non-personal types the key, when the mapping has none
	CorrelationID = "correlationid" // STAR's KorrelationsIdentifier, when the mapping has none
	Sequence      = "sequence"      // set by the hub on the way out: the position
	RecordedTime  = "recordedtime"  // set by the hub on the way out: when it was accepted
)

// Draft is what a source hands in, before it is accepted. Its strings and Data may share the request's memory.
type Draft struct {
	Entry  int  // where it was in the batch, from 0
	Header bool // attributes came as ce- headers, so violations name those

	SpecVersion string
	ID          string
	Source      string
	Type        string
	Subject     string // "" none
	Time        string // RFC 3339 as given; "" none
	DataSchema  string // "" none
	MediaType   string // datacontenttype as given; "" none, which means JSON when there is data
	Extensions  []Extension

	Data []byte // as received; nil none
	// Scanned says that Data has been through Scan with nothing found. It is only set for JSON media types.
	Scanned bool

	// Violations is what the decoder could not read of this entry. Accept adds its own.
	Violations []fault.Violation
}

// Extension is one extension attribute. Numbers and truth values keep their JSON type in the head.
type Extension struct {
	Name  string
	Value string
	Bare  bool // an integer, true or false: stands in JSON without quotes
}

// Extension returns the value of an extension, "" when there is none.
func (d *Draft) Extension(name string) string {
	for i := range d.Extensions {
		if d.Extensions[i].Name == name {
			return d.Extensions[i].Value
		}
	}
	return ""
}

// Where names an attribute in a violation: a JSON Pointer, or the header it came in.
func (d *Draft) Where(attribute string) string {
	switch {
	case !d.Header:
		return "/" + attribute
	case attribute == "datacontenttype":
		return "header:content-type"
	}
	return "header:ce-" + attribute
}

// Check reports which rules of CloudEvents 1.0 and of the hub the attributes break. It looks at the draft alone: who
// may publish what is for Accept.
func (d *Draft) Check() []fault.Violation {
	var c checks
	if d.SpecVersion != SpecVersion {
		c.refuse(d.Where("specversion"), "specversion", `want "1.0"`)
	}
	d.required(&c, "id", d.ID, maxID)
	d.required(&c, "type", d.Type, maxType)
	if message := checkURI(d.Source, maxSource); message != "" {
		c.refuse(d.Where("source"), "uri-reference", message)
	}
	d.optional(&c, "subject", d.Subject, maxSubject)
	if d.Time != "" {
		if _, ok := ParseTime(d.Time); !ok {
			c.refuse(d.Where("time"), "date-time", "want RFC 3339, such as 2026-01-31T12:34:56.789Z")
		}
	}
	if d.DataSchema != "" {
		if message := checkURI(d.DataSchema, maxDataSchema); message != "" {
			c.refuse(d.Where("dataschema"), "uri", message)
		} else if !strings.Contains(d.DataSchema, ":") {
			c.refuse(d.Where("dataschema"), "uri", "want an absolute URI")
		}
	}
	if d.MediaType != "" && !isMediaType(d.MediaType) {
		c.refuse(d.Where("datacontenttype"), "media-type", "want a media type, such as application/json")
	}
	d.checkExtensions(&c)
	for i := range c.found {
		c.found[i].Entry = d.Entry
	}
	return c.found
}

func (d *Draft) required(c *checks, name, value string, limit int) {
	if value == "" {
		c.refuse(d.Where(name), "required", "is required and must not be empty")
		return
	}
	d.optional(c, name, value, limit)
}

func (d *Draft) optional(c *checks, name, value string, limit int) {
	if len(value) > limit {
		c.refuse(d.Where(name), "length", "is longer than "+strconv.Itoa(limit)+" bytes")
	}
	if !isCloudString(value) {
		c.refuse(d.Where(name), "characters", "has control characters or is not valid Unicode")
	}
}

func (d *Draft) checkExtensions(c *checks) {
	if len(d.Extensions) > maxExtensions {
		c.refuse("", "extensions", "has more than 32 extension attributes")
		return
	}
	for i := range d.Extensions {
		x := &d.Extensions[i]
		switch {
		case !isAttributeName(x.Name):
			// The name is the sender's text and may be anything, so it is not repeated.
			c.refuse(d.Where("*"), "name", "an attribute's name has 1 to 20 of a-z and 0-9")
		case x.Name == Sequence || x.Name == RecordedTime:
			c.refuse(d.Where(x.Name), "reserved", "is set by the hub on the way out; leave it out")
		case x.Name == "data" || isContext(x.Name):
			c.refuse(d.Where(x.Name), "reserved", "is no extension attribute")
		case x.Value == "":
			c.refuse(d.Where(x.Name), "required", "must not be empty; leave it out when there is nothing to say")
		default:
			d.optional(c, x.Name, x.Value, maxAttribute)
		}
		for j := range i {
			if d.Extensions[j].Name == x.Name {
				c.refuse(d.Where("*"), "duplicate-name", "an attribute is there twice")
			}
		}
	}
}

func isContext(name string) bool {
	switch name {
	case "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema":
		return true
	}
	return false
}

func isAttributeName(name string) bool {
	return name != "" && len(name) <= maxName && only(name, func(c byte) bool { return isLower(c) || isDigit(c) })
}

// isCloudString reports whether text is a String of the CloudEvents type system: Unicode without control characters
// and without code points that are no characters.
func isCloudString(text string) bool {
	for i := 0; i < len(text); i++ {
		if c := text[i]; c < ' ' || c >= 0x7f {
			return isCloudUnicode(text)
		}
	}
	return true
}

func isCloudUnicode(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if r < ' ' || r >= 0x7f && r <= 0x9f || r >= 0xfdd0 && r <= 0xfdef || r&0xfffe == 0xfffe {
			return false
		}
	}
	return true
}

func isMediaType(text string) bool {
	if text == "application/json" {
		return true
	}
	if len(text) > maxMediaType || !isCloudString(text) {
		return false
	}
	kind, _, err := mime.ParseMediaType(text)
	return err == nil && strings.Contains(kind, "/")
}

// IsJSON reports whether a media type says JSON (CloudEvents JSON format section 3.1: a subtype of json or +json).
// None given is JSON too.
func IsJSON(mediaType string) bool {
	if mediaType == "" || mediaType == "application/json" {
		return true
	}
	kind, _, _ := strings.Cut(mediaType, ";")
	_, subtype, _ := strings.Cut(strings.TrimSpace(kind), "/")
	const json, suffix = "json", "+json"
	return strings.EqualFold(subtype, json) ||
		len(subtype) > len(suffix) && strings.EqualFold(subtype[len(subtype)-len(suffix):], suffix)
}
