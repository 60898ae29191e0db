package chaos

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/fleet"
)

// kind is a kind of trouble.
type kind struct {
	name   string
	mark   byte          // in the picture
	takes  time.Duration // until everybody has recovered, about
	server bool          // it comes over PostgreSQL, not over one node
	// come has it come over the nth node and go again. It calls hold when it has taken hold.
	come func(ctx context.Context, s *scene, n int, hold func()) error
}

// The lengths of troubles. Holdings end 8 s after the last beat (internal/node).
const (
	beyondHold = 12 * time.Second
	aMoment    = 3 * time.Second
	aWhile     = 6 * time.Second
)

// kinds is every kind of trouble.
func kinds() []kind {
	return []kind{
		{"kill", 'K', 13 * time.Second, false, kill},
		{"stop", 'S', 6 * time.Second, false, stop},
		{"stand-still", 'Z', 15 * time.Second, false, standStill(beyondHold)},
		{"freeze", 'z', 5 * time.Second, false, freezeAppending},
		{"delay", 'd', 7 * time.Second, false, delay},
		{"drop", 'x', 16 * time.Second, false, swallow},
		{"reset", 'r', 5 * time.Second, false, reset},
		{"pg-restart", 'R', 4 * time.Second, true, restartServer},
		{"pg-crash", 'C', 5 * time.Second, true, crashServer},
	}
}

// step is one trouble of a plan.
type step struct {
	kind kind
	node int
}

// plan draws troubles without end: each kind once, in some order, then each once more in another.
type plan struct {
	random *rand.Rand
	nodes  int
	kinds  []kind
	round  []kind
}

func newPlan(seed uint64, nodes int, kinds []kind) *plan {
	return &plan{random: rand.New(rand.NewPCG(seed, 0)), nodes: nodes, kinds: kinds}
}

// next takes the next trouble that is over in so much time. ok is false when none is.
func (p *plan) next(left time.Duration) (s step, ok bool) {
	if len(p.round) == 0 {
		p.round = slices.Clone(p.kinds)
		p.random.Shuffle(len(p.round), func(i, j int) { p.round[i], p.round[j] = p.round[j], p.round[i] })
	}
	at := slices.IndexFunc(p.round, func(k kind) bool { return k.takes <= left })
	if at < 0 {
		return step{}, false
	}
	s = step{p.round[at], p.random.IntN(p.nodes)}
	p.round = slices.Delete(p.round, at, at+1)
	return s, true
}

func kill(ctx context.Context, s *scene, n int, hold func()) error {
	s.meant[n].Store(true)
	s.fleet.Nodes[n].Kill()
	hold()
	return s.comeBack(ctx, n, aMoment)
}

func stop(ctx context.Context, s *scene, n int, hold func()) error {
	s.meant[n].Store(true)
	s.fleet.Nodes[n].Stop()
	hold()
	return s.comeBack(ctx, n, time.Second)
}

// comeBack starts a node again after a rest.
func (s *scene) comeBack(ctx context.Context, n int, after time.Duration) error {
	rest(ctx, after)
	ctx, cancel := context.WithTimeout(ctx, recoverWithin)
	defer cancel()
	err := s.fleet.Nodes[n].Start(ctx)
	s.meant[n].Store(false)
	return err
}

func standStill(d time.Duration) func(context.Context, *scene, int, func()) error {
	return func(ctx context.Context, s *scene, n int, hold func()) error {
		return still(ctx, s.fleet.Nodes[n], d, hold)
	}
}

func still(ctx context.Context, node *fleet.Node, d time.Duration, hold func()) error {
	if err := node.Freeze(); err != nil {
		return err
	}
	hold()
	rest(ctx, d)
	return node.Thaw()
}

// freezeAppending freezes a node that appends as fast as it can.
func freezeAppending(ctx context.Context, s *scene, n int, hold func()) error {
	s.press.burst(n, lanes/2)
	rest(ctx, 20*time.Millisecond)
	return still(ctx, s.fleet.Nodes[n], aMoment, hold)
}

func delay(ctx context.Context, s *scene, n int, hold func()) error {
	return s.weather(ctx, n, weather{delay: 125 * time.Millisecond, jitter: 75 * time.Millisecond}, aWhile, hold)
}

func swallow(ctx context.Context, s *scene, n int, hold func()) error {
	return s.weather(ctx, n, weather{swallow: true}, beyondHold, hold)
}

// weather has it be so between a node and PostgreSQL for a while.
func (s *scene) weather(ctx context.Context, n int, w weather, d time.Duration, hold func()) error {
	s.proxies[n].weather.Store(&w)
	hold()
	rest(ctx, d)
	s.proxies[n].weather.Store(&weather{})
	return nil
}

func reset(ctx context.Context, s *scene, n int, hold func()) error {
	hold()
	for end := time.Now().Add(aMoment); time.Now().Before(end) && ctx.Err() == nil; {
		s.proxies[n].reset()
		rest(ctx, 200*time.Millisecond)
	}
	return nil
}

func restartServer(_ context.Context, s *scene, _ int, hold func()) error {
	s.fleet.Server.Stop()
	hold()
	return s.fleet.Server.Restart()
}

// crashServer has PostgreSQL end without writing anything out, and recover.
func crashServer(_ context.Context, s *scene, _ int, hold func()) error {
	s.ledger.crash()
	s.fleet.Server.Abort()
	hold()
	return s.fleet.Server.Restart()
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
