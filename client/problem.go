package client

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Code names one kind of problem for ever.
type Code string

// The codes that a program may want to tell apart. The hub's pages on errors list them all.
const (
	CodeInternal        Code = "internal"
	CodeNotFound        Code = "not-found"
	CodeBadRequest      Code = "bad-request"
	CodeBodyTooLarge    Code = "body-too-large"
	CodeInvalidDocument Code = "invalid-document"
	CodePrecondition    Code = "precondition-failed" // the document was changed since it was read
	CodeNeedsIfMatch    Code = "if-match-required"   // the document is there already; read it first
	CodeConflict        Code = "conflict"
	CodeReadOnly        Code = "read-only"

	CodeInvalidEvent   Code = "invalid-event"
	CodeEventConflict  Code = "event-conflict" // source and id are taken by an event with other content
	CodeAfterRefused   Code = "after-refused"  // an earlier event of the same key was refused
	CodeTooManyEntries Code = "too-many-entries"
	CodeStorageFull    Code = "storage-full"
	CodeShuttingDown   Code = "shutting-down"

	CodeDropCount       Code = "drop-count" // Problem.Drop says how many undelivered messages would go
	CodeNotGranted      Code = "not-granted"
	CodeOverlap         Code = "overlap"
	CodeVersionFixed    Code = "version-immutable"
	CodeTestFailed      Code = "test-failed" // Problem.Test says what the receiver answered
	CodeNothingSelected Code = "nothing-selected"

	CodeReplayCount Code = "replay-count" // another number of events is selected

	CodeForgotten  Code = "forgotten"   // the event's data is gone for good
	CodeEraseCount Code = "erase-count" // another number of events name the person

	CodeFetchPaused Code = "fetch-paused"
	CodeBadCursor   Code = "bad-cursor"
	CodeLogRewound  Code = "log-rewound" // the hub was restored from a backup that is older than the cursor
)

// Problem is why the hub refused a request (RFC 9457).
type Problem struct {
	Type       string      `json:"type"` // path of the page that explains the code
	Title      string      `json:"title"`
	Status     int         `json:"status"` // of the answer
	Detail     string      `json:"detail"`
	Instance   string      `json:"instance"` // "urn:uuid:" and the request's id, which stands in the hub's log
	Code       Code        `json:"code"`
	Mend       string      `json:"mend"` // what to do next
	Violations []Violation `json:"violations"`

	Drop int64       `json:"drop"` // with CodeDropCount
	Test *TestReport `json:"test"` // with CodeTestFailed

	RetryAfter time.Duration `json:"-"` // how long the hub asks to wait; 0: it does not say
}

// Violation is one rule that the request broke.
type Violation struct {
	Entry   int    `json:"entry"`          // which event of a batch, from 0
	Pointer string `json:"pointer"`        // JSON Pointer (RFC 6901), or header:Name, query:name; in XML the path of the element
	Line    int64  `json:"line,omitempty"` // of a text that is read by line, from 1; 0: it is not
	Rule    string `json:"rule"`
	Message string `json:"message"`
}

// Error says it for a person, in several lines: what happened, every rule that was broken, what to do.
func (p *Problem) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s (%s)", p.Title, p.Code)
	if len(p.Violations) == 0 && p.Detail != "" {
		fmt.Fprintf(&text, "\n  %s", p.Detail)
	}
	for _, v := range p.Violations {
		if v.Line > 0 {
			fmt.Fprintf(&text, "\n  line %d, %s: %s (%s)", v.Line, v.Pointer, v.Message, v.Rule)
			continue
		}
		fmt.Fprintf(&text, "\n  %s: %s (%s)", v.Pointer, v.Message, v.Rule)
	}
	if p.Mend != "" {
		fmt.Fprintf(&text, "\n  %s", p.Mend)
	}
	if p.Status >= http.StatusInternalServerError && p.Instance != "" {
		fmt.Fprintf(&text, "\n  The hub's log has it as %s", strings.TrimPrefix(p.Instance, "urn:uuid:"))
	}
	return text.String()
}

// Has reports whether err is or wraps a Problem of that code.
func Has(err error, code Code) bool {
	var p *Problem
	return errors.As(err, &p) && p.Code == code
}
