package register

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Cell is a column of a row with what it holds. Where the delivery says that it holds nothing it is no cell.
type Cell struct{ Name, Text string }

// Cells reads what stands in a row, in the order in which it is kept, with the end of its registration as it is now.
func (r *Row) Cells() ([]Cell, error) {
	var cells []Cell
	if r.Erased {
		cells = append(cells, Cell{ErasedMark, "true"})
	}
	err := r.each(func(name string, value jsontext.Value) error {
		if value.Kind() != '"' {
			return nil // null
		}
		text, err := jsontext.AppendUnquote(nil, value)
		cells = append(cells, Cell{name, string(text)})
		return err
	})
	return cells, err
}

// each visits the members of a row, with the end of its registration as it is now.
func (r *Row) each(visit func(name string, value jsontext.Value) error) error {
	told := r.Registration.To == Open
	end, _ := jsontext.AppendQuote(nil, event.AppendTime(nil, r.Registration.To)) // digits
	decoder := jsontext.NewDecoder(bytes.NewReader(r.Data))
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != '{' {
		return unreadable(err)
	}
	for decoder.PeekKind() == '"' {
		token, err := decoder.ReadToken()
		if err != nil {
			return unreadable(err)
		}
		name := token.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return unreadable(err)
		}
		if name == RegistrationTo && r.Registration.To != Open {
			value, told = end, true
		}
		if err := visit(name, value); err != nil {
			return unreadable(err)
		}
	}
	if token, err := decoder.ReadToken(); err != nil || token.Kind() != '}' {
		return unreadable(err)
	}
	if told {
		return nil
	}
	return visit(RegistrationTo, end)
}

func unreadable(err error) error { return fault.Wrap(fault.Internal, err, "a row cannot be read") }

// JSON is a row as it was delivered, one JSON object, with the end of its registration as it is now.
func (r *Row) JSON() ([]byte, error) {
	if r.Registration.To == Open {
		return r.Data, nil
	}
	text := append(make([]byte, 0, len(r.Data)+64), '{')
	err := r.each(func(name string, value jsontext.Value) error {
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(append(quoted(text, name), ':'), value...)
		return nil
	})
	return append(text, '}'), err
}

// Text is what a row holds in a column; "" for none.
func (r *Row) Text(column string) string {
	cells, _ := r.Cells() // what cannot be read says nothing; whoever writes it finds out
	for _, cell := range cells {
		if cell.Name == column {
			return cell.Text
		}
	}
	return ""
}
