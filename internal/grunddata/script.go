package grunddata

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// script is a template in one form: what is written, piece by piece.
type script struct {
	pieces []piece
	apart  bool // what comes next begins a piece of its own
}

// piece is a constant text, a gap with what stands around it, or the beginning of a part that need not be there.
type piece struct {
	kind   kindOfPiece
	before string // of a constant, all there is
	slot   slot   // of a gap
	need   need
	after  string
	absent string // in place of all that where the text is empty; of a part, where it is not there

	brought []slot // of a part: where all of these texts are empty
	passed  int    // so many of the pieces that follow are passed over
}

type kindOfPiece uint8

const (
	fixed   kindOfPiece = iota
	closing             // fixed, too: ends an object or an array, and takes back the comma behind its last member
	open                // a gap
	unsure              // a part follows
)

// append writes a message. It says no where a text is missing that every message has, or cannot be written in the form.
func (s *script) append(dst []byte, form Form, texts *[slots][]byte) (written []byte, ok bool) {
	for i := 0; i < len(s.pieces); i++ {
		switch p := &s.pieces[i]; p.kind {
		case closing:
			if last := len(dst) - 1; dst[last] == ',' {
				dst = dst[:last]
			}
			dst = append(dst, p.before...)
		case fixed:
			dst = append(dst, p.before...)
		case unsure:
			if !p.there(texts) {
				dst = append(dst, p.absent...)
				i += p.passed
			}
		case open:
			if dst, ok = p.append(dst, form, texts[p.slot]); !ok {
				return dst, false
			}
		}
	}
	return dst, len(s.pieces) > 0
}

// append writes a gap.
func (p *piece) append(dst []byte, form Form, text []byte) (written []byte, ok bool) {
	if len(text) == 0 {
		return append(dst, p.absent...), p.need != filled
	}
	dst = append(dst, p.before...)
	if form == XML {
		dst, ok = appendXMLText(dst, text)
	} else {
		dst, ok = append(dst, text...), true
	}
	return append(dst, p.after...), ok
}

// there reports whether a part is.
func (p *piece) there(texts *[slots][]byte) bool {
	for _, slot := range p.brought {
		if len(texts[slot]) > 0 {
			return true
		}
	}
	return false
}

func (s *script) add(p piece) { s.pieces, s.apart = append(s.pieces, p), p.kind > closing }

func (s *script) constant(text string) {
	if last := len(s.pieces) - 1; last >= 0 && !s.apart {
		s.pieces[last].before += text
	} else if text != "" {
		s.add(piece{before: text})
	}
}

// maybe writes a part, which may be one that need not be there.
func (s *script) maybe(name, absent string, write func()) {
	brought, not := brings[name]
	if !not {
		write()
		return
	}
	at := len(s.pieces)
	s.add(piece{kind: unsure, brought: brought, absent: absent})
	write()
	s.pieces[at].passed = len(s.pieces) - at - 1
	s.apart = true
}

// jsonScript is the walker that writes a script of JSON. Every member has a comma behind it.
type jsonScript struct {
	script
	bare bool
}

func scriptJSON(m *Message, bare bool) script {
	w := jsonScript{bare: bare}
	if bare {
		w.constant("{")
	} else {
		w.constant(`{"` + wrapper + `":{`)
	}
	w.part(root, true, m.walk)
	w.close("}")
	if !bare {
		w.constant("}")
	}
	return w.script
}

// close ends an object or an array.
func (w *jsonScript) close(text string) { w.add(piece{kind: closing, before: text}) }

func (w *jsonScript) name(name string) string {
	if w.bare && name == "beskedID" {
		name = "beskedId"
	}
	return quoted(name) + ":"
}

func quoted(text string) string {
	quoted, _ := jsontext.AppendQuote(nil, text) // as jsonWriter.quote
	return string(quoted)
}

// nothing is what stands for a member that has nothing to say.
func (w *jsonScript) nothing(name string, n need) string {
	switch {
	case w.bare:
		return w.name(name) + "null,"
	case n == optional:
		return ""
	}
	return w.name(name) + `"",`
}

