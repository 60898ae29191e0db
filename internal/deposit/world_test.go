package deposit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/event"
	ingest "github.com/varselhub/varsel/internal/ingest/register"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
)

// world is a hub with one register, "dagi", of one entity type.
type world struct {
	*managetest.World
	hasher  *event.Hasher
	options deposit.Options
	*deposit.Depositor
}

const (
	dagi      = "dagi"
	entity    = "Kommuneinddeling"
	namespace = "http://data.gov.dk/dagi"
)

func newWorld(t *testing.T) *world { return worldOf(t, false) }

// ofPersons is a world whose objects have names that tell persons.
func ofPersons(t *testing.T) *world { return worldOf(t, true) }

func worldOf(t *testing.T, persons bool) *world {
	w := &world{World: managetest.New(t)}
	var err error
	w.hasher, err = event.NewHasher(make([]byte, 32))
	w.Must(err)
	ctx, by := t.Context(), manage.By{Author: "test"}
	kept, named := event.Retention(""), []string(nil)
	if persons {
		kept, named = "P6M", []string{"/navn"}
	}
	for _, kind := range register.EventKinds {
		name := entity + strings.TrimSuffix(string(kind), "Event")
		_, err = w.Manager.PutType(ctx, event.Type{Name: name, Title: name, Order: event.OrderKey, Personal: persons, Retention: kept}, by)
		w.Must(err)
		_, err = w.Manager.PutVersion(ctx, event.Version{
			Type: name, Version: "v1", State: event.StateActive, Sample: []byte(`{"objectid":"1","id_lokalId":"2","registreringFra":"2020-01-01T00:00:00"}`),
			Schema: []byte(`{"type":"object","required":["objectid"],"properties":{"navn":{"maxLength":40}}}`),
			Mapping: event.Mapping{Personal: named, Fields: map[string]string{
				"key": "/id_lokalId", "besked.objektID": "Load(objectid)", "besked.objekttype": "Constant(" + entity + ")", "besked.objekthandling": "Load(feltliste)",
				"besked.registreringstid": "Load(registreringFra)", "besked.beskedansvarligAktør": "Constant(GST)", "besked.kildesystem": "Constant(dagi)",
				"besked.sikkerhedsklassificering": "Constant(NonConfidential)",
			}},
		}, by)
		w.Must(err)
	}
	_, err = w.Manager.PutSource(ctx, event.Source{Name: dagi, URI: "urn:dk:dagi", Title: "DAGI", Types: []string{"*"}}, by)
	w.Must(err)
	_, err = w.Manager.PutRegister(ctx, register.Register{Name: dagi, Source: dagi, Zone: "Etc/UTC", Types: []register.EntityType{{
		Name: entity, Namespace: namespace, Row: "objectid", Object: []string{"id_lokalId"}, Columns: []register.Column{
			{Name: "objectid", Required: true}, {Name: "id_lokalId", Required: true}, {Name: "navn", Personal: persons}, {Name: "geometri", Type: register.Geometry},
			{Name: "feltliste", EventOnly: true},
		},
	}}}, by)
	w.Must(err)
	accepter := publish.NewAccepter(directory{w.Book}, w.hasher, w.Clock, publish.Limits{})
	w.options = deposit.Options{
		Store: w.Store.Registers(), Log: w.Log, Past: w.Log, Index: w.Store, Places: w.Store, Directory: w.Book, Accepter: accepter, Handles: w.hasher, Clock: w.Clock,
		Read: func(body io.Reader, r *register.Register) deposit.Reader {
			return ingest.NewReader(body, r, ingest.Limits{})
		},
		Trouble: func(doing string, err error) { t.Errorf("trouble %s: %v", doing, err) },
	}
	w.Depositor = w.start()
	return w
}

type directory struct{ *revision.Book }

func (d directory) Source(uri string) *event.Source { return d.SourceAt(uri) }

// start starts a depositor, as another node has one too. It stops with the test.
func (w *world) start() *deposit.Depositor {
	d := deposit.New(w.options)
	d.Start()
	w.T.(*testing.T).Cleanup(d.Stop)
	return d
}

