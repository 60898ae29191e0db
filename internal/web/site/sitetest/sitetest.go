// Package sitetest serves the stories of status sites as a hub would, for the tests of what is made of them.
package sitetest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
)

// Host is the host name that a story is served at when it is looked at from outside.
const Host = "https://status.example"

// boards are the sites of a hub, as they stand now.
type boards struct {
	mu  sync.Mutex
	all []*status.Board
}

func (b *boards) Sites() (list []*status.Site) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, board := range b.all {
		list = append(list, board.Site)
	}
	return list
}

func (b *boards) Board(name string) *status.Board {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, board := range b.all {
		if board.Site.Name == name {
			return board
		}
	}
	return nil
}

// Server serves some boards as they stand at statustest.Now, each below Host/NAME.
func Server(leaves []site.Leaf, of ...*status.Board) *site.Server {
	return at(Host, statustest.Now, leaves, &boards{all: of})
}

// ServerAt serves them as they stand at another moment.
func ServerAt(now status.Time, leaves []site.Leaf, of ...*status.Board) *site.Server {
	return at(Host, now, leaves, &boards{all: of})
}

func at(url string, now status.Time, leaves []site.Leaf, of *boards) *site.Server {
	return site.New(site.Options{
		Boards: of, Clock: clock.NewFake(now.Time()), Leaves: leaves,
		URL: func(s *status.Site) string { return url + "/" + s.Name },
	})
}

// Get answers one request.
func Get(server http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for _, one := range header {
		name, value, _ := strings.Cut(one, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	return w
}

// Hub serves boards on a socket.
type Hub struct {
	URL  string // of the hub; a site is at URL/NAME/
	away atomic.Bool
	of   boards
}

// Serve serves some boards on a socket until the test ends. What they link to is at it.
func Serve(t testing.TB, leaves []site.Leaf, of ...*status.Board) *Hub {
	t.Helper()
	h := &Hub{of: boards{all: of}}
	var server *site.Server
	socket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if h.away.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		server.ServeHTTP(w, r)
	}))
	t.Cleanup(socket.Close)
	h.URL = socket.URL
	server = at(socket.URL, statustest.Now, leaves, &h.of)
	return h
}

// Put puts boards in place of those that are served.
func (h *Hub) Put(of ...*status.Board) {
	h.of.mu.Lock()
	defer h.of.mu.Unlock()
	h.of.all = of
}

// Leave makes a proxy answer in the hub's place that it is gone, or that it is back.
func (h *Hub) Leave(away bool) { h.away.Store(away) }
