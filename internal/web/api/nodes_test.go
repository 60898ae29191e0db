package api_test

import (
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/eventlog"
)

// twoNodes is a hub of which this process is the second node.
type twoNodes struct{}

func (twoNodes) Nodes() ([]eventlog.Node, int64) {
	return []eventlog.Node{
		{N: 4, Name: "a", URL: "https://10.0.0.4:8443", Version: "1.0", Started: 1_000_000, Seen: 2_000_000, Until: 10_000_000, Holds: []eventlog.Holding{
			{Name: eventlog.SystemHolding + "archive"}, {Name: eventlog.DutyHolding + "retention"}, {Name: eventlog.SystemHolding + "jobnet"},
		}},
		{N: 7, Name: "b"},
	}, 7
}

func TestTheNodesAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answer := w.ok(200, w.call("GET", "/nodes", ""))
	nodes := answer.items()
	if answer.json["alone"] != false || len(nodes) != 2 {
		t.Fatalf("%s", answer.text)
	}
	a, b := nodes[0], nodes[1]
	if a["node"] != 4.0 || a["answers"] != false || a["seen"] != "1970-01-01T00:00:02.000000Z" || !slices.Equal(a["systems"].([]any), []any{"archive", "jobnet"}) ||
		!slices.Equal(a["duties"].([]any), []any{"retention"}) {
		t.Errorf("%v", a)
	}
	if b["node"] != 7.0 || b["answers"] != true || len(b["systems"].([]any)) != 0 || b["seen"] != nil {
		t.Errorf("%v", b)
	}
}
