package app

import (
	"context"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/telemetry"
	"github.com/varselhub/varsel/internal/web/api"
	"github.com/varselhub/varsel/internal/web/now"
	"github.com/varselhub/varsel/internal/web/peer"
	"github.com/varselhub/varsel/internal/web/pull"
)

// deliveries are those of the whole hub: of this process where it is the only one (delivery.Alone), else of all nodes as
// one (peer.Deliveries).
type deliveries interface {
	api.Operator
	api.Puller
	api.Replayer
	api.Locator
	manage.Deliveries
	now.Deliveries
	pull.Windows
}

// among is this process among the nodes of its hub.
type among struct {
	nodes api.Nodes
	whole deliveries   // of all nodes
	door  http.Handler // where the other nodes ask; nil: there are none
	// leave lets go of all that this node holds, while the others can still ask it; nil: there is nobody to leave it to.
	leave func(context.Context)
}

// arrivals are what the sinks of the whole hub have taken.
func (h *Hub) arrivals() arrivals {
	if whole, ok := h.among.whole.(*peer.Deliveries); ok {
		return whole.Sinks()
	}
	return h.sinks
}

type arrivals interface {
	api.Sinks
	manage.Sinks
}

// oneProcess is the list of nodes of a hub that has no other: it does everything.
type oneProcess struct {
	name, version string
	started       int64
	book          *revision.Book
}

func newOneProcess(version string, book *revision.Book, clk clock.Clock) *oneProcess {
	name, err := os.Hostname()
	if err != nil {
		name = "localhost"
	}
	return &oneProcess{name, version, clock.Micros(clk.Now()), book}
}

// Nodes implements api.Nodes.
func (o *oneProcess) Nodes() (nodes []eventlog.Node, self int64) {
	n := eventlog.Node{Name: o.name, Version: o.version, Started: o.started}
	for _, system := range o.book.Systems() {
		n.Holds = append(n.Holds, eventlog.Holding{Name: eventlog.SystemHolding + system.Name, Since: o.started})
	}
	return []eventlog.Node{n}, 0
}

// nodeFigures is this node as it sees itself.
func nodeFigures(nodes api.Nodes) telemetry.Node {
	list, self := nodes.Nodes()
	f := telemetry.Node{}
	at := slices.IndexFunc(list, func(n eventlog.Node) bool { return n.N == self })
	if at < 0 {
		return f // it is not one of them: it joins anew as soon as it can
	}
	n := &list[at]
	f.Joined, f.Number, f.Name, f.Version = true, n.N, n.Name, n.Version
	for _, h := range n.Holds {
		if strings.HasPrefix(h.Name, eventlog.SystemHolding) {
			f.Systems++
		} else {
			f.Duties++
		}
	}
	return f
}
