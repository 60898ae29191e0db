package web_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/web"
)

// Whoever asks, the limiter's memory is bounded: it forgets the one that has been quiet longest.
func TestALimiterForgetsTheQuietest(t *testing.T) {
	t.Parallel()
	l := web.NewLimiter(1, 2, 3)
	now := time.Unix(1e9, 0)
	for i := range 1000 {
		l.Take("one", now)
		l.Take(strconv.Itoa(i), now)
	}
	if l.Callers() != 3 {
		t.Errorf("%d callers are remembered", l.Callers())
	}
	if l.Take("one", now) == 0 {
		t.Error("who never was quiet was forgotten")
	}
	if l.Take("998", now) != 0 || l.Take("998", now) == 0 {
		t.Error("a refused request counts, or one that was heard does not")
	}
	if wait := l.Take("one", now); wait != time.Second {
		t.Errorf("wait %s", wait)
	}
}
