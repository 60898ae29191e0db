package search_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/search"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/sqlite"
	"github.com/varselhub/varsel/internal/subscription"
)

// world is a hub with a log and its index, that crashes and comes up again, and a plain list of what is in it.
type world struct {
	testing.TB
	dir    string
	clock  *clock.Fake
	hasher *event.Hasher
	random *rand.Rand
	where  func(context.Context, int64) ([]search.Place, error)

	store     *sqlite.Store
	log       *eventlog.Log
	book      *revision.Book
	searcher  *search.Searcher
	publisher *publish.Publisher

	events []*recorded
}

// recorded is what a plain scan of the events would tell.
type recorded struct {
	position        int64
	id, source, typ string
	message         ident.UUID
	key             string
	persons         []string
	at              int64
	retention       event.Retention
	forgotten       bool
}

type directory struct{ *revision.Book }

func (d directory) Source(uri string) *event.Source { return d.SourceAt(uri) }

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, dir: t.TempDir(), clock: clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)), random: rand.New(rand.NewPCG(7, 11))}
	var err error
	w.hasher, err = event.NewHasher([]byte("a test secret that is long enough for HMAC"))
	w.must(err)
	w.open(func(context.Context) {})
	w.configure()
	t.Cleanup(func() { w.crash() })
	return w
}

func (w *world) must(err error) {
	if err != nil {
		w.Helper()
		w.Fatal(err)
	}
}

func (w *world) open(pause func(context.Context)) {
	w.Helper()
	vault, err := secret.Open(filepath.Join(w.dir, "secrets"))
	w.must(err)
	w.store, err = sqlite.Open(filepath.Join(w.dir, "hub.db"), sqlite.Options{Keys: vault, Same: publish.Same})
	w.must(err)
	w.book = revision.NewBook(time.UTC)
	chain, err := audit.NewChain(make([]byte, audit.KeySize))
	w.must(err)
	w.log, err = eventlog.Open(context.Background(), w.store, w.book, w.clock, eventlog.Options{Chain: chain, TailEvents: 64})
	w.must(err)
	w.publisher = publish.New(publish.NewAccepter(directory{w.book}, w.hasher, w.clock, publish.Limits{}), w.log, nil)
	w.searcher = search.New(w.log, w.store, w.book, w.hasher, search.Options{
		Where: w.where, Trouble: func(doing string, err error) { w.Errorf("%s: %v", doing, err) },
		Pause: func(ctx context.Context, _ time.Duration) { pause(ctx) },
	})
	w.must(w.searcher.Start(context.Background()))
}

// again comes up after a crash.
func (w *world) again(pause func(context.Context)) {
	w.Helper()
	w.crash()
	w.open(pause)
}

// crash ends everything where it stands.
func (w *world) crash() {
	w.log.Abandon()
	w.searcher.Stop()
	w.must(w.store.Close())
}

// configure makes four types: by a person's number, by a number that is nobody's, by an attribute, and in no order.
func (w *world) configure() {
	w.Helper()
	var list []revision.Revision
	put := func(kind revision.Kind, subject string, document any) {
		list = append(list, revision.Of("test", kind, subject, document))
	}
	for _, name := range []string{"register", "case"} {
		put(revision.Source, name, event.Source{Name: name, URI: "urn:" + name, Title: name, Types: []string{"*"}})
	}
	types := []struct {
		event.Type
		mapping event.Mapping
	}{
		{event.Type{Name: "citizen", Order: event.OrderKey, Personal: true, Retention: "P1D"}, event.Mapping{Fields: map[string]string{"key": "Load(/cpr)"}, Personal: []string{"/cpr", "/family"}}},
		{event.Type{Name: "house", Order: event.OrderKey, Personal: true, Retention: "P2D"}, event.Mapping{Fields: map[string]string{"key": "Load(/no)", "messageId": "Load(/uuid)"}, Personal: []string{"/owner"}}},
		{event.Type{Name: "thing", Order: event.OrderKey}, event.Mapping{}},
		{event.Type{Name: "free", Order: event.OrderNone, Retention: "P2D"}, event.Mapping{}},
	}
	for _, t := range types {
		t.Title = t.Name
		put(revision.Type, t.Name, t.Type)
		put(revision.Version, t.Name+"/v1", event.Version{Type: t.Name, Version: "v1", State: event.StateActive, Sample: []byte(`{"cpr":"1","no":"1"}`), Mapping: t.mapping})
	}
	for _, name := range []string{"town", "county"} {
		source := map[string]string{"town": "register", "county": "case"}[name]
		put(revision.System, name, subscription.System{Name: name, Agreement: subscription.Agreement{Profile: profile.Standard, Sources: []string{source}}})
		put(revision.Subscription, "sub-"+name, subscription.Subscription{ID: "sub-" + name, System: name, Name: "all", State: subscription.Active})
	}
	w.must(w.log.Append(w.Context(), &eventlog.Request{Revisions: list, Expect: w.book.Last()}))
}

