package event

import (
	"encoding/json"
	"strings"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
)

// Compiled is a version together with its type, ready to check and read data. It is safe for concurrent use.
type Compiled struct {
	Type    *Type
	Version *Version

	schema      *Schema
	mapping     *program
	reads       outline // what of the data Extract and Reveals look at; everything where there is a schema
	sample      any
	from, until int64 // µs UTC within which it accepts
	template    atomic.Value
}

// Compile makes a version of a type ready. Besides what Version.Check looks at, the mapping must do what the type
// asks, and the sample must come through the mapping. zone is where the version's days begin and end. The result is
// nil when there is a violation.
func Compile(t *Type, v *Version, zone *time.Location) (*Compiled, []fault.Violation) {
	compiled, found := v.compile(zone)
	compiled.Type = t
	c := checks{found: found}
	if v.Type != t.Name {
		c.refuse("/type", "type", "is another type's name")
	}
	compiled.checkKey(&c)
	compiled.checkPersonal(&c)
	compiled.checkBesked(&c)
	if len(c.found) == 0 && compiled.sample != nil {
		_, found := compiled.Extract(compiled.sample)
		for i := range found {
			found[i].Pointer = strings.Replace(found[i].Pointer, "/data", "/sample", 1)
		}
		c.found = append(c.found, found...)
	}
	if len(c.found) > 0 {
		return nil, c.found
	}
	if compiled.schema == nil {
		compiled.reads = outlineOf(compiled.mapping.placing())
	}
	return compiled, nil
}

func (c *Compiled) checkKey(found *checks) {
	mapped := c.mapping.fields[FieldKey] != nil
	switch {
	case c.Type.Order == OrderNone && mapped:
		found.refuse("/mapping/key", "order", "the type is not ordered by key")
	case c.Type.Order == OrderKey && !mapped && c.Type.Personal:
		found.refuse("/mapping/key", "required", "the type is ordered by key: say where the key stands")
	}
}

// checkPersonal keeps personal values in the data (DESIGN section 2): whatever leaves it in the clear is not filled
// from one.
func (c *Compiled) checkPersonal(found *checks) {
	personal := c.mapping.personal
	if c.Type.Personal && len(personal) == 0 {
		found.refuse("/mapping/personal", "required", "the type has personal values: list a pointer for every one")
	}
	if !c.Type.Personal && len(personal) > 0 {
		found.refuse("/mapping/personal", "not-personal", "the type is not marked personal")
	}
	if c.Type.Personal && c.mapping.fields[FieldSubject] != nil {
		found.refuse("/mapping/subject", "personal", "events of a personal type have no subject")
	}
	for _, field := range []Field{FieldMessageID, FieldOrganisationType, FieldOrganisationCode} {
		expression := c.mapping.fields[field]
		if expression == nil {
			continue
		}
		for _, loaded := range expression.Pointers() {
			for _, pointer := range personal {
				if loaded.Within(pointer) || pointer.Within(loaded) {
					found.refuse("/mapping/"+field.String(), "personal", "is seen outside the data, so it cannot be filled from a personal value")
				}
			}
		}
	}
}

// Template returns what internal/grunddata made of the mapping, so that messages are written without reading it again; nil
// where nothing was made yet.
func (c *Compiled) Template() any { return c.template.Load() }

// KeepTemplate stores it for the version's other events. It is always of one type.
func (c *Compiled) KeepTemplate(template any) { c.template.Store(template) }

// Reads reports whether accepting an event takes a look into its data. Where it does, the data must be JSON.
func (c *Compiled) Reads() bool {
	return c.schema != nil || c.mapping.loads || len(c.mapping.personal) > 0
}

// Tree reads from data, which Scan has found valid, what Validate, Extract and Reveals look at. Like the function Tree
// it refuses a number beyond the limits.
func (c *Compiled) Tree(data []byte) (any, *fault.Violation) { return c.reads.tree(data) }

// KeyMapped reports whether the key stands in the data; otherwise it is the extension partitionkey.
func (c *Compiled) KeyMapped() bool { return c.mapping.fields[FieldKey] != nil }

// Closed says why the version accepts no events at a time, "" when it does. Old versions of what was accepted before
// are sent for as long as it takes.
func (c *Compiled) Closed(now time.Time) string {
	us := clock.Micros(now)
	switch {
	case c.Version.State == StateDraft:
		return "the version is a draft"
	case c.Version.State == StateRetired:
		return "the version is retired"
	case us < c.from:
		return "the version is not in use before its start date"
	case us >= c.until:
		return "the version is not in use after its end date"
	}
	return ""
}

