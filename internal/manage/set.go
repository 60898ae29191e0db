package manage

import (
	"context"
	"slices"
	"strconv"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// Bounds of one set. Overlaps are looked for between all pairs, so what the pairs hold together is bounded too.
const (
	maxSet   = 1000
	maxNames = 10_000 // types and organisations of all subscriptions together
)

// SetOptions say how a set is put in place.
type SetOptions struct {
	By
	DryRun bool   // tell what would happen, change nothing
	Drop   *int64 // how many undelivered messages may go with the subscriptions that are removed: exactly their count
}

// Report is what became of a set, or with DryRun what would.
type Report struct {
	DryRun    bool          `json:"dryRun,omitempty"`
	Created   []Entry       `json:"created"`
	Changed   []Entry       `json:"changed"`
	Removed   []Entry       `json:"removed"`
	Unchanged []Entry       `json:"unchanged"`
	Tests     []PendingTest `json:"pendingTests"` // what is not in force before its test has passed
	Drop      int64         `json:"drop"`         // undelivered messages that go with what is removed
	Position  int64         `json:"-"`            // of the newest change to the set: its ETag
}

// Entry names a subscription in a report.
type Entry struct {
	ID    string             `json:"id,omitempty"` // empty in a dry run, for one that would be made
	Name  string             `json:"name"`
	State subscription.State `json:"state"`
}

// PendingTest is a path that waits for its test (S57).
type PendingTest struct {
	ID   string `json:"id,omitempty"`
	Name string `json:"name"`
	Path string `json:"path"`
}

// PutSubscriptions makes the set a system's whole set of subscriptions: what is missing is made, what is there and
// differs is changed, what is too much is removed; all of it or nothing, with every violation told
// (SyncWebhookAbonnementer, requirements 5b). A member is the subscription with its id, else the one with its name;
// without a name it is called by what it asks for. Ids are kept. State, pending path and reason are the hub's: a
// member repeats them or leaves them out, only a new one may ask to be a draft.
//
// Where the profile demands tests, a new subscription waits for its test, and a changed path is pending until its own
// has passed (S57). Removing subscriptions with undelivered messages needs Drop.
// Errors: NotFound, ReadOnly, InvalidDocument, NotGranted, Overlap, DropCount, Precondition, NeedsIfMatch, StorageFull,
// ShuttingDown.
func (m *Manager) PutSubscriptions(ctx context.Context, system string, set []subscription.Subscription, opts SetOptions) (*Report, error) {
	if err := checkOurs(system); err != nil {
		return nil, err
	}
	var report *Report
	missing := m.resolve(set)
	p, err := m.change(ctx, func() (plan, error) {
		doc, _ := m.book.System(system)
		if doc == nil {
			return plan{}, noSystem(system)
		}
		current, position := m.book.Subscriptions(system)
		s := newSetChange(doc, current, set)
		s.found = append(s.found, missing...)
		report = s.report(position, opts.DryRun)
		if len(s.found) == 0 && s.nothing() {
			return plan{}, nil
		}
		if err := opts.Condition.checkSet(position); err != nil {
			return plan{}, err
		}
		if err := m.checkSet(s); err != nil {
			return plan{}, err
		}
		owed, err := m.owed(ctx, doc, s.removed)
		if err != nil {
			return plan{}, err
		}
		if report.Drop = owed; opts.DryRun {
			return plan{}, nil
		}
		if err := agreesToDrop(opts.Drop, owed, false); err != nil {
			return plan{}, err
		}
		p := s.plan(opts.Author)
		p.entry = audit.Of(opts.Author, audit.PutSubscriptions, systemSubject(system), audit.Detail{
			Added: len(report.Created), Changed: len(report.Changed), Removed: len(report.Removed), Dropped: owed,
		})
		return p, nil
	})
	if err != nil {
		return nil, err
	}
	if len(p.revisions) > 0 {
		report.Position = p.last()
	}
	return report, nil
}

// setChange is the difference between the set that is and the set that is to be.
type setChange struct {
	system  *subscription.System
	tests   bool // the profile demands tests
	found   []fault.Violation
	members []member
	removed []*subscription.Subscription
}

// member is one entry of the set that is to be.
type member struct {
	asked *subscription.Subscription // with the path that it is to have once tested
	old   *subscription.Subscription // nil: new
	next  *subscription.Subscription // as it will be written
}

func (k *member) unchanged() bool { return k.old != nil && same(normal(k.old), normal(k.next)) }

func newSetChange(system *subscription.System, current []*subscription.Subscription, set []subscription.Subscription) *setChange {
	s := &setChange{system: system, tests: system.Agreement.Policy().RequireTest}
	kept := map[string]bool{}
	for i := range set {
		k := s.resolve(i, set[i], current)
		if k.old != nil {
			if kept[k.old.ID] {
				s.refuse(i, "/id", "unique", "another entry is the same subscription")
			}
			kept[k.old.ID] = true
		}
		s.members = append(s.members, k)
	}
	for _, old := range current {
		if !kept[old.ID] {
			s.removed = append(s.removed, old)
		}
	}
	return s
}

func (s *setChange) refuse(i int, pointer, rule, message string) {
	s.found = append(s.found, fault.Violation{Pointer: "/items/" + strconv.Itoa(i) + pointer, Rule: rule, Message: message})
}

// resolve finds which subscription an entry is, and what it will be.
func (s *setChange) resolve(i int, asked subscription.Subscription, current []*subscription.Subscription) member {
	if asked.Name == "" {
		asked.Name = asked.Label()
	}
	k := member{asked: &asked, old: find(current, &asked)}
	if asked.ID != "" && (k.old == nil || k.old.ID != asked.ID) {
		s.refuse(i, "/id", "exists", "the system has no such subscription; leave the id out, the hub makes it")
	}
	if asked.System != "" && asked.System != s.system.Name {
		s.refuse(i, "/system", "path", "is another system than that of the address; leave it out")
	}
	asked.System = s.system.Name
	if k.old == nil {
		s.create(i, &k)
	} else {
		s.keep(i, &k)
	}
	return k
}

// find looks an entry up by id, else by name.
func find(current []*subscription.Subscription, asked *subscription.Subscription) *subscription.Subscription {
	by := func(is func(*subscription.Subscription) bool) *subscription.Subscription {
		if at := slices.IndexFunc(current, is); at >= 0 {
			return current[at]
		}
		return nil
	}
	if asked.ID != "" {
		if s := by(func(s *subscription.Subscription) bool { return s.ID == asked.ID }); s != nil {
			return s
		}
	}
	return by(func(s *subscription.Subscription) bool { return s.Name == asked.Name })
}

func (s *setChange) create(i int, k *member) {
	next := *k.asked
	if next.State != "" && next.State != subscription.Draft {
		s.refuse(i, "/state", "read-only", "a new subscription asks for draft, or leaves the state to the hub")
	}
	if next.PendingPath != nil || next.Reason != "" || next.ExpiredUpTo != 0 {
		s.refuse(i, "", "read-only", "a new subscription has no pending path, no reason and nothing expired; leave them out")
	}
	if next.State == "" {
		next.State = subscription.Active
		if s.tests && !next.Pulled() {
			next.State = subscription.Untested
		}
	}
	next.ID = ident.New().String()
	k.next = &next
}

// keep makes what an existing subscription will be. What it asks for as path is the pending one where it repeats that.
func (s *setChange) keep(i int, k *member) {
	if k.asked.State != "" && k.asked.State != k.old.State {
		s.refuse(i, "/state", "read-only", "is changed by activate, deactivate and test; repeat it as it is or leave it out")
	}
	if k.asked.Reason != "" && k.asked.Reason != k.old.Reason {
		s.refuse(i, "/reason", "read-only", "is the hub's; repeat it as it is or leave it out")
	}
	if k.asked.ExpiredUpTo != 0 && k.asked.ExpiredUpTo != k.old.ExpiredUpTo {
		s.refuse(i, "/expiredUpTo", "read-only", "is the hub's; repeat it as it is or leave it out")
	}
	repeated := false // it asks for the pending path as it is
	if pending := k.asked.PendingPath; pending != nil {
		if k.old.PendingPath == nil || *pending != *k.old.PendingPath || k.asked.Path != k.old.Path {
			s.refuse(i, "/pendingPath", "read-only", "is the hub's; put the path you want in path")
		}
		k.asked.Path, k.asked.PendingPath, repeated = *pending, nil, true
	}
	next := *k.asked
	next.ID, next.State, next.Reason, next.ExpiredUpTo = k.old.ID, k.old.State, k.old.Reason, k.old.ExpiredUpTo
	if s.system.Agreement.Policy().Scope == profile.PerSystem && next.Pulled() != k.old.Pulled() {
		s.refuse(i, "/channel", "fixed", "in this profile what is pushed and what is fetched are different subscriptions (S59): end this one and make another")
	}
	if (next.Channel == subscription.Window) != (k.old.Channel == subscription.Window) {
		s.refuse(i, "/channel", "fixed", "what is asked for by window is so from its first day to its last: end this subscription and make another")
	}
	inForce := k.old.State == subscription.Active || k.old.State == subscription.Deactivated
	if s.tests && inForce && !next.Pulled() && k.needsTest(repeated) {
		pending := next.Path
		next.Path, next.PendingPath = k.old.Path, &pending
		if next.Sink == nil {
			next.Sink = k.old.Sink // until the path has passed its test
		}
	}
	k.next = &next
}

// needsTest reports whether an existing subscription asks to be sent to where no test has passed: another path, or out
// of its sink to any. What goes into a sink, and a path behind one, needs none before it leaves the sink.
func (k *member) needsTest(repeated bool) bool {
	switch {
	case k.asked.Sink != nil:
		return repeated && k.old.Sink != nil
	case k.old.Sink != nil:
		return true
	}
	return k.asked.Path != k.old.Path
}

func (s *setChange) nothing() bool {
	return len(s.removed) == 0 && !slices.ContainsFunc(s.members, func(k member) bool { return !k.unchanged() })
}

// normal is a subscription without what does not distinguish it: the order of what it lists.
func normal(s *subscription.Subscription) subscription.Subscription {
	n := *s
	n.Types = slices.Sorted(slices.Values(s.Types))
	n.Organisations = slices.Clone(s.Organisations)
	slices.SortFunc(n.Organisations, compareOrganisations)
	return n
}

// report says what the change is, before anything is written.
func (s *setChange) report(position int64, dryRun bool) *Report {
	r := &Report{DryRun: dryRun, Position: position, Created: []Entry{}, Changed: []Entry{}, Removed: []Entry{}, Unchanged: []Entry{}, Tests: []PendingTest{}}
	for i := range s.members {
		k := &s.members[i]
		entry := Entry{ID: k.next.ID, Name: k.next.Name, State: k.next.State}
		switch {
		case k.old == nil:
			if dryRun {
				entry.ID = ""
			}
			r.Created = append(r.Created, entry)
		case k.unchanged():
			r.Unchanged = append(r.Unchanged, entry)
		default:
			r.Changed = append(r.Changed, entry)
		}
		if k.next.PendingPath != nil || k.next.State == subscription.Untested {
			r.Tests = append(r.Tests, PendingTest{ID: entry.ID, Name: entry.Name, Path: k.asked.Path})
		}
	}
	for _, old := range s.removed {
		r.Removed = append(r.Removed, Entry{ID: old.ID, Name: old.Name, State: old.State})
	}
	return r
}

// plan is the revisions: what goes, what changes, what comes. They stand side by side in the log, so no event sees half
// of them.
func (s *setChange) plan(author string) plan {
	var p plan
	for _, old := range s.removed {
		p.revisions = append(p.revisions, revision.Removal(author, revision.Subscription, old.ID))
	}
	for i := range s.members {
		k := &s.members[i]
		if k.unchanged() {
			continue
		}
		p.revisions = append(p.revisions, revision.Of(author, revision.Subscription, k.next.ID, k.next))
		if k.old == nil && k.next.Channel != subscription.Window {
			p.consumers = append(p.consumers, eventlog.Founding{Name: revision.ConsumerName(s.system, k.next), System: s.system.Name})
		}
	}
	return p
}
