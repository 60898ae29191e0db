package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
)

// Audit reads the audit log. It is for operators and auditors.
type Audit interface {
	Audit(ctx context.Context, q audit.Query) ([]audit.Entry, error)
	AuditHead(ctx context.Context) (audit.Head, error)
}

// auditShown is how much a page of the audit log holds where nothing else is said.
const auditShown = 100

// AuditView is an audit entry as it is shown, here and by `varsel audit list`.
type AuditView struct {
	Number   int64           `json:"number"`
	At       string          `json:"at"` // RFC 3339
	Actor    string          `json:"actor"`
	Act      audit.Act       `json:"act"`
	Subject  string          `json:"subject"`
	Detail   json.RawMessage `json:"detail,omitempty"`
	Position int64           `json:"position,omitempty"` // of the last revision it made, in the event log
	MAC      string          `json:"mac"`
}

// ViewAudit shows an entry.
func ViewAudit(e *audit.Entry) AuditView {
	return AuditView{
		Number: e.Number, At: instant(e.At), Actor: e.Actor, Act: e.Act, Subject: e.Subject, Detail: e.Detail, Position: e.Position, MAC: e.MAC.String(),
	}
}

func (a *api) listAudit(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "actor", "act", "subject", "from", "to", "order", "after", "limit")
	wanted := audit.Query{
		Actor: q.text("actor"), Act: q.act("act"), Subject: q.text("subject"), From: q.time("from"), To: q.time("to"),
		Newest: q.oneOf("order", "newest", "oldest") != "oldest", After: q.auditCursor("after"), Limit: int(q.within("limit", 1, pageMost, auditShown)),
	}
	if err := q.err(); err != nil {
		return err
	}
	wanted.Limit++ // one more tells whether there is a next page
	entries, err := a.Audit.Audit(r.Context(), wanted)
	if err != nil {
		return err
	}
	page := page[AuditView]{Items: make([]AuditView, 0, len(entries))}
	if len(entries) == wanted.Limit {
		entries = entries[:len(entries)-1]
		page.Next = auditCursor(entries[len(entries)-1].Number)
	}
	for i := range entries {
		page.Items = append(page.Items, ViewAudit(&entries[i]))
	}
	return respond(w, http.StatusOK, page)
}

// auditHeadView is the end of the audit log.
type auditHeadView struct {
	Number int64  `json:"number"` // of its last entry
	MAC    string `json:"mac"`    // that seals it, and through it all before
}

func (a *api) getAuditHead(w http.ResponseWriter, r *http.Request) error {
	head, err := a.Audit.AuditHead(r.Context())
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, auditHeadView{head.Number, head.MAC.String()})
}

// auditCursor names an entry to go on behind. Entries are never removed, so it never grows old.
func auditCursor(number int64) string { return "a" + strconv.FormatInt(number, 36) }

func (q *query) auditCursor(name string) int64 {
	text := q.text(name)
	if text == "" {
		return 0
	}
	number, err := strconv.ParseInt(strings.TrimPrefix(text, "a"), 36, 64)
	if err != nil || number < 1 || auditCursor(number) != text {
		q.refuse("query:"+name, "cursor", "want the next of the page before, as it stands there")
	}
	return number
}

// act is the name of an act.
func (q *query) act(name string) audit.Act {
	act := audit.Act(q.text(name))
	if act != "" && !act.Known() {
		q.refuse("query:"+name, "enum", "there is no such act; docs/audit.md lists them")
	}
	return act
}

// time is a moment in µs UTC; 0 when it is not there.
func (q *query) time(name string) int64 {
	text := q.text(name)
	if text == "" {
		return 0
	}
	us, ok := event.ParseTime(text)
	if !ok {
		q.refuse("query:"+name, "time", "want a time as RFC 3339 writes it, such as 2026-03-01T12:00:00Z")
	}
	return us
}
