package chaos

import (
	"strings"
	"testing"
	"time"
)

// TestEachBrokenPromiseIsSeen gives the ledger arrivals in which one promise is broken, or none.
func TestEachBrokenPromiseIsSeen(t *testing.T) {
	t.Parallel()
	type came struct {
		n        int
		lease    int64
		position int64
		refuse   bool
	}
	ok := func(n int, lease int64) came { return came{n: n, lease: lease, position: int64(10 * n)} }
	refused := func(n int, lease int64) came { return came{n: n, lease: lease, position: int64(10 * n), refuse: true} }
	for name, c := range map[string]struct {
		arrivals []came
		crash    bool   // of PostgreSQL, after them and before the last
		want     string // part of the one complaint; empty: none
		repeats  int
		stale    int
		bound    int
	}{
		"in order":                              {arrivals: []came{ok(1, 1), ok(2, 1), ok(3, 1)}},
		"refused and sent again":                {arrivals: []came{refused(1, 1), ok(1, 1), ok(2, 1)}},
		"one is left out":                       {arrivals: []came{ok(1, 1), ok(3, 1)}, want: "when it had only seen #1"},
		"the next before this one is accepted":  {arrivals: []came{refused(1, 1), ok(2, 1)}, want: "before it had accepted #1"},
		"positions fall":                        {arrivals: []came{ok(1, 1), {n: 2, lease: 1, position: 5}}, want: "position 5"},
		"the last again by who took over":       {arrivals: []came{ok(1, 1), ok(2, 1), ok(2, 2), ok(3, 2)}, repeats: 1, bound: 1},
		"the last again by the same":            {arrivals: []came{ok(1, 1), ok(1, 1)}, want: "which had sent it before", repeats: 1},
		"twice again by who took over":          {arrivals: []came{ok(1, 1), ok(1, 2), ok(1, 2)}, want: "which had sent it before", repeats: 2, bound: 1},
		"an earlier one again":                  {arrivals: []came{ok(1, 1), ok(2, 1), ok(1, 2)}, want: "again after #2", repeats: 1, bound: 1},
		"an earlier one again after a crash":    {arrivals: []came{ok(1, 1), ok(2, 1), ok(1, 2)}, crash: true, repeats: 1, bound: 1},
		"again by who had lost the lease":       {arrivals: []came{ok(1, 1), ok(1, 2), ok(2, 2), ok(1, 1)}, repeats: 2, stale: 1, bound: 1},
		"the first time by who lost the lease":  {arrivals: []came{ok(1, 1), ok(2, 2), ok(3, 1)}, want: "under lease 1", bound: 1},
		"another position than the others had":  {arrivals: []came{ok(1, 1), {n: 2, lease: 1, position: 21}}, want: "another subscription with 20"},
		"a lease that changes with nothing due": {arrivals: []came{ok(1, 1), ok(2, 5)}, bound: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLedger(&faults{})
			l.open(0, "/other")
			l.open(0, "/this")
			for i := range 3 { // the other subscription has got everything in order
				l.take(l.books["/other"], &arrival{thing: thing{Key: "k", N: i + 1}, position: int64(10 * (i + 1)), lease: 1}, false)
			}
			for i, a := range c.arrivals {
				if c.crash && i == len(c.arrivals)-1 {
					l.crash()
				}
				at := time.Now().UnixNano()
				l.take(l.books["/this"], &arrival{thing: thing{Key: "k", N: a.n}, position: a.position, lease: a.lease, at: at}, a.refuse)
			}
			count, texts := l.faults.told()
			all := strings.Join(texts, "\n")
			if c.want == "" && count > 0 || c.want != "" && !strings.Contains(all, c.want) {
				t.Errorf("want %q, got %q", c.want, all)
			}
			if b := l.books["/this"]; b.repeats != c.repeats || b.stale != c.stale || b.bound != c.bound {
				t.Errorf("%d repeats, %d stale, bound %d", b.repeats, b.stale, b.bound)
			}
		})
	}
}

func TestWhatIsOwedIsCounted(t *testing.T) {
	t.Parallel()
	l := newLedger(&faults{})
	l.open(0, "/a")
	l.open(1, "/b")
	l.take(l.books["/a"], &arrival{thing: thing{Key: "k", N: 1}, position: 1}, false)
	l.take(l.books["/b"], &arrival{thing: thing{Key: "k", N: 1}, position: 1}, true)
	if owed := l.owed(map[string]int{"k": 2, "other": 1}); owed != 1+2+1+1 {
		t.Errorf("%d are owed", owed)
	}
}
