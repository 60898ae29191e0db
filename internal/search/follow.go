package search

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// The bounds of one batch: what the log's writer is kept with at a time.
const (
	positionsAtOnce = 128
	cluesAtOnce     = 512
)

// share is how many times as long as a batch took the follower rests after it, while the writer has other work: it takes
// a tenth of the writer's time.
const share = 9

// follower reads the log behind its head and writes what events are found by.
type follower struct {
	log     Log
	store   Store
	writes  func() bool   // this node writes the index
	called  chan struct{} // capacity 1: that may have changed
	book    *revision.Book
	hasher  *event.Hasher
	trouble func(doing string, err error)
	pause   func(ctx context.Context, d time.Duration)

	upTo  atomic.Int64
	moved *eventlog.Broadcast
	knows bool // where the index stands: nobody else has written since
	anew  bool // the first batch clears the index: its clues are of another making
	maker event.Clue
	clues []event.Clue    // of one event
	rows  []eventlog.Clue // of one batch
	done  chan struct{}
}

// follow goes on until ctx ends. What it had the log commit then may still be in the writer's hands: its rows are not
// touched again.
func (f *follower) follow(ctx context.Context) {
	defer close(f.done)
	for ctx.Err() == nil {
		grown := f.log.Grown()
		// When the log grows, or takes commits again, it is tried again. That the log is closed is nobody's trouble.
		if err := f.goOn(ctx); err != nil && ctx.Err() == nil && !fault.Has(err, fault.ShuttingDown) {
			f.trouble("indexing for search", err)
		}
		select {
		case <-grown:
		case <-f.called:
		case <-ctx.Done():
		}
	}
}

// lookAgain is how often a node that does not write the index looks how far it is, while it is behind.
const lookAgain = 250 * time.Millisecond

// goOn writes the index up to the log's head, or sees another node do it.
func (f *follower) goOn(ctx context.Context) error {
	for ctx.Err() == nil {
		writes := f.writes()
		if !writes || !f.knows {
			if err := f.look(ctx); err != nil {
				return err
			}
		}
		if f.knows = writes; writes {
			err := f.catchUp(ctx)
			if !fault.Has(err, fault.Conflict) {
				return err
			}
			f.knows = false // another node wrote: this one looks where the index stands now
			continue
		}
		if f.upTo.Load() >= f.log.Head() {
			return nil
		}
		f.pause(ctx, lookAgain)
	}
	return nil
}

// look finds out how far the index is. One that was made with another secret is made anew.
func (f *follower) look(ctx context.Context) error {
	upTo, maker, err := f.store.Indexed(ctx)
	if err != nil {
		return err
	}
	if f.anew = maker != f.maker; f.anew {
		upTo = 0
	}
	f.upTo.Store(min(upTo, f.log.Head()))
	f.moved.Signal()
	return nil
}

func (f *follower) catchUp(ctx context.Context) error {
	for after := f.upTo.Load(); after < f.log.Head() && f.writes(); after = f.upTo.Load() {
		events, upTo, err := f.read(ctx, after)
		if err == nil {
			err = f.index(ctx, events, after, upTo)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// read reads on. An event that does not open is told of and passed over: one damaged row must not leave all that follows
// unfound.
func (f *follower) read(ctx context.Context, after int64) ([]*event.Event, int64, error) {
	events, upTo, err := f.log.Read(ctx, after, positionsAtOnce)
	if !fault.Has(err, fault.SealBroken) {
		return events, upTo, err
	}
	events = nil
	for position := after + 1; position <= upTo; position++ {
		one, _, err := f.log.Read(ctx, position-1, 1)
		switch {
		case fault.Has(err, fault.SealBroken):
			f.trouble("indexing an event for search, which is passed over", err)
		case err != nil:
			return nil, after, err
		default:
			events = append(events, one...)
		}
	}
	return events, upTo, nil
}

// index writes what events after a position are found by. The cursor moves with the last of it: after a crash the same
// rows come again, and change nothing.
func (f *follower) index(ctx context.Context, events []*event.Event, after, upTo int64) error {
	rows := f.rows[:0]
	for _, e := range events {
		if version := f.book.Version(e.Type, e.Version); version != nil {
			f.clues = version.Clues(f.hasher, e, f.clues[:0])
			for _, c := range f.clues {
				rows = append(rows, eventlog.Clue{Position: e.Position, Hash: c})
			}
		}
		if len(rows) >= cluesAtOnce {
			upTo = e.Position
			break
		}
	}
	f.rows = rows
	for ; len(rows) > cluesAtOnce; rows = rows[cluesAtOnce:] {
		if err := f.write(ctx, &eventlog.Clues{After: after, UpTo: after, Rows: rows[:cluesAtOnce]}); err != nil {
			return err
		}
	}
	return f.write(ctx, &eventlog.Clues{After: after, UpTo: upTo, Rows: rows})
}

// write has the log's writer commit a batch, and leaves the writer to others for a while.
func (f *follower) write(ctx context.Context, c *eventlog.Clues) error {
	c.Anew, c.Maker = f.anew, f.maker
	if err := f.log.Append(ctx, &eventlog.Request{Clues: c}); err != nil {
		return err
	}
	f.anew = false
	f.upTo.Store(c.UpTo)
	f.moved.Signal()
	f.rest(ctx, c.Took)
	return nil
}

// rest waits until the writer has had share times as long for others as the batch took, or has had nothing to do for as
// long as that.
func (f *follower) rest(ctx context.Context, took time.Duration) {
	commits := f.log.Commits()
	for range share {
		f.pause(ctx, took)
		now := f.log.Commits()
		if now == commits || ctx.Err() != nil {
			return
		}
		commits = now
	}
}

// pause waits for real time, not the hub's clock: it paces the follower, nothing that is promised.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// reach waits until the index has read up to a position.
// Error: fault.ShuttingDown when ctx ends first, or the follower does.
func (f *follower) reach(ctx context.Context, position int64) error {
	for {
		moved := f.moved.Wait()
		if f.upTo.Load() >= position {
			return nil
		}
		select {
		case <-moved:
		case <-f.done:
			return fault.New(fault.ShuttingDown, "the index of search is not written any more")
		case <-ctx.Done():
			return fault.Wrap(fault.ShuttingDown, ctx.Err(), "the index of search has not come to position %d", position)
		}
	}
}
