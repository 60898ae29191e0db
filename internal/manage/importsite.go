package manage

import (
	"context"
	"slices"
	"strconv"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
)

// Imported is a site with what is known of its past, from elsewhere.
type Imported struct {
	Site    status.Site     `json:"site"`
	Notices []status.Notice `json:"notices,omitempty"`
	Changes []status.Change `json:"changes,omitempty"`
}

// The most that one import brings.
const (
	maxImportedNotices = 10_000
	maxImportedChanges = 100_000
)

// ImportReport is what came of an import.
type ImportReport struct {
	Created bool `json:"created"` // the site was not there before
	Notices int  `json:"notices"` // that are new
	Changes int  `json:"changes"`
	Skipped int  `json:"skipped"` // notices and changes that were there already
}

// ImportSite makes a site with a past, in one commit. Where the site is there already its document stays as it is, unless
// the condition names its state, and what is there already of the past is skipped: importing again adds what is new. What
// is past is told to nobody; one event says that there was an import.
// Errors: InvalidDocument, Precondition, StorageFull, ShuttingDown.
func (m *Manager) ImportSite(ctx context.Context, name string, in Imported, by By) (ImportReport, error) {
	var report ImportReport
	_, err := m.change(ctx, func() (plan, error) {
		report = ImportReport{}
		old, position := m.book.Site(name)
		before, site := m.boardBefore(name), old
		if old == nil || by.Condition.stated() {
			if err := by.Condition.check(old != nil, position); err != nil {
				return plan{}, err
			}
			next := in.Site
			next.Name = name
			site = keptIDs(before, next, m.nowTime())
		}
		notices, changes, err := m.news(before, site, &in, &report)
		if err != nil {
			return plan{}, err
		}
		report.Created = old == nil
		if old != nil && same(old, site) && len(notices)+len(changes) == 0 {
			return plan{}, nil
		}
		return m.importPlan(before, old, site, notices, changes, by.Author)
	})
	return report, err
}

// news is what of an import is not there yet, checked.
func (m *Manager) news(board *status.Board, site *status.Site, in *Imported, report *ImportReport) (notices []*status.Notice, changes []*status.Change, err error) {
	found := m.checkSite(board, site)
	refuse := func(pointer, rule, message string) {
		found = append(found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	if len(in.Notices) > maxImportedNotices || len(in.Changes) > maxImportedChanges {
		refuse("", "length", "want at most 10000 notices and 100000 changes at a time")
		return nil, nil, fault.Invalid(fault.InvalidDocument, found)
	}
	now, ids := m.nowTime(), map[string]bool{}
	for i := range in.Notices {
		n, at := in.Notices[i].Clone(), "/notices/"+strconv.Itoa(i)
		n.Site = site.Name
		n.Components = slices.DeleteFunc(n.Components, func(id string) bool { return gone(site, in, id) })
		switch {
		case !status.IsID(n.ID):
			refuse(at+"/id", "id", "want 12 of a-z and 0-9")
		case ids[n.ID]:
			refuse(at+"/id", "unique", "is the id of a notice before it")
		case len(n.Updates) == 0:
			refuse(at+"/updates", "required", "a notice has said something")
		}
		ids[n.ID] = true
		for _, v := range n.Check(site) {
			refuse(at+v.Pointer, v.Rule, v.Message)
		}
		if board != nil && board.Notice(n.ID) != nil {
			report.Skipped++
			continue
		}
		n.Settle()
		notices = append(notices, n)
	}
	for i := range in.Changes {
		ch, at := in.Changes[i], "/changes/"+strconv.Itoa(i)
		if gone(site, in, ch.Component) {
			report.Skipped++
			continue
		}
		switch {
		case site.Component(ch.Component) == nil:
			refuse(at+"/component", "exists", "the site has no such component")
		case !ch.State.Known():
			refuse(at+"/state", "enum", "is no state")
		case ch.At <= 0 || ch.At > now:
			refuse(at+"/at", "range", "is no time in the past")
		}
		for _, v := range site.CheckText("/reason", ch.Reason, status.MaxReason) {
			refuse(at+v.Pointer, v.Rule, v.Message)
		}
		if known(board, &ch) {
			report.Skipped++
			continue
		}
		changes = append(changes, &ch)
	}
	report.Notices, report.Changes = len(notices), len(changes)
	return notices, changes, fault.Invalid(fault.InvalidDocument, found)
}

// gone reports whether a component is on the site that is imported and not on the one that is there: it was taken away
// since it was first imported.
func gone(site *status.Site, in *Imported, id string) bool {
	return site.Component(id) == nil && in.Site.Component(id) != nil
}

// known reports whether a board has a change already.
func known(board *status.Board, ch *status.Change) bool {
	if board == nil || board.Component(ch.Component) == nil {
		return false
	}
	return slices.ContainsFunc(board.Component(ch.Component).Spans, func(s status.Span) bool { return s.From == ch.At && s.State == ch.State })
}

func (m *Manager) importPlan(before *status.Board, old, site *status.Site, notices []*status.Notice, changes []*status.Change, author string) (plan, error) {
	now := m.nowTime()
	p := plan{entry: audit.Of(author, audit.ImportSite, siteSubject(site.Name), audit.Detail{Created: old == nil, Added: len(notices), Changed: len(changes)})}
	source := siteSource(site)
	if current, _ := m.book.Source(source.Name); current == nil || !same(current, source) {
		p.revisions = append(p.revisions, revision.Of(hub, revision.Source, source.Name, source))
	}
	if old == nil || !same(old, site) {
		p.revisions = append(p.revisions, revision.Of(author, revision.Site, site.Name, site))
	}
	for _, ch := range stateless(before, site, now) {
		if !slices.ContainsFunc(changes, func(dated *status.Change) bool { return dated.Component == ch.Component }) {
			ch.Cause = status.ByImport
			changes = append(changes, ch)
		}
	}
	p.states(site.Name, author, changes...)
	for _, n := range notices {
		p.revisions = append(p.revisions, revision.Of(author, revision.Notice, site.Name+"/"+n.ID, n))
	}
	then := status.NewBoard(site, now, now, 0, nil, nil)
	if before != nil {
		then = before.On(site, now)
	}
	return p, m.tell(&p, source, then.With(now, changes, notices...), siteTold("imported", ""))
}
