package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// meeting is the table where nodes meet, as strict as the database: it takes nothing from a node that it has given up.
type meeting struct {
	clock *clock.Fake

	mu    sync.Mutex
	next  int64
	nodes map[int64]eventlog.Node
	held  map[string]eventlog.Holding
	by    map[string]int64
}

func newMeeting(clk *clock.Fake) *meeting {
	return &meeting{clock: clk, nodes: map[int64]eventlog.Node{}, held: map[string]eventlog.Holding{}, by: map[string]int64{}}
}

func (m *meeting) alive(n int64) bool {
	node, ok := m.nodes[n]
	return ok && node.Until > clock.Micros(m.clock.Now())
}

func (m *meeting) until(hold time.Duration) int64 { return clock.Micros(m.clock.Now().Add(hold)) }

// seat is one node's way to the meeting, which can be cut.
type seat struct {
	*meeting
	cut bool
}

var errCut = errors.New("the way to the database is cut")

func (s *seat) Join(_ context.Context, name, url, version string, hold time.Duration) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut {
		return 0, errCut
	}
	s.next++
	s.nodes[s.next] = eventlog.Node{N: s.next, Name: name, URL: url, Version: version, Until: s.until(hold)}
	return s.next, nil
}

func (s *seat) Beat(_ context.Context, n int64, hold time.Duration) (list []eventlog.Node, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cut:
		return nil, errCut
	case !s.alive(n):
		delete(s.nodes, n)
		return nil, fault.New(fault.NotFound, "the node is given up")
	}
	node := s.nodes[n]
	node.Until = s.until(hold)
	s.nodes[n] = node
	for number, node := range s.nodes {
		if !s.alive(number) {
			continue
		}
		node.Holds = nil
		for name, holder := range s.by {
			if holder == number {
				node.Holds = append(node.Holds, s.held[name])
			}
		}
		list = append(list, node)
	}
	slices.SortFunc(list, func(a, b eventlog.Node) int { return int(a.N - b.N) })
	return list, nil
}

func (s *seat) Claim(_ context.Context, n int64, _ time.Duration, names []string) (got []eventlog.Holding, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut || !s.alive(n) {
		return nil, errCut
	}
	for _, name := range names {
		if holder := s.by[name]; holder != 0 && s.alive(holder) {
			continue
		}
		h := s.held[name]
		h.Name, h.Token, h.Since = name, h.Token+1, clock.Micros(s.clock.Now())
		s.held[name], s.by[name] = h, n
		got = append(got, h)
	}
	return got, nil
}

func (s *seat) Yield(_ context.Context, n int64, holdings []eventlog.Holding) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut {
		return errCut
	}
	for _, h := range holdings {
		if s.by[h.Name] == n && s.held[h.Name].Token == h.Token {
			delete(s.by, h.Name)
		}
	}
	return nil
}

func (s *seat) Leave(_ context.Context, n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut {
		return errCut
	}
	delete(s.nodes, n)
	for name, holder := range s.by {
		if holder == n {
			delete(s.by, name)
		}
	}
	return nil
}

// floor is where work is done; it knows who does what.
type floor struct {
	t interface{ Errorf(string, ...any) }

	mu     sync.Mutex
	doing  map[string]string // name → node
	tokens map[string]int64
}

type task struct {
	floor *floor
	node  string
	name  string
	fails *bool
}

func (k *task) Begin(_ context.Context, token int64) error {
	if k.fails != nil && *k.fails {
		return errors.New("it cannot be begun")
	}
	f := k.floor
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.doing[k.name]; other != "" {
		f.t.Errorf("%s begins %s while %s does it", k.node, k.name, other)
	}
	if token <= f.tokens[k.name] {
		f.t.Errorf("%s begins %s under token %d after %d", k.node, k.name, token, f.tokens[k.name])
	}
	f.doing[k.name], f.tokens[k.name] = k.node, token
	return nil
}

func (k *task) End(context.Context) { k.Cut() }

func (k *task) Cut() {
	k.floor.mu.Lock()
	defer k.floor.mu.Unlock()
	if k.floor.doing[k.name] == k.node {
		delete(k.floor.doing, k.name)
	}
}

// hall is a hub's nodes on one clock, moved by hand: turn is what run does at each beat.
type hall struct {
	clock   *clock.Fake
	meeting *meeting
	floor   *floor
	wanted  []string
	nodes   []*Node
	seats   []*seat
	fails   bool
}

