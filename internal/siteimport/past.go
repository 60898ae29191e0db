package siteimport

import (
	"cmp"
	"slices"

	"github.com/varselhub/varsel/internal/status"
)

// said is what one update says of one component, and of which notice it is.
type said struct {
	at       status.Time
	from, to status.State
	notice   *status.Notice
}

// past is how each component did: what the updates say of it, from when it was made until now. Nothing else of the past
// can be read from a page, so what changed without a word is not in it.
func (m *maker) past(now status.Time) {
	sayings := map[string][]said{}
	for i := range m.doc.Notices {
		n := &m.doc.Notices[i]
		for u := range n.Updates {
			for _, a := range n.Updates[u].Affected {
				sayings[a.Component] = append(sayings[a.Component], said{n.Updates[u].Created, a.From, a.To, n})
			}
		}
	}
	for i := range m.found.Components {
		c := &m.found.Components[i]
		id := m.id(c.ID)
		if c.Group || !m.known[id] {
			continue
		}
		began, changed := moment(c.CreatedAt), moment(c.UpdatedAt)
		line := &line{component: id}
		line.tell(sayings[id], began)
		line.end(c.Status, changed, cmp.Or(min(moment(m.found.Page.UpdatedAt), now), now), began)
		m.doc.Changes = append(m.doc.Changes, line.changes...)
		delete(m.known, id) // each once
	}
	m.doc.Changes = slices.DeleteFunc(m.doc.Changes, func(ch status.Change) bool { return ch.At > now })
}

// line is a component's changes, oldest first.
type line struct {
	component string
	changes   []status.Change
	said      *status.Notice // that the newest was said by; nil: none
}

func (l *line) add(at status.Time, to status.State, by *status.Notice) {
	ch := status.Change{Component: l.component, State: to, At: at, Cause: status.ByImport}
	if by != nil {
		ch.Notice = by.ID
	}
	l.changes, l.said = append(l.changes, ch), by
}

func (l *line) last() *status.Change {
	if len(l.changes) == 0 {
		return nil
	}
	return &l.changes[len(l.changes)-1]
}

// tell puts what was said in order. A component begins in the state that it was in before the first of it. Where it was in
// another before an update than after the one before that, it changed without a word.
func (l *line) tell(list []said, began status.Time) {
	slices.SortStableFunc(list, func(a, b said) int { return cmp.Compare(a.at, b.at) })
	for _, s := range list {
		switch last := l.last(); {
		case last == nil && began != 0 && began < s.at:
			l.add(began, s.from, nil)
		case last != nil && last.State != s.from:
			l.over(s.from, s.at)
		}
		if last := l.last(); last == nil || last.State != s.to {
			l.add(s.at, s.to, s.notice)
		}
		l.said = s.notice
	}
}

// over sets a component to a state when the notice was over that spoke of it last, if that was before a moment: then it
// stopped to be what the notice had said.
func (l *line) over(to status.State, before status.Time) {
	if n := l.said; n != nil && n.Over > l.last().At && n.Over < before {
		l.add(n.Over, to, n)
	}
}

// end brings the line to the state that the component is in now: since it was changed, as the page says, or since the
// page was.
func (l *line) end(now status.State, changed, page, began status.Time) {
	last := l.last()
	if !slices.Contains(status.States, now) || last != nil && last.State == now {
		return
	}
	switch {
	case last == nil && began != 0:
		l.add(began, status.Operational, nil)
	case last == nil:
		l.add(cmp.Or(changed, page), now, nil)
	default:
		l.over(status.Operational, page)
	}
	switch last := l.last(); {
	case last.State == now:
	case changed > last.At:
		l.add(changed, now, nil)
	default:
		l.add(max(page, last.At+1), now, nil)
	}
}
