package intake

import (
	"context"
	"strconv"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Bounds of what is set aside.
const (
	allAside = 1 << 20 // more than any source may have
	atOnce   = 100     // messages tried in one commit
)

// Settled is what letting go of a message came to.
type Settled struct {
	Position int64      // of the event that was made of it; 0: none was
	Known    bool       // that event was in the log before
	Code     fault.Code // why it is still set aside; "": it is not
	Reason   string
	Followed int // how many that waited are in the log now
	Refused  int // how many of those could not be taken, and hold their key themselves
}

// choice is which message is let go, and how.
type choice struct {
	release, discard int64 // its number; 0: none, only what waits for nothing any more
	entries          []audit.Entry
}

// Release tries a message that was set aside once more, and then, in their order, those that waited behind it.
// Errors: fault.NotFound; fault.Conflict when it waits behind another; fault.StreamMoved, fault.StorageFull, fault.ShuttingDown.
func (k *Intake) Release(ctx context.Context, actor, source string, number int64) (Settled, error) {
	return k.letGo(ctx, source, choice{release: number, entries: []audit.Entry{audit.Of(actor, audit.Release, Subject(source, number), audit.Detail{})}})
}

// Discard gives up a message that was set aside; those that waited behind it are taken, in their order.
// Errors: as Release, but for fault.Conflict.
func (k *Intake) Discard(ctx context.Context, actor, source string, number int64) (Settled, error) {
	return k.letGo(ctx, source, choice{discard: number, entries: []audit.Entry{audit.Of(actor, audit.Discard, Subject(source, number), audit.Detail{})}})
}

// Subject is what the audit log calls a message that was set aside.
func Subject(source string, number int64) string {
	return "source/" + source + "/aside/" + strconv.FormatInt(number, 10)
}

func (k *Intake) letGo(ctx context.Context, name string, c choice) (Settled, error) {
	source, _ := k.book.Source(name)
	if source == nil || source.Stream == nil {
		return Settled{}, noStream(name)
	}
	settled, err := k.settle(ctx, source, c)
	if r := k.readerOf(name); r != nil {
		r.poke()
	}
	return settled, err
}

// Asides lists what is set aside of a source after a number, in order, at most limit, without the messages.
// Error: fault.NotFound.
func (k *Intake) Asides(ctx context.Context, source string, after int64, limit int) ([]eventlog.Aside, error) {
	if s, _ := k.book.Source(source); s == nil {
		return nil, noStream(source)
	}
	return k.store.Asides(ctx, source, after, limit, false)
}

// Reveal shows a message that was set aside, as it was read. That is payload: who looks, and why, is in the audit log
// before.
// Errors: fault.NotFound, fault.StorageFull, fault.ShuttingDown.
func (k *Intake) Reveal(ctx context.Context, actor, source string, number int64, reason string) (eventlog.Aside, Message, error) {
	a, m, err := k.aside(ctx, source, number)
	if err != nil {
		return a, m, err
	}
	entry := audit.Of(actor, audit.Reveal, Subject(source, number), audit.Detail{Reason: reason})
	return a, m, k.log.Append(ctx, &eventlog.Request{Audit: []audit.Entry{entry}})
}

// aside reads one message that is set aside.
func (k *Intake) aside(ctx context.Context, source string, number int64) (eventlog.Aside, Message, error) {
	list, err := k.store.Asides(ctx, source, number-1, 1, true)
	if err == nil && (len(list) == 0 || list[0].Number != number) {
		err = notAside(source, number)
	}
	if err != nil {
		return eventlog.Aside{}, Message{}, err
	}
	m, err := unpack(list[0].Offset, list[0].Message)
	return list[0], m, err
}

func notAside(source string, number int64) error {
	return fault.New(fault.NotFound, "no message %d is set aside of %s", number, source)
}

// settle lets a message go and takes what waits for nothing any more, a bounded number in one commit. The first commit
// has the audit entry; a crash between two leaves the rest to the next reader.
func (k *Intake) settle(ctx context.Context, source *event.Source, c choice) (done Settled, err error) {
	for tries := 0; ; {
		again, err := k.settleSome(ctx, source, c, &done)
		switch {
		case fault.Has(err, fault.StreamMoved) && tries < mostTries:
			tries++
		case err != nil:
			return done, err
		case !again:
			return done, nil
		default:
			c = choice{}
		}
	}
}

// settling is one commit of settle.
type settling struct {
	*Intake
	source  *event.Source
	choice  choice
	in      *eventlog.Intake
	tried   []*trial
	more    bool // there is more to take than goes into one commit
	decided map[int64]refusal
}

// trial is a message that is tried once more.
type trial struct {
	*read
	row *eventlog.Aside
}

func (k *Intake) settleSome(ctx context.Context, source *event.Source, c choice, done *Settled) (again bool, err error) {
	state, err := k.store.Stream(ctx, source.Name, source.Stream.ID())
	if err != nil {
		return false, err
	}
	rows, err := k.store.Asides(ctx, source.Name, 0, allAside, false)
	if err != nil {
		return false, err
	}
	s := &settling{Intake: k, source: source, choice: c, decided: map[int64]refusal{}}
	for {
		if err := s.plan(ctx, rows, state.Changes); err != nil {
			return false, err
		}
		request, entries := s.request()
		if len(s.in.Taken)+len(s.in.Again)+len(request.Audit) == 0 {
			return false, nil
		}
		err := k.log.Append(ctx, request)
		if fault.Has(err, fault.EventConflict) {
			refuse(request, entries)
			s.keep()
			continue
		}
		if err == nil {
			s.tell(request, done)
		}
		return s.more, err
	}
}

// plan walks what is set aside in its order and finds what is tried: what was chosen, and what stands behind nothing.
func (s *settling) plan(ctx context.Context, rows []eventlog.Aside, changes int64) error {
	s.in = &eventlog.Intake{Source: s.source.Name, Stream: s.source.Stream.ID(), Changes: changes}
	s.tried, s.more = nil, false
	before, found := newOrder(), s.choice.release+s.choice.discard == 0
	for i := range rows {
		row := &rows[i]
		behind := before.behind(row.Lane, row.Outer)
		switch {
		case row.Number == s.choice.discard:
			s.in.Taken = append(s.in.Taken, row.Number)
			found = true
			continue
		case row.Number == s.choice.release:
			if found = true; behind {
				return fault.New(fault.Conflict, "message %d waits behind another of its key; release that one", row.Number)
			}
		case !row.Waits() || behind:
			before.add(row.Lane, row.Outer)
			continue
		}
		if len(s.tried) == atOnce {
			s.more = true
			before.add(row.Lane, row.Outer)
			continue
		}
		t, err := s.try(ctx, row)
		if err != nil {
			return err
		}
		s.tried = append(s.tried, t)
		if t.event == nil { // and it stands before others as what it is now known to be
			before.add(t.lane, t.outer)
		}
	}
	if !found {
		return notAside(s.source.Name, max(s.choice.release, s.choice.discard))
	}
	return nil
}

// try reads a message again, as the types and mappings are now.
func (s *settling) try(ctx context.Context, row *eventlog.Aside) (*trial, error) {
	_, m, err := s.aside(ctx, s.source.Name, row.Number)
	if fault.Has(err, fault.NotFound) {
		return nil, fault.New(fault.StreamMoved, "message %d is gone by now", row.Number)
	}
	if err != nil {
		return nil, err
	}
	t := &trial{s.reading(s.source, row.Partition, m), row}
	if known, ok := s.decided[row.Number]; ok {
		t.event, t.refused = nil, known
	}
	return t, nil
}

// keep remembers what the log would not take, for the next plan.
func (s *settling) keep() {
	for _, t := range s.tried {
		if t.event == nil {
			s.decided[t.row.Number] = t.refused
		}
	}
}

func (s *settling) request() (*eventlog.Request, []*read) {
	request := &eventlog.Request{Intake: s.in, Audit: s.choice.entries}
	var entries []*read
	for _, t := range s.tried {
		if t.event == nil {
			again := *t.row
			again.Code, again.Reason, again.Lane, again.Outer = t.refused.code, t.refused.reason, t.lane, t.outer
			s.in.Again = append(s.in.Again, again)
			continue
		}
		entries = append(entries, t.read)
		request.Entries = append(request.Entries, t.entry())
		s.in.Taken = append(s.in.Taken, t.row.Number)
	}
	return request, entries
}

// tell adds up what the commit came to.
func (s *settling) tell(request *eventlog.Request, done *Settled) {
	entry := 0
	for _, t := range s.tried {
		chosen := t.row.Number == s.choice.release
		switch {
		case t.event == nil && chosen:
			done.Code, done.Reason = t.refused.code, t.refused.reason
		case t.event == nil:
			done.Refused++
		default:
			e := &request.Entries[entry]
			entry++
			if !chosen {
				done.Followed++
				continue
			}
			done.Position, done.Known = e.Position, e.Status == eventlog.Duplicate
		}
	}
	accepted, duplicate := counts(request)
	for result, n := range map[string]int{"accepted": accepted, "duplicate": duplicate} {
		if n > 0 {
			s.Counted(s.source.Name, result, n)
		}
	}
}
