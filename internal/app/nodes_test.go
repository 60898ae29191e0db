package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/telemetry"
)

// listed is a hub of some nodes, of which this one is self.
type listed struct {
	nodes []eventlog.Node
	self  int64
}

func (l listed) Nodes() ([]eventlog.Node, int64) { return l.nodes, l.self }

func TestANodeAsItSeesItself(t *testing.T) {
	t.Parallel()
	nodes := []eventlog.Node{{N: 4, Name: "a"}, {N: 7, Name: "b", Version: "1", Holds: []eventlog.Holding{
		{Name: eventlog.SystemHolding + "x"}, {Name: eventlog.SystemHolding + "y"}, {Name: eventlog.DutyHolding + "z"},
	}}}
	want := telemetry.Node{Joined: true, Number: 7, Name: "b", Version: "1", Systems: 2, Duties: 1}
	if got := nodeFigures(listed{nodes, 7}); got != want {
		t.Errorf("got %+v", got)
	}
	if got := nodeFigures(listed{nodes, 0}); got != (telemetry.Node{}) { // the others have given it up
		t.Errorf("got %+v", got)
	}
}

// The other nodes' door stands where the face node is answered, and nowhere else; a hub of one process has none.
func TestTheDoorIsAFaceOfItsOwn(t *testing.T) {
	t.Parallel()
	h, err := New(context.Background(), Config{Data: t.TempDir(), NoAccess: true}, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Stop(context.Background()) })
	status := func(faces ...string) int {
		t.Helper()
		list, err := h.faces()
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		list.only(faces).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/node/v1/totals", nil))
		return w.Code
	}
	if got := status("api", "operate", "node"); got != http.StatusNotFound {
		t.Errorf("a hub of one process: %d", got)
	}
	if nodes, self := h.among.nodes.Nodes(); len(nodes) != 1 || nodes[0].N != 0 || self != 0 || nodes[0].Name == "" || !nodeFigures(h.among.nodes).Joined {
		t.Errorf("a hub of one process: %+v, %d", nodes, self)
	}
	h.among.door = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	if got := status("node"); got != http.StatusTeapot {
		t.Errorf("at the door: %d", got)
	}
	if got := status("api", "operate"); got != http.StatusNotFound {
		t.Errorf("elsewhere: %d", got)
	}
}