func (w *jsonScript) text(name string, n need, value *string) {
	if slot, ok := gapAt(*value); ok {
		w.add(piece{kind: open, before: w.name(name) + `"`, slot: slot, need: n, after: `",`, absent: w.nothing(name, n)})
	} else if *value == "" {
		w.constant(w.nothing(name, n))
	} else {
		w.constant(w.name(name) + quoted(*value) + ",")
	}
}

func (w *jsonScript) texts(name string, values *[]string) { w.constant(w.nothing(name, optional)) }

func (w *jsonScript) part(name string, there bool, walk func(walker)) {
	if !there {
		w.constant(w.nothing(name, optional))
		return
	}
	w.maybe(name, w.nothing(name, optional), func() {
		w.constant(w.name(name))
		w.object(walk)
	})
}

func (w *jsonScript) object(walk func(walker)) {
	w.constant("{")
	walk(w)
	w.close("},")
}

func (w *jsonScript) list(name string, length int, walk func(i int, w walker)) {
	if length == 0 {
		w.constant(w.nothing(name, optional))
		return
	}
	w.maybe(name, w.nothing(name, optional), func() {
		w.constant(w.name(name) + "[")
		for i := range length {
			w.object(func(inner walker) { walk(i, inner) })
		}
		w.close("],")
	})
}

func (w *jsonScript) reference(value *string) {
	w.part("Objektreference", *value != "", func(inner walker) { inner.text("objektreference", filled, value) })
}

func (w *jsonScript) data(name string, _ **Data) { w.constant(w.nothing(name, optional)) }

// xmlScript is the walker that writes a script of XML.
type xmlScript struct {
	script
	bad bool // something cannot be written as XML
}

func scriptXML(m *Message) script {
	w := xmlScript{}
	w.constant("<" + xmlName(root) + ` xmlns="` + Namespace + `">`)
	m.walk(&w)
	w.constant("</" + xmlName(root) + ">")
	if w.bad {
		return script{}
	}
	return w.script
}

func (w *xmlScript) text(name string, n need, value *string) {
	name = xmlName(name)
	empty := ""
	if n != optional {
		empty = "<" + name + "/>"
	}
	slot, gap := gapAt(*value)
	switch {
	case gap:
		w.add(piece{kind: open, before: "<" + name + ">", slot: slot, need: n, after: "</" + name + ">", absent: empty})
	case *value == "":
		w.constant(empty)
	default:
		x := xmlWriter{}
		x.element(name, *value)
		w.constant(string(x.dst))
		w.bad = w.bad || x.bad != ""
	}
}

func (w *xmlScript) texts(string, *[]string) {}

func (w *xmlScript) part(name string, there bool, walk func(walker)) {
	if !there {
		return
	}
	w.maybe(name, "", func() {
		name := xmlName(name)
		w.constant("<" + name + ">")
		walk(w)
		w.constant("</" + name + ">")
	})
}

func (w *xmlScript) list(name string, length int, walk func(i int, w walker)) {
	for i := range length {
		w.part(name, true, func(inner walker) { walk(i, inner) })
	}
}

func (w *xmlScript) reference(value *string) { w.text("Objektreference", optional, value) }

func (w *xmlScript) data(string, **Data) {}

// appendXMLText writes a text that stands between the quotes of JSON, as xmlWriter does. It says no where there is a character
// that XML cannot hold.
func appendXMLText(dst, text []byte) (written []byte, ok bool) {
	if bytes.IndexByte(text, '\\') >= 0 {
		var room [64]byte
		text, _ = jsontext.AppendUnquote(room[:0], append(append([]byte{'"'}, text...), '"')) // it was found right
	}
	from := 0
	for i := 0; i < len(text); {
		if c := text[i]; c >= ' ' && c < utf8.RuneSelf && c != '<' && c != '>' && c != '&' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		reference, special := references[r]
		if !special {
			if i += size; !isChar(r) {
				return dst, false
			}
			continue
		}
		dst = append(append(dst, text[from:i]...), reference...)
		i += size
		from = i
	}
	return append(dst, text[from:]...), true
}

// references stand for what would not stay as it is.
var references = map[rune]string{'<': "&lt;", '>': "&gt;", '&': "&amp;", '\r': "&#13;"}
