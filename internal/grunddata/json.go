package grunddata

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// wrapper is what the root stands in where the real service answers; the documentation's sample has it bare.
const wrapper = "Grunddatabesked"

// ReadJSON reads a message with its wrapper or without, or only what stands in its root; its id is spelled beskedID or beskedId. The error is a fault
// InvalidMessage and tells nothing of the message.
func ReadJSON(text []byte) (*Message, error) {
	if err := checkSize(len(text)); err != nil {
		return nil, err
	}
	if v := event.Scan(text); v != nil {
		v.Pointer = ""
		return nil, fault.Invalid(fault.InvalidMessage, []fault.Violation{*v})
	}
	decoder := jsontext.NewDecoder(bytes.NewBuffer(text), jsontext.AllowDuplicateNames(true)) // Scan has found none
	d, err := parseJSON(decoder)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidMessage, err, "the message cannot be read as JSON")
	}
	at := ""
	for _, name := range []string{wrapper, root} {
		if inner := d.within(name); inner != nil {
			d, at = inner, at+"/"+name
		}
	}
	if !strings.HasSuffix(at, root) && d.within("Beskedkuvert") == nil {
		return nil, refused(at, "besked", "want an object with the member "+root)
	}
	return message(d, at, func(name string) string { return name })
}

// parseJSON reads one value. What is read is no deeper than Scan allows.
func parseJSON(decoder *jsontext.Decoder) (*Data, error) {
	token, err := decoder.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		return parseObject(decoder)
	case '[':
		d := &Data{kind: array}
		for decoder.PeekKind() != ']' {
			item, err := parseJSON(decoder)
			if err != nil {
				return nil, err
			}
			d.items = append(d.items, item)
		}
		_, err := decoder.ReadToken()
		return d, err
	case '"':
		return &Data{kind: text, text: token.String()}, nil
	case 'n':
		return &Data{}, nil
	}
	return &Data{kind: literal, text: token.String()}, nil
}

func parseObject(decoder *jsontext.Decoder) (*Data, error) {
	d := &Data{kind: object}
	for decoder.PeekKind() != '}' {
		token, err := decoder.ReadToken()
		if err != nil {
			return nil, err
		}
		name := token.String()
		value, err := parseJSON(decoder)
		if err != nil {
			return nil, err
		}
		d.members = append(d.members, member{name, value})
	}
	_, err := decoder.ReadToken()
	return d, err
}

// AppendJSON appends the message as the real service answers: in its wrapper, its id spelled beskedID, and no member that
// has nothing to say.
func (m *Message) AppendJSON(dst []byte) []byte {
	w := jsonWriter{dst: append(dst, `{"`+wrapper+`":{`...)}
	w.part(root, true, m.walk)
	return append(w.dst, "}}"...)
}

// AppendBare appends the message as the documentation prints what is pushed: without wrapper, its id spelled beskedId, and
// null where there is nothing to say.
func (m *Message) AppendBare(dst []byte) []byte {
	w := jsonWriter{dst: append(dst, '{'), bare: true}
	w.part(root, true, m.walk)
	return append(w.dst, '}')
}

// jsonWriter is the walker that writes JSON.
type jsonWriter struct {
	dst  []byte
	bare bool
}

func (w *jsonWriter) name(name string) {
	if last := w.dst[len(w.dst)-1]; last != '{' {
		w.dst = append(w.dst, ',')
	}
	if w.bare && name == "beskedID" {
		name = "beskedId"
	}
	w.quote(name)
	w.dst = append(w.dst, ':')
}

func (w *jsonWriter) quote(text string) {
	w.dst, _ = jsontext.AppendQuote(w.dst, text) // it has an error for what is no UTF-8, which was refused when it was read
}

// absent writes that there is nothing, where that is said.
func (w *jsonWriter) absent(name string) {
	if w.bare {
		w.name(name)
		w.dst = append(w.dst, "null"...)
	}
}

func (w *jsonWriter) text(name string, n need, value *string) {
	if *value == "" && (n == optional || w.bare) {
		w.absent(name)
		return
	}
	w.name(name)
	w.quote(*value)
}

func (w *jsonWriter) texts(name string, values *[]string) {
	if len(*values) == 0 {
		w.absent(name)
		return
	}
	w.name(name)
	w.items(len(*values), func(i int) { w.quote((*values)[i]) })
}

func (w *jsonWriter) items(length int, write func(i int)) {
	w.dst = append(w.dst, '[')
	for i := range length {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		write(i)
	}
	w.dst = append(w.dst, ']')
}

func (w *jsonWriter) part(name string, there bool, walk func(walker)) {
	if !there {
		w.absent(name)
		return
	}
	w.name(name)
	w.object(walk)
}

func (w *jsonWriter) object(walk func(walker)) {
	w.dst = append(w.dst, '{')
	walk(w)
	w.dst = append(w.dst, '}')
}

func (w *jsonWriter) list(name string, length int, walk func(i int, w walker)) {
	if length == 0 {
		w.absent(name)
		return
	}
	w.name(name)
	w.items(length, func(i int) { w.object(func(inner walker) { walk(i, inner) }) })
}

func (w *jsonWriter) reference(value *string) {
	w.part("Objektreference", *value != "", func(inner walker) { inner.text("objektreference", filled, value) })
}

func (w *jsonWriter) data(name string, value **Data) {
	if *value == nil {
		w.absent(name)
		return
	}
	w.name(name)
	w.value(*value)
}

func (w *jsonWriter) value(d *Data) {
	switch d.kind {
	case null:
		w.dst = append(w.dst, "null"...)
	case text:
		w.quote(d.text)
	case literal:
		w.dst = append(w.dst, d.text...)
	case array:
		w.items(len(d.items), func(i int) { w.value(d.items[i]) })
	case object:
		w.dst = append(w.dst, '{')
		for _, m := range d.members {
			w.name(m.name)
			w.value(m.value)
		}
		w.dst = append(w.dst, '}')
	}
}
