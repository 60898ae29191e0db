package chaos

import (
	"testing"
	"time"
)

func TestEachTroubleComesOnceBeforeAnyComesAgain(t *testing.T) {
	t.Parallel()
	all := kinds()
	for seed := range uint64(50) {
		p := newPlan(seed, 3, all)
		for range 2 {
			seen := map[string]bool{}
			for range all {
				s, ok := p.next(time.Hour)
				if !ok || seen[s.kind.name] || s.node < 0 || s.node > 2 {
					t.Fatalf("seed %d: %+v, %t", seed, s, ok)
				}
				seen[s.kind.name] = true
			}
		}
	}
}

func TestASeedIsAPlan(t *testing.T) {
	t.Parallel()
	draw := func(seed uint64) (names string) {
		p := newPlan(seed, 3, kinds())
		for range 20 {
			s, _ := p.next(time.Hour)
			names += s.kind.name + string(rune('0'+s.node))
		}
		return names
	}
	if draw(7) != draw(7) || draw(7) == draw(8) {
		t.Error("a seed is not a plan of its own")
	}
}

// A run of three minutes has time for every kind.
func TestThreeMinutesHaveRoomForAll(t *testing.T) {
	t.Parallel()
	sum := time.Duration(0)
	for _, k := range kinds() {
		sum += k.takes + restBetween
	}
	if sum > 3*time.Minute {
		t.Errorf("all of them take %s", sum)
	}
}

func TestWhatDoesNotFitIsLeftOut(t *testing.T) {
	t.Parallel()
	p := newPlan(1, 3, kinds())
	left := 30 * time.Second
	for s, ok := p.next(left); ok; s, ok = p.next(left) {
		if s.kind.takes > left {
			t.Fatalf("%s does not fit into %s", s.kind.name, left)
		}
		left -= s.kind.takes
	}
	if left > 15*time.Second {
		t.Errorf("%s are not used", left)
	}
}
