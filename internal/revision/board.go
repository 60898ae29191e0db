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

// Sites lists the sites by name.
func (b *Book) Sites() []*status.Site {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var list []*status.Site
	for _, name := range slices.Sorted(maps.Keys(b.sites)) {
		if document := b.sites[name].documents.now(); document != nil {
			list = append(list, document)
		}
	}
	return list
}

// Board is a site as it stands now, or nil. The same board is returned until something of the site changes.
func (b *Book) Board(name string) *status.Board {
	b.mu.RLock()
	s := b.sites[name]
	var board *status.Board
	if s != nil {
		board = s.board
	}
	b.mu.RUnlock()
	if s == nil || board != nil {
		return board
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	document := s.documents.now()
	if document == nil || s.board != nil {
		return s.board
	}
	s.board = s.boardOn(document)
	return s.board
}

// boardOn draws a board with a document of the site. What the board is made of is its own: the site goes on.
func (s *site) boardOn(document *status.Site) *status.Board {
	var notices []*status.Notice
	for _, h := range s.notices {
		if notice := h.now(); notice != nil {
			notices = append(notices, notice)
		}
	}
	return status.NewBoard(document, s.created, s.updated, s.position, maps.Clone(s.changes), notices)
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
			return s.boardOn(document)
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
