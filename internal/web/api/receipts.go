package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/receipt"
	"github.com/varselhub/varsel/internal/retention"
)

// receiptsAt is where receivers of Datafordeleren's messages send receipts: beside EventMessages, and ours to define
// (requirements 4c, 9). It is POST /api/v1/receipts at another address.
const receiptsAt = "POST /system/EventReceipts/1.0.0"

// Receipts take in what receivers confirm, and tell of it. acts says which systems are meant.
type Receipts interface {
	Take(ctx context.Context, system string, acts func(system string) bool, messages []ident.UUID, text string) ([]eventlog.Receipt, error)
	List(ctx context.Context, q eventlog.ReceiptQuery) ([]eventlog.Receipt, error)
	Overdue(ctx context.Context, acts func(system string) bool, after int64, limit int) (list []receipt.Overdue, upTo int64, more bool, err error)
	Reveal(ctx context.Context, actor string, acts func(system string) bool, message ident.UUID, reason string) ([]eventlog.Receipt, error)
}

// receiptRequest confirms messages.
type receiptRequest struct {
	BeskedID []string `json:"beskedID"`         // the messages' ids
	System   string   `json:"system,omitempty"` // whose receipt it is; left out: that of your system that had the message
	Text     string   `json:"text,omitempty"`   // at most 1000 bytes
}

// ReceiptView is a receipt without what it is about.
type ReceiptView struct {
	System   string `json:"system"`
	BeskedID string `json:"beskedID"`
	Position int64  `json:"position"` // of the event
	Type     string `json:"type"`
	Received string `json:"received"` // the first one, RFC 3339
}

// RevealedReceipt is a receipt with what it is about.
type RevealedReceipt struct {
	ReceiptView
	ObjektID []string `json:"objektID"` // of the objects that the message was about
	Text     string   `json:"text,omitempty"`
	Erased   bool     `json:"erased,omitempty"` // a person was erased who may be named: nothing else is known
}

// OverdueView is a delivery whose receipt has not come.
type OverdueView struct {
	System    string `json:"system"`
	Consumer  string `json:"consumer"`
	BeskedID  string `json:"beskedID"`
	Position  int64  `json:"position"`
	Type      string `json:"type"`
	Delivered string `json:"delivered"` // RFC 3339
	Due       string `json:"due"`       // when the receipt was to be there at the latest
}

func viewReceipt(r *eventlog.Receipt) ReceiptView {
	return ReceiptView{System: r.System, BeskedID: r.Message.String(), Position: r.Position, Type: r.Type, Received: instant(r.At)}
}

func everySystem(string) bool { return true }

// acting is which systems a request is about: every one, or with own the principal's.
func acting(r *http.Request, own bool) func(string) bool {
	if own {
		return principal(r).ActsFor
	}
	return everySystem
}

func (a *api) takeReceipts(own bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var document receiptRequest
		if err := a.readDocument(w, r, &document); err != nil {
			return err
		}
		messages, err := document.messages()
		if err != nil {
			return err
		}
		taken, err := a.Receipts.Take(r.Context(), document.System, acting(r, own), messages, document.Text)
		if err != nil {
			return err
		}
		answer := list[ReceiptView]{Items: make([]ReceiptView, 0, len(taken))}
		for i := range taken {
			answer.Items = append(answer.Items, viewReceipt(&taken[i]))
		}
		return respond(w, http.StatusOK, answer)
	}
}

func (d *receiptRequest) messages() ([]ident.UUID, error) {
	var found []fault.Violation
	refuse := func(pointer, rule, message string) {
		found = append(found, fault.Violation{Pointer: pointer, Rule: rule, Message: message})
	}
	if len(d.BeskedID) == 0 || len(d.BeskedID) > receipt.MostMessages {
		refuse("/beskedID", "size", "want the ids of 1 to 1000 messages")
		return nil, fault.Invalid(fault.InvalidDocument, found)
	}
	if len(d.Text) > receipt.MostText {
		refuse("/text", "length", "at most 1000 bytes")
	}
	messages := make([]ident.UUID, 0, len(d.BeskedID))
	for i, text := range d.BeskedID {
		id, err := ident.Parse(text)
		if err != nil {
			refuse("/beskedID/"+strconv.Itoa(i), "uuid", "is no message id: those are UUIDs")
		}
		messages = append(messages, id)
	}
	return messages, fault.Invalid(fault.InvalidDocument, found)
}

