package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
)

// atOnce is the longest body, in bytes, that memory is taken for before it has come: a client that announces more and
// sends nothing costs no more than this.
const atOnce = 128 << 10

// read reads a body of at most limit bytes.
func read(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return nil, fault.New(fault.MediaType, "send the body without Content-Encoding")
	}
	body, err := readAll(w, r, limit)
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, fault.New(fault.BodyTooLarge, "at most %d bytes", limit)
	case err != nil:
		return nil, fault.Wrap(fault.BadRequest, err, "the body ended too early")
	}
	return body, nil
}

// readAll reads a body into memory of its size, if the client tells a length that can be taken at its word.
func readAll(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength < 0 || r.ContentLength > min(limit, atOnce) {
		return io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	}
	body := make([]byte, r.ContentLength)
	_, err := io.ReadFull(r.Body, body)
	return body, err
}

// readDocument reads a JSON document into the struct it must fit: no unknown members, no name twice, no depth without
// end.
func (a *api) readDocument(w http.ResponseWriter, r *http.Request, into any) error {
	return a.readWithin(w, r, into, a.Limits.Document)
}

// readWithin is readDocument with a limit of its own, in bytes.
func (a *api) readWithin(w http.ResponseWriter, r *http.Request, into any, limit int64) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return fault.New(fault.MediaType, "want application/json")
	}
	body, err := read(w, r, limit)
	if err != nil {
		return err
	}
	if v := event.Scan(body); v != nil {
		v.Pointer = ""
		return fault.Invalid(fault.BadRequest, []fault.Violation{*v})
	}
	err = json.Unmarshal(body, into, json.RejectUnknownMembers(true), noNulls)
	return misfit(err)
}

// noNulls refuses null in place of what is a text, a number or a document: it would be read as an empty one. In place of a list, and
// of what may be missing, it says as much as leaving it out.
var noNulls = json.WithUnmarshalers(json.UnmarshalFromFunc(func(from *jsontext.Decoder, into any) error {
	if from.PeekKind() == 'n' {
		switch t := reflect.TypeOf(into).Elem(); t.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		default:
			if _, err := from.ReadToken(); err != nil { // from here on the pointer is the null's
				return err
			}
			return &json.SemanticError{JSONPointer: from.StackPointer(), JSONKind: 'n', GoType: t}
		}
	}
	return errors.ErrUnsupported
}))

// readOptional is readDocument for a body that may be left out.
func (a *api) readOptional(w http.ResponseWriter, r *http.Request, into any) error {
	if r.ContentLength == 0 && r.Header.Get("Content-Type") == "" {
		return nil
	}
	return a.readDocument(w, r, into)
}

// misfit says where and how a document does not fit its form, without its value.
func misfit(err error) error {
	if err == nil {
		return nil
	}
	v := fault.Violation{Rule: "form", Message: "does not have the form of this document"}
	var semantic *json.SemanticError
	if errors.As(err, &semantic) {
		v.Pointer = string(semantic.JSONPointer)
		if errors.Is(err, json.ErrUnknownName) {
			v.Pointer = blinded(v.Pointer)
			v.Rule, v.Message = "unknown", "the document has no such member; check its spelling or leave it out"
		} else if semantic.GoType != nil {
			v.Rule, v.Message = "type", "want "+wanted(semantic.GoType)
		}
	}
	return fault.Invalid(fault.InvalidDocument, []fault.Violation{v})
}

// blinded leaves out the last name of a pointer when it may be somebody's number in the wrong place: it is the client's
// text, and no member of ours has four digits.
func blinded(pointer string) string {
	at, digits := strings.LastIndexByte(pointer, '/')+1, 0
	for _, c := range pointer[at:] {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	if digits < 4 {
		return pointer
	}
	return pointer[:at] + "*"
}

// wanted says in words what JSON a Go type is read from.
func wanted(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return wanted(t.Elem())
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "a list"
	default:
		return "an object"
	}
}

