package register

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Cell is a column of a row with what it holds.
type Cell struct{ Name, Text string }

// Cells reads what stands in a row, in the order in which it is kept, with the end of its registration as it is now.
func (r *Row) Cells() ([]Cell, error) {
	var cells []Cell
	told := r.Registration.To == Open
	end := string(event.AppendTime(nil, r.Registration.To))
	decoder := jsontext.NewDecoder(bytes.NewReader(r.Data))
	if _, err := decoder.ReadToken(); err != nil {
		return nil, unreadable(err)
	}
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadToken()
		if err != nil {
			return nil, unreadable(err)
		}
		f := Cell{Name: name.String()}
		value, err := decoder.ReadToken()
		if err != nil || value.Kind() != '"' {
			return nil, unreadable(err)
		}
		f.Text = value.String()
		if f.Name == RegistrationTo && r.Registration.To != Open {
			f.Text, told = end, true
		}
		cells = append(cells, f)
	}
	if _, err := decoder.ReadToken(); err != nil {
		return nil, unreadable(err)
	}
	if !told {
		cells = append(cells, Cell{RegistrationTo, end})
	}
	return cells, nil
}

func unreadable(err error) error { return fault.Wrap(fault.Internal, err, "a row cannot be read") }

// JSON is a row as it was delivered, one JSON object, with the end of its registration as it is now.
func (r *Row) JSON() ([]byte, error) {
	if r.Registration.To == Open {
		return r.Data, nil
	}
	cells, err := r.Cells()
	if err != nil {
		return nil, err
	}
	text := []byte{'{'}
	for i, f := range cells {
		if i > 0 {
			text = append(text, ',')
		}
		for j, part := range [2]string{f.Name, f.Text} {
			if text, err = jsontext.AppendQuote(text, part); err != nil {
				return nil, unreadable(err)
			}
			if j == 0 {
				text = append(text, ':')
			}
		}
	}
	return append(text, '}'), nil
}

// Text is what a row holds in a column; "" for none.
func (r *Row) Text(column string) string {
	cells, _ := r.Cells() // what cannot be read says nothing; whoever writes it finds out
	for _, f := range cells {
		if f.Name == column {
			return f.Text
		}
	}
	return ""
}
