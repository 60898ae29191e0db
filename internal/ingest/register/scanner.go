package register

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/fault"
)

// kind is what a token is.
type kind byte

const (
	start kind = iota + 1
	end
	text
)

// scanner goes through a document token by token, and holds it to what encoding/xml's raw tokens leave open: that elements
// nest and names are bound (Namespaces in XML 1.0, sections 3 to 6), that there is one root, no DTD, and a measure in
// everything. Comments and processing instructions say nothing here, and are passed over.
type scanner struct {
	*source
	decoder *xml.Decoder
	limits  Limits

	// Of the token that was read last.
	offset, line int64      // where it begins
	name         xml.Name   // of a start: with its namespace
	attr         []xml.Attr // of a start: with their namespaces
	ended        element    // of an end: what it ends
	text         []byte     // of a text; valid until the next token

	open     []element
	bindings []binding
	closed   bool  // the root has ended
	budget   int   // bytes that a token may have
	bound    int64 // offset at which the entity must have ended
	keeping  bool  // the mark stays where it is
}

// element is one that has begun and not ended.
type element struct {
	spelled  xml.Name // with its prefix
	line     int64
	number   int64 // which entity it is; 0: none
	bindings int   // how many were in scope outside it
}

// binding is a prefix that stands for a namespace; without a prefix it is of names that have none.
type binding struct{ prefix, namespace string }

const xmlNamespace = "http://www.w3.org/XML/1998/namespace"

func newScanner(from io.Reader, limits Limits) *scanner {
	s := &scanner{source: newSource(from), limits: limits, budget: limits.Text, bound: math.MaxInt64}
	s.decoder = xml.NewDecoder(s.source)
	s.decoder.CharsetReader = func(string, io.Reader) (io.Reader, error) { return nil, errEncoding }
	return s
}

var errEncoding = errors.New("another encoding than UTF-8")

// begin looks at the first bytes, where a document says that it is in UTF-16 (XML 1.0 appendix F), and passes over a mark of
// UTF-8.
func (s *scanner) begin() error {
	const mark = "\xef\xbb\xbf"
	switch first := string(s.peek(3)); {
	case first == mark:
		s.drop(len(mark))
	case strings.HasPrefix(first, "\xfe\xff"), strings.HasPrefix(first, "\xff\xfe"), strings.Contains(first, "\x00"):
		s.line = 1
		return s.broken(errEncoding)
	}
	return nil
}

