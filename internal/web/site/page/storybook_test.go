package page

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
)

// shelf is the sites of a test. Each story is one, under its own name.
type shelf struct {
	sites  []*status.Site
	boards map[string]*status.Board
}

func (s *shelf) Sites() []*status.Site           { return s.sites }
func (s *shelf) Board(name string) *status.Board { return s.boards[name] }

func (s *shelf) add(name string, w *statustest.World) {
	w.Site.Name = name
	board := w.Board()
	s.sites = append(s.sites, board.Site)
	s.boards[name] = board
}

// storybook serves every story, each below its name.
func storybook(t testing.TB, stale time.Duration) string {
	t.Helper()
	s := &shelf{boards: map[string]*status.Board{}}
	for _, story := range statustest.Stories() {
		s.add(story.Name, story.World)
	}
	return serve(t, s, stale)
}

func serve(t testing.TB, s *shelf, stale time.Duration) string {
	t.Helper()
	pages, err := New(Options{Live: "/now/"})
	if err != nil {
		t.Fatal(err)
	}
	var url string
	server := httptest.NewServer(site.New(site.Options{
		Boards: s, Clock: clock.NewFake(statustest.Now.Time()), Leaves: pages.Leaves(), Root: pages.Root(),
		URL: func(one *status.Site) string { return url + "/" + one.Name }, Stale: func() time.Duration { return stale },
	}))
	url = server.URL
	t.Cleanup(server.Close)
	return url
}
