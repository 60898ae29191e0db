// Package register reads what registers deliver: DatafordelerDataDelivery in XML (requirements F10 to F14b).
//
//	<cmn:DatafordelerDataDelivery xmlns:cmn="…" xmlns:dagi="…">
//	  <cmn:Header>…</cmn:Header>
//	  <cmn:Data>
//	    <cmn:DataEntity>
//	      <cmn:Action>Create</cmn:Action>
//	      <cmn:CreateEvent>UpdateEvent</cmn:CreateEvent>
//	      <dagi:Kommuneinddeling>
//	        <dagi:objectid>20059189</dagi:objectid> …
//
// The samples do not say which namespace the envelope is of: that of the root is, and all of the envelope is of the same.
// An entity and its columns are of the namespace that the register declares for the type. Prefixes are spelled as anyone likes.
// Attributes say nothing, but xsi:nil. Columns that are no texts are taken without the white space around them.
//
// A delivery is read in constant memory: one entity at a time, each within Limits. It is in UTF-8 and has no DTD; nothing is
// ever expanded or fetched.
//
// What is wrong with it is told as violations, each with its line, the path of the element and the rule, and none with what
// stands there. Those of content are collected, up to event.MaxViolations; one of form, after which no more can be read, ends
// it at once. From the first of either on no entity is handed out.
package register

import (
	"cmp"
	"encoding/xml"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/geo"
	noun "github.com/varselhub/varsel/internal/register"
)

// Limits bound what is read at once; zero is the default.
type Limits struct {
	Text       int // bytes of a text that is no geometry, as it stands in the document: 1 MiB
	Entity     int // bytes of an entity, and so of a geometry and a ready message: 32 MiB
	Depth      int // of elements in each other: 64
	Attributes int // of an element: 64

	// Geometry reads a geometry that is no text but an element: it is given the element's start, and returns WKT. Its error
	// says what is wrong without the value where it is a fault. nil: GML, as geo reads it.
	Geometry func(*xml.Decoder, xml.StartElement) (wkt string, err error)
}

func (l Limits) orDefault() Limits {
	l.Text, l.Entity = cmp.Or(l.Text, 1<<20), cmp.Or(l.Entity, 32<<20)
	l.Depth, l.Attributes = cmp.Or(l.Depth, 64), cmp.Or(l.Attributes, 64)
	if l.Geometry == nil {
		l.Geometry = gml
	}
	return l
}

// gml reads GML. What is not in the system that registers use says so in the WKT.
func gml(decoder *xml.Decoder, start xml.StartElement) (string, error) {
	g, err := geo.FromGML(decoder, start)
	if g.System == geo.UTM32 {
		return g.WKT(), err
	}
	return g.EWKT(), err
}

// The names of the envelope.
const (
	rootName    = "DatafordelerDataDelivery"
	headerName  = "Header"
	dataName    = "Data"
	entityName  = "DataEntity"
	actionName  = "Action"
	eventName   = "CreateEvent"
	instanceURI = "http://www.w3.org/2001/XMLSchema-instance"
)

// Reader reads one delivery.
type Reader struct {
	*scanner
	types    map[xml.Name]*entityType
	zone     *time.Location
	envelope string // the namespace of the envelope
	header   noun.Header
	entity   noun.Entity
	number   int64
	scratch  []byte
	found    []fault.Violation
	begun    bool
	done     error // what Next returns from now on
}

// entityType is one with its columns by name.
type entityType struct {
	*noun.EntityType
	columns map[string]*column
}

// column is one with the number of the entity that had it last.
type column struct {
	*noun.Column
	seen int64
}

// NewReader reads a delivery of a register.
func NewReader(from io.Reader, of *noun.Register, limits Limits) *Reader {
	r := &Reader{scanner: newScanner(from, limits.orDefault()), types: map[xml.Name]*entityType{}}
	for i := range of.Types {
		t := &entityType{EntityType: &of.Types[i], columns: map[string]*column{}}
		for _, list := range [][]noun.Column{noun.Temporal, t.Columns} {
			for i := range list {
				t.columns[list[i].Name] = &column{Column: &list[i]}
			}
		}
		r.types[xml.Name{Space: t.Namespace, Local: t.Name}] = t
	}
	r.zone, r.done = of.Location()
	return r
}

// Header returns what stands in the delivery's header, once Next has been called.
func (r *Reader) Header() noun.Header { return r.header }

// Next returns the next entity, valid until the call after it; io.EOF at the end of a delivery that is whole and sound.
// Errors: fault.InvalidDocument with every violation; fault.BadRequest when it could not be read to its end; those faults that
// its reader returns.
func (r *Reader) Next() (*noun.Entity, error) {
	if r.done == nil {
		r.done = r.read()
	}
	if r.done != nil {
		return nil, r.done
	}
	return &r.entity, nil
}

