// Package cloudevents reads CloudEvents 1.0 from publish requests and writes events as CloudEvents: the JSON event
// format and the HTTP protocol binding in its structured, batched and binary modes.
package cloudevents

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Media types of the modes, without parameters.
const (
	structuredType = "application/cloudevents+json"
	batchType      = "application/cloudevents-batch+json"
	anyCloudEvents = "application/cloudevents"
)

// Decode reads the events of a publish request, at most limit of them. Which mode it is in, the Content-Type says
// (HTTP protocol binding section 3). The drafts share body's memory, and data stays byte for byte as received.
//
// What is wrong with one event stands in its draft's Violations, with pointers from the event's root, so that every bad
// entry of a batch is told; whether the attributes are right is for Draft.Check. The error is a fault, when the
// request as a whole cannot be read: MediaType, InvalidEvent or TooManyEntries.
func Decode(header http.Header, body []byte, limit int) ([]event.Draft, error) {
	contentType := header.Get("Content-Type")
	kind, parameters, err := mime.ParseMediaType(contentType)
	switch {
	case err == nil && (kind == structuredType || kind == batchType):
		if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
			return nil, fault.New(fault.MediaType, "CloudEvents in JSON are in UTF-8")
		}
		if kind == batchType {
			return decodeBatch(body, limit)
		}
		return decodeStructured(body)
	case strings.HasPrefix(kind, anyCloudEvents) || !hasAttributes(header):
		return nil, fault.New(fault.MediaType, "want %s, %s, or the event's data with its attributes in ce- headers", structuredType, batchType)
	}
	return []event.Draft{decodeBinary(header, contentType, body)}, nil
}

// decodeStructured walks the event with a cursor; only when that meets something unusual does the decoder read it.
func decodeStructured(body []byte) ([]event.Draft, error) {
	drafts := make([]event.Draft, 1)
	if c := event.NewCursor(body); walkEntry(&c, &drafts[0]) && c.AtEnd() {
		return drafts, nil
	}
	return decodeAlone(body)
}

func decodeAlone(body []byte) ([]event.Draft, error) {
	drafts := make([]event.Draft, 1)
	decoder := jsontext.NewDecoder(bytes.NewBuffer(body))
	err := decodeEntry(decoder, body, &drafts[0])
	if err == nil {
		err = atEnd(decoder)
	}
	if err != nil {
		return nil, unreadable(err)
	}
	return drafts, nil
}

// decodeBatch walks the array with a cursor. Only when that meets something unusual does it take the entries apart
// first, so that an entry with a name twice does not keep the others from being looked at.
func decodeBatch(body []byte, limit int) ([]event.Draft, error) {
	if drafts, ok := walkBatch(body, limit); ok {
		return drafts, nil
	}
	return decodeApart(body, limit)
}

func walkBatch(body []byte, limit int) (drafts []event.Draft, ok bool) {
	c := event.NewCursor(body)
	ok = c.Array(func() bool {
		if len(drafts) == limit {
			return false
		}
		drafts = append(drafts, event.Draft{Entry: len(drafts)})
		return walkEntry(&c, &drafts[len(drafts)-1])
	})
	return drafts, ok && c.AtEnd()
}

func walkEntry(c *event.Cursor, draft *event.Draft) bool {
	e := entry{draft: draft}
	if !c.Object(func(name, value []byte) { e.member(name, value) }) {
		return false
	}
	e.finish()
	return true
}

