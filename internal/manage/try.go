package manage

import (
	"context"
	"time"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/subscription"
)

// TestReport is what came of a test message.
type TestReport struct {
	Subscription string        `json:"subscription"`
	Endpoint     string        `json:"endpoint"` // where it went
	Type         string        `json:"type"`     // whose sample it was
	Version      string        `json:"version"`
	Message      string        `json:"messageId"`
	Passed       bool          `json:"passed"`
	Status       int           `json:"status,omitempty"` // of the answer; none when there was no answer
	Reason       string        `json:"reason,omitempty"` // why there was none
	Detail       string        `json:"detail,omitempty"`
	Duration     time.Duration `json:"-"`
	Millis       float64       `json:"durationMs"`
	Activated    bool          `json:"activated"`   // the subscription was untested and is active now
	PathInForce  bool          `json:"pathInForce"` // the pending path has taken over
}

// Test sends the sample of a type as one message to where the subscription is to go: its pending path where it has one
// (S54, S57). The message goes out once, outside every lane, marked as a test. When the receiver accepts it, an
// untested subscription is active, a pending path is in force, and an endpoint that rejected takes messages again. When
// it does not, the report is returned with the fault TestFailed.
// Errors: NotFound, Conflict when there is no sample to send, InvalidMessage, SenderConfig, TestFailed, StorageFull,
// ShuttingDown; NotHere and NodeUnreachable when the node that sends to the endpoint could not be told that it passed.
func (m *Manager) Test(ctx context.Context, id, author string) (*TestReport, error) {
	line := m.book.Line(id)
	if line == nil || line.Now() == nil {
		return nil, noSubscription(id)
	}
	s := *line.Now()
	system, _ := m.book.System(s.System)
	if system == nil {
		return nil, noSystem(s.System)
	}
	if s.Pulled() {
		return nil, fault.New(fault.Conflict, "the subscription's events are fetched: there is no endpoint to test")
	}
	intend(&s)
	url, err := s.Address(&system.Agreement)
	if err != nil {
		return nil, err
	}
	e, err := m.sample(system, &s)
	if err != nil {
		return nil, err
	}
	result, err := m.try(ctx, system, url, e, &s)
	if err != nil {
		return nil, err
	}
	report := &TestReport{
		Subscription: id, Endpoint: url, Type: e.Type, Version: e.Version, Message: e.ID.String(),
		Passed: result.Class == channel.Delivered, Status: result.Status, Reason: result.Reason, Detail: result.Detail,
		Duration: result.Duration, Millis: float64(result.Duration.Microseconds()) / 1000,
	}
	ctx = context.WithoutCancel(ctx) // the message is sent: what came of it is kept whether or not somebody waits
	if err := m.promote(ctx, author, &s, report); err != nil {
		return report, err
	}
	if !report.Passed {
		return report, testFailed(report)
	}
	return report, m.deliveries.Passed(ctx, system.Name, url)
}

// intend makes a subscription what it is once it is tested. A path that is pending leaves the sink for the endpoint.
func intend(s *subscription.Subscription) {
	if s.PendingPath != nil {
		s.Path, s.PendingPath, s.Sink = *s.PendingPath, nil, nil
	}
}

// sameWay reports whether two go the same way: both into the sink, or both to one path.
func sameWay(a, b *subscription.Subscription) bool {
	return (a.Sink != nil) == (b.Sink != nil) && (a.Sink != nil || a.Path == b.Path)
}

func testFailed(r *TestReport) error {
	if r.Status == 0 {
		return fault.New(fault.TestFailed, "no answer: %s", r.Detail).With("test", r)
	}
	return fault.New(fault.TestFailed, "the receiver answered %d", r.Status).With("test", r)
}

