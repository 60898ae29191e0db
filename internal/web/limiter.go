package web

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limiter has a bucket of tokens for every caller it remembers. When there are more callers than that it forgets the
// one that has been quiet longest, so that its memory is bounded whoever asks. It is safe for concurrent use.
type Limiter struct {
	limit   rate.Limit
	burst   int
	callers int

	mu      sync.Mutex
	buckets map[string]*list.Element // of *bucket
	recent  list.List                // the last to ask first
}

type bucket struct {
	caller string
	tokens *rate.Limiter
}

// NewLimiter lets each of so many callers ask so often a second, and for a moment burst times.
func NewLimiter(perSecond float64, burst, callers int) *Limiter {
	return &Limiter{limit: rate.Limit(perSecond), burst: burst, callers: callers, buckets: map[string]*list.Element{}}
}

// Take counts one request of a caller. It returns 0 when the request may go on, else how long to wait; a request that
// may not go on does not count.
func (l *Limiter) Take(caller string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	element := l.buckets[caller]
	if element == nil {
		element = l.add(caller)
	}
	l.recent.MoveToFront(element)
	reservation := element.Value.(*bucket).tokens.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

// Callers is how many it remembers.
func (l *Limiter) Callers() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.buckets)
}

func (l *Limiter) add(caller string) *list.Element {
	if len(l.buckets) >= l.callers {
		quiet := l.recent.Back()
		delete(l.buckets, l.recent.Remove(quiet).(*bucket).caller)
	}
	element := l.recent.PushFront(&bucket{caller, rate.NewLimiter(l.limit, l.burst)})
	l.buckets[caller] = element
	return element
}

// Neighbourhood is what counts as one address: of IPv6 the /64 that one subscriber has.
func Neighbourhood(a netip.Addr) string {
	if a.Is6() && !a.Is4In6() {
		if prefix, err := a.WithZone("").Prefix(64); err == nil {
			return prefix.Addr().String()
		}
	}
	return a.Unmap().String()
}