// next reads the next start, end or text; io.EOF after a document that is whole.
func (s *scanner) next() (kind, error) {
	for {
		s.offset = s.decoder.InputOffset()
		line, _ := s.decoder.InputPos()
		s.line = int64(line)
		if !s.keeping {
			s.keep(s.offset)
		}
		s.allow(min(s.bound, s.offset+int64(s.budget)+1)) // a decoder looks one byte ahead
		token, err := s.decoder.RawToken()
		if err != nil {
			if err == io.EOF && s.closed {
				return 0, io.EOF
			}
			return 0, s.broken(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			return start, s.begins(token)
		case xml.EndElement:
			return end, s.ends(token)
		case xml.CharData:
			if hasReplacement(token) && hasSurrogate(s.raw()) {
				return 0, s.form("character", noCharacter)
			}
			if len(s.open) > 0 {
				s.text = token
				return text, nil
			}
			if !blank(s.raw()) {
				return 0, s.outside()
			}
		case xml.Directive:
			return 0, s.form("dtd", "has a document type or another declaration: none is read, and nothing is expanded")
		case xml.ProcInst:
			err = s.instruction(token)
		case xml.Comment:
			if !isText(token) {
				err = s.form("character", noCharacter)
			}
		}
		if err != nil {
			return 0, err
		}
	}
}

const noCharacter = "has a character that XML does not have"

// raw is the last token as it was delivered.
func (s *scanner) raw() []byte { return s.between(s.offset, s.decoder.InputOffset()) }

// instruction looks at what is passed over, or is the XML declaration.
func (s *scanner) instruction(token xml.ProcInst) error {
	switch {
	case !isText(token.Inst):
		return s.form("character", noCharacter)
	case !isInstruction(s.raw(), token.Target), strings.Contains(token.Target, ":"):
		return s.form("syntax", "has a processing instruction whose target is no name")
	case !strings.EqualFold(token.Target, "xml"):
		return nil
	case s.offset > 0:
		return s.form("syntax", "has an XML declaration that is not at the beginning")
	case token.Target != "xml", !declaration.Match(token.Inst):
		return s.form("syntax", "has an XML declaration that is none")
	}
	return nil
}

// outside refuses what is not in the root.
func (s *scanner) outside() error {
	if s.closed {
		return s.form("trailing", "has more after the end of the delivery")
	}
	return s.form("syntax", "has text before the delivery")
}

func (s *scanner) begins(token xml.StartElement) error {
	switch {
	case s.closed:
		return s.outside()
	case len(s.open) >= s.limits.Depth:
		return s.form("depth", fmt.Sprintf("is nested deeper than %d elements", s.limits.Depth))
	case len(token.Attr) > s.limits.Attributes:
		return s.form("attributes", fmt.Sprintf("has an element with more than %d attributes", s.limits.Attributes))
	case len(token.Attr) > 0 && !isApart(s.raw()):
		return s.form("syntax", "has attributes with no white space between them")
	case len(token.Attr) > 0 && hasSurrogate(s.raw()):
		return s.form("character", noCharacter)
	case !s.isName(token.Name):
		return s.form("name", "has an element whose name is too long, or none with a namespace")
	}
	s.open = append(s.open, element{spelled: token.Name, line: s.line, bindings: len(s.bindings)})
	if err := s.bind(token.Attr); err != nil {
		return err
	}
	var bound bool
	s.name.Local, s.attr = token.Name.Local, token.Attr
	if s.name.Space, bound = s.namespace(token.Name.Space); !bound {
		return s.unbound()
	}
	return s.resolve(token.Attr)
}

const maxName = 256

// isName reports whether a name is one of Namespaces in XML (section 4): both parts are names without a colon.
func (s *scanner) isName(name xml.Name) bool {
	first, _ := utf8.DecodeRuneInString(name.Local)
	return (first == '_' || unicode.IsLetter(first)) && !strings.Contains(name.Local, ":") && len(name.Local)+len(name.Space) <= maxName
}

func (s *scanner) unbound() error {
	return s.form("namespace", "has a name with a prefix that stands for no namespace")
}

// bind notes the namespaces that an element declares.
func (s *scanner) bind(attributes []xml.Attr) error {
	for i := range attributes {
		a := &attributes[i]
		switch {
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			s.bindings = append(s.bindings, binding{namespace: a.Value})
		case a.Name.Space != "xmlns":
		case a.Value == "", a.Name.Local == "xmlns", (a.Name.Local == "xml") != (a.Value == xmlNamespace):
			return s.form("namespace", "has a prefix that may not stand for what it is to stand for")
		default:
			s.bindings = append(s.bindings, binding{prefix: a.Name.Local, namespace: a.Value})
		}
	}
	return nil
}

// namespace finds what a prefix stands for; none stands for none where nothing else is said.
func (s *scanner) namespace(prefix string) (uri string, ok bool) {
	for i := len(s.bindings) - 1; i >= 0; i-- {
		if s.bindings[i].prefix == prefix {
			return s.bindings[i].namespace, true
		}
	}
	if prefix == "xml" {
		return xmlNamespace, true
	}
	return "", prefix == ""
}

// resolve puts namespaces in the place of the attributes' prefixes. No two may be the same then (section 6.3).
func (s *scanner) resolve(attributes []xml.Attr) error {
	for i := range attributes {
		a := &attributes[i]
		if !s.isName(a.Name) {
			return s.form("name", "has an attribute whose name is too long, or none with a namespace")
		}
		if a.Name.Space != "" && a.Name.Space != "xmlns" {
			space, ok := s.namespace(a.Name.Space)
			if !ok {
				return s.unbound()
			}
			a.Name.Space = space
		}
		if slices.ContainsFunc(attributes[:i], func(o xml.Attr) bool { return o.Name == a.Name }) {
			return s.form("attributes", "has an attribute twice")
		}
	}
	return nil
}

func (s *scanner) ends(token xml.EndElement) error {
	if len(s.open) == 0 || s.open[len(s.open)-1].spelled != token.Name {
		return s.form("syntax", "has the end of an element that has not begun, or in which another has not ended")
	}
	s.ended = s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	s.bindings = s.bindings[:s.ended.bindings]
	s.closed = len(s.open) == 0
	return nil
}

// skip reads to the end of the innermost element.
func (s *scanner) skip() error {
	for depth := len(s.open); len(s.open) >= depth; {
		if _, err := s.next(); err != nil {
			return err
		}
	}
	return nil
}

// whole reads to the end of the innermost element, which has just begun, and returns a copy of it as it was delivered, with
// what is in scope of namespaces declared on it, so that it can stand alone.
func (s *scanner) whole() ([]byte, error) {
	self := s.open[len(s.open)-1]
	declared := s.inherited(self.bindings)
	s.keeping = true
	err := s.skip()
	s.keeping = false
	if err != nil {
		return nil, err
	}
	raw := s.between(s.source.mark, s.decoder.InputOffset())
	at := len("<") + len(self.spelled.Local)
	if self.spelled.Space != "" {
		at += len(self.spelled.Space) + len(":")
	}
	return slices.Concat(raw[:at], declared, raw[at:]), nil
}

// inherited declares, as attributes, the first so many bindings as far as no later one has their prefix.
func (s *scanner) inherited(count int) []byte {
	var to bytes.Buffer
	for i, b := range s.bindings[:count] {
		if slices.ContainsFunc(s.bindings[i+1:], func(o binding) bool { return o.prefix == b.prefix }) {
			continue
		}
		to.WriteString(" xmlns")
		if b.prefix != "" {
			to.WriteString(":" + b.prefix)
		}
		to.WriteString(`="`)
		_ = xml.EscapeText(&to, []byte(b.namespace)) // a buffer takes everything
		to.WriteByte('"')
	}
	return to.Bytes()
}

// path is where in the document the reader is.
func (s *scanner) path() string {
	var to strings.Builder
	for i := range s.open {
		to.WriteString("/" + s.open[i].spelled.Local)
		if n := s.open[i].number; n > 0 {
			to.WriteString("[" + strconv.FormatInt(n, 10) + "]")
		}
	}
	return to.String()
}

// violation tells what is wrong with the innermost element.
func (s *scanner) violation(line int64, rule, message string) fault.Violation {
	return fault.Violation{Pointer: s.path(), Line: line, Rule: rule, Message: message}
}

// form ends a document of which no more can be read.
func (s *scanner) form(rule, message string) error {
	return fault.Invalid(fault.InvalidDocument, []fault.Violation{s.violation(s.line, rule, message)})
}

// plain are those messages of encoding/xml that hold nothing of the document.
var plain = []string{
	"expected element name after </", "expected element name after <", "expected target name after <?", "expected /> in element",
	"expected attribute name in element", "attribute name without = in element", "unquoted or missing attribute value in element",
	"unescaped < inside quoted string", "unescaped ]]> not in CDATA section", `invalid sequence "--" not allowed in comments`,
	"invalid <![ sequence", "invalid sequence <!- not part of <!--",
}

// broken tells why a decoder could not go on.
func (s *scanner) broken(err error) error {
	var syntax *xml.SyntaxError
	switch {
	case err == io.EOF:
		return s.form("truncated", "ends before the delivery does")
	case errors.Is(err, errTooMuch):
		return s.form("size", fmt.Sprintf("is longer than %d bytes, of one text, or %d of one entity", s.limits.Text, s.limits.Entity))
	case errors.Is(err, errEncoding):
		return s.form("encoding", "is in another encoding than UTF-8")
	case errors.As(err, &syntax):
		s.line = int64(syntax.Line)
		return s.syntax(syntax.Msg)
	case err == s.source.err:
		if fault.Known(err) {
			return err
		}
		return fault.Wrap(fault.BadRequest, err, "the delivery broke off at line %d", s.line)
	}
	return s.form("syntax", "is not XML 1.0")
}

func (s *scanner) syntax(message string) error {
	switch {
	case strings.HasPrefix(message, "unexpected EOF"):
		return s.form("truncated", "ends before the delivery does")
	case message == "invalid UTF-8":
		return s.form("encoding", "is not UTF-8")
	case strings.HasPrefix(message, "illegal character code"):
		return s.form("character", noCharacter)
	case strings.HasPrefix(message, "invalid character entity"):
		return s.form("entity", "has an entity other than &lt; &gt; &amp; &apos; &quot; and those of characters: none is expanded")
	case slices.Contains(plain, message):
		return s.form("syntax", "is not well-formed: "+message)
	}
	return s.form("syntax", "is not well-formed")
}

// blank reports whether a text is nothing but white space (XML 1.0 section 2.3).
func blank(text []byte) bool {
	for _, b := range text {
		if !isSpace(rune(b)) {
			return false
		}
	}
	return true
}

func isSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' || r == '\r' }
