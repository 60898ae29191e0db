package clock_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// A fake clock calls back in order of time, with the time it stands at then, also what is asked for on the way.
func TestAFakeClockCallsBackInOrder(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(noon)
	var came []time.Duration
	note := func() { came = append(came, c.Now().Sub(noon)) }
	c.AfterFunc(3*time.Second, note)
	c.AfterFunc(time.Second, func() {
		note()
		c.AfterFunc(time.Second, note)
	})
	stopped := c.AfterFunc(time.Second, note)
	if !stopped.Stop() || stopped.Stop() {
		t.Error("a timer is stopped once")
	}
	c.Advance(time.Second - 1)
	if len(came) != 0 {
		t.Errorf("too early: %v", came)
	}
	c.Advance(time.Minute)
	if want := []time.Duration{time.Second, 2 * time.Second, 3 * time.Second}; !slices.Equal(came, want) {
		t.Errorf("came at %v, want %v", came, want)
	}
	if now := c.Now().Sub(noon); now != time.Minute+time.Second-1 {
		t.Errorf("it stands at +%v", now)
	}
}

func TestWaitEndsWithTheTimeOrTheContext(t *testing.T) {
	t.Parallel()
	c := clock.NewFake(noon)
	ended, end := context.WithCancel(t.Context())
	end()
	for name, one := range map[string]struct {
		ctx  context.Context
		d    time.Duration
		want bool
	}{
		"no time":             {t.Context(), 0, true},
		"no time, no context": {ended, 0, false},
		"no context":          {ended, time.Hour, false},
	} {
		if got := clock.Wait(one.ctx, c, one.d); got != one.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	waited := make(chan bool)
	go func() { waited <- clock.Wait(t.Context(), c, time.Hour) }()
	for {
		if _, waits := c.Next(); waits {
			break
		}
	}
	c.Advance(time.Hour)
	if !<-waited {
		t.Error("an hour has gone by, and it waits")
	}
	if _, waits := c.Next(); waits {
		t.Error("who gave up is called back")
	}
}

func TestTimesKeepTheirMicroseconds(t *testing.T) {
	t.Parallel()
	if us := clock.Micros(noon.Add(1500)); clock.FromMicros(us) != noon.Add(1000) {
		t.Error(clock.FromMicros(us))
	}
}
