package peer

import (
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

var tomorrow = time.Now().Add(24 * time.Hour).UnixMicro()

// page reads a page of two of everything at a node.
func (w *world) page(n *node, page int) (bodies string) {
	w.t.Helper()
	q := delivery.WindowPage{System: "east", Before: tomorrow, Size: 2, Page: page}
	w.must(n.whole.Window(w.t.Context(), q, func(events []*event.Event) (int, error) {
		for _, e := range events {
			bodies += string(e.Data)
		}
		return len(events), nil
	}))
	return bodies
}

// erase forgets events everywhere, as an erasure does.
func (w *world) erase(positions ...int64) {
	w.t.Helper()
	w.must(w.store.Erase(w.t.Context(), positions, func(int) {}))
	w.must(w.nodes[0].whole.Forget(w.t.Context(), positions))
}

// F31, DESIGN section 5: windows are read at every node, and a client that comes to another one with each page skips
// nothing and sees nothing twice, also when something of the pages before was erased. When the system has moved to
// another node, which does not know where pages ended, it skips nothing.
func TestF31PagesAreReadAtEveryNode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, 3)
	w.system("east", profile.Datafordeler)
	w.subscribe("east", subscription.Window)
	w.hold("east", w.nodes[1])
	at := w.publish("a", "b", "c", "d", "e", "f", "g", "h", "i", "j")
	got := []string{w.page(w.nodes[0], 1)}
	w.erase(at[1], at[2]) // one that was shown, and one that was not
	got = append(got, w.page(w.nodes[2], 2))
	w.erase(at[0], at[5])
	got = append(got, w.page(w.nodes[0], 3))
	if seen := strings.Join(got, "|"); seen != "ab|de|gh" {
		t.Errorf("got %s", seen)
	}
	w.nodes[1].engine.LetGo(t.Context(), "east")
	w.hold("east", w.nodes[2])
	rest := w.page(w.nodes[1], 4) + w.page(w.nodes[0], 5)
	if !strings.HasSuffix(rest, "ij") {
		t.Errorf("after it has moved: %s", rest)
	}
}
