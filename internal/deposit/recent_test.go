package deposit_test

import (
	"context"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/geo"
)

// long is a log in memory, whose every event is the register's source's.
type long struct {
	kind   func(position int64) string // event type
	data   []byte
	head   int64
	looked int // skeletons read
}

func (l *long) Head() int64 { return l.head }

func (l *long) event(position int64) *event.Event {
	return &event.Event{Position: position, Source: "urn:dk:dagi", Type: l.kind(position), Data: l.data}
}

func (l *long) At(_ context.Context, position int64) (*event.Event, error) {
	return l.event(position), nil
}

func (l *long) Skeletons(_ context.Context, w eventlog.Stretch, limit int) (list []*event.Event, _ error) {
	for position := w.Below - 1; position > w.Above && len(list) < limit; position-- {
		if kind := l.kind(position); w.Type == "" || w.Type == kind {
			list = append(list, l.event(position))
			l.looked++
		}
	}
	return list, nil
}

// F39: however rare what is asked for is, one call does a bounded amount of work, and whoever goes on comes to all of it, each once.
func TestF39OneCallDoesABoundedAmountOfWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rare := func(position int64) string {
		if position%3001 == 7 {
			return "KommuneinddelingUpdate"
		}
		return "something.else"
	}
	for name, c := range map[string]struct {
		log   long
		asked deposit.Recently
		want  int
		calls int // at least
		each  int // events of a call, at most
	}{
		"rare ones among others": {long{kind: rare, head: 10_000}, deposit.Recently{Limit: 10}, 4, 5, 10},
		"far apart":              {long{kind: rare, head: 350_000}, deposit.Recently{Type: "KommuneinddelingUpdate", Limit: 1000}, 117, 4, 1000},
		"large ones":             {long{kind: func(int64) string { return "KommuneinddelingCreate" }, head: 10, data: []byte(`"` + strings.Repeat("x", 5<<20) + `"`)}, deposit.Recently{Limit: 10}, 10, 3, 4},
		"above a position":       {long{kind: func(int64) string { return "KommuneinddelingCreate" }, head: 1000}, deposit.Recently{Limit: 7, Above: 980}, 20, 3, 7},
		"none":                   {long{kind: func(int64) string { return "something.else" }, head: 10}, deposit.Recently{Limit: 7}, 0, 1, 0},
	} {
		options := w.options
		options.Past, options.Index = &c.log, &c.log
		d := deposit.New(options)
		q, seen, calls := c.asked, map[int64]bool{}, 0
		q.Register = dagi
		for last := int64(1 << 60); ; calls++ {
			before := c.log.looked
			found, next, err := d.Recent(t.Context(), &q)
			w.Must(err)
			if c.log.looked-before > 2200 || len(found) > c.each {
				t.Fatalf("%s: a call looks at %d and finds %d", name, c.log.looked-before, len(found))
			}
			for _, h := range found {
				if h.Position >= last || h.Position <= q.Above {
					t.Fatalf("%s: %d behind %d", name, h.Position, last)
				}
				last = h.Position
				seen[h.Position] = true
			}
			if q.Below = next; next == 0 {
				calls++
				break
			}
		}
		if len(seen) != c.want || calls < c.calls {
			t.Errorf("%s: %d events by %d calls, want %d by %d or more", name, len(seen), calls, c.want, c.calls)
		}
	}
}

// What has happened, to whom, and where: as the events tell it.
func TestF39WhatHappened(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.taken("1", row{id: "1", object: "7", name: "Lejre", registered: "2020-01-01T00:00:00", from: "2020-01-01T00:00:00", event: "CreateEvent"}, row{id: "2", object: "8", name: "Faxe", registered: "2020-01-01T00:00:00", from: "2020-01-01T00:00:00"})
	w.taken("2", row{id: "3", object: "8", name: "Fakse", registered: "2021-01-01T00:00:00", from: "2020-01-01T00:00:00", event: "UpdateEvent", fields: "navn;  geometri"}, ends("2", "2021-01-01T00:00:00", ""))
	found, next, err := w.Recent(t.Context(), &deposit.Recently{Register: dagi, Limit: 10})
	w.Must(err)
	if len(found) != 2 || next != 0 {
		t.Fatalf("%d events, next %d", len(found), next)
	}
	if h := found[0]; h.Kind != "UpdateEvent" || h.Name != "Fakse" || strings.Join(h.Fields, "+") != "navn+geometri" || len(h.Object) != 1 || h.Object[0].Text != "8" || h.Of.Name != entity || h.Place != "" {
		t.Errorf("%+v", h)
	}
	if h, err := w.Happened(t.Context(), dagi, found[1].Position); err != nil || h.Kind != "CreateEvent" || h.Name != "Lejre" {
		t.Errorf("%+v %v", h, err)
	}
	for position, code := range map[int64]fault.Code{1: fault.NotFound, 1 << 40: fault.NotFound} { // a revision, and nothing yet
		if _, err := w.Happened(t.Context(), dagi, position); !fault.Has(err, code) {
			t.Errorf("position %d: %v", position, err)
		}
	}
	everywhere := geo.Box{MinX: -180, MinY: -90, MaxX: 180, MaxY: 90}
	if found, _, err := w.Recent(t.Context(), &deposit.Recently{Register: dagi, Limit: 10, Within: &everywhere}); err != nil || len(found) != 0 {
		t.Errorf("what lies nowhere lies somewhere: %d %v", len(found), err)
	}
}
