package access

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound how often one caller may ask. For a moment it may be twice as often; for tokens four times.
type Limits struct {
	Address   int // requests a second from one address; 0: 2,000
	Principal int // requests a second of one principal; 0: 1,000
	Token     int // requests for a token a second, of one client and from one address; 0: 5
	Callers   int // how many addresses and principals are remembered; 0: 10,000
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		limit     *int
		otherwise int
	}{{&l.Address, 2000}, {&l.Principal, 1000}, {&l.Token, 5}, {&l.Callers, 10_000}} {
		if *d.limit <= 0 {
			*d.limit = d.otherwise
		}
	}
	return l
}

// limiter has a bucket of tokens for every caller it remembers. When there are more callers than that it forgets the
// one that has been quiet longest, so that its memory is bounded whoever asks.
type limiter struct {
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

func newLimiter(perSecond, burst, callers int) *limiter {
	return &limiter{limit: rate.Limit(perSecond), burst: burst, callers: callers, buckets: map[string]*list.Element{}}
}

// take counts one request of a caller. It returns 0 when the request may go on, else how long to wait; a request that
// may not go on does not count.
func (l *limiter) take(caller string, now time.Time) time.Duration {
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

func (l *limiter) add(caller string) *list.Element {
	if len(l.buckets) >= l.callers {
		quiet := l.recent.Back()
		delete(l.buckets, l.recent.Remove(quiet).(*bucket).caller)
	}
	element := l.recent.PushFront(&bucket{caller, rate.NewLimiter(l.limit, l.burst)})
	l.buckets[caller] = element
	return element
}

// neighbourhood is what counts as one address: of IPv6 the /64 that one subscriber has.
func neighbourhood(a netip.Addr) string {
	if a.Is6() && !a.Is4In6() {
		if prefix, err := a.WithZone("").Prefix(64); err == nil {
			return prefix.Addr().String()
		}
	}
	return a.Unmap().String()
}
