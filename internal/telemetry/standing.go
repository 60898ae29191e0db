package telemetry

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Figures are totals that the hub keeps as things happen; reading them counts nothing.
type Figures struct {
	Delivered, Retried, Parked, Blocked int64 // since the start
	InFlight                            int64
	Head, Routed, Searched              int64 // positions
	Healthy, Ready                      bool
	Node                                Node
	Systems                             []System
	Listeners                           []Listener
	Streams                             []Stream
}

// Stream is how the stream of one source stands, as far as this node reads it.
type Stream struct {
	Source  string
	Reading bool
	Lag     int64 // messages still to be read
	Aside   int   // messages set aside
}

// System is how one receiving system stands.
type System struct {
	Name, Profile              string
	Pending                    int64
	Retrying, Standing, Parked int            // lanes
	Endpoints                  map[string]int // by the breaker's state
}

// Node is this process among the nodes of its hub, as it sees itself.
type Node struct {
	Joined          bool // the others hear of it
	Number          int64
	Name, Version   string
	Systems, Duties int // that it has
}

// Listener is how one address stands.
type Listener struct {
	Address     string
	Connections int
	Expires     time.Time // of its first certificate; zero: it has none
}

// standing turns the figures into metrics when somebody reads them.
type standing struct{ figures func() Figures }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	delivered   = describe("varsel_deliveries_total", "Deliveries made since the start.")
	retried     = describe("varsel_retries_total", "Attempts that failed and are tried again, since the start.")
	parked      = describe("varsel_parked_total", "Deliveries parked since the start.")
	blocked     = describe("varsel_blocked_total", "Times a lane was blocked since the start.")
	inFlight    = describe("varsel_in_flight", "Messages being sent.")
	head        = describe("varsel_log_head_position", "The newest position of the log.")
	routed      = describe("varsel_log_routed_position", "The position up to which events have been offered to their consumers.")
	searched    = describe("varsel_search_position", "The position up to which events can be found by id, key and person.")
	healthy     = describe("varsel_log_healthy", "1 when the log takes commits.")
	ready       = describe("varsel_ready", "1 when the hub takes events and delivers them.")
	pending     = describe("varsel_pending", "Deliveries that are not over.", "system", "profile")
	lanes       = describe("varsel_lanes", "Lanes that stand: retrying, standing (waiting for the endpoint) or parked.", "system", "profile", "state")
	endpoints   = describe("varsel_endpoints", "Endpoints by the state of their breaker.", "system", "profile", "state")
	nodeInfo    = describe("varsel_node_info", "1 for this node, while it is one of its hub's: its number (0: a hub of one process), name and version.", "node", "name", "version")
	nodeUp      = describe("varsel_node_up", "1 while the other nodes hear of this one, so that it may hold something.")
	nodeHolds   = describe("varsel_node_holdings", "What this node holds: systems that it delivers, and duties.", "kind")
	reading     = describe("varsel_stream_reading", "1 when the stream of a source is being read here.", "source")
	lag         = describe("varsel_stream_lag", "Messages of a source's stream that are still to be read.", "source")
	aside       = describe("varsel_stream_aside", "Messages of a source's stream that are set aside.", "source")
	connections = describe("varsel_connections", "Open connections of a listener.", "address")
	expiry      = describe("varsel_certificate_expiry_timestamp_seconds", "When the first certificate of a listener ends, in seconds since 1970.", "address")
)

// Describe implements prometheus.Collector.
func (s *standing) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{delivered, retried, parked, blocked, inFlight, head, routed, searched, healthy, ready, pending, lanes, endpoints,
		nodeInfo, nodeUp, nodeHolds, reading, lag, aside, connections, expiry} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (s *standing) Collect(to chan<- prometheus.Metric) {
	f := s.figures()
	counter := func(d *prometheus.Desc, v int64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v))
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter(delivered, f.Delivered)
	counter(retried, f.Retried)
	counter(parked, f.Parked)
	counter(blocked, f.Blocked)
	gauge(inFlight, float64(f.InFlight))
	gauge(head, float64(f.Head))
	gauge(routed, float64(f.Routed))
	gauge(searched, float64(f.Searched))
	gauge(healthy, one(f.Healthy))
	gauge(ready, one(f.Ready))
	if gauge(nodeUp, one(f.Node.Joined)); f.Node.Joined {
		gauge(nodeInfo, 1, strconv.FormatInt(f.Node.Number, 10), f.Node.Name, f.Node.Version)
	}
	gauge(nodeHolds, float64(f.Node.Systems), "system")
	gauge(nodeHolds, float64(f.Node.Duties), "duty")
	for _, system := range bound(f.Systems) {
		gauge(pending, float64(system.Pending), system.Name, system.Profile)
		gauge(lanes, float64(system.Retrying), system.Name, system.Profile, "retrying")
		gauge(lanes, float64(system.Standing), system.Name, system.Profile, "standing")
		gauge(lanes, float64(system.Parked), system.Name, system.Profile, "parked")
		for state, n := range system.Endpoints {
			gauge(endpoints, float64(n), system.Name, system.Profile, state)
		}
	}
	for _, s := range f.Streams {
		gauge(reading, one(s.Reading), s.Source)
		gauge(lag, float64(s.Lag), s.Source)
		gauge(aside, float64(s.Aside), s.Source)
	}
	for _, l := range f.Listeners {
		gauge(connections, float64(l.Connections), l.Address)
		if !l.Expires.IsZero() {
			gauge(expiry, float64(l.Expires.Unix()), l.Address)
		}
	}
}

func one(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// bound adds the systems that are too many to be told apart together.
func bound(systems []System) []System {
	if len(systems) <= mostSystems {
		return systems
	}
	list := append([]System(nil), systems[:mostSystems]...)
	other := System{Name: otherSystem, Endpoints: map[string]int{}}
	for _, s := range systems[mostSystems:] {
		other.Pending += s.Pending
		other.Retrying += s.Retrying
		other.Standing += s.Standing
		other.Parked += s.Parked
		for state, n := range s.Endpoints {
			other.Endpoints[state] += n
		}
	}
	return append(list, other)
}
