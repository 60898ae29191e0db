package receive

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// answer is an error that knows how it is answered.
type answer struct {
	status int
	text   string        // for the sender; 5xx tells nothing
	after  time.Duration // Retry-After; 0: none
	cause  error
}

// Error implements error.
func (a *answer) Error() string {
	switch {
	case a.cause == nil:
		return a.text
	case a.text == "":
		return a.cause.Error()
	}
	return a.text + ": " + a.cause.Error()
}

// Unwrap returns the cause.
func (a *answer) Unwrap() error { return a.cause }

// RetryAfter makes the error of a receiver that cannot take a message now: 503, and the hub leaves the whole endpoint
// alone for that time, rounded up to seconds, at most an hour, without counting it as a failure. A time of 0 or less is
// one second. cause is for the receiver's own log and may be nil.
func RetryAfter(after time.Duration, cause error) error {
	return &answer{status: http.StatusServiceUnavailable, text: "not now", after: max(after, time.Second), cause: cause}
}

// Reject makes the error of a message that will never be taken as it is: 422 with the reason in the body, which the
// hub's operator reads. In profile star the message is parked and holds its lane until somebody decides; in standard
// it is tried again for 72 hours first. Keep personal values out of the reason.
func Reject(reason string) error {
	return &answer{status: http.StatusUnprocessableEntity, text: reason}
}

// Gone makes the error of a receiver that is closed for good: 410, by which the hub deactivates the subscription in
// profile standard; in star it parks the message. Nothing is lost: what comes is kept until it is activated again.
func Gone(reason string) error { return &answer{status: http.StatusGone, text: reason} }

// maxReason bounds what is told of a refusal, in bytes: the hub keeps no more than it needs.
const maxReason = 1 << 10

// Answer writes the answer for what came of a message: 204 for nil, what RetryAfter, Reject, Gone, Verify and Decode
// say, also where they are wrapped, and 500 for any other error. A body is written with 4xx only: there it tells the
// sender what to mend, in a 5xx it would tell strangers about the receiver.
func Answer(w http.ResponseWriter, err error) {
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var a *answer
	if !errors.As(err, &a) {
		a = &answer{status: http.StatusInternalServerError}
	}
	if a.after > 0 {
		seconds := (a.after + time.Second - 1) / time.Second
		w.Header().Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	if a.status >= http.StatusInternalServerError || a.text == "" {
		w.WriteHeader(a.status)
		return
	}
	text := a.text[:min(len(a.text), maxReason)]
	http.Error(w, strings.ToValidUTF8(text, ""), a.status) // as plain text that no browser takes for anything else
}
