package site

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
)

// aged is how long what was made of a site that does not change is served: days begin, and what was up is up for longer.
const aged = time.Minute

// most bounds how many leaves of one site are kept: addresses come from everyone. Those that differ by what somebody asks
// for in the query are without end, so they get a part of it only, and never crowd out the rest.
const (
	most      = 4096
	mostAsked = 512
)

// shelf is what was made of one site as it stood at one moment.
type shelf struct {
	board  *status.Board
	sites  []*status.Board
	made   time.Time
	leaves sync.Map // key → *slot
	count  atomic.Int64
	asked  atomic.Int64 // of these, with a query
}

// slot is a leaf that is made by the first who asks; the others wait for it.
type slot struct {
	once   sync.Once
	kept   *kept
	err    error
	excess bool // the shelf is full: it is made for whoever asks now, and not kept
}

// shelfOf is the shelf of a site as it stands now; of the hub's own address with nil.
func (s *Server) shelfOf(site *status.Site) *shelf {
	name, now := "", s.opts.Clock.Now()
	var board *status.Board
	var sites []*status.Board
	if site != nil {
		name, board = site.Name, s.opts.Boards.Board(site.Name)
	} else {
		sites = s.public()
	}
	s.mu.RLock()
	current := s.shelves[name]
	s.mu.RUnlock()
	if current != nil && current.board == board && slices.Equal(current.sites, sites) && now.Sub(current.made) < aged && !now.Before(current.made) {
		return current
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if again := s.shelves[name]; again != current && again.board == board && slices.Equal(again.sites, sites) {
		return again
	}
	next := &shelf{board: board, sites: sites, made: now}
	s.shelves[name] = next
	return next
}

// public lists the boards of the sites that are shown to everyone.
func (s *Server) public() []*status.Board {
	var list []*status.Board
	for _, site := range s.opts.Boards.Sites() {
		if board := s.opts.Boards.Board(site.Name); board != nil && !site.Private {
			list = append(list, board)
		}
	}
	return list
}

func (s *Server) look(site *status.Site, ask Ask) *Look {
	l := &Look{Ask: ask, Sites: s.public(), URLs: s.opts.URL, Now: status.At(s.opts.Clock.Now()), Stale: s.opts.Stale()}
	l.URL = s.opts.Home
	if site != nil {
		l.Board, l.URL = s.opts.Boards.Board(site.Name), s.opts.URL(site)
	}
	return l
}

// serve serves a leaf from its site's shelf.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, leaf *Leaf, site *status.Site, ask Ask) {
	shelf := s.shelfOf(site)
	if site != nil && shelf.board == nil {
		http.Error(w, "there is nothing here", http.StatusNotFound) // it was removed this moment
		return
	}
	k, err := shelf.get(leaf.key(&ask), leaf.asks(&ask), func() (*kept, error) {
		l := s.look(site, ask)
		l.Board = shelf.board
		made, err := leaf.Make(l)
		if err != nil {
			return nil, err
		}
		return leaf.keep(made, site), nil
	})
	switch {
	case fault.Has(err, fault.NotFound):
		leaves := s.leaves
		if site == nil {
			leaves = s.root
		}
		s.notFound(w, r, leaves, site, ask)
		return
	case err != nil:
		http.Error(w, "this could not be made; the hub's log says why", http.StatusInternalServerError)
		return
	}
	k.answer(w, r, &ask)
}

// asks reports whether something that the leaf differs by is asked for.
func (l *Leaf) asks(ask *Ask) bool {
	return slices.ContainsFunc(l.Query, func(name string) bool { return ask.Query(name) != "" })
}

// key is what the leaf differs by.
func (l *Leaf) key(ask *Ask) string {
	var b strings.Builder
	b.Grow(len(l.Pattern) + len(ask.Base) + len(ask.Path) + len(ask.Language) + len(ask.Theme) + 8)
	b.WriteString(l.Pattern)
	part := func(text string) { b.WriteByte(0); b.WriteString(text) }
	part(ask.Base)
	if !l.Stamped {
		part(ask.Path)
	}
	if l.Spoken || l.Pattern == NotFound || ask.Path == "/" {
		part(ask.Language)
	}
	if l.Themed {
		part(ask.Theme)
	}
	for _, name := range l.Query {
		part(ask.Query(name))
	}
	return b.String()
}

// get returns what stands under a key, made by the first who asks for it. asked: something of a query is in it.
func (s *shelf) get(key string, asked bool, make func() (*kept, error)) (*kept, error) {
	found, ok := s.leaves.Load(key)
	if !ok {
		fresh := &slot{excess: s.count.Load() >= most || asked && s.asked.Load() >= mostAsked}
		if found, ok = fresh, fresh.excess; !ok {
			if found, ok = s.leaves.LoadOrStore(key, fresh); !ok {
				s.add(asked, 1)
			}
		}
	}
	one := found.(*slot)
	one.once.Do(func() {
		if one.kept, one.err = make(); one.err != nil && !one.excess {
			s.leaves.Delete(key) // what is not there is not kept
			s.add(asked, -1)
		}
	})
	return one.kept, one.err
}

func (s *shelf) add(asked bool, n int64) {
	s.count.Add(n)
	if asked {
		s.asked.Add(n)
	}
}
