package api

import (
	"net/http"
	"strings"

	"github.com/varselhub/varsel/internal/eventlog"
)

// Nodes tells which nodes the hub has, as this one heard last, and which of them this one is. A hub of one process has one,
// of the number 0.
type Nodes interface {
	Nodes() (nodes []eventlog.Node, self int64)
}

// NodeView is a node as it is shown.
type NodeView struct {
	Node    int64    `json:"node"` // its number: the eldest has the lowest, and a process that starts again another; 0: a hub of one process
	Name    string   `json:"name"`
	URL     string   `json:"url,omitempty"` // where the other nodes reach it
	Version string   `json:"version"`
	Started string   `json:"started,omitempty"`
	Seen    string   `json:"seen,omitempty"`  // when it was last heard of
	Until   string   `json:"until,omitempty"` // what it holds is its own up to then, should it not be heard of again
	Answers bool     `json:"answers"`         // it is the one that answers here
	Systems []string `json:"systems"`         // that it delivers
	Duties  []string `json:"duties"`          // that it has of those that one node does at a time
}

// NodeList are the nodes of the hub.
type NodeList struct {
	Alone bool `json:"alone"` // a hub of one process
	list[NodeView]
}

func viewNode(n *eventlog.Node, self int64) NodeView {
	v := NodeView{
		Node: n.N, Name: n.Name, URL: n.URL, Version: n.Version, Started: instant(n.Started), Seen: instant(n.Seen), Until: instant(n.Until),
		Answers: n.N == self, Systems: []string{}, Duties: []string{},
	}
	for _, h := range n.Holds {
		if system, ok := strings.CutPrefix(h.Name, eventlog.SystemHolding); ok {
			v.Systems = append(v.Systems, system)
		} else if duty, ok := strings.CutPrefix(h.Name, eventlog.DutyHolding); ok {
			v.Duties = append(v.Duties, duty)
		}
	}
	return v
}

func (a *api) listNodes(w http.ResponseWriter, _ *http.Request) error {
	nodes, self := a.Nodes.Nodes()
	answer := NodeList{Alone: len(nodes) == 1 && nodes[0].N == 0, list: list[NodeView]{Items: make([]NodeView, 0, len(nodes))}}
	for i := range nodes {
		answer.Items = append(answer.Items, viewNode(&nodes[i], self))
	}
	return respond(w, http.StatusOK, answer)
}
