package revision

import (
	"maps"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/status"
)

// site is a status site through time: its documents, every change of its components' states, and its notices.
type site struct {
	documents history[status.Site]
	changes   map[string][]*status.Change // by component, in order of position
	notices   map[string]*history[status.Notice]
	by        map[int64]Authorship // of the notices' revisions, by position

	created, updated status.Time // when its first and its newest revision were recorded
	position         int64       // of the newest
	board            *status.Board
}

// applySite folds a revision of a site, of a component's state or of a notice.
func (b *Book) applySite(r *Revision) error {
	name, rest, _ := strings.Cut(r.Subject, "/")
	s := b.sites[name]
	if s == nil {
		s = &site{changes: map[string][]*status.Change{}, notices: map[string]*history[status.Notice]{}, by: map[int64]Authorship{}, created: status.Time(r.Recorded)}
		b.sites[name] = s
	}
	s.updated, s.position, s.board = status.Time(r.Recorded), r.Position, nil
	switch r.Kind {
	case State:
		change, err := decode[status.Change](r.Document)
		if err == nil && change != nil {
			change.Version = r.Position
			s.changes[rest] = append(s.changes[rest], change)
		}
		return err
	case Notice:
		notice, err := decode[status.Notice](r.Document)
		if err != nil {
			return err
		}
		if notice != nil {
			notice.Version = r.Position
		}
		h := s.notices[rest]
		if h == nil {
			h = &history[status.Notice]{}
			s.notices[rest] = h
		}
		h.add(r.Position, notice)
		s.by[r.Position] = Authorship{Author: r.Author, At: status.Time(r.Recorded)}
		return nil
	}
	document, err := decode[status.Site](r.Document)
	if err != nil {
		return err
	}
	if document != nil {
		document.Prepare()
	}
	s.documents.add(r.Position, document)
	b.listSites()
	return nil
}

// Site returns a site's document, and the position it was last written at; nil when there is none.
func (b *Book) Site(name string) (*status.Site, int64) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s := b.sites[name]
	if s == nil {
		return nil, 0
	}
	return s.documents.now(), s.documents.position()
}

// SiteThen is the document that a site was given at a position, or nil.
func (b *Book) SiteThen(name string, position int64) *status.Site {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s := b.sites[name]
	if s == nil {
		return nil
	}
	at := slices.Index(s.documents.from, position)
	if at < 0 {
		return nil
	}
	return s.documents.doc[at]
}

// Sites lists the sites by name. The list is shared, as the documents are: it is asked for by every visitor.
func (b *Book) Sites() []*status.Site {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.siteList
}

// listSites makes the list of sites anew. The caller holds the lock.
func (b *Book) listSites() {
	var list []*status.Site
	for _, name := range slices.Sorted(maps.Keys(b.sites)) {
		if document := b.sites[name].documents.now(); document != nil {
			list = append(list, document)
		}
	}
	b.siteList = list
}

// Board is a site as it stands now, or nil. The same board is returned until something of the site changes. It is drawn
// without the lock, which every event's way through the hub needs: a site with a long past takes a while.
func (b *Book) Board(name string) *status.Board {
	b.mu.RLock()
	s := b.sites[name]
	if s == nil || s.board != nil || s.documents.now() == nil {
		defer b.mu.RUnlock()
		if s == nil {
			return nil
		}
		return s.board
	}
	draw := s.drawing(s.documents.now())
	b.mu.RUnlock()
	board := draw()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case s.position != board.Position: // something has changed meanwhile: this is how it stood when it was asked for
		return board
	case s.board == nil:
		s.board = board
	}
	return s.board
}

// drawing takes what a board with a document of the site is made of, and returns what draws it. It shares nothing with the
// site, which goes on.
func (s *site) drawing(document *status.Site) (draw func() *status.Board) {
	var notices []*status.Notice
	for _, h := range s.notices {
		if notice := h.now(); notice != nil {
			notices = append(notices, notice)
		}
	}
	created, updated, position, changes := s.created, s.updated, s.position, maps.Clone(s.changes)
	return func() *status.Board { return status.NewBoard(document, created, updated, position, changes, notices) }
}

// RemovedBoard is a site that was removed, as it stood then, or nil. It comes back so when it is put again.
func (b *Book) RemovedBoard(name string) *status.Board {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s := b.sites[name]
	if s == nil || s.documents.now() != nil {
		return nil
	}
	for i := len(s.documents.doc) - 1; i >= 0; i-- {
		if document := s.documents.doc[i]; document != nil {
			return s.drawing(document)()
		}
	}
	return nil
}

// Authorship is who made a revision, and when it was recorded.
type Authorship struct {
	Author string
	At     status.Time
}

// NoticeThen is a notice as one of its revisions had it; Notice is nil where it was removed.
type NoticeThen struct {
	Position int64
	Authorship
	Notice *status.Notice
}

// NoticeHistory lists every form a notice had, oldest first.
func (b *Book) NoticeHistory(site, id string) (list []NoticeThen) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	s := b.sites[site]
	if s == nil || s.notices[id] == nil {
		return nil
	}
	h := s.notices[id]
	for i, position := range h.from {
		list = append(list, NoticeThen{position, s.by[position], h.doc[i]})
	}
	return list
}
