package event

import (
	"strconv"
	"strings"
)

// Limits of one expression.
const (
	maxExpression = 1024 // bytes
	maxTerms      = 16
)

// Expression says how a field is filled from the data: terms joined by +.
//
//	Load(/json/pointer)   the scalar at that pointer
//	/json/pointer         the same; ends at a space or a +
//	Load(field)           short for Load(/field)
//	Constant(text)        the text itself
//	"text"                the same, of a text without " and \, as the pages of registers write it
//
// Within parentheses \) and \\ stand for ) and \. When a pointer finds nothing, the whole expression is empty.
type Expression struct{ terms []term }

type term struct {
	load     bool
	pointer  Pointer
	constant string
}

// SyntaxError is what is wrong with an expression or a pointer.
type SyntaxError struct {
	Column  int // byte, from 1
	Message string
}

// Error implements error.
func (e *SyntaxError) Error() string { return "column " + strconv.Itoa(e.Column) + ": " + e.Message }

// ParseExpression reads an expression; a *SyntaxError says where it goes wrong.
func ParseExpression(text string) (*Expression, error) {
	if len(text) > maxExpression {
		return nil, &SyntaxError{Column: maxExpression + 1, Message: "the expression is longer than 1024 bytes"}
	}
	p := parser{text: text}
	var e Expression
	for {
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		e.terms = append(e.terms, t)
		p.space()
		if p.at == len(p.text) {
			return &e, nil
		}
		if p.text[p.at] != '+' {
			return nil, p.fail("want + or the end")
		}
		if len(e.terms) == maxTerms {
			return nil, p.fail("an expression has at most 16 terms")
		}
		p.at++
	}
}

type parser struct {
	text string
	at   int
}

func (p *parser) fail(message string) error { return &SyntaxError{Column: p.at + 1, Message: message} }

func (p *parser) space() {
	for p.at < len(p.text) && isSpace(p.text[p.at]) {
		p.at++
	}
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

func (p *parser) term() (term, error) {
	p.space()
	switch rest := p.text[p.at:]; {
	case strings.HasPrefix(rest, "Constant("):
		p.at += len("Constant(")
		text, err := p.parenthesised()
		return term{constant: text}, err
	case strings.HasPrefix(rest, "Load("):
		p.at += len("Load(")
		start := p.at
		text, err := p.parenthesised()
		if err != nil {
			return term{}, err
		}
		if isShort(text) {
			text, start = "/"+text, start-1
		}
		return load(text, start)
	case strings.HasPrefix(rest, `"`):
		return p.quoted()
	case strings.HasPrefix(rest, "/"):
		start := p.at
		for p.at < len(p.text) && p.text[p.at] != '+' && !isSpace(p.text[p.at]) {
			p.at++
		}
		return load(p.text[start:p.at], start)
	}
	return term{}, p.fail(`want Load(field), Load(/pointer), /pointer, Constant(text) or "text"`)
}

// quoted reads up to the closing quote.
func (p *parser) quoted() (term, error) {
	text, _, closed := strings.Cut(p.text[p.at+1:], `"`)
	if i := strings.IndexByte(text, '\\'); i >= 0 {
		p.at += 1 + i
		return term{}, p.fail(`between quotes there is no \; write Constant(text)`)
	}
	if !closed {
		p.at = len(p.text)
		return term{}, p.fail(`want "`)
	}
	p.at += len(text) + len(`""`)
	return term{constant: text}, nil
}

// isShort reports whether what Load is given is short for the pointer that begins with a slash. A space in front is a
// slip, and no field's name.
func isShort(text string) bool { return text != "" && text[0] != '/' && !isSpace(text[0]) }

func load(text string, start int) (term, error) {
	pointer, err := ParsePointer(text)
	if syntax, ok := err.(*SyntaxError); ok {
		return term{}, &SyntaxError{Column: start + syntax.Column, Message: syntax.Message}
	}
	return term{load: true, pointer: pointer}, nil
}

// parenthesised reads up to the closing parenthesis and resolves \) and \\.
func (p *parser) parenthesised() (string, error) {
	var text strings.Builder
	for ; p.at < len(p.text); p.at++ {
		switch c := p.text[p.at]; c {
		case ')':
			p.at++
			return text.String(), nil
		case '\\':
			if p.at+1 == len(p.text) || p.text[p.at+1] != ')' && p.text[p.at+1] != '\\' {
				return "", p.fail(`\ must be followed by ) or \`)
			}
			p.at++
			text.WriteByte(p.text[p.at])
		default:
			text.WriteByte(c)
		}
	}
	return "", p.fail("want )")
}

// String writes the expression in its shortest form; ParseExpression reads it back to the same.
func (e *Expression) String() string {
	var text strings.Builder
	for i, t := range e.terms {
		if i > 0 {
			text.WriteString(" + ")
		}
		t.write(&text)
	}
	return text.String()
}

var parenthesisEscape = strings.NewReplacer(`\`, `\\`, `)`, `\)`)

func (t term) write(text *strings.Builder) {
	pointer := t.pointer.String()
	switch {
	case !t.load && !strings.ContainsAny(t.constant, `"\`):
		text.WriteString(`"` + t.constant + `"`)
	case !t.load:
		text.WriteString("Constant(" + parenthesisEscape.Replace(t.constant) + ")")
	case pointer == "" || strings.ContainsAny(pointer, "+ \t\n\r"):
		if short := strings.TrimPrefix(pointer, "/"); isShort(short) {
			pointer = short
		}
		text.WriteString("Load(" + parenthesisEscape.Replace(pointer) + ")")
	default:
		text.WriteString(pointer)
	}
}

// Pointers lists what the expression loads.
func (e *Expression) Pointers() []Pointer {
	var pointers []Pointer
	for _, t := range e.terms {
		if t.load {
			pointers = append(pointers, t.pointer)
		}
	}
	return pointers
}