// read reads the next entity, or tells all that is wrong.
func (r *Reader) read() error {
	err := r.operation()
	for err == nil && len(r.found) > 0 && len(r.found) < event.MaxViolations {
		err = r.operation()
	}
	if len(r.found) == 0 {
		return err
	}
	if last := fault.Of(err); err != nil && last.Code == fault.InvalidDocument {
		r.found = append(r.found, last.Violations...)
	}
	return fault.Invalid(fault.InvalidDocument, r.found[:min(len(r.found), event.MaxViolations)])
}

// operation reads the next entity with whatever is around it.
func (r *Reader) operation() error {
	if !r.begun {
		r.begun = true
		if err := r.begin(); err != nil {
			return err
		}
	}
	more, err := r.child()
	if err != nil {
		return err
	}
	if !more {
		return r.finish()
	}
	r.number++
	r.open[len(r.open)-1].number = r.number
	r.entity = noun.Entity{Number: r.number, Line: r.line, Fields: r.entity.Fields[:0]}
	r.bound = r.offset + int64(r.limits.Entity)
	switch {
	case isMessage(r.name):
		r.entity.Bare = true
		err = r.message()
	case r.name.Local != entityName:
		err = r.pass("element", "is not known here: want DataEntity")
	case r.name.Space != r.envelope:
		err = r.pass("namespace", "is not of the namespace of the delivery's root")
	default:
		err = r.dataEntity()
	}
	r.bound = math.MaxInt64
	return err
}

// begin reads up to the first entity.
func (r *Reader) begin() error {
	if err := r.scanner.begin(); err != nil {
		return err
	}
	if _, err := r.next(); err != nil {
		return err
	}
	if r.name.Local != rootName {
		return r.form("root", "want "+rootName+" as the root")
	}
	r.envelope = r.name.Space
	for {
		more, err := r.child()
		if err != nil {
			return err
		}
		switch {
		case !more:
			return r.form("required", "has no Data")
		case r.name.Space != r.envelope:
			return r.form("namespace", "is not of the namespace of the delivery's root")
		case r.name.Local == dataName:
			return nil
		case r.name.Local == headerName:
			err = r.readHeader()
		default:
			err = r.pass("element", "is not known here: want Header, then Data")
		}
		if err != nil {
			return err
		}
	}
}

// finish reads from the end of Data to that of the document.
func (r *Reader) finish() error {
	for {
		more, err := r.child()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		if err := r.pass("element", "is not known here: nothing follows Data"); err != nil {
			return err
		}
	}
	_, err := r.next()
	return err
}

// child reads on to the next element in the innermost one; false: that has ended.
func (r *Reader) child() (more bool, err error) {
	for {
		switch k, err := r.next(); {
		case err != nil:
			return false, err
		case k == start:
			return true, nil
		case k == end:
			return false, nil
		case !blank(r.text):
			r.refuse("text", "has text where elements are wanted")
		}
	}
}

// refuse notes what is wrong with the innermost element.
func (r *Reader) refuse(rule, message string) {
	if len(r.found) < event.MaxViolations {
		r.found = append(r.found, r.violation(r.line, rule, message))
	}
}

// pass refuses the innermost element and leaves it out.
func (r *Reader) pass(rule, message string) error {
	r.refuse(rule, message)
	return r.skip()
}

// maxMembers bounds a header.
const maxMembers = 100

// idNames are what a header's member with the delivery's id is called. The samples show none: these are ours.
var idNames = []string{"DeliveryId", "LeveranceId"}

// readHeader keeps the texts of the header, of whatever namespaces.
func (r *Reader) readHeader() error {
	depth, leaf := len(r.open), false
	for len(r.open) >= depth {
		k, err := r.next()
		switch {
		case err != nil:
			return err
		case k == start:
			leaf, r.scratch = true, r.scratch[:0]
		case k == text && leaf:
			if r.scratch = append(r.scratch, r.text...); len(r.scratch) > r.limits.Text {
				return r.broken(errTooMuch)
			}
		case k == end && leaf:
			leaf = false
			if len(r.header.Members) == maxMembers {
				return r.form("count", "has more than 100 members")
			}
			r.addMember(depth)
		}
	}
	return nil
}

// addMember notes the element that has just ended, in a header whose members are at a depth.
func (r *Reader) addMember(depth int) {
	name := r.ended.spelled.Local
	m := noun.Member{Value: strings.TrimFunc(string(r.scratch), isSpace)}
	for _, above := range r.open[depth:] {
		m.Name += above.spelled.Local + "/"
	}
	m.Name += name
	r.header.Members = append(r.header.Members, m)
	if r.header.ID == "" && slices.ContainsFunc(idNames, func(id string) bool { return strings.EqualFold(id, name) }) {
		r.header.ID = m.Value
	}
}

// isMessage reports whether an element is a ready message. Senders differ in its namespace, and in how it is spelled.
func isMessage(name xml.Name) bool {
	return name.Local == "Haendelsesbesked" || name.Local == "Hændelsesbesked"
}

// message keeps a ready message as it is.
func (r *Reader) message() error {
	r.budget = r.limits.Entity
	raw, err := r.whole()
	r.budget, r.entity.Message = r.limits.Text, raw
	return err
}
