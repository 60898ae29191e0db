package eventlog

import (
	"encoding/json"

	"github.com/varselhub/varsel/internal/fault"
)

// RowsOf are rows of one entity type that one delivery of a register made, and events that were to follow from it, by their
// numbers in the register. A number is of a history: after a restore it is given to another row, by a delivery that was
// begun at another time.
type RowsOf struct {
	Register string
	Type     string // ""; they are events to be
	Delivery int64  // its number,
	Begun    int64  // and when it was begun, µs UTC
	Rows     []int64
	Outgoing []int64
}

// Withdrawn are events of one register that follow from its deliveries and are not to be any more.
type Withdrawn struct {
	Register       string
	Source, Stream string  // the stream that they are read from: none of them is in the log
	Numbers        []int64 // rising
}

// CountRows is how many rows these are, and how many events that were to be.
func CountRows(list []RowsOf) (rows, outgoing int) {
	for i := range list {
		rows += len(list[i].Rows)
		outgoing += len(list[i].Outgoing)
	}
	return rows, outgoing
}

// rowsOf is RowsOf as it is written.
type rowsOf struct {
	Register string `json:"register"`
	Type     string `json:"type,omitempty"`
	Delivery int64  `json:"delivery"`
	Begun    int64  `json:"begun"`
	Rows     []byte `json:"rows,omitempty"` // AppendPositions
	Outgoing []byte `json:"outgoing,omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (r RowsOf) MarshalJSON() ([]byte, error) {
	return json.Marshal(rowsOf{r.Register, r.Type, r.Delivery, r.Begun, AppendPositions(nil, r.Rows), AppendPositions(nil, r.Outgoing)})
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *RowsOf) UnmarshalJSON(text []byte) error {
	var w rowsOf
	err := json.Unmarshal(text, &w)
	if err != nil {
		return err
	}
	*r = RowsOf{Register: w.Register, Type: w.Type, Delivery: w.Delivery, Begun: w.Begun}
	if r.Rows, err = ParsePositions(w.Rows); err != nil {
		return err
	}
	r.Outgoing, err = ParsePositions(w.Outgoing)
	return err
}

// FormatRows writes rows for the store; "" for none.
func FormatRows(list []RowsOf) string {
	if len(list) == 0 {
		return ""
	}
	text, _ := json.Marshal(list) // texts and numbers
	return string(text)
}

// ParseRows reads what FormatRows wrote.
// Error: fault.SealBroken for anything else.
func ParseRows(text string) (list []RowsOf, err error) {
	if text == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fault.Wrap(fault.SealBroken, err, "an erasure's rows are not as they were written")
	}
	return list, nil
}
