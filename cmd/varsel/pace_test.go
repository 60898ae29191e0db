package main

import (
	"strings"
	"testing"
	"time"
)

// The person who watches sees percent, rate and what is left, on one line a part, once a second; a file gets few lines.
func TestThePaceOfAMove(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		repaint bool
		want    string
	}{
		"watched": {true, "\r\x1b[Kmoving events: 300 of 1000 (30 %), 100 a second, 7s left\r\x1b[Kmoving events: 1000 of 1000 (100 %), 200 a second, 0s left\n"},
		"a file":  {false, "moving events: 1000 of 1000 (100 %), 200 a second, 0s left\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			now := time.Unix(0, 0)
			p := &pace{w: &out, repaint: c.repaint, now: func() time.Time { return now }}
			for _, step := range []struct {
				after time.Duration
				done  int64
			}{{0, 200}, {500 * time.Millisecond, 250}, {500 * time.Millisecond, 300}, {3 * time.Second, 1000}} {
				now = now.Add(step.after)
				p.step("moving events", step.done, 1000)
			}
			if p.end(); out.String() != c.want {
				t.Errorf("it says\n%q, want\n%q", out.String(), c.want)
			}
		})
	}
}
