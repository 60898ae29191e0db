package manage

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
)

// Outlook is a status site as a change would make it.
type Outlook struct {
	Now    *status.Board
	Then   *status.Board
	Notice *status.Notice // that is changed, as it would be; nil: none is, or it is removed
	// Changes are those of components' states, in order.
	Changes []*status.Change
}

// Foresee tells what a change would make of a status site, and makes nothing: the change is planned and checked as every
// other, by a manager whose log writes nothing down.
// Errors: NotFound, and whatever refuses the change.
func (m *Manager) Foresee(ctx context.Context, site string, change func(*Manager) error) (*Outlook, error) {
	unwritten := &unwrittenLog{Log: m.log}
	board := m.book.Board(site)
	if board == nil {
		return nil, noSite(site)
	}
	if err := change(New(unwritten, m.deliveries, m.clock, m.opts)); err != nil {
		return nil, err
	}
	return outlookOf(board, unwritten.revisions, m.nowTime())
}

// unwrittenLog takes what it is given, and keeps it to itself.
type unwrittenLog struct {
	Log
	revisions []revision.Revision
}

// Append implements Log.
func (l *unwrittenLog) Append(_ context.Context, r *eventlog.Request) error {
	l.revisions = r.Revisions
	return nil
}

// outlookOf folds what a change would write into the site as it stands.
func outlookOf(board *status.Board, revisions []revision.Revision, now status.Time) (*Outlook, error) {
	o := &Outlook{Now: board}
	var notices []*status.Notice
	gone := map[string]bool{}
	for i := range revisions {
		r := &revisions[i]
		name, id, _ := strings.Cut(r.Subject, "/")
		switch {
		case name != board.Site.Name:
		case r.Kind == revision.State:
			change := &status.Change{}
			if err := json.Unmarshal(r.Document, change); err != nil {
				return nil, unreadable(err)
			}
			o.Changes = append(o.Changes, change)
		case r.Kind == revision.Notice && r.Document == nil:
			gone[id] = true
		case r.Kind == revision.Notice:
			notice := &status.Notice{}
			if err := json.Unmarshal(r.Document, notice); err != nil {
				return nil, unreadable(err)
			}
			notices = append(notices, notice)
		}
	}
	if len(notices) > 0 {
		o.Notice = notices[0] // one that repeats brings the next with it, after it
	}
	o.Then = board.With(now, o.Changes, notices...)
	o.Then.Notices = slices.DeleteFunc(o.Then.Notices, func(n *status.Notice) bool { return gone[n.ID] })
	return o, nil
}

func unreadable(err error) error {
	return fault.Wrap(fault.Internal, err, "a revision that was not written cannot be read")
}
