package profile

import (
	"net/http"
	"strings"
	"time"
)

// retryAfter reads Retry-After (RFC 9110 section 10.2.3), seconds or a date, and clamps it to most. 0 means that the
// receiver asked for no wait: there is none, it is unreadable, or it lies in the past.
func retryAfter(value string, now time.Time, most time.Duration) time.Duration {
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		return min(seconds(value, most), most)
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, min(at.Sub(now), most))
}

// seconds reads digits, as many as there are, without overflow.
func seconds(digits string, most time.Duration) time.Duration {
	var n time.Duration
	for _, digit := range []byte(digits) {
		n = n*10 + time.Duration(digit-'0')
		if n > most/time.Second {
			return most
		}
	}
	return n * time.Second
}
