package subscription

import (
	"strings"
	"time"
)

// Sink takes a subscription's messages in place of its endpoint, inside the hub: nothing leaves the machine, and a
// subscriber develops without messages that fail and come again for hours (S58). How it answers is configuration, as a
// receiver's answer would be; the zero value answers 200 at once.
type Sink struct {
	Status    int `json:"status,omitempty"`    // the HTTP status it answers, 200 to 599; 0: 200
	DelayMS   int `json:"delayMs,omitempty"`   // milliseconds before each answer, at most 60,000
	FailFirst int `json:"failFirst,omitempty"` // the first n attempts of each message are answered 500, at most 100; tests are not
}

// The bounds of a sink's answer.
const (
	maxSinkDelay = 60_000 // ms
	maxSinkFails = 100
)

// sinkScheme marks the address of a sink. No base URL has it: those have a host.
const sinkScheme = "sink:"

// Answer is the status that the sink answers an attempt with, 1 being the first, and after which delay.
func (k *Sink) Answer(attempt int, test bool) (status int, delay time.Duration) {
	switch {
	case !test && attempt <= k.FailFirst:
		status = 500
	case k.Status == 0:
		status = 200
	default:
		status = k.Status
	}
	return status, time.Duration(k.DelayMS) * time.Millisecond
}

// Address is where a subscription's messages go: its endpoint, or "sink:" and its id. Every sink has an address, and so a
// breaker, of its own.
// Error: InvalidDocument when the path is not one.
func (s *Subscription) Address(a *Agreement) (string, error) {
	if s.Sink != nil {
		return sinkScheme + s.ID, nil
	}
	return Endpoint(a.BaseURL, s.Path)
}

// SinkAt is the id of the subscription whose sink an address names.
func SinkAt(address string) (id string, ok bool) { return strings.CutPrefix(address, sinkScheme) }

func (v *violations) checkSink(at string, k *Sink) {
	switch {
	case k == nil:
	case k.Status != 0 && (k.Status < 200 || k.Status > 599):
		v.add(at+"/sink/status", "range", "use 200 to 599, or leave it out for 200")
	case k.DelayMS < 0 || k.DelayMS > maxSinkDelay:
		v.add(at+"/sink/delayMs", "range", "use 0 to 60000 milliseconds")
	case k.FailFirst < 0 || k.FailFirst > maxSinkFails:
		v.add(at+"/sink/failFirst", "range", "use 0 to 100 attempts")
	}
}
