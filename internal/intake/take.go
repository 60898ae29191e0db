package intake

import (
	"context"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// mostTries bounds how often a request is made anew because the log had moved.
const mostTries = 20

// take brings a batch into the log. What cannot be taken is set aside in the same commit, and so is what stands behind it;
// the place moves on over both.
func (r *reader) take(ctx context.Context, b *Batch) error {
	reads := make([]*read, len(b.Messages))
	for i := range b.Messages {
		reads[i] = r.reading(r.source, b.Partition, b.Messages[i])
	}
	for tries := 0; len(reads) > 0; tries++ {
		request, entries, reached := r.request(b, reads)
		if reached == 0 {
			return r.full()
		}
		from := r.state.Next[b.Partition]
		err := r.log.Append(ctx, request)
		switch {
		case err == nil:
			r.took(request, reads[:reached])
			reads = reads[reached:]
		case fault.Has(err, fault.EventConflict):
			refuse(request, entries)
		case fault.Has(err, fault.StreamMoved) && tries < mostTries:
			if err := r.tidy(ctx); err != nil {
				return err
			}
			if r.state.Next[b.Partition] != from { // somebody else reads it
				return err
			}
		default:
			return err
		}
	}
	return nil
}

// request makes a request of as many messages as there is room for among those set aside. entries are the messages that
// become events, in step with the request's.
func (r *reader) request(b *Batch, reads []*read) (request *eventlog.Request, entries []*read, reached int) {
	in := &eventlog.Intake{Source: r.source.Name, Stream: r.source.Stream.ID(), Changes: r.state.Changes}
	request = &eventlog.Request{Intake: in}
	behind := r.order.with()
	room := r.source.Stream.AsideLimit() - r.state.Aside
	for _, m := range reads {
		m.decide(behind)
		if m.found != taken {
			if len(in.Aside) == room {
				break
			}
			in.Aside = append(in.Aside, m.aside())
			behind.add(m.lane, m.outer)
		} else {
			entries = append(entries, m)
			request.Entries = append(request.Entries, m.entry())
		}
		reached++
	}
	next := b.Next
	if reached < len(reads) {
		next = reads[reached].Offset
	}
	in.Places = []eventlog.StreamPlace{{Partition: b.Partition, From: r.state.Next[b.Partition], To: next}}
	return request, entries, reached
}

// decide says what becomes of a message behind what is set aside before it.
func (m *read) decide(before *order) {
	switch {
	case m.event == nil:
		m.found = poison
	case before.behind(m.lane, m.outer):
		m.found = waiting
	default:
		m.found = taken
	}
}

// entry is the event for an append. One that was refused before has the position it would have had, and a lane of that.
func (m *read) entry() eventlog.Entry {
	m.event.Position, m.event.Recorded, m.event.Lane = 0, 0, m.lane
	return eventlog.Entry{Event: m.event}
}

// aside is the message as it is set aside.
func (m *read) aside() eventlog.Aside {
	a := eventlog.Aside{
		Partition: m.partition, Offset: m.Offset, Lane: m.lane, Outer: m.outer, Code: m.refused.code, Reason: m.refused.reason,
		Retention: m.retention, Message: pack(&m.Message),
	}
	if m.found == waiting {
		a.Code, a.Reason = fault.AfterRefused, "it waits behind an earlier message of its key"
	}
	return a
}

// refuse takes the log's answer into the messages that it would not take.
func refuse(request *eventlog.Request, entries []*read) {
	for i, m := range entries {
		if entry := &request.Entries[i]; entry.Status == eventlog.Clashes {
			f := fault.Of(entry.Refusal())
			m.event, m.refused = nil, refusal{f.Code, f.Detail}
		}
	}
}

// took notes what is in the log now.
func (r *reader) took(request *eventlog.Request, reads []*read) {
	in := request.Intake
	for _, p := range in.Places {
		r.state.Next[p.Partition] = p.To
	}
	if len(in.Aside) > 0 {
		r.state.Changes++
		r.state.Aside += len(in.Aside)
		for i := range in.Aside {
			r.order.add(in.Aside[i].Lane, in.Aside[i].Outer)
		}
	}
	accepted, duplicate := counts(request)
	r.count("accepted", accepted)
	r.count("duplicate", duplicate)
	r.count("aside", len(in.Aside))
	r.status.took(&r.state, len(reads))
}

func (r *reader) count(result string, messages int) {
	if messages > 0 {
		r.Counted(r.source.Name, result, messages)
	}
}

func counts(request *eventlog.Request) (accepted, duplicate int) {
	for i := range request.Entries {
		if request.Entries[i].Status == eventlog.Appended {
			accepted++
		} else {
			duplicate++
		}
	}
	return accepted, duplicate
}

// with returns an order that can be added to without changing this one.
func (o *order) with() *order {
	c := newOrder()
	for _, pair := range []struct{ from, to map[event.Lane]bool }{{o.lanes, c.lanes}, {o.outers, c.outers}, {o.blind, c.blind}} {
		for lane := range pair.from {
			pair.to[lane] = true
		}
	}
	return c
}
