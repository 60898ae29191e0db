// Package revision holds the hub's configuration as what it is: a log of changes, each with a position in the event
// log. The Book folds them in memory and answers both "now" and "as of that position" (DESIGN promise 9).
package revision

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Kind says what a revision changes.
type Kind string

// The kinds. Subject names the one thing of its kind.
const (
	Source       Kind = "source"        // subject: the source's name
	Type         Kind = "event-type"    // subject: the type's name
	Version      Kind = "version"       // subject: type/version
	System       Kind = "system"        // subject: the system's name
	Subscription Kind = "subscription"  // subject: the subscription's id
	Pause        Kind = "pause"         // subject: a Scope
	Account      Kind = "account"       // subject: the account's name
	Site         Kind = "site"          // subject: the site's name
	State        Kind = "state"         // subject: SITE/COMPONENT; one change of the component's state, added to those before
	Notice       Kind = "notice"        // subject: SITE/NOTICE
	Register     Kind = "register"      // subject: the register's name
	Extract      Kind = "extract"       // subject: the extract's name
	ExtractOrder Kind = "extract-order" // subject: the extract's name; it is to be made now
	ExtractRun   Kind = "extract-run"   // subject: the extract's name; it was made

	ExtractErased Kind = "extract-erased" // subject: the extract's name; its files are deleted, for a person who was erased
)

// Revision is one change of configuration: the whole new document, or its removal.
type Revision struct {
	Position int64           `json:"position"` // its place in the event log; 0 before the append
	Recorded int64           `json:"recorded"` // µs UTC
	Author   string          `json:"author"`   // who made it
	Kind     Kind            `json:"kind"`
	Subject  string          `json:"subject"`
	Document json.RawMessage `json:"document,omitempty"` // nil: removed
}

// Of makes a revision of a document.
func Of(author string, kind Kind, subject string, document any) Revision {
	text, err := json.Marshal(document)
	if err != nil {
		panic(err) // the documents are our own plain structs
	}
	return Revision{Author: author, Kind: kind, Subject: subject, Document: text}
}

// Confidential reports whether the document is to be sealed where it is kept: a subscription's filter may hold persons'
// numbers (docs/filters.md), and so may the object that an extract is of.
func (r *Revision) Confidential() bool {
	return r.Kind == Subscription && bytes.Contains(r.Document, []byte(`"filter"`)) || r.Kind == Extract && bytes.Contains(r.Document, []byte(`"object"`))
}

// Removal makes a revision that removes a subject.
func Removal(author string, kind Kind, subject string) Revision {
	return Revision{Author: author, Kind: kind, Subject: subject}
}

// Scope names what a pause stops: "hub", "system/NAME", "subscription/ID" or "endpoint/SYSTEM/URL".
type Scope string

// Hub is the scope of everything that leaves.
const Hub Scope = "hub"

// OfSystem, OfSubscription and OfEndpoint make the narrower scopes.
func OfSystem(name string) Scope          { return Scope("system/" + name) }
func OfSubscription(id string) Scope      { return Scope("subscription/" + id) }
func OfEndpoint(system, url string) Scope { return Scope("endpoint/" + system + "/" + url) }

// system names the system a scope lies in; "" for the hub, or a subscription that is not known.
func (s Scope) system(b *Book) string {
	kind, rest, _ := strings.Cut(string(s), "/")
	switch kind {
	case "system":
		return rest
	case "endpoint":
		name, _, _ := strings.Cut(rest, "/")
		return name
	case "subscription":
		if l := b.lines[rest]; l != nil {
			return l.Consumer.System
		}
	}
	return ""
}

// PauseDocument is what a pause revision holds.
type PauseDocument struct {
	Reason string `json:"reason,omitempty"`
	Notice string `json:"notice,omitempty"` // the maintenance that it lasts as long as
}

// history is a subject's documents in order of position.
type history[T any] struct {
	from []int64
	doc  []*T // nil: removed from that position on
}

func (h *history[T]) add(position int64, doc *T) {
	h.from = append(h.from, position)
	h.doc = append(h.doc, doc)
}

// at returns the document in force at a position. A revision rules what comes after it.
func (h *history[T]) at(position int64) *T {
	for i := len(h.from) - 1; i >= 0; i-- {
		if h.from[i] < position {
			return h.doc[i]
		}
	}
	return nil
}

// now returns the newest document.
func (h *history[T]) now() *T {
	if len(h.doc) == 0 {
		return nil
	}
	return h.doc[len(h.doc)-1]
}

// position is where the newest document was written: the subject's ETag.
func (h *history[T]) position() int64 {
	if len(h.from) == 0 {
		return 0
	}
	return h.from[len(h.from)-1]
}
