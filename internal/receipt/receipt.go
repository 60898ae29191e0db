// Package receipt takes in and tells what receivers confirm: one receipt for each message (F40 to F42), kept for 30 days,
// longer than some messages are. A receipt that is missing is told as overdue, and holds nothing up (requirements 4c, 9).
package receipt

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/grunddata"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/revision"
)

// Bounds of one request.
const (
	MostMessages = 1000
	MostText     = 1000 // bytes
	mostObjects  = 100  // ids that are kept of one message
)

// kept is how long a receipt is found (F42). The store forgets it within the day after.
const kept = 30 * 24 * time.Hour

// Log is the event log.
type Log interface {
	Append(ctx context.Context, r *eventlog.Request) error
	At(ctx context.Context, position int64) (*event.Event, error)
	Read(ctx context.Context, after int64, limit int) (events []*event.Event, upTo int64, err error)
	Head() int64
}

// Store reads receipts, and what was delivered.
type Store interface {
	Receipts(ctx context.Context, q eventlog.ReceiptQuery) ([]eventlog.Receipt, error)
	AttemptsAt(ctx context.Context, position int64) ([]eventlog.AttemptRow, error)
	// Before returns the last position that was recorded before a time.
	Before(ctx context.Context, recorded int64) (int64, error)
}

// Options are what receipts stand on; app fills them in.
type Options struct {
	Log   Log
	Store Store
	Book  *revision.Book
	Clock clock.Clock
	// Positions finds the events that have a message id.
	Positions func(ctx context.Context, id ident.UUID) ([]int64, error)
	// Patience is how long after a delivery its receipt is overdue; 0: a day.
	Patience time.Duration
}

// Desk takes receipts in and tells of them.
type Desk struct{ Options }

// New makes a desk.
func New(o Options) *Desk {
	if o.Patience == 0 {
		o.Patience = 24 * time.Hour
	}
	return &Desk{o}
}

// Take keeps receipts for messages, all or none, for a system among those that acts allows: the one that is named, or
// with "" the one that had the message. A second receipt for a message is answered as the first.
// Errors: InvalidDocument; NotFound for a message that there never was, or that was not delivered to such a system;
// StorageFull, ShuttingDown.
func (d *Desk) Take(ctx context.Context, system string, acts func(system string) bool, messages []ident.UUID, text string) ([]eventlog.Receipt, error) {
	request, place := &eventlog.Request{}, map[ident.UUID]int{}
	for i, id := range messages {
		if _, twice := place[id]; twice {
			continue
		}
		place[id] = len(request.Receipts)
		r, err := d.receiptFor(ctx, system, acts, id)
		if err != nil {
			return nil, err
		}
		if r == nil {
			return nil, fault.New(fault.NotFound, "number %d of the messages is none that was delivered to you", i+1)
		}
		r.Text = text
		request.Receipts = append(request.Receipts, *r)
	}
	if err := d.Log.Append(ctx, request); err != nil {
		return nil, err
	}
	taken := make([]eventlog.Receipt, 0, len(messages))
	for _, id := range messages {
		taken = append(taken, request.Receipts[place[id]])
	}
	return taken, nil
}

