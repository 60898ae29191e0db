package cloudevents

import (
	"encoding/base64"
	"mime"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/envelope"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Content types of what the hub sends. The charset is in lower case because the npm SDK compares the whole text.
const (
	StructuredType = structuredType + "; charset=utf-8"
	BatchType      = batchType + "; charset=utf-8"
)

// Structured renders an event as one JSON object.
type Structured struct{}

// Slot implements envelope.Envelope.
func (Structured) Slot() int { return envelope.SlotStructured }

// Render implements envelope.Envelope.
func (Structured) Render(e *event.Event) *event.Rendering {
	body, err := Structured{}.Append(nil, e)
	if err != nil {
		return &event.Rendering{Err: err}
	}
	return &event.Rendering{ContentType: StructuredType, Body: body}
}

// Append implements envelope.Appender.
func (Structured) Append(dst []byte, e *event.Event) ([]byte, error) {
	if err := check(e); err != nil {
		return dst, err
	}
	return AppendStructured(dst, e), nil
}

// Binary renders an event as its data, with the attributes in ce- headers. Receivers must undo the percent-encoding
// themselves where their SDK does not.
type Binary struct{}

// Slot implements envelope.Envelope.
func (Binary) Slot() int { return envelope.SlotBinary }

// Render implements envelope.Envelope.
func (Binary) Render(e *event.Event) *event.Rendering {
	if err := check(e); err != nil {
		return &event.Rendering{Err: err}
	}
	attributes := e.Attributes()
	headers := make([]event.Header, 0, len(attributes)+2)
	for _, a := range attributes {
		if a.Name != "datacontenttype" { // that is Content-Type
			headers = append(headers, event.Header{Name: prefix + a.Name, Value: escape(a.Value)})
		}
	}
	headers = append(headers,
		event.Header{Name: prefix + event.Sequence, Value: string(appendSequence(nil, e.Position))},
		event.Header{Name: prefix + event.RecordedTime, Value: string(event.AppendTime(nil, e.Recorded))})
	return &event.Rendering{ContentType: e.MediaType, Headers: headers, Body: e.Data}
}

// check refuses what no accepted event can be: a head that is not an object with something in it.
func check(e *event.Event) error {
	if len(e.Head) < len(`{"":0}`) || e.Head[0] != '{' || e.Head[len(e.Head)-1] != '}' {
		return fault.New(fault.InvalidMessage, "the event at position %d has no context attributes", e.Position)
	}
	return nil
}

// AppendStructured appends an event in the JSON event format: its head, the hub's extensions, and its data, nothing of
// which is parsed or written anew.
func AppendStructured(dst []byte, e *event.Event) []byte {
	const extensions = len(`,"sequence":"00000000000000000000","recordedtime":"2006-01-02T15:04:05.000000Z","data_base64":""}`)
	dst = slices.Grow(dst, len(e.Head)+extensions+len(e.Data)) // exact for JSON data
	dst = append(dst, e.Head[:len(e.Head)-1]...)
	dst = append(dst, `,"`+event.Sequence+`":"`...)
	dst = appendSequence(dst, e.Position)
	dst = append(dst, `","`+event.RecordedTime+`":"`...)
	dst = event.AppendTime(dst, e.Recorded)
	dst = append(dst, '"')
	switch {
	case len(e.Data) == 0:
	case event.IsJSON(e.MediaType):
		dst = append(dst, `,"data":`...)
		dst = append(dst, e.Data...)
	case isText(e.MediaType) && utf8.Valid(e.Data):
		dst = append(dst, `,"data":`...)
		dst, _ = jsontext.AppendQuote(dst, e.Data) // fails for invalid UTF-8 only
	default:
		dst = append(dst, `,"data_base64":"`...)
		dst = base64.StdEncoding.AppendEncode(dst, e.Data)
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

// AppendBatch appends events as one JSON array (JSON event format section 4).
func AppendBatch(dst []byte, events []*event.Event) []byte {
	dst = append(dst, '[')
	for i, e := range events {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendStructured(dst, e)
	}
	return append(dst, ']')
}

// appendSequence writes a position so that it sorts as text: 20 digits, zeros before.
func appendSequence(dst []byte, position int64) []byte {
	var digits [20]byte
	text := strconv.AppendInt(digits[:0], position, 10)
	for range len(digits) - len(text) {
		dst = append(dst, '0')
	}
	return append(dst, text...)
}

// isText reports whether a media type is text in UTF-8, which can stand as a JSON string and come out of it byte for byte.
func isText(mediaType string) bool {
	kind, parameters, err := mime.ParseMediaType(mediaType)
	if err != nil {
		return false
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "us-ascii") {
		return false
	}
	return strings.HasPrefix(kind, "text/") || kind == "application/xml" || strings.HasSuffix(kind, "+xml")
}
