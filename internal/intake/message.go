package intake

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// cloudEventJSON is what a message is when it does not say.
const cloudEventJSON = "application/cloudevents+json"

// read is a message on its way into the log.
type read struct {
	Message
	partition int32
	event     *event.Event // nil: it is refused
	refused   refusal      // why
	lane      event.Lane   // of its key; zero: it has none, or it cannot be read
	outer     event.Lane   // of the broker's key; zero: there is none, or the event is of no lane
	retention event.Retention
	found     verdict
}

// refusal is why a message cannot be taken.
type refusal struct {
	code   fault.Code
	reason string
}

// verdict is what becomes of a message.
type verdict uint8

const (
	taken   verdict = iota + 1 // it goes into the log
	poison                     // it is set aside
	waiting                    // it is set aside behind another
)

// reading makes an event of a message, or says why not.
func (k *Intake) reading(source *event.Source, partition int32, m Message) *read {
	r := &read{Message: m, partition: partition}
	draft, err := k.draft(source, partition, &m)
	if err == nil {
		var violations []fault.Violation
		r.event, violations = k.Accepter.Accept(draft)
		err = fault.Invalid(fault.InvalidEvent, violations)
	}
	if r.outer = k.outer(source, &m); err == nil {
		r.lane, r.retention, r.found = r.event.Lane, r.event.Retention, taken
		if r.lane.IsZero() { // it is of a type without order, and nothing of it need wait
			r.outer = event.Lane{}
		}
		return r
	}
	f := fault.Of(err)
	r.event, r.refused, r.found = nil, refusal{f.Code, oneLine(f)}, poison
	var known bool
	if draft.Type != "" {
		if r.lane, known = k.Accepter.Lane(&draft); known && r.lane.IsZero() {
			r.outer = event.Lane{}
		}
	}
	r.retention = k.retention(source, draft.Type)
	return r
}

// outer is the lane of the key that the broker has a message under. Where a message cannot be read it is all there is to
// keep its order by. It is never the lane of a key in the data, even where the two read the same.
func (k *Intake) outer(source *event.Source, m *Message) event.Lane {
	if m.Key == "" {
		return event.Lane{}
	}
	return k.Hasher.Lane(source.URI, "\x00"+m.Key)
}

// retention is how long a message that cannot be read is kept: as its type says, or as the type of the source that is
// kept shortest.
func (k *Intake) retention(source *event.Source, typeName string) event.Retention {
	if t, _ := k.book.Type(typeName); t != nil && source.May(typeName) {
		return t.Retention
	}
	var shortest event.Retention
	now := k.Clock.Now()
	for _, t := range k.book.Types() {
		end, ends := t.Retention.End(now)
		if before, has := shortest.End(now); ends && source.May(t.Name) && (!has || end.Before(before)) {
			shortest = t.Retention
		}
	}
	return shortest
}

// draft reads a message by the form that the source's stream has.
// Errors: fault.InvalidEvent, fault.MediaType, fault.TooManyEntries.
func (k *Intake) draft(source *event.Source, partition int32, m *Message) (event.Draft, error) {
	if source.Stream.Form == event.FormJSON {
		return plain(source, partition, m)
	}
	header := m.Header
	if header.Get("Content-Type") == "" && header.Get("Ce-Specversion") == "" {
		header = http.Header{"Content-Type": {cloudEventJSON}}
	}
	drafts, err := k.Decode(header, m.Data, 1)
	if err != nil {
		return event.Draft{}, err
	}
	if len(drafts) != 1 {
		return event.Draft{}, fault.New(fault.InvalidEvent, "a message holds one event")
	}
	d := drafts[0]
	if d.Source != source.URI {
		d.Violations = append(d.Violations, fault.Violation{Pointer: d.Where("source"), Rule: "own", Message: "is not the source that this stream is of"})
	}
	return d, nil
}

// plain makes an event of a message that is its data.
func plain(source *event.Source, partition int32, m *Message) (event.Draft, error) {
	form := source.Stream.JSON
	d := event.Draft{
		SpecVersion: event.SpecVersion, Source: source.URI, Type: form.Type, DataSchema: form.DataSchema, MediaType: "application/json", Data: m.Data,
	}
	d.CarryTrace(m.Header.Get(event.TraceParent), m.Header.Get(event.TraceState))
	if v := event.Scan(m.Data); v != nil || len(m.Data) == 0 {
		if v == nil {
			v = &fault.Violation{Pointer: "/data", Rule: "required", Message: "the message is empty"}
		}
		d.Violations = append(d.Violations, *v)
		return d, nil
	}
	d.Scanned = true
	if form.ID == "" {
		d.ID = fmt.Sprintf("%s/%d/%d", source.Stream.ID(), partition, m.Offset)
	} else if d.ID = text(form.ID, m.Data); d.ID == "" {
		d.Violations = append(d.Violations, fault.Violation{Pointer: "/data" + form.ID, Rule: "required", Message: "the event's id stands here: a text or a number"})
	}
	if form.Time != "" {
		d.Time = when(form.Time, m.Data)
		if d.Time == "" {
			d.Violations = append(d.Violations, fault.Violation{Pointer: "/data" + form.Time, Rule: "date-time", Message: "the event's time stands here: RFC 3339, or milliseconds since 1970"})
		}
	}
	return d, nil
}

// at reads what stands at a pointer: a text as it is, a number as its digits; "" when there is neither.
func at(pointer string, data []byte) (value string, number bool) {
	p, err := event.ParsePointer(pointer)
	if err != nil {
		return "", false
	}
	raw, ok := p.Raw(data)
	if !ok || len(raw) == 0 {
		return "", false
	}
	switch c := raw[0]; {
	case c == '"':
		err = json.Unmarshal(raw, &value)
		return value, err != nil
	case c == '-' || c >= '0' && c <= '9':
		return string(raw), true
	}
	return "", false
}

func text(pointer string, data []byte) string {
	value, _ := at(pointer, data)
	return value
}

func when(pointer string, data []byte) string {
	value, number := at(pointer, data)
	if !number {
		return value
	}
	ms, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return ""
	}
	return time.UnixMilli(ms).UTC().Format(time.RFC3339Nano)
}

// oneLine tells a refusal to a person: pointers and rules, never a value.
func oneLine(f *fault.Fault) string {
	if len(f.Violations) == 0 {
		return f.Detail
	}
	var parts []string
	for i := range f.Violations {
		if i == mostReasons {
			parts = append(parts, "and "+strconv.Itoa(len(f.Violations)-i)+" more")
			break
		}
		v := &f.Violations[i]
		parts = append(parts, v.Pointer+" "+v.Rule+": "+v.Message)
	}
	return strings.Join(parts, "; ")
}

const mostReasons = 5

// kept is how a message stands in the store.
type kept struct {
	Key    []byte      `json:"key,omitempty"`
	Header http.Header `json:"header,omitempty"`
	Data   []byte      `json:"data,omitempty"`
}

func pack(m *Message) []byte {
	text, _ := json.Marshal(kept{[]byte(m.Key), m.Header, m.Data}) // text and bytes can always be written
	return text
}

func unpack(offset int64, sealed []byte) (Message, error) {
	var k kept
	if err := json.Unmarshal(sealed, &k); err != nil {
		return Message{}, fault.Wrap(fault.SealBroken, err, "a message that was set aside cannot be read")
	}
	return Message{Offset: offset, Key: string(k.Key), Header: k.Header, Data: k.Data}, nil
}

func equalStream(a, b *event.Stream) bool { return reflect.DeepEqual(a, b) }