// receiptFor makes a receipt of what is known of the message, or finds the one that there is; nil: it is nobody's here.
func (d *Desk) receiptFor(ctx context.Context, system string, acts func(string) bool, id ident.UUID) (*eventlog.Receipt, error) {
	mine := func(name string) bool { return acts(name) && (system == "" || name == system) }
	earlier, err := d.List(ctx, eventlog.ReceiptQuery{Message: id, System: system, Limit: MostMessages})
	if err != nil {
		return nil, err
	}
	for i := range earlier {
		if mine(earlier[i].System) {
			return &earlier[i], nil
		}
	}
	positions, err := d.Positions(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, position := range positions {
		e, err := d.Log.At(ctx, position)
		if fault.Has(err, fault.NotFound) || err == nil && e.ID != id {
			continue
		}
		if err != nil {
			return nil, err
		}
		had, err := d.had(ctx, e, mine)
		if err != nil {
			return nil, err
		}
		switch {
		case len(had) > 1:
			return nil, fault.Invalid(fault.InvalidDocument, []fault.Violation{{Pointer: "/system", Rule: "required", Message: "several of your systems had the message; say which confirms it"}})
		case len(had) == 1:
			return &eventlog.Receipt{System: had[0], Message: id, Position: position, Type: e.Type, Objects: d.objects(e)}, nil
		}
	}
	return nil, nil
}

// had lists the systems, of some, that an event was delivered to, and those that fetch it by themselves and may still have
// it: of these nobody knows more than that they could.
func (d *Desk) had(ctx context.Context, e *event.Event, mine func(string) bool) (had []string, err error) {
	rows, err := d.Store.AttemptsAt(ctx, e.Position)
	if err != nil {
		return nil, err
	}
	add := func(system string) {
		if system != "" && mine(system) && !slices.Contains(had, system) {
			had = append(had, system)
		}
	}
	for i := range rows {
		if rows[i].Outcome == eventlog.Done {
			add(d.Book.SystemOf(rows[i].Consumer))
		}
	}
	var lines []string
	d.Book.Route(e, func(l *revision.Line) { lines = append(lines, l.ID) }) // the book is locked meanwhile
	for _, line := range lines {
		add(d.fetches(line, e))
	}
	for _, system := range d.Book.Systems() {
		if mine(system.Name) && d.Book.Windowed(system.Name) && d.Book.ShareOf(system.Name, e) == revision.Granted {
			add(system.Name)
		}
	}
	return had, nil
}

// fetches is the system of a subscription that fetches by itself, where the agreement grants it the event now.
func (d *Desk) fetches(line string, e *event.Event) string {
	l := d.Book.Line(line)
	if s := l.Now(); s == nil || !s.Pulled() || !d.Book.GrantsNow(l.Consumer.System, e) {
		return ""
	}
	return l.Consumer.System
}

// message is what an event says as a Hændelsesbesked; nil: it is none, or says nothing any more.
func (d *Desk) message(e *event.Event) *grunddata.Message {
	version := d.Book.Version(e.Type, e.Version)
	if version == nil || e.Forgotten || !version.MapsBesked() {
		return nil
	}
	m, err := grunddata.FromEvent(version, e)
	if err != nil {
		return nil
	}
	return m
}

func (d *Desk) objects(e *event.Event) (ids []string) {
	m := d.message(e)
	if m == nil {
		return nil
	}
	for _, o := range m.Beskedkuvert.Filtreringsdata.Objektregistrering {
		if len(ids) < mostObjects && len(o.ObjektID) <= MostText && o.ObjektID != "" && !slices.Contains(ids, o.ObjektID) {
			ids = append(ids, o.ObjektID)
		}
	}
	return ids
}

// List reads receipts, newest first. One that is older than 30 days is there no more.
func (d *Desk) List(ctx context.Context, q eventlog.ReceiptQuery) ([]eventlog.Receipt, error) {
	oldest := clock.Micros(d.Clock.Now().Add(-kept))
	q.From = max(q.From, oldest)
	list, err := d.Store.Receipts(ctx, q)
	return slices.DeleteFunc(list, func(r eventlog.Receipt) bool { return r.At < q.From || q.To != 0 && r.At >= q.To }), err
}

// Reveal tells what a message's receipts are about and say, on record before it does.
// Errors: NotFound, StorageFull, ShuttingDown.
func (d *Desk) Reveal(ctx context.Context, actor string, acts func(string) bool, id ident.UUID, reason string) ([]eventlog.Receipt, error) {
	list, err := d.List(ctx, eventlog.ReceiptQuery{Message: id, Limit: MostMessages})
	list = slices.DeleteFunc(list, func(r eventlog.Receipt) bool { return !acts(r.System) })
	if err == nil && len(list) == 0 {
		err = fault.New(fault.NotFound, "there is no receipt for that message")
	}
	if err != nil {
		return nil, err
	}
	entry := audit.Of(actor, audit.Reveal, "event/"+strconv.FormatInt(list[0].Position, 10), audit.Detail{Kind: "receipt", Reason: reason})
	if err := d.Log.Append(ctx, &eventlog.Request{Audit: []audit.Entry{entry}}); err != nil {
		return nil, err
	}
	return list, nil
}
