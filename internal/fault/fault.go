// Package fault is the one catalogue of errors: a stable code, what it means and how to mend it. Everything that can
// go wrong in front of a client is a Fault; any other error is shown to clients as "internal" and told to operators.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Code names one kind of error for ever; clients may switch on it.
type Code string

// Fault is one occurrence of a code.
type Fault struct {
	Code       Code
	Detail     string      // what happened here, in one sentence; never a personal value
	Violations []Violation // every rule that the input broke, when there can be several
	Extra      map[string]any
	cause      error
}

// Violation is one broken rule in the input.
type Violation struct {
	Entry   int    `json:"entry,omitempty"` // which entry of a batch, from 0
	Pointer string `json:"pointer"`         // JSON Pointer (RFC 6901) to the value at fault, or header:Name, query:name; in XML the path of the element
	Line    int64  `json:"line,omitempty"`  // of a text that is read by line, from 1; 0: it is not
	Rule    string `json:"rule"`            // the rule's stable name, such as "required"
	Message string `json:"message"`         // what is wrong and how to mend it; never the value itself
}

// New makes a fault; detail is a format as in fmt.Sprintf.
func New(code Code, detail string, args ...any) *Fault {
	return &Fault{Code: code, Detail: fmt.Sprintf(detail, args...)}
}

// Wrap makes a fault out of an error from below. The cause is for the operator's log; clients see only the detail.
func Wrap(code Code, cause error, detail string, args ...any) *Fault {
	return &Fault{Code: code, Detail: fmt.Sprintf(detail, args...), cause: cause}
}

// Invalid makes a fault of the violations, or nil when there are none.
func Invalid(code Code, violations []Violation) error {
	if len(violations) == 0 {
		return nil
	}
	return &Fault{Code: code, Detail: summary(violations), Violations: violations}
}

func summary(violations []Violation) string {
	first := violations[0]
	text := first.Message
	if first.Pointer != "" { // "" is the document as a whole
		text = first.Pointer + ": " + text
	}
	if more := len(violations) - 1; more > 0 {
		text += fmt.Sprintf(" (and %d more)", more)
	}
	return text
}

// With adds a member to the problem document.
func (f *Fault) With(name string, value any) *Fault {
	if f.Extra == nil {
		f.Extra = map[string]any{}
	}
	f.Extra[name] = value
	return f
}

// Error implements error.
func (f *Fault) Error() string {
	text := string(f.Code) + ": " + f.Detail
	if f.cause != nil {
		text += ": " + f.cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.cause }

// Has reports whether err is or wraps a fault of the given code.
func Has(err error, code Code) bool {
	var f *Fault
	return errors.As(err, &f) && f.Code == code
}

// Known reports whether err is or wraps a fault, of whatever code: it has been named already.
func Known(err error) bool {
	var f *Fault
	return errors.As(err, &f)
}

// Of returns the fault in err. An error that is none becomes "internal", its text kept from clients.
func Of(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return Wrap(Internal, err, "the hub could not do this; its log says why")
}

// Entry is what the catalogue says of a code.
type Entry struct {
	Code   Code
	Status int    // HTTP status
	Title  string // what it means, the same for every occurrence
	Mend   string // what to do next
}

// Lookup returns the catalogue's entry; a code that is not in it is a defect and answered as internal.
func Lookup(code Code) Entry {
	for _, entry := range Catalogue {
		if entry.Code == code {
			return entry
		}
	}
	return Catalogue[0]
}

// Page is the path of the page that explains a code.
func (c Code) Page() string { return "/docs/errors/" + strings.ToLower(string(c)) }
