// Package audit is the record of what people, and the hub itself, did to the hub: one entry for each act, chained by a
// key that stands outside the database, so that nobody who can write the database can change the record unseen (DESIGN
// promise 12).
//
// Read audit.go for what an entry is, chain.go for how entries hang together, and verify.go and diagnose.go for how it
// is found out that they do not.
package audit

import (
	"encoding/json"
	"slices"
	"strconv"
)

// Act is what was done. The acts are a closed list: a name is never changed and never used for something else, since it
// is part of what is sealed.
type Act string

// The acts. Each is one request of a person or program, or one decision of the hub's.
const (
	PutSource        Act = "put-source"
	PutType          Act = "put-event-type"
	PutVersion       Act = "put-version"
	PutSystem        Act = "put-system"
	RemoveSystem     Act = "remove-system"
	PutContacts      Act = "put-contacts"
	PutAccount       Act = "put-account"
	RotateSecret     Act = "rotate-secret"
	SetPassword      Act = "set-password"
	PutSubscriptions Act = "put-subscriptions"
	RotateKey        Act = "rotate-key"
	RetireKeys       Act = "retire-keys"
	Test             Act = "test"
	Activate         Act = "activate"
	Deactivate       Act = "deactivate"
	Pause            Act = "pause"
	Resume           Act = "resume"
	Release          Act = "release"
	Discard          Act = "discard"
	Register         Act = "register" // the hub made its own source, types and contacts
	Replay           Act = "replay"
	StopReplay       Act = "stop-replay"
	Reveal           Act = "reveal"
	SearchPerson     Act = "search-person"
	EmptySink        Act = "empty-sink"
	Login            Act = "login"
	Token            Act = "token"
	Erase            Act = "erase"
	Backup           Act = "backup"
	Restore          Act = "restore"

	// On registers.
	PutRegister  Act = "put-register"
	DropDelivery Act = "drop-delivery"

	// On extracts of registers.
	PutExtract    Act = "put-extract"
	RemoveExtract Act = "remove-extract"
	RunExtract    Act = "run-extract"

	// On status sites.
	PutSite      Act = "put-site"
	RemoveSite   Act = "remove-site"
	SetState     Act = "set-state"
	OpenNotice   Act = "open-notice"
	UpdateNotice Act = "update-notice"
	EditNotice   Act = "edit-notice"
	RemoveNotice Act = "remove-notice"
	Acknowledge  Act = "acknowledge"
	ImportSite   Act = "import-site"
)

// Acts lists every act.
func Acts() []Act {
	return []Act{
		PutSource, PutType, PutVersion, PutSystem, RemoveSystem, PutContacts, PutAccount, RotateSecret, SetPassword, PutSubscriptions, RotateKey, RetireKeys, Test, Activate, Deactivate,
		Pause, Resume, Release, Discard, Register, Replay, StopReplay, Reveal, SearchPerson, EmptySink, Login, Token, Erase, Backup, Restore,
		PutRegister, DropDelivery, PutExtract, RemoveExtract, RunExtract,
		PutSite, RemoveSite, SetState, OpenNotice, UpdateNotice, EditNotice, RemoveNotice, Acknowledge, ImportSite,
	}
}

// Hub is the actor of what the hub itself decides.
const Hub = "varsel"

// Entry is one act. It holds no personal value, no secret and no payload, and no free text but the reason for a reveal:
// what a person wrote elsewhere stands in the revision at Position, or in the erasure.
type Entry struct {
	Number   int64  // its place in the audit log, from 1 without gaps; drawn by the append
	At       int64  // µs UTC, drawn by the append; never falls as Number rises
	Actor    string // who did it; Hub for the hub itself
	Act      Act
	Subject  string          // what it was done to, as kind/name: "system/jobnet", "subscription/0190…", "hub"
	Detail   json.RawMessage // a Detail; nil: there is no more to say
	Position int64           // of the last revision it made, in the event log; 0: it made none
	MAC      MAC             // seals the entry and, through the one before it, all that came before
}

// Of makes an entry that is not in the log yet.
func Of(actor string, act Act, subject string, d Detail) Entry {
	e := Entry{Actor: actor, Act: act, Subject: subject}
	// A struct of numbers, words and flags can always be written.
	if text, err := json.Marshal(d); err == nil && string(text) != "{}" {
		e.Detail = text
	}
	return e
}

// OfErasure is the subject of an erasure.
func OfErasure(n int64) string { return "erasure/" + strconv.FormatInt(n, 10) }

// Detail is what else there is to say of an act. Its members are counts, flags, words of the hub's own and names of
// configuration, so that nothing personal and nothing secret has a place in it.
type Detail struct {
	Created bool `json:"created,omitempty"` // the document was not there before

	// Of a set of subscriptions, or what went with a system.
	Added     int   `json:"added,omitempty"`
	Changed   int   `json:"changed,omitempty"`
	Removed   int   `json:"removed,omitempty"`
	Dropped   int64 `json:"dropped,omitempty"`   // undelivered messages that went
	Documents int   `json:"documents,omitempty"` // how many revisions, where the act made several

	// Of signing keys; of a search, whether by person or by key; and of a login, by what.
	Kind    string `json:"kind,omitempty"`
	Key     string `json:"key,omitempty"`            // the new key's reference, which is not the key
	Overlap int64  `json:"overlapSeconds,omitempty"` // how long the older keys go on signing
	Retired int    `json:"retired,omitempty"`        // how many were taken out of use

	// Of a replay.
	Pass   int64 `json:"pass,omitempty"`
	Events int64 `json:"events,omitempty"` // that it selected; of an erasure, how many
	Rows   int   `json:"rows,omitempty"`   // of registers; of an erasure

	// Of a reveal: why, in one line that names nobody.
	Reason string `json:"reason,omitempty"`

	// Of a search by person or key: how many events it found. What was searched for is not told.
	Found *int `json:"found,omitempty"`

	// Of a test message.
	Passed *bool  `json:"passed,omitempty"`
	Status int    `json:"status,omitempty"` // of the receiver's answer; none: it did not answer
	Code   string `json:"code,omitempty"`   // of the fault, where there was no answer

	// Of a release or discard: what was selected, how many lanes that was, and where the first of them stood.
	Selected  *Selected `json:"selected,omitempty"`
	Lanes     int       `json:"lanes,omitempty"`
	Positions []int64   `json:"positions,omitempty"`
}

// Selected is how lanes were selected. A lane itself is not named: it is a hash of a personal value, and is forgotten
// with it.
type Selected struct {
	System       string `json:"system,omitempty"`
	Subscription string `json:"subscription,omitempty"`
	Lane         bool   `json:"lane,omitempty"` // one lane was named
	All          bool   `json:"all,omitempty"`
}

// Query selects entries. Empty members select all.
type Query struct {
	Actor   string
	Act     Act
	Subject string
	Site    string // what was done to a status site: to itself, its components and its notices
	From    int64  // µs UTC, inclusive; 0: from the first
	To      int64  // µs UTC, exclusive; 0: to the last
	Newest  bool   // newest first, else oldest first
	After   int64  // only entries behind this number in the order asked for; 0: all
	Limit   int    // at most; 0: all
}

// Known reports whether the act is on the list.
func (a Act) Known() bool { return slices.Contains(Acts(), a) }
