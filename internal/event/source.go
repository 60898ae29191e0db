package event

import (
	"net/url"
	"slices"

	"github.com/varselhub/varsel/internal/fault"
)

// Source is who may publish: a register, a business domain, a status site.
type Source struct {
	Name    string   `json:"name"` // slug, such as "kontaktforloeb"
	URI     string   `json:"uri"`  // the CloudEvents source of its events
	Title   string   `json:"title"`
	Types   []string `json:"types"` // the event types it may publish; empty: none; "*": all
	Contact *Contact `json:"contact,omitempty"`
	Stream  *Stream  `json:"stream,omitempty"` // that its events are read from; none: they are published
}

// Contact is a person or a desk that answers for something.
type Contact struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
}

const everyType = "*"

// May reports whether the source may publish events of that type.
func (s *Source) May(typeName string) bool {
	return slices.Contains(s.Types, typeName) || slices.Contains(s.Types, everyType)
}

// Check reports what is wrong with the document.
func (s *Source) Check() []fault.Violation {
	var c checks
	c.slug("/name", s.Name)
	c.title(s.Title)
	if v := checkURI(s.URI, maxSource); v != "" {
		c.refuse("/uri", "uri-reference", v)
	} else if _, err := url.Parse(s.URI); err != nil {
		c.refuse("/uri", "uri-reference", "is not a URI reference (RFC 3986)")
	}
	for i, name := range s.Types {
		if name != everyType {
			c.typeName(at("/types", i), name)
		}
		if slices.Contains(s.Types[:i], name) {
			c.refuse(at("/types", i), "unique", "is listed twice")
		}
	}
	if s.Contact != nil && *s.Contact == (Contact{}) {
		c.refuse("/contact", "empty", "give a name, an e-mail address or a phone number, or leave it out")
	}
	if s.Stream != nil {
		var of checks
		of.stream(s.Stream)
		c.below("/stream", of.found)
	}
	return c.found
}
