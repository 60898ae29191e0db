package profile

import (
	"time"

	"github.com/varselhub/varsel/internal/channel"
)

// Judge makes the outcome of an HTTP answer that came: its status, what Retry-After said and the start of its body.
// Retry-After counts on 429 and 503 (RFC 9110 section 10.2.3, RFC 6585 section 4), where they would be retried anyway.
func (p *Profile) Judge(status int, after string, body []byte, now time.Time) channel.Result {
	result := channel.Result{Class: p.Classify(status), Status: status}
	if result.Class == channel.Delivered {
		return result
	}
	result.Body = body
	switch {
	case status >= 300 && status <= 399:
		result.Detail = "redirects are never followed; give the endpoint's final address"
	case result.Class == channel.Retry && (status == 429 || status == 503):
		if wait := retryAfter(after, now, p.MaxAfter); wait > 0 {
			result.Class, result.After = channel.Deferred, wait
		}
	}
	return result
}
