package publish

import (
	"context"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Log is where accepted events go.
type Log interface {
	// Append returns when the request is durable, or says why it is not.
	Append(ctx context.Context, r *eventlog.Request) error
}

// Publisher accepts events and appends them to the log. It is safe for concurrent use.
type Publisher struct {
	accepter *Accepter
	log      Log
}

// New returns a publisher.
func New(accepter *Accepter, log Log) *Publisher { return &Publisher{accepter: accepter, log: log} }

// The statuses of a result.
const (
	Accepted  = "accepted"  // durable, at Position
	Duplicate = "duplicate" // it was accepted before, at Position
	Refused   = "refused"   // not in the log; Err says why
)

// Result is what became of one event of a request.
type Result struct {
	ID       string // as its source gave it
	Position int64  // 0 when refused
	Status   string
	Err      error // a fault; with its violations when the event breaks rules
}

// Publish brings the drafts into the log, in their order, and returns when that is durable. Without partial they go in
// together or not at all: the error then names every violation of every draft. With partial each succeeds or fails by
// itself, except that after a refused draft the later ones of its key are refused too, so that nothing of a key
// overtakes what is still to be mended. The error is for the request as a whole.
func (p *Publisher) Publish(ctx context.Context, drafts []event.Draft, partial bool) ([]Result, error) {
	r := &eventlog.Request{Partial: partial, Entries: make([]eventlog.Entry, 0, len(drafts))}
	results := make([]Result, len(drafts))
	var refused refusals
	for i := range drafts {
		results[i].ID = drafts[i].ID
		e, violations := p.accepter.Accept(drafts[i])
		switch {
		case len(violations) > 0:
			refused.add(p.accepter, &drafts[i], violations)
			results[i].refuse(fault.Invalid(fault.InvalidEvent, violations))
		case refused.hold(e):
			results[i].refuse(fault.New(fault.AfterRefused, "an earlier entry of the same key was refused"))
		default:
			r.Entries = append(r.Entries, eventlog.Entry{Event: e})
		}
	}
	if len(refused.violations) > 0 && !partial {
		return nil, fault.Invalid(fault.InvalidEvent, refused.violations)
	}
	if len(r.Entries) > 0 {
		if err := p.log.Append(ctx, r); err != nil {
			return nil, err
		}
	}
	settle(results, r.Entries)
	return results, nil
}

// settle takes the log's answers into the results that are still open, in order.
func settle(results []Result, entries []eventlog.Entry) {
	for i := range results {
		if results[i].Status == Refused {
			continue
		}
		entry := &entries[0]
		entries = entries[1:]
		results[i].Position = entry.Position
		switch entry.Status {
		case eventlog.Appended:
			results[i].Status = Accepted
		case eventlog.Duplicate:
			results[i].Status = Duplicate
		default:
			results[i].refuse(entry.Refusal())
		}
	}
}

func (r *Result) refuse(err error) { r.Status, r.Err, r.Position = Refused, err, 0 }

// refusals remembers whose events must wait for a refused one.
type refusals struct {
	violations []fault.Violation
	lanes      map[event.Lane]bool
	sources    map[string]bool // of refused drafts whose key cannot be read: all that may share it
}

func (r *refusals) add(a *Accepter, d *event.Draft, violations []fault.Violation) {
	r.violations = append(r.violations, violations...)
	if r.lanes == nil {
		r.lanes, r.sources = map[event.Lane]bool{}, map[string]bool{}
	}
	if lane, known := a.Lane(d); known {
		r.lanes[lane] = true
	} else {
		r.sources[d.Source] = true
	}
}

func (r *refusals) hold(e *event.Event) bool {
	return !e.Lane.IsZero() && (r.lanes[e.Lane] || r.sources[e.Source])
}

// Lane reads the lane of a draft that was refused. known is false when its key cannot be read; an unordered draft's
// lane is zero, and holds nobody.
func (a *Accepter) Lane(d *event.Draft) (lane event.Lane, known bool) {
	name := ""
	if d.DataSchema != "" {
		name = VersionOf(d.DataSchema)
	}
	version := a.directory.Version(d.Type, name)
	switch {
	case version == nil:
		return lane, false
	case version.Type.Order != event.OrderKey:
		return lane, true
	}
	x := acceptance{draft: d}
	if version.KeyMapped() {
		if !d.Scanned && event.Scan(d.Data) != nil {
			return lane, false
		}
		tree, v := version.Tree(d.Data)
		if v != nil {
			return lane, false
		}
		key, v := version.Text(tree, event.FieldKey)
		if v != nil {
			return lane, false
		}
		x.extract.Key = key
	}
	key := x.key(version)
	if key == "" {
		return lane, false
	}
	return a.hasher.Lane(d.Source, key), true
}