// value is one of a few, so that they meet: as a key here and as a person there.
func (w *world) value() string { return fmt.Sprintf("%010d", w.random.IntN(12)) }

// publish publishes events at random, a group at a time.
func (w *world) publish(count int) {
	w.Helper()
	for count > 0 {
		group := min(count, 1+w.random.IntN(60))
		count -= group
		w.clock.Advance(time.Duration(w.random.IntN(600)) * time.Second)
		var drafts []event.Draft
		var made []*recorded
		for range group {
			d, r := w.draft()
			drafts, made = append(drafts, d), append(made, r)
		}
		results, err := w.publisher.Publish(w.Context(), drafts, false)
		w.must(err)
		for i := range results {
			made[i].position, made[i].at = results[i].Position, w.clock.Now().UnixMicro()
			w.events = append(w.events, made[i])
		}
	}
}

func (w *world) draft() (event.Draft, *recorded) {
	id := fmt.Sprintf("id-%d", len(w.events)+w.random.IntN(1<<40))
	r := &recorded{id: id, source: []string{"urn:register", "urn:case"}[w.random.IntN(2)]}
	r.message = ident.Message(r.source, id)
	d := event.Draft{SpecVersion: event.SpecVersion, ID: id, Source: r.source, MediaType: "application/json"}
	switch w.random.IntN(4) {
	case 0:
		r.typ, r.retention, r.key = "citizen", "P1D", w.value()
		family := make([]string, w.random.IntN(4))
		if w.random.IntN(400) == 0 {
			family = make([]string, 1500) // more than goes in at once
		}
		var quoted []string
		for i := range family {
			family[i] = w.value()
			if i >= 12 {
				family[i] += fmt.Sprint("-", i)
			}
			quoted = append(quoted, fmt.Sprintf(`{"cpr":%q,"alive":true,"gone":null,"name":""}`, family[i]))
		}
		r.persons = append([]string{r.key}, family...)
		d.Data = fmt.Appendf(nil, `{"cpr":%q,"family":[%s]}`, r.key, strings.Join(quoted, ","))
	case 1:
		r.typ, r.retention, r.key, r.message = "house", "P2D", w.value(), ident.New()
		number := 1000000000 + w.random.IntN(12)
		r.persons = []string{fmt.Sprint(number)}
		d.Data = fmt.Appendf(nil, `{"no":%q,"uuid":%q,"owner":{"number":%d}}`, r.key, r.message, number)
	case 2:
		r.typ, r.key = "thing", w.value()
		d.Extensions = []event.Extension{{Name: event.PartitionKey, Value: r.key}}
		d.Data = []byte(`{"cpr":"0000000001"}`)
	default:
		r.typ, r.retention = "free", "P2D"
		d.MediaType, d.Data = "text/plain", []byte("0000000001")
	}
	d.Type = r.typ
	return d, r
}

// forget destroys the keys of a retention's day.
func (w *world) forget(retention event.Retention, day int64) {
	w.Helper()
	_, err := w.store.Forget(w.Context(), retention, day)
	w.must(err)
	for _, r := range w.events {
		if r.retention == retention && r.at/day24 == day {
			r.forgotten = true
		}
	}
}

const day24 = int64(24 * time.Hour / time.Microsecond)

// reach waits until the index has come to the head.
func (w *world) reach() {
	w.Helper()
	w.must(w.searcher.Reach(w.Context(), w.log.Head()))
}

// all are the positions a query finds, over all its pages.
func (w *world) all(q search.Query) (list []int64) {
	w.Helper()
	for {
		page, err := w.searcher.Find(w.Context(), "eva", q)
		w.must(err)
		for _, f := range page.Events {
			list = append(list, f.Position)
		}
		if page.Next == 0 {
			return list
		}
		q.Below = page.Next
	}
}

// scan are the positions of the events that are meant, newest first.
func (w *world) scan(meant func(*recorded) bool) (list []int64) {
	for i := len(w.events) - 1; i >= 0; i-- {
		if meant(w.events[i]) {
			list = append(list, w.events[i].position)
		}
	}
	return list
}