// systemOf reads whose receipts are asked for. Who has several systems names one.
func (q *query) systemOf(r *http.Request, own bool) string {
	system := q.text("system")
	if !own || system != "" {
		return system
	}
	if systems := principal(r).Systems; len(systems) == 1 {
		return systems[0]
	}
	q.refuse("system", "required", "you have several systems; name one")
	return ""
}

func (a *api) listReceipts(own bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		q := queryOf(r, paging("system", "message", "from", "to")...)
		asked := eventlog.ReceiptQuery{System: q.systemOf(r, own), From: q.time("from"), To: q.time("to")}
		if text := q.text("message"); text != "" {
			var err error
			if asked.Message, err = ident.Parse(text); err != nil {
				q.refuse("message", "uuid", "is no message id: those are UUIDs")
			}
		}
		at := q.place(pageShown, pageMost)
		asked.After, asked.Limit = q.receipt(at.after), at.limit+1
		if err := q.err(); err != nil {
			return err
		}
		if own && !principal(r).ActsFor(asked.System) {
			return fault.New(fault.NotFound, "you have no system of that name")
		}
		found, err := a.Receipts.List(r.Context(), asked)
		if err != nil {
			return err
		}
		answer := page[ReceiptView]{Items: []ReceiptView{}}
		for i := range found {
			if i == at.limit {
				last := &found[i-1]
				answer.Next = cursorOf(keyed(strconv.FormatInt(last.At, 10), last.System, last.Message.String()))
				break
			}
			answer.Items = append(answer.Items, viewReceipt(&found[i]))
		}
		return respond(w, http.StatusOK, answer)
	}
}

// receipt reads the key of the last receipt of a page; nil for the first page.
func (q *query) receipt(key string) *eventlog.Receipt {
	if key == "" {
		return nil
	}
	parts := strings.Split(key, "\x00")
	if len(parts) == 3 {
		at, failed := strconv.ParseInt(parts[0], 10, 64)
		id, err := ident.Parse(parts[2])
		if failed == nil && err == nil {
			return &eventlog.Receipt{At: at, System: parts[1], Message: id}
		}
	}
	q.refuse("after", "cursor", "is no cursor of this list")
	return nil
}

func (a *api) listOverdue(own bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		q := queryOf(r, paging("system")...)
		system, at := q.text("system"), q.place(pageShown, pageMost)
		after := int64(0)
		if at.after != "" {
			var err error
			if after, err = strconv.ParseInt(at.after, 10, 64); err != nil || after < 0 {
				q.refuse("after", "cursor", "is no cursor of this list")
			}
		}
		if err := q.err(); err != nil {
			return err
		}
		acts := acting(r, own)
		if system != "" && !acts(system) {
			return fault.New(fault.NotFound, "you have no system of that name")
		}
		found, upTo, more, err := a.Receipts.Overdue(r.Context(), func(name string) bool { return acts(name) && (system == "" || name == system) }, after, at.limit)
		if err != nil {
			return err
		}
		answer := page[OverdueView]{Items: []OverdueView{}}
		for _, o := range found {
			answer.Items = append(answer.Items, OverdueView{
				System: o.System, Consumer: o.Consumer, BeskedID: o.Message.String(), Position: o.Position, Type: o.Type, Delivered: instant(o.Delivered), Due: instant(o.Since),
			})
		}
		if more {
			answer.Next = cursorOf(strconv.FormatInt(upTo, 10))
		}
		return respond(w, http.StatusOK, answer)
	}
}

func (a *api) revealReceipts(own bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var document revealRequest
		err := a.readDocument(w, r, &document)
		if err == nil {
			err = retention.CheckReason(document.Reason, "")
		}
		if err != nil {
			return err
		}
		id, err := ident.Parse(r.PathValue("message"))
		if err != nil {
			return fault.New(fault.NotFound, "there is no receipt for that message")
		}
		found, err := a.Receipts.Reveal(r.Context(), a.Author(r), acting(r, own), id, document.Reason)
		if err != nil {
			return err
		}
		answer := list[RevealedReceipt]{Items: make([]RevealedReceipt, 0, len(found))}
		for i := range found {
			one := RevealedReceipt{ReceiptView: viewReceipt(&found[i]), ObjektID: found[i].Objects, Text: found[i].Text, Erased: found[i].Erased}
			if one.ObjektID == nil {
				one.ObjektID = []string{}
			}
			answer.Items = append(answer.Items, one)
		}
		return respond(w, http.StatusOK, answer)
	}
}
