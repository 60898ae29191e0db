package eventlog

import (
	"encoding/json"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/ident"
)

// ReceiptRetention is how long receipts are kept (F42). They are forgotten as events of that retention are.
const ReceiptRetention event.Retention = "P30D"

// Receipt is a system's confirmation that it has one message (F40 to F42). It outlasts the message. What it is about is
// sealed: an object's id may be a person's number.
type Receipt struct {
	System   string
	Message  ident.UUID // BeskedID
	Position int64      // of the event
	Type     string
	At       int64    // µs UTC; the append sets it
	Objects  []string // ids of the objects that the message was about
	Text     string   // what the receiver had to say
	Erased   bool     // a person was erased who may be named in it: Objects and Text are gone
}

// Sealed is the part of a receipt that is sealed.
func (r *Receipt) Sealed() []byte {
	text, _ := json.Marshal(receiptBody{r.Objects, r.Text}) // plain texts
	return text
}

// Unseal is the inverse of Sealed.
func (r *Receipt) Unseal(text []byte) error {
	var body receiptBody
	err := json.Unmarshal(text, &body)
	r.Objects, r.Text = body.Objects, body.Text
	return err
}

type receiptBody struct {
	Objects []string `json:"objects,omitempty"`
	Text    string   `json:"text,omitempty"`
}

// ReceiptQuery says which receipts to read, newest first. What is left empty selects all.
type ReceiptQuery struct {
	System   string
	Message  ident.UUID
	From, To int64    // received at or after, and before, in µs UTC
	After    *Receipt // the last of the page before: its At, System and Message
	Limit    int
}
