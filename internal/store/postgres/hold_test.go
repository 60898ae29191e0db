package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

func TestNodesHoldWhatNobodyAliveHolds(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := d.node(t)
	found(t, s, "s", "c")
	found(t, s, "r", "e")
	join := func(name string) int64 {
		n, err := s.Join(t.Context(), name, "http://"+name, "v1")
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	claim := func(node int64, want string, names ...string) []eventlog.Holding {
		t.Helper()
		claimed, err := s.Claim(t.Context(), node, time.Minute, names)
		if err != nil || fmt.Sprint(claimed) != want {
			t.Errorf("claimed %v, want %s; %v", claimed, want, err)
		}
		return claimed
	}
	one, other := join("one"), join("other")
	held := claim(one, "[{duty/x 1} {system/s 1}]", "system/s", "duty/x", "system/none")
	claim(other, "[{system/r 1}]", "system/s", "system/r", "duty/x")
	claim(one, "[]", "system/s")
	nodes, err := s.Beat(t.Context(), one, time.Minute)
	if err != nil || len(nodes) != 2 || fmt.Sprintln(nodes[0].Name, nodes[0].URL, nodes[0].Version, nodes[0].Holds, nodes[1].Holds) != "one http://one v1 [duty/x system/s] [system/r]\n" ||
		nodes[0].Seen < nodes[0].Started || nodes[0].Started == 0 {
		t.Errorf("the nodes are %+v, %v", nodes, err)
	}

	if err := s.Yield(t.Context(), one, []eventlog.Holding{{Name: "duty/x", Token: held[0].Token}, {Name: "system/s", Token: 99}}); err != nil {
		t.Fatal(err)
	}
	claim(other, "[{duty/x 2}]", "system/s", "duty/x")
	d.execute(t, fmt.Sprintf("UPDATE nodes SET until = 0 WHERE n = %d", one))
	if _, err := s.Beat(t.Context(), one, time.Minute); err != nil {
		t.Errorf("nobody has taken anything from the node, and it is refused: %v", err)
	}
	claim(other, "[]", "system/s")
	d.execute(t, fmt.Sprintf("UPDATE nodes SET until = 0 WHERE n = %d", one))
	claim(other, "[{system/s 2}]", "system/s")
	if _, err := s.Beat(t.Context(), one, time.Minute); !fault.Has(err, fault.NotFound) {
		t.Errorf("a node that was taken for dead beats: %v", err)
	}
	if _, err := s.Claim(t.Context(), one, time.Minute, []string{"system/s"}); !fault.Has(err, fault.NotFound) {
		t.Errorf("a node that was taken for dead claims: %v", err)
	}

	if err := s.Leave(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	third := join("third")
	claim(third, "[{duty/x 3} {system/r 2} {system/s 3}]", "system/r", "system/s", "duty/x")
}

// Whoever claims at the same time, each holding has one holder.
func TestAHoldingHasOneHolder(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := d.node(t)
	var names []string
	for i := range 5 {
		names = append(names, fmt.Sprint("duty/", i))
	}
	var all sync.WaitGroup
	var mu sync.Mutex
	holders := map[eventlog.Holding]int{}
	for range 6 {
		all.Go(func() {
			node, err := s.Join(t.Context(), "n", "", "dev")
			if err != nil {
				t.Error(err)
				return
			}
			claimed, err := s.Claim(t.Context(), node, time.Minute, names)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, h := range claimed {
				holders[h]++
			}
		})
	}
	all.Wait()
	if len(holders) != len(names) {
		t.Errorf("the holders are %v", holders)
	}
}

// A node takes up the consumers of what it holds, under its token, and no others.
func TestConsumersAreTakenUpByTheirHolder(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := d.node(t)
	found(t, s, "s", "c", "d")
	found(t, s, "r", "e")
	first, list := d.claim(t, s, "s", "c", "d", "e")
	if len(list) != 2 || list[0].Name != "c" || list[1].Name != "d" {
		t.Errorf("taken up: %+v", list)
	}
	second, _ := d.claim(t, s, "s", "c")
	if late, err := s.TakeUp(t.Context(), first, "c"); err != nil || len(late) != 0 {
		t.Errorf("under an earlier token %+v is taken up, %v", late, err)
	}
	if all, err := s.TakeUp(t.Context(), second); err != nil || len(all) != 2 {
		t.Errorf("all under the token are %+v, %v", all, err)
	}
	if all, err := s.TakeUp(t.Context(), 0); err != nil || len(all) != 3 {
		t.Errorf("all there are: %+v, %v", all, err)
	}
}

func TestNodesTellEachOther(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	one, other := d.node(t), d.node(t)
	ctx, end := context.WithCancel(t.Context())
	signs := one.Listen(ctx)
	for heard := false; !heard; { // until it listens, it hears nothing
		if err := other.Notify(t.Context(), 7); err != nil {
			t.Fatal(err)
		}
		select {
		case <-signs:
			heard = true
		default:
		}
	}
	end()
	for range signs { // what is under way, and then it is closed
	}
}
