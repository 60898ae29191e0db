// Package sitetest serves the stories of status sites as a hub would, for the tests of what is made of them.
package sitetest

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
)

// Host is the host name that a story is served at when it is looked at from outside.
const Host = "https://status.example"

// boards are the sites of a hub, by name.
type boards []*status.Board

func (b boards) Sites() (list []*status.Site) {
	for _, board := range b {
		list = append(list, board.Site)
	}
	return list
}

func (b boards) Board(name string) *status.Board {
	for _, board := range b {
		if board.Site.Name == name {
			return board
		}
	}
	return nil
}

// Server serves some boards as they stand at statustest.Now, each below Host/NAME.
func Server(leaves []site.Leaf, of ...*status.Board) *site.Server {
	return at(Host, statustest.Now, leaves, of...)
}

// ServerAt serves them as they stand at another moment.
func ServerAt(now status.Time, leaves []site.Leaf, of ...*status.Board) *site.Server {
	return at(Host, now, leaves, of...)
}

func at(url string, now status.Time, leaves []site.Leaf, of ...*status.Board) *site.Server {
	return site.New(site.Options{
		Boards: boards(of), Clock: clock.NewFake(now.Time()), Leaves: leaves,
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

// Serve serves some boards on a socket until the test ends, and returns its address. What they link to is at it.
func Serve(t testing.TB, leaves []site.Leaf, of ...*status.Board) string {
	t.Helper()
	var server *site.Server
	socket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { server.ServeHTTP(w, r) }))
	t.Cleanup(socket.Close)
	server = at(socket.URL, statustest.Now, leaves, of...)
	return socket.URL
}