func decodeApart(body []byte, limit int) ([]event.Draft, error) {
	lenient := jsontext.NewDecoder(bytes.NewBuffer(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	if err := enterArray(lenient); err != nil {
		return nil, err
	}
	var drafts []event.Draft
	for lenient.PeekKind() != ']' {
		if len(drafts) == limit {
			return nil, tooMany(limit)
		}
		entry, err := lenient.ReadValue()
		if err != nil {
			return nil, unreadable(err)
		}
		draft := event.Draft{Entry: len(drafts)}
		if err := decodeEntry(jsontext.NewDecoder(bytes.NewBuffer(entry)), entry, &draft); err != nil {
			v := event.SyntaxViolation(err)
			v.Entry, v.Message = draft.Entry, v.Message+" of the entry"
			draft.Violations = append(draft.Violations, *v)
		}
		drafts = append(drafts, draft)
	}
	if _, err := lenient.ReadToken(); err != nil {
		return nil, unreadable(err)
	}
	if err := atEnd(lenient); err != nil {
		return nil, unreadable(err)
	}
	return drafts, nil
}

func enterArray(decoder *jsontext.Decoder) error {
	token, err := decoder.ReadToken()
	if err != nil {
		return unreadable(err)
	}
	if token.Kind() != '[' {
		return fault.Invalid(fault.InvalidEvent, []fault.Violation{{Rule: "type", Message: "want an array of events"}})
	}
	return nil
}

// atEnd refuses anything after the value.
func atEnd(decoder *jsontext.Decoder) error {
	_, err := decoder.ReadToken()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		err = errTrailing
	}
	return err
}

var errTrailing = errors.New("more after the value")

func unreadable(err error) error {
	return fault.Invalid(fault.InvalidEvent, []fault.Violation{*event.SyntaxViolation(err)})
}

func tooMany(limit int) error {
	return fault.New(fault.TooManyEntries, "a batch has at most %d events", limit)
}

// entry is one event while its members are read.
type entry struct {
	draft  *event.Draft
	data   jsontext.Value // nil: no such member
	base64 jsontext.Value
}

// decodeEntry reads one JSON object into the draft (JSON event format section 3). The error is the decoder's: no more can
// be read with it. body is what the decoder reads from its first byte.
func decodeEntry(decoder *jsontext.Decoder, body []byte, draft *event.Draft) error {
	if kind := decoder.PeekKind(); kind != '{' {
		refuse(draft, "", "type", "want an object")
		return decoder.SkipValue()
	}
	if _, err := decoder.ReadToken(); err != nil {
		return err
	}
	e := entry{draft: draft}
	for decoder.PeekKind() != '}' {
		raw, err := decoder.ReadValue()
		if err != nil {
			return err
		}
		name := slice(decoder, body, raw)
		if raw, err = decoder.ReadValue(); err != nil {
			return err
		}
		e.member(name, slice(decoder, body, raw))
	}
	if _, err := decoder.ReadToken(); err != nil {
		return err
	}
	e.finish()
	return nil
}

// slice finds the value that was just read in body, which outlives the decoder.
func slice(decoder *jsontext.Decoder, body []byte, raw jsontext.Value) jsontext.Value {
	end := int(decoder.InputOffset())
	return body[end-len(raw) : end : end]
}

func (e *entry) member(quoted, value jsontext.Value) {
	d := e.draft
	switch string(bare(quoted)) {
	case "specversion":
		e.text(&d.SpecVersion, "specversion", value)
	case "id":
		e.text(&d.ID, "id", value)
	case "source":
		e.text(&d.Source, "source", value)
	case "type":
		e.text(&d.Type, "type", value)
	case "subject":
		e.text(&d.Subject, "subject", value)
	case "time":
		e.text(&d.Time, "time", value)
	case "datacontenttype":
		e.text(&d.MediaType, "datacontenttype", value)
	case "dataschema":
		e.text(&d.DataSchema, "dataschema", value)
	case "data":
		e.data = value
	case "data_base64":
		e.base64 = value
	default:
		e.extension(string(bare(quoted)), value)
	}
}

// bare returns what a JSON string says. Without escapes, which is nearly always, it copies nothing.
func bare(quoted jsontext.Value) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	text, _ := jsontext.AppendUnquote(nil, quoted) // the decoder has read it, so it is valid
	return text
}

// text takes an attribute that is a string. null is the same as not there (JSON event format section 2.2).
func (e *entry) text(field *string, name string, value jsontext.Value) {
	switch value.Kind() {
	case '"':
		if *field = string(bare(value)); *field == "" {
			refuse(e.draft, "/"+name, "empty", "must not be empty; leave it out when there is nothing to say")
		}
	case 'n':
	default:
		refuse(e.draft, "/"+name, "type", "want a string")
	}
}

func (e *entry) extension(name string, value jsontext.Value) {
	x := event.Extension{Name: name, Bare: true}
	switch value.Kind() {
	case '"':
		x.Value, x.Bare = string(bare(value)), false
	case 't', 'f':
		x.Value = string(value)
	case '0':
		// An Integer of the CloudEvents type system: whole and within 32 bits.
		if _, err := strconv.ParseInt(string(value), 10, 32); err != nil || string(value) == "-0" {
			e.refuseExtension("integer", "a number must be whole and within 32 bits; send others as strings")
			return
		}
		x.Value = string(value)
	case 'n':
		return
	default:
		e.refuseExtension("type", "an extension attribute is a string, a whole number, true or false")
		return
	}
	e.draft.Extensions = append(e.draft.Extensions, x)
}

// refuseExtension does not repeat the attribute's name: it is the sender's text and may be anything.
func (e *entry) refuseExtension(rule, message string) { refuse(e.draft, "/*", rule, message) }

// finish takes the data, once the media type that says how to read it is known (JSON event format section 3.1).
func (e *entry) finish() {
	d := e.draft
	switch {
	case e.data != nil && e.base64 != nil:
		refuse(d, "/data_base64", "exclusive", "an event has data or data_base64, not both")
	case e.base64 != nil:
		e.takeBase64()
	case e.data != nil && event.IsJSON(d.MediaType):
		d.Data, d.Scanned = e.data, true // the decoder has checked syntax, UTF-8 and names
		if event.Deep(d.Data) {
			refuse(d, "/data", "depth", "is nested deeper than 64 objects and arrays")
		}
	case e.data != nil && e.data.Kind() == '"':
		d.Data = bare(e.data)
	case e.data != nil:
		refuse(d, "/data", "type", "want a string, because datacontenttype is not JSON; or send data_base64")
	}
}

func (e *entry) takeBase64() {
	d := e.draft
	if e.base64.Kind() != '"' {
		refuse(d, "/data_base64", "type", "want a string")
		return
	}
	text := bare(e.base64)
	data := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Strict().Decode(data, text)
	if err != nil || bytes.ContainsAny(text, "\r\n") { // which Decode skips
		refuse(d, "/data_base64", "base64", "want base64 with padding (RFC 4648 section 4)")
		return
	}
	takeData(d, data[:n])
}

func refuse(d *event.Draft, pointer, rule, message string) {
	d.Violations = append(d.Violations, fault.Violation{Entry: d.Entry, Pointer: pointer, Rule: rule, Message: message})
}
