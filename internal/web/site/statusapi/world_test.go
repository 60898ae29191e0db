package statusapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/site"
	"github.com/varselhub/varsel/internal/web/site/statusapi"
)

// boards are the sites of a hub that does not change.
type boards []*status.Board

func (b boards) Sites() (list []*status.Site) {
	for _, board := range b {
		list = append(list, board.Site)
	}
	return list
}

func (b boards) Board(name string) *status.Board {
	if at := slices.IndexFunc(b, func(board *status.Board) bool { return board.Site.Name == name }); at >= 0 {
		return b[at]
	}
	return nil
}

// served is a hub's sites as the world sees them.
type served struct {
	t      testing.TB
	server *site.Server
}

func serve(t testing.TB, list ...*status.Board) *served {
	t.Helper()
	return &served{t, site.New(site.Options{
		Boards: boards(list), Clock: clock.NewFake(statustest.Now.Time()), Home: "https://status.example",
		URL:    func(s *status.Site) string { return "https://status.example/" + s.Name },
		Leaves: statusapi.Leaves(), Root: statusapi.RootLeaves(),
	})}
}

func (s *served) ask(method, path string, header http.Header) *http.Response {
	s.t.Helper()
	r := httptest.NewRequest(method, "https://status.example"+path, nil)
	r.Header = header
	w := httptest.NewRecorder()
	s.server.ServeHTTP(w, r)
	return w.Result()
}

// get returns the body of an answer, which must be 200.
func (s *served) get(path string) []byte {
	s.t.Helper()
	r := s.ask(http.MethodGet, path, nil)
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %d %v %s", path, r.StatusCode, err, body)
	}
	return body
}

// tree is the body of an answer, with its keys in their order.
func (s *served) tree(path string) *object {
	s.t.Helper()
	return parse(s.t, s.get(path))
}

// object is a JSON object that knows the order of its keys. The values are objects, []any, strings, float64, bool and nil.
type object struct {
	keys []string
	of   map[string]any
}

func parse(t testing.TB, text []byte) *object {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	value := read(t, d)
	if d.More() {
		t.Fatalf("there is more than one value in %s", text)
	}
	return value.(*object)
}

func read(t testing.TB, d *json.Decoder) any {
	t.Helper()
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	switch token {
	case json.Delim('{'):
		o := &object{of: map[string]any{}}
		for d.More() {
			key := read(t, d).(string)
			o.keys = append(o.keys, key)
			o.of[key] = read(t, d)
		}
		_, _ = d.Token()
		return o
	case json.Delim('['):
		list := []any{}
		for d.More() {
			list = append(list, read(t, d))
		}
		_, _ = d.Token()
		return list
	}
	return token
}

func (o *object) object(key string) *object { return o.of[key].(*object) }

func (o *object) text(key string) string {
	text, _ := o.of[key].(string)
	return text
}

// list is an array of objects.
func (o *object) list(key string) []*object {
	list := []*object{}
	for _, value := range o.of[key].([]any) {
		list = append(list, value.(*object))
	}
	return list
}

// find is the object of a list with an id.
func find(t testing.TB, list []*object, id string) *object {
	t.Helper()
	at := slices.IndexFunc(list, func(o *object) bool { return o.text("id") == id })
	if at < 0 {
		t.Fatalf("there is no %s", id)
	}
	return list[at]
}

// size is how much of a body came.
func size(r *http.Response) int64 {
	n, _ := io.Copy(io.Discard, r.Body)
	return n
}

// afresh is a site as it is read from its document, with nothing looked up yet.
func afresh(t testing.TB, s status.Site) (next status.Site) {
	t.Helper()
	text, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(text, &next)
	}
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// apart is a story on a site of its own, with ids of its own.
func apart(t testing.TB, w *statustest.World, name string, n int) *status.Board {
	t.Helper()
	type world struct {
		Site    status.Site
		Changes map[string][]*status.Change
		Notices []*status.Notice
	}
	text, err := json.Marshal(world{w.Site, w.Changes, w.Notices})
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"page", "comp", "group", "notice", "update"} {
		text = bytes.ReplaceAll(text, []byte(word+"00"), fmt.Appendf(nil, "%s0%d", word, n))
	}
	var next world
	if err := json.Unmarshal(text, &next); err != nil {
		t.Fatal(err)
	}
	next.Site.Name = name
	return (&statustest.World{Site: next.Site, Changes: next.Changes, Notices: next.Notices}).Board()
}

const day = 24 * time.Hour
