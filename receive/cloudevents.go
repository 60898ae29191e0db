package receive

import (
	"bytes"
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/ident"
)

// members are those of one event in the JSON event format. The names of JSON are exact and may not repeat.
type members map[string]jsontext.Value

func decodeStructured(body []byte) (*Message, error) {
	var event members
	if err := json.Unmarshal(body, &event); err != nil || event == nil {
		return nil, unreadable("the body is not one event in JSON")
	}
	return event.message()
}

func decodeBatch(body []byte) ([]*Message, error) {
	var events []members
	if err := json.Unmarshal(body, &events); err != nil || events == nil {
		return nil, unreadable("the body is not a list of events in JSON")
	}
	messages := make([]*Message, 0, len(events))
	for _, event := range events {
		m, err := event.message()
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
	}
	return messages, nil
}

// message reads the attributes and then the data, whose form hangs on datacontenttype (JSON event format section 3.1).
func (event members) message() (*Message, error) {
	attributes := make(attributes, len(event))
	for name, value := range event {
		if name == "data" || name == "data_base64" {
			continue
		}
		switch value.Kind() {
		case '"':
			attributes[name] = text(value)
		case 't', 'f', '0':
			attributes[name] = string(value)
		case 'n': // the same as not there (section 2.2)
		default:
			return nil, unreadable("a context attribute is an object or a list")
		}
	}
	m, err := attributes.message()
	if err == nil {
		err = event.data(m)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

func (event members) data(m *Message) error {
	plain, coded := event["data"], event["data_base64"]
	switch {
	case plain == nil && coded == nil:
		return nil
	case plain != nil && coded != nil:
		return unreadable("an event has data or data_base64, not both")
	case m.MediaType == "" && coded == nil:
		m.MediaType = mediaJSON
	}
	switch {
	case coded != nil:
		if coded.Kind() != '"' {
			return unreadable("data_base64 is not text")
		}
		data, err := base64.StdEncoding.DecodeString(text(coded))
		if err != nil {
			return unreadable("data_base64 is not base64")
		}
		m.Data = data
	case isJSON(m.MediaType):
		m.Data = plain
	case plain.Kind() == '"':
		m.Data = []byte(text(plain))
	default:
		return unreadable("data of a media type that is not JSON is not text")
	}
	return nil
}

// text is what a JSON string says; it has been read before, so it is one.
func text(value jsontext.Value) string {
	plain, _ := jsontext.AppendUnquote(nil, value)
	return string(plain)
}

func isJSON(mediaType string) bool {
	kind, _, err := mime.ParseMediaType(mediaType)
	return err == nil && (kind == mediaJSON || strings.HasSuffix(kind, "+json"))
}

// attributes are the context attributes of one event as text.
type attributes map[string]string

// message takes the attributes that it knows; what is left are extensions.
func (a attributes) message() (*Message, error) {
	take := func(name string) string {
		value := a[name]
		delete(a, name)
		return value
	}
	if version := take("specversion"); version != "1.0" {
		return nil, unreadable("the event is not of CloudEvents 1.0")
	}
	m := &Message{
		EventID: take("id"), Source: take("source"), Type: take("type"), Subject: take("subject"), Schema: take("dataschema"),
		MediaType: take("datacontenttype"), Sequence: take("sequence"),
	}
	if m.EventID == "" || m.Source == "" || m.Type == "" {
		return nil, unreadable("an event needs id, source and type")
	}
	m.ID = ident.Message(m.Source, m.EventID).String()
	m.Version = versionOf(m.Schema)
	if position, err := strconv.ParseUint(m.Sequence, 10, 63); err == nil {
		m.Position = int64(position)
	}
	var err error
	if m.Time, err = instant(take("time")); err == nil {
		m.Recorded, err = instant(take("recordedtime"))
	}
	if len(a) > 0 {
		m.Extensions = a
	}
	return m, err
}

// versionOf is the last segment of a dataschema's path, or what follows its last colon: where sources name the version.
func versionOf(schema string) string {
	if end := strings.IndexAny(schema, "?#"); end >= 0 {
		schema = schema[:end]
	}
	version, err := url.PathUnescape(schema[strings.LastIndexAny(schema, "/:")+1:])
	if err != nil {
		return ""
	}
	return version
}

func instant(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, unreadable("a time is not one of RFC 3339")
	}
	return at, nil
}

// attributePrefix starts the headers that carry attributes (HTTP protocol binding section 3.1.3.1).
const attributePrefix = "ce-"

func attributeOf(header string) (name string, ok bool) {
	if len(header) <= len(attributePrefix) || !strings.EqualFold(header[:len(attributePrefix)], attributePrefix) {
		return "", false
	}
	return strings.ToLower(header[len(attributePrefix):]), true
}

func hasAttributes(header http.Header) bool {
	for name := range header {
		if _, ok := attributeOf(name); ok {
			return true
		}
	}
	return false
}

func decodeBinary(header http.Header, body []byte) (*Message, error) {
	attributes := attributes{}
	for name, values := range header {
		attribute, ok := attributeOf(name)
		if !ok {
			continue
		}
		if len(values) != 1 {
			return nil, unreadable("a ce- header is there more than once")
		}
		value, ok := headerText(values[0])
		if !ok {
			return nil, unreadable("a ce- header is not percent-encoded UTF-8")
		}
		attributes[attribute] = value
	}
	if _, twice := attributes["datacontenttype"]; twice {
		return nil, unreadable("ce-datacontenttype is what Content-Type says")
	}
	m, err := attributes.message()
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		m.Data, m.MediaType = bytes.Clone(body), header.Get("Content-Type")
	}
	return m, nil
}

// headerText undoes the percent-encoding of a header's value, exactly once (HTTP protocol binding section 3.1.3.2).
func headerText(value string) (text string, ok bool) {
	var plain strings.Builder
	for rest := value; ; {
		before, after, found := strings.Cut(rest, "%")
		plain.WriteString(before)
		if !found {
			return plain.String(), utf8.ValidString(plain.String())
		}
		if len(after) < 2 {
			return "", false
		}
		octet, err := strconv.ParseUint(after[:2], 16, 8)
		if err != nil {
			return "", false
		}
		plain.WriteByte(byte(octet))
		rest = after[2:]
	}
}
