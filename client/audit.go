package client

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"
	"time"
)

// AuditEntry is one act in the audit log: who did what to what.
type AuditEntry struct {
	Number   int64           `json:"number"` // its place, from 1 without gaps
	At       time.Time       `json:"at"`
	Actor    string          `json:"actor"` // "varsel" for the hub itself
	Act      string          `json:"act"`
	Subject  string          `json:"subject"` // as kind/name
	Detail   json.RawMessage `json:"detail,omitempty"`
	Position int64           `json:"position,omitempty"` // of the last revision it made; 0: none
	MAC      string          `json:"mac"`
}

// AuditFilter selects entries. Zero fields do not narrow it.
type AuditFilter struct {
	Actor   string
	Act     string
	Subject string
	From    time.Time // inclusive
	To      time.Time // exclusive
	Oldest  bool      // oldest first, else newest first
	After   string    // Next of the page before
	Limit   int       // at most 1,000; 0: 100
}

// AuditPage is a part of the audit log.
type AuditPage struct {
	Items []AuditEntry `json:"items"`
	Next  string       `json:"next,omitempty"` // "": there is no more for now
}

func (f AuditFilter) query() url.Values {
	query := given("actor", f.Actor, "act", f.Act, "subject", f.Subject, "after", f.After)
	for name, at := range map[string]time.Time{"from": f.From, "to": f.To} {
		if !at.IsZero() {
			query.Set(name, at.UTC().Format(time.RFC3339Nano))
		}
	}
	if f.Oldest {
		query.Set("order", "oldest")
	}
	if f.Limit != 0 {
		query.Set("limit", strconv.Itoa(f.Limit))
	}
	return query
}

// Audit reads a page of the audit log.
func (c *Client) Audit(ctx context.Context, f AuditFilter) (AuditPage, error) {
	page, _, err := fetch[AuditPage](ctx, c, f.query(), "audit")
	return page, err
}

// AuditHead is the end of the audit log. Kept elsewhere, it shows later that nothing before it was removed.
type AuditHead struct {
	Number int64  `json:"number"`
	MAC    string `json:"mac"`
}

// AuditHead reads the end of the audit log.
func (c *Client) AuditHead(ctx context.Context) (AuditHead, error) {
	head, _, err := fetch[AuditHead](ctx, c, nil, "audit", "head")
	return head, err
}
