package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Receipt is a system's confirmation of one message. It is kept for 30 days.
type Receipt struct {
	System   string    `json:"system"`
	BeskedID string    `json:"beskedID"` // the message's id
	Position int64     `json:"position"` // of the event
	Type     string    `json:"type"`
	Received time.Time `json:"received"`
}

// RevealedReceipt is a receipt with what it is about.
type RevealedReceipt struct {
	Receipt
	ObjektID []string `json:"objektID"` // of the objects that the message was about
	Text     string   `json:"text,omitempty"`
	Erased   bool     `json:"erased,omitempty"` // a person was erased who may be named: nothing else is known
}

// OverdueReceipt is a delivery whose receipt is required and has not come in time.
type OverdueReceipt struct {
	System    string    `json:"system"`
	Consumer  string    `json:"consumer"`
	BeskedID  string    `json:"beskedID"`
	Position  int64     `json:"position"`
	Type      string    `json:"type"`
	Delivered time.Time `json:"delivered"`
	Due       time.Time `json:"due"`
}

// SendReceipts confirms messages by their ids, all or none. system is whose receipts they are, "" that of the caller's which
// had the messages. A second receipt for a message is answered as the first.
// Errors: CodeNotFound for a message that was not delivered to such a system; CodeInvalidDocument.
func (c *Client) SendReceipts(ctx context.Context, system string, messages []string, text string) ([]Receipt, error) {
	asked := struct {
		BeskedID []string `json:"beskedID"`
		System   string   `json:"system,omitempty"`
		Text     string   `json:"text,omitempty"`
	}{messages, system, text}
	var answer struct {
		Items []Receipt `json:"items"`
	}
	_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"receipts"}, repeatable: true}, asked, &answer)
	return answer.Items, err
}

// ReceiptFilter says which receipts to list. What is left empty selects all.
type ReceiptFilter struct {
	System  string
	Message string    // its id
	From    time.Time // received at or after
	To      time.Time // and before
	After   string    // Next of the page before
	Limit   int       // 1 to 1000; 0: 200
}

// Receipts is a page of receipts.
type Receipts struct {
	Items []Receipt `json:"items"`
	Next  string    `json:"next,omitempty"` // empty: there is no more
}

// Receipts lists receipts, newest first.
func (c *Client) Receipts(ctx context.Context, f ReceiptFilter) (Receipts, error) {
	values := paged(f.System, f.After, f.Limit)
	if f.Message != "" {
		values.Set("message", f.Message)
	}
	if !f.From.IsZero() {
		values.Set("from", f.From.Format(time.RFC3339Nano))
	}
	if !f.To.IsZero() {
		values.Set("to", f.To.Format(time.RFC3339Nano))
	}
	var page Receipts
	_, err := c.call(ctx, request{method: http.MethodGet, path: []string{"receipts"}, query: values, repeatable: true}, &page)
	return page, err
}

func paged(system, after string, limit int) url.Values {
	values := url.Values{}
	if system != "" {
		values.Set("system", system)
	}
	if after != "" {
		values.Set("after", after)
	}
	if limit != 0 {
		values.Set("limit", strconv.Itoa(limit))
	}
	return values
}

// OverdueReceipts is a page of what is overdue, in order of position.
type OverdueReceipts struct {
	Items []OverdueReceipt `json:"items"`
	Next  string           `json:"next,omitempty"` // also where this page is empty; empty: there is no more
}

// OverdueReceipts lists deliveries, to one system or with "" to all, whose receipts have not come in time.
func (c *Client) OverdueReceipts(ctx context.Context, system, after string, limit int) (OverdueReceipts, error) {
	var page OverdueReceipts
	_, err := c.call(ctx, request{method: http.MethodGet, path: []string{"receipts", "overdue"}, query: paged(system, after, limit), repeatable: true}, &page)
	return page, err
}

// RevealReceipts tells what the receipts for a message are about. The reason is kept in the audit log.
// Error: CodeNotFound.
func (c *Client) RevealReceipts(ctx context.Context, message, reason string) ([]RevealedReceipt, error) {
	var answer struct {
		Items []RevealedReceipt `json:"items"`
	}
	asked := struct {
		Reason string `json:"reason"`
	}{reason}
	_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"receipts", message, "reveal"}}, asked, &answer)
	return answer.Items, err
}
