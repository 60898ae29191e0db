package intake_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/envelope/cloudevents"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/intake"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// world is a hub with its log, and brokers that keep what they are given.
type world struct {
	testing.TB
	dir     string
	clock   *clock.Fake
	hasher  *event.Hasher
	brokers map[string]*broker // by the stream's name

	store  *sqlite.Store
	log    *eventlog.Log
	book   *revision.Book
	intake *intake.Intake

	changed *eventlog.Broadcast // something was counted or troubled somebody
	mu      sync.Mutex
	trouble []string
	counted map[string]int // by source and result
}

// broker keeps the messages of one stream.
type broker struct {
	changed *eventlog.Broadcast
	mu      sync.Mutex
	down    error
	parts   [][]intake.Message
	first   map[int32]int64 // older ones were let go
	hold    chan struct{}   // Read waits for it; nil: it does not
	opened  int
	most    int // messages of one batch; 0: 3
}

func newWorld(t testing.TB, streams ...string) *world {
	t.Helper()
	w := &world{
		TB: t, dir: t.TempDir(), clock: clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), brokers: map[string]*broker{},
		changed: eventlog.NewBroadcast(), counted: map[string]int{},
	}
	var err error
	w.hasher, err = event.NewHasher([]byte("a test secret that is long enough for HMAC"))
	w.must(err)
	for _, name := range streams {
		w.brokers[name] = &broker{changed: eventlog.NewBroadcast(), parts: make([][]intake.Message, 2), first: map[int32]int64{}}
	}
	w.open()
	w.put(revision.Type, "order", event.Type{Name: "order", Title: "Order", Order: event.OrderKey, Retention: "P2D"})
	w.put(revision.Version, "order/v1", event.Version{
		Type: "order", Version: "v1", State: event.StateActive, Sample: json.RawMessage(`{"key":"k","n":1}`),
		Schema:  json.RawMessage(`{"type":"object","properties":{"n":{"type":"integer"}}}`),
		Mapping: event.Mapping{Fields: map[string]string{"key": "Load(/key)"}},
	})
	for _, name := range streams {
		w.put(revision.Source, name, source(name))
	}
	t.Cleanup(func() { w.crash() })
	return w
}

func source(name string) event.Source {
	return event.Source{Name: name, URI: "urn:" + name, Title: name, Types: []string{"*"}, Stream: &event.Stream{
		Kind: event.Kafka, Broker: event.Broker{Servers: []string{"broker.example:9093"}}, Name: name,
	}}
}

func (w *world) must(err error) {
	if err != nil {
		w.Helper()
		w.Fatal(err)
	}
}

func (w *world) put(kind revision.Kind, subject string, document any) {
	w.Helper()
	w.must(w.log.Append(context.Background(), &eventlog.Request{Expect: w.book.Last(), Revisions: []revision.Revision{revision.Of("test", kind, subject, document)}}))
}

func (w *world) open() {
	w.Helper()
	vault, err := secret.Open(filepath.Join(w.dir, "secrets"))
	w.must(err)
	w.store, err = sqlite.Open(filepath.Join(w.dir, "hub.db"), sqlite.Options{Keys: vault, Same: publish.Same})
	w.must(err)
	w.book = revision.NewBook(time.UTC)
	chain, err := audit.NewChain(make([]byte, audit.KeySize))
	w.must(err)
	w.log, err = eventlog.Open(context.Background(), w.store, w.book, w.clock, eventlog.Options{Chain: chain})
	w.must(err)
	w.intake = w.node()
}

// node makes one more intake on the log, as another node of the hub has.
func (w *world) node() *intake.Intake {
	return intake.New(w.log, w.store, w.book, intake.Options{
		Accepter: publish.NewAccepter(directory{w.book}, w.hasher, w.clock, publish.Limits{}), Hasher: w.hasher, Decode: cloudevents.Decode, Clock: w.clock,
		Open: func(_ context.Context, s *event.Stream) (intake.Stream, error) { return w.brokers[s.Name].open() },
		Trouble: func(_ string, err error) {
			w.mu.Lock()
			w.trouble = append(w.trouble, err.Error())
			w.mu.Unlock()
			w.changed.Signal()
		},
		Counted: func(source, result string, n int) {
			w.mu.Lock()
			w.counted[source+" "+result] += n
			w.mu.Unlock()
			w.changed.Signal()
		},
	})
}

type directory struct{ *revision.Book }

func (d directory) Source(uri string) *event.Source { return d.SourceAt(uri) }

// crash ends everything where it stands.
func (w *world) crash() {
	w.log.Abandon()
	w.intake.Stop()
	w.must(w.store.Close())
}

