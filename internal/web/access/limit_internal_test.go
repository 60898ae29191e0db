package access

import (
	"strconv"
	"testing"
	"time"
)

// Whoever asks, the limiter's memory is bounded: it forgets the one that has been quiet longest.
func TestALimiterForgetsTheQuietest(t *testing.T) {
	t.Parallel()
	l := newLimiter(1, 2, 3)
	now := time.Unix(1e9, 0)
	for i := range 1000 {
		l.take("one", now)
		l.take(strconv.Itoa(i), now)
	}
	if len(l.buckets) != 3 || l.recent.Len() != 3 {
		t.Errorf("%d callers are remembered, %d in order", len(l.buckets), l.recent.Len())
	}
	if l.take("one", now) == 0 {
		t.Error("who never was quiet was forgotten")
	}
	if l.take("998", now) != 0 || l.take("998", now) == 0 {
		t.Error("a refused request counts, or one that was heard does not")
	}
	if wait := l.take("one", now); wait != time.Second {
		t.Errorf("wait %s", wait)
	}
}