// Validate checks a tree against the schema; pointers start at /data.
func (c *Compiled) Validate(tree any) []fault.Violation {
	if c.schema == nil {
		return nil
	}
	return c.schema.Check(tree, "/data")
}

// Maps reports whether the mapping fills the field.
func (c *Compiled) Maps(field Field) bool { return c.mapping.fields[field] != nil }

// Constant returns the text of a field that says the same of every event.
func (c *Compiled) Constant(field Field) (text string, constant bool) {
	expression := c.mapping.fields[field]
	if expression == nil || len(expression.Pointers()) > 0 {
		return "", false
	}
	text, _ = expression.text(nil)
	return text, true
}

// Text evaluates one field over a tree. It is "" when the field is not mapped or finds nothing.
func (c *Compiled) Text(tree any, field Field) (string, *fault.Violation) {
	expression := c.mapping.fields[field]
	if expression == nil {
		return "", nil
	}
	return expression.text(tree)
}

// Part returns the bytes of the data that a field's single pointer names; without one, all of it.
func (c *Compiled) Part(data []byte, field Field) (part []byte, ok bool) {
	expression := c.mapping.fields[field]
	if expression == nil || !expression.single() {
		return data, true
	}
	return expression.terms[0].pointer.Raw(data)
}

// Extract is what the hub keeps of an event's data beside it.
type Extract struct {
	Key          string
	MessageID    ident.UUID // zero: none mapped
	Subject      string
	Organisation Organisation
}

// maxOrganisation bounds an organisation's type and code, in bytes.
const maxOrganisation = 64

// Extract reads the fields that place an event in the log. The violations name pointers in the data.
func (c *Compiled) Extract(tree any) (x Extract, violations []fault.Violation) {
	text := func(field Field) string {
		value, v := c.Text(tree, field)
		if v != nil {
			violations = append(violations, *v)
		}
		return value
	}
	refuse := func(field Field, rule, message string) {
		violations = append(violations, fault.Violation{Pointer: c.Place(field), Rule: rule, Message: message})
	}
	x.Key = text(FieldKey)
	if x.Key == "" && c.KeyMapped() && len(violations) == 0 {
		refuse(FieldKey, "required", "is the key that keeps events in order, and must not be empty")
	}
	if id := text(FieldMessageID); id != "" {
		var err error
		if x.MessageID, err = ident.Parse(id); err != nil || x.MessageID == (ident.UUID{}) {
			refuse(FieldMessageID, "uuid", "is the message id: want a UUID of 36 characters that is not all zero")
		}
	}
	if x.Subject = text(FieldSubject); len(x.Subject) > maxSubject || !isCloudString(x.Subject) {
		refuse(FieldSubject, "subject", "becomes the subject: want at most 1024 bytes without control characters")
	}
	x.Organisation = Organisation{Type: text(FieldOrganisationType), Code: text(FieldOrganisationCode)}
	switch o := x.Organisation; {
	case (o.Type == "") != (o.Code == "") && len(violations) == 0:
		refuse(FieldOrganisationType, "organisation", "an organisation has both type and code, or neither")
	case len(o.Type) > maxOrganisation || len(o.Code) > maxOrganisation || !isCloudString(o.Type) || !isCloudString(o.Code):
		refuse(FieldOrganisationType, "organisation", "want type and code of at most 64 bytes without control characters")
	case strings.IndexByte(o.Type, ':') >= 0:
		refuse(FieldOrganisationType, "organisation", "an organisation's type has no colon")
	}
	return x, append(violations, c.unfit(tree)...)
}

// Place names where in the data a field is looked for.
func (c *Compiled) Place(field Field) string {
	if expression := c.mapping.fields[field]; expression != nil {
		if pointers := expression.Pointers(); len(pointers) > 0 {
			return "/data" + pointers[0].String()
		}
	}
	return "/data"
}

// leastRevealing is the shortest personal value that is looked for elsewhere, in bytes: shorter ones, such as an age,
// stand in other texts by chance.
const leastRevealing = 8

// Reveals reports whether text holds a personal value of the tree.
func (c *Compiled) Reveals(tree any, text string) bool {
	if len(text) < leastRevealing {
		return false
	}
	for _, pointer := range c.mapping.personal {
		if value, ok := pointer.In(tree); ok && holds(text, value) {
			return true
		}
	}
	return false
}

// holds reports whether any text or number within value stands in text.
func holds(text string, value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for _, member := range value {
			if holds(text, member) {
				return true
			}
		}
	case []any:
		for _, item := range value {
			if holds(text, item) {
				return true
			}
		}
	case string:
		return len(value) >= leastRevealing && strings.Contains(text, value)
	case json.Number:
		return len(value) >= leastRevealing && strings.Contains(text, string(value))
	}
	return false
}