// try makes the one attempt, with a connection of its own.
func (m *Manager) try(ctx context.Context, system *subscription.System, url string, e *event.Event, s *subscription.Subscription) (channel.Result, error) {
	r := m.opts.Render(e, s)
	if r.Err != nil {
		return channel.Result{}, r.Err
	}
	sender, err := m.opts.Connect(system, url)
	if err != nil {
		return channel.Result{}, err
	}
	defer func() { _ = sender.Close() }() // nothing is lost with it
	began := m.clock.Now()
	result := sender.Send(ctx, &channel.Message{
		ID: e.ID.String(), ContentType: r.ContentType, Headers: r.Headers, Body: r.Body, Attempt: 1, Test: true, At: began,
	})
	if result.Duration == 0 {
		result.Duration = m.clock.Now().Sub(began)
	}
	return result, nil
}

// promote records a test in the audit log, and puts in force what it has passed for, unless the path was changed while
// it ran.
func (m *Manager) promote(ctx context.Context, author string, tested *subscription.Subscription, report *TestReport) error {
	entry := audit.Of(author, audit.Test, subscriptionSubject(tested.ID), audit.Detail{
		Passed: &report.Passed, Status: report.Status, Code: report.Reason,
	})
	var gone error // the subscription was removed while it was tested
	_, err := m.change(ctx, func() (plan, error) {
		report.Activated, report.PathInForce, gone = false, false, nil
		if !report.Passed {
			return plan{entry: entry}, nil
		}
		revisions, err := m.restated(tested.ID, author, func(s *subscription.Subscription, _ bool) error {
			next := *s
			if intend(&next); !sameWay(&next, tested) {
				return nil
			}
			report.PathInForce = s.PendingPath != nil
			if *s = next; s.State == subscription.Untested {
				s.State, report.Activated = subscription.Active, true
			}
			return nil
		})
		gone = err
		return plan{revisions: revisions, entry: entry}, nil
	})
	if err == nil {
		err = gone
	}
	return err
}

// sample makes an event of the first sample that the subscription could meet: of its types in their order, or of all
// types by name, the first that is active and that a source granted to the system may publish.
func (m *Manager) sample(system *subscription.System, s *subscription.Subscription) (*event.Event, error) {
	types := s.Types
	if len(types) == 0 {
		for _, t := range m.book.Types() {
			types = append(types, t.Name)
		}
	}
	for _, name := range types {
		version := m.book.Version(name, "")
		source := m.sourceOf(system, name)
		if version != nil && source != nil && len(version.Version.Sample) > 0 {
			return m.sampleEvent(version, source)
		}
	}
	return nil, fault.New(fault.Conflict, "there is no sample to send: none of the subscription's types has an active version with a source that the agreement grants")
}

func (m *Manager) sourceOf(system *subscription.System, typeName string) *event.Source {
	for _, source := range m.book.Sources() {
		if system.Agreement.GrantsSource(source.Name) && source.May(typeName) {
			return source
		}
	}
	return nil
}

// sampleEvent is the sample as it would stand in the log, with an id of its own and no position.
func (m *Manager) sampleEvent(version *event.Compiled, source *event.Source) (*event.Event, error) {
	tree, v := event.Tree(version.Version.Sample)
	if v != nil {
		return nil, fault.Invalid(fault.InvalidMessage, []fault.Violation{*v})
	}
	extract, found := version.Extract(tree)
	if len(found) > 0 {
		return nil, fault.Invalid(fault.InvalidMessage, found)
	}
	now := clock.Micros(m.clock.Now())
	id := ident.New()
	draft := event.Draft{
		SpecVersion: event.SpecVersion, ID: id.String(), Source: source.URI, Type: version.Type.Name,
		Time: string(event.AppendTime(nil, now)), MediaType: "application/json", Data: version.Version.Sample,
	}
	return &event.Event{
		Recorded: now, ID: id, Source: source.URI, SourceID: draft.ID, Type: draft.Type, Version: version.Version.Version, Time: now,
		Organisation: extract.Organisation, Personal: version.Type.Personal,
		Head: draft.Head(extract.Subject), MediaType: draft.MediaType, Data: draft.Data,
	}, nil
}