func newHall(t interface{ Errorf(string, ...any) }, wanted int) *hall {
	clk := clock.NewFake(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	h := &hall{clock: clk, meeting: newMeeting(clk), floor: &floor{t: t, doing: map[string]string{}, tokens: map[string]int64{}}}
	for n := range wanted {
		h.wanted = append(h.wanted, fmt.Sprintf("system/%02d", n))
	}
	return h
}

func (h *hall) enter() *Node {
	s := &seat{meeting: h.meeting}
	name := fmt.Sprintf("node-%d", len(h.seats))
	n := New(s, h.clock, Options{
		Name: name, Now: h.clock.Now,
		Wanted:  func() []string { return h.wanted },
		Work:    func(work string) Work { return &task{h.floor, name, work, &h.fails} },
		Changed: func() <-chan struct{} { return nil },
		Report:  func(string, error) {},
		Told:    func(string, string, int64) {},
	})
	h.nodes, h.seats = append(h.nodes, n), append(h.seats, s)
	return n
}

// beat has every node take a turn, and time pass.
func (h *hall) beat() {
	for _, n := range h.nodes {
		if n.ctx.Err() == nil {
			_ = n.turn()
			n.taking.Wait()
		}
	}
	h.clock.Advance(beatEvery) // and what is due on the way
}

// die ends a node as a crash does.
func (h *hall) die(at int) {
	h.nodes[at].cancel()
	for _, held := range h.nodes[at].holding() {
		held.work.Cut()
	}
}

func (h *hall) leave(at int) {
	close(h.nodes[at].done)
	h.nodes[at].Stop(context.Background())
}

func (h *hall) counts() map[string]int {
	h.floor.mu.Lock()
	defer h.floor.mu.Unlock()
	counts := map[string]int{}
	for _, node := range h.floor.doing {
		counts[node]++
	}
	return counts
}

// Everything is done by somebody, evenly, whoever comes and goes.
func TestNodesShareEvenly(t *testing.T) {
	t.Parallel()
	h := newHall(t, 10)
	h.enter()
	h.beat()
	if got := h.counts(); got["node-0"] != 10 {
		t.Fatalf("alone: %v", got)
	}
	h.enter()
	h.enter()
	for range 4 {
		h.beat()
	}
	if got := h.counts(); got["node-0"] != 4 || got["node-1"] != 3 || got["node-2"] != 3 {
		t.Fatalf("three: %v", got)
	}
	h.leave(0)
	for range 2 {
		h.beat()
	}
	if got := h.counts(); got["node-1"] != 5 || got["node-2"] != 5 {
		t.Fatalf("after one left: %v", got)
	}
	h.wanted = append(h.wanted, "system/new", "duty/new")
	h.beat()
	if got := h.counts(); got["node-1"]+got["node-2"] != 12 {
		t.Fatalf("after more was wanted: %v", got)
	}
}

// A node that died is taken over from within ten seconds, and one that cannot reach the database has ended what it did
// before anybody takes it over.
func TestADeadNodeIsTakenOverFrom(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*hall){
		"it died":    func(h *hall) { h.die(0) },
		"it is away": func(h *hall) { h.seats[0].cut = true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHall(t, 6)
			h.enter()
			h.enter()
			for range 4 {
				h.beat()
			}
			end(h)
			began := h.clock.Now()
			for h.counts()["node-1"] < 6 {
				if h.beat(); h.clock.Now().Sub(began) > 10*time.Second {
					t.Fatalf("after %s: %v", h.clock.Now().Sub(began), h.counts())
				}
			}
			h.seats[0].cut = false
			for range 4 {
				h.beat()
			}
			want := 3
			if name == "it died" {
				want = 0
			}
			if got := h.counts()["node-0"]; got != want {
				t.Errorf("it has %d when it is back", got)
			}
		})
	}
}

// What cannot be begun is given back, and tried again.
func TestWhatCannotBeginIsGivenBack(t *testing.T) {
	t.Parallel()
	h := newHall(t, 3)
	h.enter()
	h.fails = true
	h.beat()
	if got := h.counts(); len(got) != 0 {
		t.Fatalf("%v", got)
	}
	h.fails = false
	h.beat()
	if got := h.counts(); got["node-0"] != 3 {
		t.Errorf("%v", got)
	}
}

// Whatever comes and goes, dies, freezes or loses its way to the database, nothing is ever done by two at a time (the
// floor watches), and when it is calm everything is done by somebody.
func TestNothingIsDoneTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		h := newHall(t, rapid.IntRange(1, 9).Draw(t, "wanted"))
		h.enter()
		gone := map[int]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			at := rapid.IntRange(0, len(h.nodes)-1).Draw(t, "node")
			switch rapid.IntRange(0, 6).Draw(t, "step") {
			case 0:
				if len(h.nodes) < 5 {
					h.enter()
				}
			case 1:
				h.seats[at].cut = true
			case 2:
				h.seats[at].cut = false
			case 3:
				if !gone[at] && len(gone) < len(h.nodes)-1 {
					gone[at] = true
					h.die(at)
				}
			case 4:
				if !gone[at] && len(gone) < len(h.nodes)-1 {
					gone[at] = true
					h.leave(at)
				}
			default:
				h.beat()
			}
		}
		for _, s := range h.seats {
			s.cut = false
		}
		for range 12 {
			h.beat()
		}
		h.floor.mu.Lock()
		defer h.floor.mu.Unlock()
		if len(h.floor.doing) != len(h.wanted) {
			t.Errorf("of %v only %v is done", h.wanted, h.floor.doing)
		}
	})
}
