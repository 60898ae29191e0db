package retention

import (
	"cmp"
	"context"
	"slices"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// Report is an erasure with all that an authority needs to tell those who had the person's data. It is made of the
// skeletons and attempts whenever it is asked for, so it also knows of what was in flight when the erasure began.
type Report struct {
	eventlog.Erasure
	Done    int // events overwritten, while it goes on
	Files   int // of extracts, deleted
	Systems []Recipient
}

// Recipient is a system that the events were for.
type Recipient struct {
	System    string
	Delivered int64 // it has confirmed these,
	First     int64 // µs UTC, between here
	Last      int64 // and here; 0: read by cursor, and nobody noted when
	Tried     int64 // were sent or handed out to it without a confirmation: it may have them
	Nothing   int64 // nothing of these was ever sent to it
}

// Erasures lists erasures before a number (0: all), newest first, at most limit.
func (k *Keeper) Erasures(ctx context.Context, before int64, limit int) ([]eventlog.Erasure, error) {
	return k.Store.Erasures(ctx, before, false, limit)
}

// Report tells of one erasure.
// Error: fault.NotFound.
func (k *Keeper) Report(ctx context.Context, n int64) (*Report, error) {
	e, err := k.Store.Erasure(ctx, n)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	r := &Report{Erasure: e, Done: k.places[n]}
	k.mu.Unlock()
	if k.Files != nil {
		r.Files = k.Files.Erased(n)
	}
	t := tally{keeper: k, of: map[string]*Recipient{}, consumers: map[string]*revision.Consumer{}, read: map[string]int64{}}
	for _, c := range k.Book.Consumers() {
		t.consumers[c.Name] = c
	}
	for _, position := range e.Positions {
		if err := t.add(ctx, position); err != nil {
			return nil, err
		}
	}
	for _, recipient := range t.of {
		r.Systems = append(r.Systems, *recipient)
	}
	slices.SortFunc(r.Systems, func(a, b Recipient) int { return cmp.Compare(a.System, b.System) })
	return r, nil
}

// tally counts who got what.
type tally struct {
	keeper    *Keeper
	of        map[string]*Recipient
	consumers map[string]*revision.Consumer
	read      map[string]int64 // up to where a cursor has been handed out
}

// add counts one event for each system once: what several of its subscriptions had of it is what it had.
func (t *tally) add(ctx context.Context, position int64) error {
	ev, err := t.keeper.Log.At(ctx, position)
	if err != nil {
		return err
	}
	had := map[string]*fate{}
	fateOf := func(system string) *fate {
		if had[system] == nil {
			had[system] = &fate{}
		}
		return had[system]
	}
	var failed error
	t.keeper.Book.Route(ev, func(l *revision.Line) {
		f := fateOf(l.Consumer.System)
		f.tried = f.tried || l.Windowed() // nobody notes who asks for windows: it may have it
	})
	for system := range had {
		for _, c := range t.consumers {
			if c.System == system && c.Channel() == subscription.Cursor && c.Match(ev) != nil {
				upTo, err := t.handedOut(ctx, c.Name)
				failed = cmp.Or(failed, err)
				had[system].tried = had[system].tried || position <= upTo
			}
		}
	}
	rows, err := t.keeper.Store.AttemptsAt(ctx, position)
	if err = cmp.Or(failed, err); err != nil {
		return err
	}
	for i := range rows {
		system := rows[i].Consumer
		if c := t.consumers[system]; c != nil {
			system = c.System
		}
		fateOf(system).note(&rows[i])
	}
	for system, f := range had {
		t.count(system, f)
	}
	return nil
}

// handedOut is the last position that a consumer read by cursor has been given.
func (t *tally) handedOut(ctx context.Context, consumer string) (int64, error) {
	if upTo, known := t.read[consumer]; known {
		return upTo, nil
	}
	list, err := t.keeper.Store.Consumers(ctx, consumer)
	upTo := int64(0)
	if err == nil && len(list) > 0 {
		upTo = max(list[0].High, list[0].Low-1)
	}
	t.read[consumer] = upTo
	return upTo, err
}

func (t *tally) count(system string, f *fate) {
	r := t.of[system]
	if r == nil {
		r = &Recipient{System: system}
		t.of[system] = r
	}
	switch {
	case f.at != 0:
		r.Delivered++
		r.Last = max(r.Last, f.at)
		if r.First == 0 || f.at < r.First {
			r.First = f.at
		}
	case f.tried:
		r.Tried++
	default:
		r.Nothing++
	}
}

// fate is what became of one event at one system.
type fate struct {
	at    int64 // when it was first delivered; 0: it was not
	tried bool
}

func (f *fate) note(row *eventlog.AttemptRow) {
	switch {
	case row.Outcome == eventlog.Done && (f.at == 0 || row.At < f.at):
		f.at = row.At
	case !row.Outcome.Ends():
		f.tried = true
	}
}