// row is an entity that makes a row.
type row struct {
	id, object, name string
	registered, ends string // ends: none when empty
	from, to         string
	event, fields    string // fields: feltliste
}

func (r row) String() string {
	text := part("objectid", r.id) + part("id_lokalId", r.object) + part("navn", r.name) + part("status", "gældende") +
		part("registreringFra", r.registered) + part("registreringTil", r.ends) + part("virkningFra", r.from) + part("virkningTil", r.to) + part("feltliste", r.fields)
	return operation("Create", r.event, text)
}

func part(name, value string) string {
	if value == "" {
		return ""
	}
	return fmt.Sprintf("<d:%s>%s</d:%[1]s>", name, value)
}

func operation(action, kind, fields string) string {
	if kind == "" {
		kind = "NoEvent"
	}
	return fmt.Sprintf("<c:DataEntity><c:Action>%s</c:Action><c:CreateEvent>%s</c:CreateEvent><d:%s>%s</d:%[3]s></c:DataEntity>\n", action, kind, entity, fields)
}

// ends is an entity that ends a row's registration.
func ends(id, at, kind string) string {
	return operation("Update", kind, part("objectid", id)+part("registreringTil", at))
}

func delivery(entities ...any) string {
	var b strings.Builder
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<c:DatafordelerDataDelivery xmlns:c="urn:cmn" xmlns:d="` + namespace + `"><c:Header></c:Header><c:Data>` + "\n")
	for _, e := range entities {
		fmt.Fprint(&b, e)
	}
	b.WriteString("</c:Data></c:DatafordelerDataDelivery>")
	return b.String()
}

func (w *world) take(id string, entities ...any) (*register.Delivery, error) {
	return w.Take(w.T.Context(), dagi, id, strings.NewReader(delivery(entities...)), nil)
}

// taken takes a delivery that is right, and waits until its events are in the log.
func (w *world) taken(id string, entities ...any) *register.Delivery {
	w.T.Helper()
	d, err := w.take(id, entities...)
	w.Must(err)
	w.published(id)
	return d
}

func (w *world) published(id string) {
	w.T.Helper()
	w.until("the events of "+id+" are published", func() bool {
		d, err := w.Delivery(w.T.Context(), dagi, id)
		w.Must(err)
		return d.State == register.Published
	})
}

// until waits for what the log's growth brings about.
func (w *world) until(what string, holds func() bool) {
	w.T.Helper()
	ctx, cancel := context.WithTimeout(w.T.Context(), time.Minute)
	defer cancel()
	for {
		grown := w.Log.Grown()
		if holds() {
			return
		}
		select {
		case <-grown:
		case <-time.After(5 * time.Millisecond): // what is forgotten of the outbox makes the log no larger
		case <-ctx.Done():
			w.T.Fatalf("never: %s", what)
		}
	}
}

// told is what is in the log of the register: type and data of each event, in order.
type told struct {
	Type string
	ID   string
	Data map[string]string
}

func (w *world) told() (list []told) {
	w.T.Helper()
	events, _, err := w.Log.Read(w.T.Context(), 0, 100_000)
	w.Must(err)
	for _, e := range events {
		if e.Source == "urn:dk:dagi" {
			t := told{Type: e.Type, ID: e.Attribute("id")}
			w.Must(json.Unmarshal(e.Data, &t.Data))
			list = append(list, t)
		}
	}
	return list
}

// names looks up the names of rows, as known at a time about another, in the order they came in.
func (w *world) names(registered, effective string) (names []string) {
	w.T.Helper()
	at := func(text string) *int64 {
		us, ok := event.ParseTime(text + "T00:00:00Z")
		if !ok {
			w.T.Fatalf("not a day: %s", text)
		}
		return &us
	}
	return w.found(&deposit.Question{Registered: at(registered), Effective: at(effective)})
}

func (w *world) found(q *deposit.Question) (names []string) {
	w.T.Helper()
	q.Register, q.Type, q.Limit = dagi, entity, 10_000
	rows, _, err := w.Find(w.T.Context(), q)
	w.Must(err)
	for i := range rows {
		var data map[string]string
		w.Must(json.Unmarshal(rows[i].Data, &data))
		names = append(names, data["navn"])
	}
	return names
}
