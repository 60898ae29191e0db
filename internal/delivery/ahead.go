package delivery

import (
	"context"

	"github.com/varselhub/varsel/internal/event"
)

// How the log is read for somebody who takes long stretches of it: some ranges side by side, while the one before them is
// written. Rendering and the reader's network take as long as the disk and the opening of what is sealed, and a machine has
// several processors. What is held is bounded by rangesAhead, and no transaction lasts longer than its range.

// rangesAhead is how many ranges are read, or lie read, beside the one that is written.
const rangesAhead = 2

// aheadMin is how far the log is read at least for a reader that wants little.
const aheadMin = 32

// reach is one range of the log, read.
type reach struct {
	events []*event.Event
	upTo   int64
	err    error
}

// ahead reads the log from a position to an end, in order. Nobody need wait for what it finds.
type ahead struct {
	engine   *Engine
	at, end  int64 // is read up to, or will be by what is under way; to be read up to
	underWay []underWay
}

type underWay struct {
	after, upTo int64
	found       chan reach
}

// next is the next range, for somebody who wants so many events more; what comes after it is read meanwhile.
func (a *ahead) next(ctx context.Context, left int) reach {
	a.read(ctx, left)
	first := a.underWay[0]
	a.underWay = append(a.underWay[:0], a.underWay[1:]...)
	r := <-first.found
	if r.upTo < first.upTo { // the log ends there
		a.underWay, a.at = nil, r.upTo
	}
	a.read(ctx, left-len(r.events))
	return r
}

// read begins to read ranges, but not many more positions than events are wanted: who wants few has few read.
func (a *ahead) read(ctx context.Context, left int) {
	wanted := int64(max(aheadMin, 2*left))
	for _, u := range a.underWay {
		wanted -= u.upTo - u.after
	}
	for left > 0 && wanted > 0 && a.at < a.end && len(a.underWay) < rangesAhead {
		u := underWay{after: a.at, upTo: a.at + min(routeRange, a.end-a.at, wanted), found: make(chan reach, 1)}
		go a.engine.readRange(ctx, u)
		a.at = u.upTo
		wanted -= u.upTo - u.after
		a.underWay = append(a.underWay, u)
	}
}

func (e *Engine) readRange(ctx context.Context, u underWay) {
	var r reach
	r.events, r.upTo, r.err = e.log.Read(ctx, u.after, int(u.upTo-u.after))
	u.found <- r
}
