package event

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Head builds the CloudEvents context of a draft that Check found right as one JSON object without data: the
// attributes in the order of the specification, then the extensions in the order they came. subject stands in for
// the draft's own.
func (d *Draft) Head(subject string) []byte {
	size := 128 + len(d.ID) + len(d.Source) + len(d.Type) + len(subject) + len(d.Time) + len(d.MediaType) + len(d.DataSchema)
	for i := range d.Extensions {
		size += len(d.Extensions[i].Name) + len(d.Extensions[i].Value) + 6
	}
	head := append(make([]byte, 0, size), `{"specversion":"`+SpecVersion+`"`...)
	head = appendMember(head, "id", d.ID)
	head = appendMember(head, "source", d.Source)
	head = appendMember(head, "type", d.Type)
	head = appendMember(head, "subject", subject)
	head = appendMember(head, "time", d.Time)
	head = appendMember(head, "datacontenttype", d.MediaType)
	head = appendMember(head, "dataschema", d.DataSchema)
	for i := range d.Extensions {
		x := &d.Extensions[i]
		if x.Bare {
			head = append(append(append(append(head, `,"`...), x.Name...), `":`...), x.Value...)
			continue
		}
		head = appendMember(head, x.Name, x.Value)
	}
	return append(head, '}')
}

// appendMember writes an attribute; one that is empty is not there.
func appendMember(head []byte, name, value string) []byte {
	if value == "" {
		return head
	}
	head = append(append(append(head, `,"`...), name...), `":`...)
	head, _ = jsontext.AppendQuote(head, value) // fails for invalid UTF-8 only, which Check has refused
	return head
}

// Attribute is one member of an event's head.
type Attribute struct {
	Name  string
	Value string // as text, whatever its JSON type
}

// Attributes lists the context attributes of an event in the order of its head.
func (e *Event) Attributes() []Attribute {
	attributes := make([]Attribute, 0, 12)
	decoder := jsontext.NewDecoder(bytes.NewBuffer(e.Head), jsontext.AllowDuplicateNames(true))
	if _, err := decoder.ReadToken(); err != nil {
		return nil
	}
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return attributes
		}
		text := name.String()
		value, err := decoder.ReadToken()
		if err != nil {
			return attributes
		}
		attributes = append(attributes, Attribute{Name: text, Value: value.String()})
	}
	return attributes
}

// Attribute returns the value of one context attribute, "" when it is not there.
func (e *Event) Attribute(name string) string {
	for _, a := range e.Attributes() {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}
