package store

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
)

// Table is a table whose rows go from one engine to another, in the order of their key.
type Table struct {
	Name    string
	Columns string // that both engines have, in the order of a row
	Order   string // the key, as PostgreSQL sorts it: bytes before languages
}

// The tables that do not go as they stand. Their rows are what is said here.
const (
	MovedEvents    = "events"            // *event.Event, opened, without its source's id
	MovedConsumers = "consumers"         // as it stands, and SQLite knows no system: "", to be filled in
	MovedAttempts  = "attempts"          // as it stands; its reason, nil where it has none; what was answered as *Opened, nil where there is nothing
	MovedClues     = "clues"             // class, day, clue, position
	MovedAside     = "aside"             // as it stands; the message as *Opened
	MovedRows      = "register_rows"     // as it stands; the data as *Opened, nil where that was erased
	MovedOutgoing  = "register_outgoing" // as it stands; the draft as *Opened
	MovedRevisions = "revisions"         // as it stands; the document as *Opened where it is sealed, else nil
	MovedReceipts  = "receipts"          // as it stands; what it is about as *Opened, nil where that was erased
)

// Columns of a consumer's row.
const (
	ColumnName   = 1
	ColumnSystem = 2
)

// Tables lists what a hub is made of, each table after those it names rows of. A table that is added to a hub is added
// here, and where it does not stand alike in both engines, to each of them: sqlite/export.go and postgres/import.go.
//
// Not here are data_keys, segments and pruning, for what is moved is sealed anew, and what cannot be read any more is a
// skeleton there; and hub, whose rows are in MovedEnd.
func Tables() []Table {
	const bytewise = ` COLLATE "C"`
	return []Table{
		{"sources", "n, uri", "n"},
		{"types", "n, type, version", "n"},
		{"epochs", "n, id, after", "n"},
		{MovedRevisions, "position, recorded, author, kind, subject, document", "position"},
		{"audit", "number, at, actor, act, subject, detail, position, mac", "number"},
		{"erasures", "n, at, author, reason, upto, events, positions, ended, rows", "n"},
		{MovedEvents, "", "position"},
		{"event_ids", "source, id, position", "source, id" + bytewise},
		{MovedConsumers, "id, name, system, low, high, pending, counted, ended, dropped", "id"},
		{MovedAttempts, "position, consumer, number, at, outcome, status, duration, pass", "position, consumer, number"},
		{"blocked", "consumer, lane, position, line, state, attempts, failures, since, due, spell, status, reason, pass", "consumer, lane"},
		{"waiting", "consumer, lane, position, line, pass, attempts", "consumer, lane, position"},
		{"tallies", "consumer, line, day, outcome, replayed, count", "consumer, line" + bytewise + ", day, outcome, replayed"},
		{"readings", "consumer, rest, upto, served, confirmed", "consumer, rest, upto"},
		{"passes", "n, consumer, line, author, began, filter, rate, total, place, done, ended", "n"},
		{"endpoints", "system, url, spell", "system" + bytewise + ", url" + bytewise},
		{"streams", "source, changes, last", "source" + bytewise},
		{"stream_places", "source, stream, partition, next", "source" + bytewise + ", stream" + bytewise + ", partition"},
		{MovedAside, "source, number, partition, place, at, lane, outside, code, reason", "source" + bytewise + ", number"},
		{MovedReceipts, "system, message, position, type, at", "message, system"},
		{MovedClues, "", ""},
		{"registers", "n, name, last_delivery, last_row, last_outgoing", "n"},
		{"register_types", "n, register, name", "n"},
		{"register_deliveries", "register, number, id, state, row_after, outgoing_after, staged, digest, rows, closed, events, begun, ended, reason", "register, number"},
		{MovedRows, "type, number, id, object, registered_from, registered_to, effect_from, effect_to, delivery", "type, number"},
		{"register_closings", "register, number, at, delivery", "register, number"},
		{MovedOutgoing, "register, number, delivery", "register, number"},
		{"register_persons", "clue, type, number, delivery, object", "clue, type, number"},
	}
}

// Row is one row: int64, string, []byte, [16]byte, nil, and what the tables above say. Bytes and hashes are alike in it.
type Row []any

// Opened is what is sealed beside the columns of a row, with the class that it is forgotten with.
type Opened struct {
	Class  eventlog.Class
	Detail string // of an answer
	Body   []byte
}

// Size is about what a row holds in memory.
func (r Row) Size() (n int) {
	for _, v := range r {
		switch v := v.(type) {
		case *event.Event:
			n += v.Size()
		case *Opened:
			n += len(v.Body) + len(v.Detail)
		case string:
			n += len(v)
		case []byte:
			n += len(v)
		}
		n += 16
	}
	return n
}

// Append encodes a row so that two rows have the same bytes when they say the same, and no others.
// Error: a value of a kind that no row has.
func (r Row) Append(b []byte) ([]byte, error) {
	for _, v := range r {
		switch v := v.(type) {
		case nil:
			b = append(b, 'n')
		case int64:
			b = binary.BigEndian.AppendUint64(append(b, 'i'), uint64(v))
		case string:
			b = append(binary.AppendUvarint(append(b, 't'), uint64(len(v))), v...)
		case []byte:
			b = append(binary.AppendUvarint(append(b, 'b'), uint64(len(v))), v...)
		case [16]byte:
			b = append(binary.AppendUvarint(append(b, 'b'), 16), v[:]...)
		case *event.Event:
			b = appendEvent(b, v)
		case *Opened:
			b, _ = Row{string(v.Class.Retention), v.Class.Day, v.Detail, v.Body}.Append(append(b, 'a'))
		default:
			return b, fmt.Errorf("a row holds a %T", v)
		}
	}
	return b, nil
}

func appendEvent(b []byte, e *event.Event) []byte {
	flags := int64(0)
	if e.Personal {
		flags |= 1
	}
	if e.Forgotten {
		flags |= 2
	}
	b, _ = Row{e.Position, e.Recorded, [16]byte(e.ID), e.Source, e.Type, e.Version, e.Time, e.Organisation.String(), flags}.Append(append(b, 'e'))
	if !e.Forgotten {
		b, _ = Row{[16]byte(e.Lane), string(e.Retention), e.MediaType, e.Head, e.Data}.Append(b)
	}
	return b
}

// Key tells people which row it is: the numbers that it begins with.
func (r Row) Key() string {
	var numbers []string
	for _, v := range r {
		if e, ok := v.(*event.Event); ok {
			v = e.Position
		}
		n, ok := v.(int64)
		if !ok {
			break
		}
		numbers = append(numbers, fmt.Sprint(n))
	}
	return strings.Join(numbers, "/")
}

// MovedEnd is the end of a log that is moved, and how far its index of search is.
type MovedEnd struct {
	Position, Recorded, Revision, Audited int64
	Clues, ClueMaker                      string
}

// PlainText is text that both engines can keep: what receivers answer, and what people write, may hold anything.
func PlainText(text string) string {
	if strings.IndexByte(text, 0) >= 0 {
		text = strings.ReplaceAll(text, "\x00", "\uFFFD")
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}
