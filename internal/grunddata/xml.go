package grunddata

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Namespace is that of the messages that the hub writes.
const Namespace = "urn:dk:grunddata:1.0.0"

// namespaces are those that messages are read in: the documentation declares the right one for a prefix it does not use,
// and "urn" for its elements. That of another family of messages (urn:oio:besked:kuvert:1.0) is not among them.
var namespaces = []string{Namespace, "urn", ""}

var transliterated = strings.NewReplacer("æ", "ae", "ø", "oe", "å", "aa")

// xmlName is how XML spells a member: without æ, ø and å, with a capital, and Id for ID.
func xmlName(name string) string {
	name = transliterated.Replace(name)
	if rest, ok := strings.CutSuffix(name, "ID"); ok {
		name = rest + "Id"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// ReadXML reads a message written in UTF-8, whatever encoding its declaration claims: the documentation's samples say
// utf-16 within utf-8. The error is a fault InvalidMessage and tells nothing of the message.
func ReadXML(text []byte) (*Message, error) {
	if err := checkSize(len(text)); err != nil {
		return nil, err
	}
	if !utf8.Valid(text) {
		return nil, refused("", "utf-8", "is not UTF-8")
	}
	decoder := xml.NewDecoder(bytes.NewReader(bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\ufeff")))))
	decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	name, d, err := parseXML(decoder)
	if err != nil {
		return nil, err
	}
	at := ""
	if name == wrapper {
		at = "/" + wrapper
		if len(d.members) != 1 || d.members[0].value.kind != object {
			return nil, refused(at, "besked", "want the element "+xmlName(root))
		}
		name, d = d.members[0].name, d.members[0].value
	}
	if name != xmlName(root) || d.kind != object {
		return nil, refused(at, "besked", "want the element "+xmlName(root)+" with elements in it")
	}
	return message(d, at+"/"+root, xmlName)
}

// parseXML reads a document of one element.
func parseXML(decoder *xml.Decoder) (name string, root *Data, err error) {
	p := elements{decoder: decoder}
	for {
		token, err := p.token()
		if errors.Is(err, io.EOF) && root != nil {
			return name, root, nil
		}
		if err != nil {
			return "", nil, malformed(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if root != nil {
				return "", nil, refused("", "xml", "has more than one element at its top")
			}
			name = token.Name.Local
			if root, err = p.element(token, 1, false); err != nil {
				return "", nil, malformed(err)
			}
		case xml.CharData:
			if len(bytes.TrimSpace(token)) > 0 {
				return "", nil, refused("", "xml", "has text outside its element")
			}
		}
	}
}

// malformed keeps what the decoder says of a text for the operator: it may quote the text.
func malformed(err error) error {
	if fault.Known(err) {
		return err
	}
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return refused("", "xml", "is not well-formed XML")
	}
	return fault.Wrap(fault.InvalidMessage, err, "the message cannot be read as XML")
}

// elements reads elements into trees.
type elements struct{ decoder *xml.Decoder }

// token is the next of what means something. A document type could name files and blow up into any size, so there is none.
func (p *elements) token() (xml.Token, error) {
	for {
		token, err := p.decoder.Token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.Directive:
			return nil, refused("", "doctype", "has a document type, which no message has")
		case xml.ProcInst:
			if token.Target != "xml" {
				return nil, refused("", "xml", "has a processing instruction, which no message has")
			}
		case xml.Comment:
		default:
			return token, nil
		}
	}
}

// element reads what stands in an element. free is within Objektdata, where names are the register's.
func (p *elements) element(start xml.StartElement, depth int, free bool) (*Data, error) {
	if depth > event.MaxDepth {
		return nil, refused("", "depth", "is nested deeper than 64 elements")
	}
	if !free && !slices.Contains(namespaces, start.Name.Space) {
		return nil, refused("", "namespace", "has an element of another namespace than "+Namespace)
	}
	free = free || start.Name.Local == "Objektdata"
	var said []byte
	d := &Data{kind: text}
	places := map[string]int{} // of members, by name
	for {
		token, err := p.token()
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			inner, err := p.element(token, depth+1, free)
			if err != nil {
				return nil, err
			}
			d.kind = object
			d.add(places, token.Name.Local, inner)
		case xml.CharData:
			said = append(said, token...)
		case xml.EndElement:
			said = bytes.TrimSpace(said)
			if d.kind == object && len(said) > 0 {
				return nil, refused("", "mixed", "has an element with both text and elements in it")
			}
			d.text = string(said)
			return d, nil
		}
	}
}

// add adds a member; those of the same name become an array.
func (d *Data) add(places map[string]int, name string, value *Data) {
	at, known := places[name]
	if !known {
		places[name] = len(d.members)
		d.members = append(d.members, member{name, value})
		return
	}
	first := d.members[at].value
	if first.kind != array { // an element is never an array by itself
		first = &Data{kind: array, items: []*Data{first}}
		d.members[at].value = first
	}
	first.items = append(first.items, value)
}

// AppendXML appends the message as one element, without a declaration: it stands within other XML. The error is a fault
// InvalidMessage: Objektdata that came as JSON may have names, and any text characters, that XML cannot hold.
func (m *Message) AppendXML(dst []byte) ([]byte, error) {
	w := xmlWriter{dst: dst}
	w.dst = append(w.dst, "<"+xmlName(root)+` xmlns="`+Namespace+`">`...)
	m.walk(&w)
	w.close(xmlName(root))
	if w.bad != "" {
		return nil, refused(w.bad, "xml", "cannot be written as XML")
	}
	return w.dst, nil
}

// xmlWriter is the walker that writes XML.
type xmlWriter struct {
	dst []byte
	bad string // the first member that cannot be written
}

func (w *xmlWriter) open(name string)  { w.dst = append(append(append(w.dst, '<'), name...), '>') }
func (w *xmlWriter) close(name string) { w.dst = append(append(append(w.dst, "</"...), name...), '>') }

// element writes a text, as an empty element where it is empty.
func (w *xmlWriter) element(name, value string) {
	if value == "" {
		w.dst = append(append(append(w.dst, '<'), name...), "/>"...)
		return
	}
	w.open(name)
	w.escape(name, value)
	w.close(name)
}

func (w *xmlWriter) escape(name, value string) {
	for _, r := range value {
		switch {
		case r == '<':
			w.dst = append(w.dst, "&lt;"...)
		case r == '>':
			w.dst = append(w.dst, "&gt;"...)
		case r == '&':
			w.dst = append(w.dst, "&amp;"...)
		case r == '\r':
			w.dst = append(w.dst, "&#13;"...) // a reader would make it a line feed
		case !isChar(r):
			w.refuse(name)
		default:
			w.dst = utf8.AppendRune(w.dst, r)
		}
	}
}

func (w *xmlWriter) refuse(name string) {
	if w.bad == "" {
		w.bad = "/" + root + "//" + name
	}
}

// isChar reports whether XML 1.0 has the character (section 2.2).
func isChar(r rune) bool {
	return r >= ' ' && r <= 0xD7FF || r == '\t' || r == '\n' || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000
}

// isName reports whether an element may be called that (Namespaces in XML 1.0, section 3): letters, digits and a few
// signs, and no colon.
func isName(name string) bool {
	for i, r := range name {
		letter := unicode.IsLetter(r) || r == '_'
		if !letter && (i == 0 || !unicode.IsDigit(r) && r != '-' && r != '.') {
			return false
		}
	}
	return name != ""
}

func (w *xmlWriter) text(name string, n need, value *string) {
	if *value != "" || n != optional {
		w.element(xmlName(name), *value)
	}
}

func (w *xmlWriter) texts(name string, values *[]string) {
	for _, value := range *values {
		w.element(xmlName(name), value)
	}
}

func (w *xmlWriter) part(name string, there bool, walk func(walker)) {
	if !there {
		return
	}
	name = xmlName(name)
	w.open(name)
	walk(w)
	w.close(name)
}

func (w *xmlWriter) list(name string, length int, walk func(i int, w walker)) {
	for i := range length {
		w.part(name, true, func(inner walker) { walk(i, inner) })
	}
}

func (w *xmlWriter) reference(value *string) { w.text("Objektreference", optional, value) }

func (w *xmlWriter) data(name string, value **Data) {
	if *value != nil {
		w.value(name, *value)
	}
}

// value writes a tree: members as elements, an array as an element for each item.
func (w *xmlWriter) value(name string, d *Data) {
	if !isName(name) {
		w.refuse("Objektdata")
		return
	}
	switch d.kind {
	case object:
		w.open(name)
		for _, m := range d.members {
			w.value(m.name, m.value)
		}
		w.close(name)
	case array:
		for _, item := range d.items {
			w.value(name, item)
		}
	default:
		w.element(name, d.text)
	}
}
