package bench

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/varselhub/varsel/internal/event"
)

// The world that is measured: one source, and types whose key is the partitionkey.
const (
	sourceName = "bench"
	sourceURI  = "urn:varsel:bench"
	typeName   = "bench.changed"
	version    = "v1"
)

// makeType names the nth of the types. The first is the one that most figures use.
func makeType(n int) string {
	if n == 0 {
		return typeName
	}
	return typeName + "." + strconv.Itoa(n)
}

// data makes JSON of a size. The receiver of the latency figure finds "sent" at its beginning.
func data(size int) []byte {
	const frame = len(`{"sent":"0000000000000000000","text":""}`)
	return fmt.Appendf(nil, `{"sent":"0000000000000000000","text":"%s"}`, strings.Repeat("x", max(0, size-frame)))
}

// stamped returns the data with the nanoseconds of a moment in it.
func stamped(data []byte, nanos int64) []byte {
	return restamp(bytes.Clone(data), nanos)
}

// restamp writes the nanoseconds of a moment where they stand in the data of a body.
func restamp(body []byte, nanos int64) []byte {
	const mark = `"sent":"`
	at := bytes.Index(body, []byte(mark)) + len(mark)
	copy(body[at:], fmt.Sprintf("%019d", nanos))
	return body
}

// sentAt reads what stamped wrote, wherever the data stands in a body; 0 when it is not there.
func sentAt(body []byte) int64 {
	_, rest, found := bytes.Cut(body, []byte(`"sent":"`))
	if !found || len(rest) < 19 {
		return 0
	}
	nanos, _ := strconv.ParseInt(string(rest[:19]), 10, 64)
	return nanos
}

// drafts makes events with ids that are used once, over all keys and types in turn.
type drafts struct {
	run    string // tells the ids of one run from another's
	keys   []string
	types  []string
	data   []byte
	number atomic.Int64
}

func newDrafts(run string, size Size, types int) *drafts {
	d := &drafts{run: run, data: data(size.Payload)}
	for n := range size.Keys {
		d.keys = append(d.keys, "key-"+strconv.Itoa(n))
	}
	for n := range types {
		d.types = append(d.types, makeType(n))
	}
	return d
}

func (d *drafts) next(data []byte) event.Draft {
	n := d.number.Add(1)
	return event.Draft{
		SpecVersion: event.SpecVersion, ID: d.run + "-" + strconv.FormatInt(n, 10), Source: sourceURI, Type: d.types[n%int64(len(d.types))],
		MediaType: "application/json", Data: data,
		Extensions: []event.Extension{{Name: event.PartitionKey, Value: d.keys[n%int64(len(d.keys))]}},
	}
}

// sample is a structured CloudEvent as the hub sends it, for loops that are no hub to send too.
func sample(size Size) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"run-1000000","source":%q,"type":%q,"datacontenttype":"application/json","partitionkey":"key-1000","sequence":"00000000000000000001","recordedtime":"2026-01-01T00:00:00.000000Z","data":%s}`,
		sourceURI, typeName, data(size.Payload))
}
