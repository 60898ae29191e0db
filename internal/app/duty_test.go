package app

import (
	"context"
	"testing"
)

// A duty is done while this node has it, begun anew when it comes back, and never by a node that has it not.
func TestADutyIsDoneWhileItIsThisNodes(t *testing.T) {
	t.Parallel()
	var all duties
	began, ended := make(chan int, 8), make(chan int, 8)
	ctx, stop := context.WithCancel(t.Context())
	over, times := make(chan struct{}), 0
	go func() {
		defer close(over)
		all.during(ctx, "x", func(ctx context.Context) {
			times++
			began <- times
			<-ctx.Done()
			ended <- times
		})
	}()
	d := all.of("x")
	for round := 1; round <= 3; round++ {
		if len(began) > 0 {
			t.Fatal("it is done by a node that has it not")
		}
		if err := d.Begin(ctx, int64(round)); err != nil {
			t.Fatal(err)
		}
		if got := <-began; got != round {
			t.Fatalf("begun %d times, want %d", got, round)
		}
		d.End(ctx)
		if got := <-ended; got != round {
			t.Fatalf("ended %d times, want %d", got, round)
		}
	}
	stop()
	<-over
}

// In a hub of one process every duty is its own.
func TestAloneEveryDutyIsOnesOwn(t *testing.T) {
	t.Parallel()
	all := duties{whole: true}
	ctx, stop := context.WithCancel(t.Context())
	done := false
	all.during(ctx, "x", func(context.Context) { done = true; stop() })
	if !done {
		t.Error("it is not done")
	}
}
