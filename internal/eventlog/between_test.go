package eventlog_test

import (
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
)

// F37, DESIGN promise 7: what was on its way into the log when a window that had ended was read ("opened at 10:04:59,
// committed at 10:05:01") is not lost: it is in that window, or it is recorded in the next.
func TestF37WhatIsOnItsWayIsInTheNextWindow(t *testing.T) {
	t.Parallel()
	f := &failing{}
	l := openLog(t, f)
	if err := l.Append(t.Context(), one("a")); err != nil {
		t.Fatal(err)
	}
	f.hold, f.entered = make(chan struct{}), make(chan struct{})
	opened := one("opened")
	done := make(chan error)
	go func() { done <- l.Append(t.Context(), opened) }()
	<-f.entered // its time is drawn, and it hangs on the way to the disk
	end := clock.Micros(time.Now()) + 1
	_, last, err := l.Between(t.Context(), 0, end)
	if err != nil || last != 1 {
		t.Fatalf("up to %d, %v", last, err)
	}
	close(f.hold)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if e := opened.Entries[0].Event; e.Recorded < end {
		t.Errorf("recorded at %d, which is before %d and was not in that window", e.Recorded, end)
	}
	after, last, err := l.Between(t.Context(), end, end+time.Hour.Microseconds())
	if err != nil || after != 1 || last != 2 {
		t.Errorf("the next window is (%d, %d], %v", after, last, err)
	}
	f.hold = nil
}

// What is in a window may be seen when it is told.
func TestAWindowIsVisibleWhenItIsTold(t *testing.T) {
	t.Parallel()
	l := openLog(t, &failing{})
	for n := range 50 {
		done := make(chan struct{})
		go func() {
			_ = l.Append(t.Context(), one(string(rune('a'+n))))
			close(done)
		}()
		_, last, err := l.Between(t.Context(), 0, clock.Micros(time.Now().Add(time.Hour)))
		if err != nil || last > l.Head() {
			t.Fatalf("up to %d of %d, %v", last, l.Head(), err)
		}
		<-done
	}
}

// What kind of events there are is read from memory or from the store, in the same order.
func TestKindsComeInOrder(t *testing.T) {
	t.Parallel()
	l := openLog(t, &failing{}) // which keeps 8 in memory
	for n := range 20 {
		if err := l.Append(t.Context(), one(string(rune('a'+n)))); err != nil {
			t.Fatal(err)
		}
	}
	for _, from := range []int64{0, 5, 15, 19} {
		events, err := l.Kinds(t.Context(), from, 20)
		if err != nil || len(events) != int(20-from) {
			t.Fatalf("after %d: %d, %v", from, len(events), err)
		}
		for i, e := range events {
			if e.Position != from+int64(i)+1 || e.Type != "t" {
				t.Errorf("after %d, entry %d: %+v", from, i, e)
			}
		}
	}
}