// until waits for something to be so, looking whenever something has happened.
func (w *world) until(what string, is func() bool) {
	w.Helper()
	for {
		changed, grown := w.changed.Wait(), w.log.Grown()
		if is() {
			return
		}
		select {
		case <-changed:
		case <-grown:
		case <-w.Context().Done():
			w.Fatalf("never: %s", what)
		case <-time.After(20 * time.Second):
			w.Fatalf("not within 20 s: %s; the log has %v, trouble %v", what, w.ids(), w.troubles())
		}
	}
}

func (w *world) troubles() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string(nil), w.trouble...)
}

func (w *world) count(what string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counted[what]
}

// ids are the events' ids in the order of the log.
func (w *world) ids() (ids []string) {
	events, _, err := w.log.Read(context.Background(), 0, 10_000)
	w.must(err)
	for _, e := range events {
		ids = append(ids, e.Attribute("id"))
	}
	return ids
}

func (w *world) logged() string { return strings.Join(w.ids(), " ") }

func (w *world) state(source string) eventlog.StreamState {
	w.Helper()
	s, _ := w.book.Source(source)
	state, err := w.store.Stream(context.Background(), source, s.Stream.ID())
	w.must(err)
	return state
}

// aside tells what is set aside: number, offset and why.
func (w *world) aside(source string) string {
	w.Helper()
	list, err := w.store.Asides(context.Background(), source, 0, 1000, false)
	w.must(err)
	var parts []string
	for _, a := range list {
		parts = append(parts, fmt.Sprintf("%d@%d %s", a.Number, a.Offset, a.Code))
	}
	return strings.Join(parts, ", ")
}

// say gives a stream's broker messages for one partition: "id key" is an event, "!id key" one whose data breaks the
// schema, "?key" one that cannot be read at all. The broker has them under the key too.
func (w *world) say(stream string, partition int, messages ...string) {
	b := w.brokers[stream]
	b.mu.Lock()
	for _, text := range messages {
		m := intake.Message{Offset: int64(len(b.parts[partition])), Header: http.Header{"Content-Type": {"application/cloudevents+json"}}}
		if key, unreadable := strings.CutPrefix(text, "?"); unreadable {
			m.Key, m.Data = key, []byte(`{"specversion":`)
		} else {
			id, key, _ := strings.Cut(text, " ")
			n := "1"
			if broken, is := strings.CutPrefix(id, "!"); is {
				id, n = broken, `"x"`
			}
			m.Key, m.Data = key, fmt.Appendf(nil, `{"specversion":"1.0","id":%q,"source":"urn:%s","type":"order","data":{"key":%q,"n":%s}}`, id, stream, key, n)
		}
		b.parts[partition] = append(b.parts[partition], m)
	}
	b.mu.Unlock()
	b.changed.Signal()
}

func (b *broker) set(change func(*broker)) {
	b.mu.Lock()
	change(b)
	b.mu.Unlock()
	b.changed.Signal()
}

func (b *broker) open() (intake.Stream, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.opened++
	if b.down != nil {
		return nil, b.down
	}
	return &opened{broker: b}, nil
}

// opened is a connection to a broker.
type opened struct {
	*broker
	at map[int32]int64
}

func (o *opened) Ends(context.Context) (map[int32]intake.Ends, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ends := map[int32]intake.Ends{}
	for p := range o.parts {
		ends[int32(p)] = intake.Ends{First: o.first[int32(p)], Next: int64(len(o.parts[p]))}
	}
	return ends, o.down
}

func (o *opened) From(_ context.Context, places map[int32]int64) error {
	o.at = places
	return nil
}

func (o *opened) Read(ctx context.Context) (intake.Batch, error) {
	for {
		changed := o.changed.Wait()
		o.mu.Lock()
		hold, down, batch := o.hold, o.down, o.next()
		o.mu.Unlock()
		if hold != nil {
			select {
			case <-hold:
			case <-ctx.Done():
				return intake.Batch{}, ctx.Err()
			}
		}
		if down != nil || len(batch.Messages) > 0 {
			return batch, down
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return intake.Batch{}, ctx.Err()
		}
	}
}

func (o *opened) next() intake.Batch {
	for p := range o.parts {
		at := o.at[int32(p)]
		if n := min(len(o.parts[p])-int(at), cmp.Or(o.most, 3)); n > 0 && o.down == nil {
			o.at[int32(p)] = at + int64(n)
			return intake.Batch{Partition: int32(p), Messages: o.parts[p][at : at+int64(n)], Next: at + int64(n)}
		}
	}
	return intake.Batch{}
}

func (o *opened) Close() {}

var errDown = fault.New(fault.ConnectFailed, "the broker is down")
