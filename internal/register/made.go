package register

import (
	"bytes"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/fault"
)

// Maker makes what is kept and told of the entities of a register.
type Maker struct {
	register *Register
	handler  Handler
	zone     *time.Location
}

// NewMaker prepares a register's maker.
// Errors: fault.InvalidDocument when its zone is none.
func NewMaker(r *Register, h Handler) (*Maker, error) {
	zone, err := r.Location()
	return &Maker{register: r, handler: h, zone: zone}, err
}

// Row makes the row of an entity that is created. Its Number is the store's to set.
// Errors: fault.InvalidDocument.
func (m *Maker) Row(e *Entity) (Row, error) {
	if err := m.check(e, Create); err != nil {
		return Row{}, err
	}
	t := e.Type
	values := make([]string, len(t.Object))
	for i, name := range t.Object {
		values[i] = e.Field(name).Value
	}
	row := Row{
		Type: t.Name, ID: m.register.RowHandle(m.handler, t, e.Field(t.Row).Value), Object: m.register.ObjectHandle(m.handler, t, values...),
		Data: e.Kept(), Persons: m.Persons(e),
	}
	e.times(&row, m.zone)
	return row, nil
}

// Closing makes the end of a registration of an entity that is updated.
// Errors: fault.InvalidDocument.
func (m *Maker) Closing(e *Entity) (Closing, error) {
	if err := m.check(e, Update); err != nil {
		return Closing{}, err
	}
	c := Closing{Type: e.Type.Name, Row: m.register.RowHandle(m.handler, e.Type, e.Field(e.Type.Row).Value), Text: e.Field(RegistrationTo).Value}
	c.At, _ = ParseInstant(c.Text, m.zone)
	return c, nil
}

// check stands between an entity that no reader has looked at and what is made of it.
func (m *Maker) check(e *Entity, want Action) error {
	if e.Type == nil || e.Action != want {
		return fault.Invalid(fault.InvalidDocument, []fault.Violation{e.Violation("", "action", "want the action "+string(want))})
	}
	return fault.Invalid(fault.InvalidDocument, e.Check(m.zone))
}

// times fills a row's intervals from the columns, which hold times or nothing.
func (e *Entity) times(row *Row, zone *time.Location) {
	at := func(name string, otherwise int64) int64 {
		if f := e.Field(name); f != nil && !f.Empty() {
			us, _ := ParseInstant(f.Value, zone)
			return us
		}
		return otherwise
	}
	row.Registration = Interval{From: at(RegistrationFrom, 0), To: at(RegistrationTo, Open)}
	row.Effect = Interval{From: at(EffectFrom, 0), To: at(EffectTo, Open)}
}

// Kept is what a row keeps of the entity: one JSON object of its columns in the order of the document, each a text as it was
// delivered, or null where the delivery says so. The columns that only events have are left out (F12).
func (e *Entity) Kept() []byte {
	return object(e.Fields, func(f *Field) bool { return !f.EventOnly })
}

// Told is what an event tells of the entity: the same with every column.
func (e *Entity) Told() []byte { return object(e.Fields, func(*Field) bool { return true }) }

func object(fields []Field, take func(*Field) bool) []byte {
	size := 2
	for i := range fields {
		size += len(fields[i].Name) + len(fields[i].Value) + len(`"":"",`)
	}
	to := append(make([]byte, 0, size), '{')
	for i := range fields {
		if take(&fields[i]) {
			to = appendMember(to, &fields[i])
		}
	}
	return append(to, '}')
}

// appendMember appends a field to an object that is begun.
func appendMember(to []byte, f *Field) []byte {
	if to[len(to)-1] != '{' {
		to = append(to, ',')
	}
	to = append(quoted(to, f.Name), ':')
	if f.Nil {
		return append(to, "null"...)
	}
	return quoted(to, f.Value)
}

// quoted appends a JSON text.
func quoted(to []byte, text string) []byte {
	to, _ = jsontext.AppendQuote(to, text) // it fails on what is not UTF-8 alone, and appends that mended
	return to
}

// ToldOver is what an event tells of an update: the row that it ends, as Kept has it, with the columns of the update in the
// place of its own.
// Errors: fault.InvalidDocument when the row is no object, which is a defect of who kept it.
func (e *Entity) ToldOver(kept []byte) ([]byte, error) {
	decoder := jsontext.NewDecoder(bytes.NewReader(kept))
	to := append(make([]byte, 0, len(kept)+256), '{')
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != '{' {
		return nil, fault.New(fault.InvalidDocument, "the row is no JSON object")
	}
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			break
		}
		column := name.String()
		value, err := decoder.ReadValue()
		if err != nil {
			break
		}
		if e.Field(column) != nil {
			continue
		}
		if to[len(to)-1] != '{' {
			to = append(to, ',')
		}
		to = append(append(quoted(to, column), ':'), value...)
	}
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != '}' {
		return nil, fault.New(fault.InvalidDocument, "the row is no JSON object")
	}
	for i := range e.Fields {
		to = appendMember(to, &e.Fields[i])
	}
	return append(to, '}'), nil
}