// named puts the name from the address into a document that leaves it out, and refuses another one.
func named(pointer string, in *string, name string) error {
	if *in == "" {
		*in = name
	}
	if *in != name {
		return fault.Invalid(fault.InvalidDocument, []fault.Violation{{Pointer: pointer, Rule: "path", Message: "is another than in the address; leave it out, or put it to the other address"}})
	}
	return nil
}

// by is who makes a change, on which condition.
func (a *api) by(r *http.Request) (manage.By, error) {
	c, err := condition(r.Header)
	return manage.By{Author: a.Author(r), Condition: c}, err
}

func condition(header http.Header) (c manage.Condition, err error) {
	match, none := strings.Join(header.Values("If-Match"), ","), strings.Join(header.Values("If-None-Match"), ",")
	switch none {
	case "":
	case "*":
		c.Absent = true
	default:
		return c, invalidHeader("If-None-Match", "only * has a meaning for a change: there must be none yet")
	}
	if match == "*" {
		c.Present = true
		return c, nil
	}
	if match != "" {
		c.Seen, err = positions(match)
	}
	return c, err
}

// positions reads a list of entity tags. One that is not the hub's names no state.
func positions(list string) (seen []int64, err error) {
	for _, tag := range strings.Split(list, ",") {
		tag = strings.TrimSpace(tag)
		opaque := strings.TrimPrefix(tag, "W/")
		if len(opaque) < 2 || opaque[0] != '"' || opaque[len(opaque)-1] != '"' {
			return nil, invalidHeader("If-Match", `want entity tags in quotes, as they stand in ETag, such as "r123"`)
		}
		position := int64(-1) // no state is there: a weak tag never matches (RFC 9110 section 13.1.1)
		if digits, own := strings.CutPrefix(tag, `"r`); own {
			if n, err := strconv.ParseUint(strings.TrimSuffix(digits, `"`), 10, 63); err == nil {
				position = int64(n)
			}
		}
		seen = append(seen, position)
	}
	return seen, nil
}

func invalidHeader(name, message string) error {
	return fault.Invalid(fault.BadRequest, []fault.Violation{{Pointer: "header:" + name, Rule: "form", Message: message}})
}

// query is the parameters of an address, of which only the known ones may be there, once.
type query struct {
	values map[string][]string
	found  []fault.Violation
}

func queryOf(r *http.Request, known ...string) *query {
	q := &query{values: r.URL.Query()}
	for name, values := range q.values {
		switch {
		case !slices.Contains(known, name):
			// The name is not repeated: it is the client's text and may be anything.
			q.refuse("query:*", "unknown", "this address knows only "+orNone(known))
		case len(values) > 1:
			q.refuse("query:"+name, "unique", "is there more than once")
		}
	}
	return q
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "no parameters"
	}
	return strings.Join(names, ", ")
}

func (q *query) refuse(pointer, rule, message string) {
	q.found = append(q.found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
}

// err is what was wrong with all that was asked for.
func (q *query) err() error { return fault.Invalid(fault.BadRequest, q.found) }

func (q *query) text(name string) string {
	if values := q.values[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

func (q *query) flag(name string) bool {
	switch q.text(name) {
	case "":
		return false
	case "true":
		return true
	case "false":
		return false
	}
	q.refuse("query:"+name, "type", "want true or false")
	return false
}

// number is a count; nil when it is not there.
func (q *query) number(name string) *int64 {
	text := q.text(name)
	if text == "" {
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 63)
	if err != nil {
		q.refuse("query:"+name, "type", "want a whole number, 0 or more")
		return nil
	}
	count := int64(n)
	return &count
}

// within is a number between two bounds, or the usual one when it is not there.
func (q *query) within(name string, least, most, usual int64) int64 {
	n := q.number(name)
	if n == nil {
		return usual
	}
	if *n < least || *n > most {
		q.refuse("query:"+name, "range", "want "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10))
	}
	return *n
}

// oneOf is a word of a few.
func (q *query) oneOf(name string, words ...string) string {
	text := q.text(name)
	if text != "" && !slices.Contains(words, text) {
		q.refuse("query:"+name, "enum", "want one of "+strings.Join(words, ", "))
	}
	return text
}
