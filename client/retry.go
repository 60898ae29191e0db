package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"time"
)

const (
	defaultAttempts = 8
	defaultMaxWait  = time.Minute

	firstDelay = 250 * time.Millisecond
	maxDelay   = 10 * time.Second
)

// again decides whether a request is made once more, and after how long: at least as long as the hub asks for.
func (c *Client) again(r *request, err error, attempt int) (delay time.Duration, again bool) {
	after, may := mayRepeat(r, err)
	if !may || attempt >= c.options.Attempts || after > c.options.MaxWait {
		return 0, false
	}
	return min(max(after, backOff(attempt, rand.Float64())), c.options.MaxWait), true
}

// mayRepeat: what the hub or a proxy before it calls passing, and where nothing was answered. A request that must not
// be carried out twice is repeated only when it certainly was not carried out: no connection was made, or the hub
// itself says so.
func mayRepeat(r *request, err error) (after time.Duration, may bool) {
	var problem *Problem
	var strange *strangeAnswer
	switch {
	case errors.As(err, &problem):
		return problem.RetryAfter, isPassing(problem.Status)
	case errors.As(err, &strange):
		return strange.after, isPassing(strange.status) && (r.repeatable || strange.status == http.StatusTooManyRequests)
	case errors.Is(err, ErrNoAnswer):
		var operation *net.OpError
		return 0, r.repeatable || errors.As(err, &operation) && operation.Op == "dial"
	}
	return 0, false
}

// isPassing names the statuses after which the same request may succeed. 502 and 504 are a proxy's that did not reach
// the hub, or gave up; the hub's own, about receivers, never answer a request.
func isPassing(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout, http.StatusInsufficientStorage:
		return true
	}
	return false
}

// backOff doubles from firstDelay to maxDelay, with a random half taken off so that clients that failed together do not
// come back together. random is in [0,1).
func backOff(attempt int, random float64) time.Duration {
	delay := maxDelay
	if attempt < 16 {
		delay = min(delay, firstDelay<<(attempt-1))
	}
	return delay - time.Duration(random*float64(delay)/2)
}

// wait returns when the time has passed or ctx has ended, whichever is first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retryAfter reads Retry-After (RFC 9110 section 10.2.3), seconds or a date; 0 for none that can be read.
func retryAfter(value string, now time.Time) time.Duration {
	const most = 365 * 24 * time.Hour // far beyond what anybody waits, and no overflow
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(most/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), most)
}
