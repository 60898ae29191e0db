package register

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
	noun "github.com/varselhub/varsel/internal/register"
)

// dataEntity reads one operation (F12), whose element has begun.
func (r *Reader) dataEntity() error {
	e, sound := &r.entity, len(r.found)
	for {
		more, err := r.child()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		switch {
		case isMessage(r.name) && e.Type == nil && len(e.Message) == 0:
			err = r.message()
		case r.name.Local == actionName && r.name.Space == r.envelope:
			err = r.action()
		case r.name.Local == eventName && r.name.Space == r.envelope:
			err = r.event()
		default:
			err = r.object()
		}
		if err != nil {
			return err
		}
	}
	if len(r.found) == sound {
		r.check()
	}
	return nil
}

// check looks at an entity that has been read.
func (r *Reader) check() {
	e := &r.entity
	refuse := func(rule, message string) { r.found = append(r.found, e.Violation("", rule, message)) }
	switch {
	case len(e.Message) > 0:
	case e.Type == nil:
		refuse("required", "has no entity, and no ready message")
	case e.Action == "":
		refuse("required", "has no Action")
	case e.Event == "":
		refuse("required", "has no CreateEvent: say NoEvent where there is none")
	default:
		r.found = append(r.found, e.Check(r.zone)...)
	}
}

func (r *Reader) action() error {
	value, err := r.word()
	switch action := noun.Action(value); {
	case err != nil:
	case r.entity.Action != "":
		r.refuse("twice", "Action is there twice")
	case action == noun.Create, action == noun.Update:
		r.entity.Action = action
	case value == "Delete":
		r.refuse("action", "a row is never deleted: end its registration with an Update that sets registreringTil")
	default:
		r.refuse("action", "want Create or Update as the Action")
	}
	return err
}

func (r *Reader) event() error {
	value, err := r.word()
	switch kind := noun.EventKind(value); {
	case err != nil:
	case r.entity.Event != "":
		r.refuse("twice", "CreateEvent is there twice")
	case kind == noun.NoEvent, slices.Contains(noun.EventKinds, kind):
		r.entity.Event = kind
	default:
		r.refuse("event", "want NoEvent, CreateEvent, UpdateEvent or DeleteEvent as the CreateEvent")
	}
	return err
}

// word reads the text of an element of the envelope.
func (r *Reader) word() (string, error) {
	value, err := r.content(nil)
	return strings.TrimFunc(value, isSpace), err
}

// object reads the element of an entity, with its columns.
func (r *Reader) object() error {
	t := r.types[r.name]
	switch e := &r.entity; {
	case e.Type != nil, len(e.Message) > 0:
		return r.pass("twice", "is one more than the one entity of a DataEntity")
	case t == nil:
		if namespace, known := r.declared(r.name.Local); known {
			return r.pass("namespace", "is not of the namespace that the register declares for this type, "+cmp.Or(namespace, "which is none"))
		}
		return r.pass("entity", "is no entity type of the register")
	}
	r.entity.Type = t.EntityType
	for {
		more, err := r.child()
		if err != nil || !more {
			return err
		}
		if err := r.column(t); err != nil {
			return err
		}
	}
}

// declared is the namespace of the entity type with a name; the first of them where several have it.
func (r *Reader) declared(name string) (namespace string, known bool) {
	for n := range r.types {
		if n.Local == name && (!known || n.Space < namespace) {
			namespace, known = n.Space, true
		}
	}
	return namespace, known
}

// column reads a column, whose element has begun.
func (r *Reader) column(t *entityType) error {
	c := t.columns[r.name.Local]
	switch {
	case r.name.Space != t.Namespace:
		return r.pass("namespace", "is not of the namespace of its entity")
	case c == nil:
		return r.pass("column", "is no column of this entity type")
	case c.seen == r.number:
		return r.pass("twice", "is there twice")
	}
	c.seen = r.number
	f := noun.Field{Column: c.Column, Line: r.line, Nil: isNil(r.attr)}
	var read func() (string, error)
	if c.Type == noun.Geometry {
		r.budget = r.limits.Entity
		read = r.geometry
	}
	value, err := r.content(read)
	r.budget = r.limits.Text
	if c.Type != noun.Text && c.Type != "" {
		value = strings.TrimFunc(value, isSpace)
	}
	if f.Value = value; f.Nil && value != "" {
		r.found = append(r.found, r.entity.Violation("", "nil", "column "+c.Name+" is xsi:nil and says something"))
	}
	r.entity.Fields = append(r.entity.Fields, f)
	return err
}

// isNil reports whether an element is said to be nothing (XML Schema part 1, section 2.6.2).
func isNil(attributes []xml.Attr) bool {
	for i := range attributes {
		if a := &attributes[i]; a.Name.Space == instanceURI && a.Name.Local == "nil" {
			value := strings.TrimFunc(a.Value, isSpace)
			return value == "true" || value == "1"
		}
	}
	return false
}

// content reads the text of the innermost element, to its end. An element in it is given to read, when there is one, and what
// that returns stands in the place of a text.
func (r *Reader) content(read func() (string, error)) (string, error) {
	r.scratch = r.scratch[:0]
	made, instead := "", false
	for {
		switch k, err := r.next(); {
		case err != nil:
			return "", err
		case k == text && instead:
			r.beside(r.text)
		case k == text:
			if r.scratch = append(r.scratch, r.text...); len(r.scratch) > r.budget {
				return "", r.broken(errTooMuch)
			}
		case k == end && instead:
			return made, nil
		case k == end:
			return string(r.scratch), nil
		case read == nil, instead:
			if err := r.pass("element", "is not known here: want text"); err != nil {
				return "", err
			}
		default:
			r.beside(r.scratch)
			if made, err = read(); err != nil {
				return "", err
			}
			instead = true
		}
	}
}

// beside refuses a text beside an element.
func (r *Reader) beside(text []byte) {
	if !blank(text) {
		r.refuse("text", "has text beside an element, or is one beside a text")
	}
}

// geometry reads a geometry that is an element.
func (r *Reader) geometry() (string, error) {
	line := r.line
	raw, err := r.whole()
	if err != nil {
		return "", err
	}
	refuse := func(why string) { // whole has ended the element: it is the column that is refused
		r.found = append(r.found, r.violation(line, "geometry", "is no geometry that is known here"+why))
	}
	decoder := xml.NewDecoder(bytes.NewReader(raw))
	token, err := decoder.Token()
	first, isStart := token.(xml.StartElement)
	if err != nil || !isStart {
		refuse("")
		return "", nil
	}
	wkt, err := r.limits.Geometry(decoder, first)
	var f *fault.Fault
	switch {
	case errors.As(err, &f):
		refuse(": " + f.Detail)
	case err != nil:
		refuse("")
	}
	return wkt, nil
}
