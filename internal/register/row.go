package register

import (
	"math"
	"strconv"
	"strings"
	"unicode"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Open is the end of an interval that has none.
const Open = math.MaxInt64

// Interval is a time from one instant to another, in µs UTC: From is in it and To is not.
type Interval struct{ From, To int64 }

// Holds reports whether an instant is in the interval.
func (i Interval) Holds(us int64) bool { return i.From <= us && us < i.To }

// Overlaps reports whether two intervals have an instant in common.
func (i Interval) Overlaps(o Interval) bool { return i.From < o.To && o.From < i.To }

// Row is what a register knew about an object for some time, from one instant to another.
type Row struct {
	Number       int64 // in its register, in the order of the deliveries; the store sets it
	Type         string
	ID           Handle   // the row's own, unique within its type
	Object       Handle   // the object's
	Registration Interval // when it was known; the store ends it by a closing
	Effect       Interval // when it was so
	Data         []byte   // one JSON object of the columns that are kept, each a text as it was delivered
	Persons      []Naming // whom it names; of a row that is read nil
	Erased       bool     // with a person that it named: Data says nothing but its times
}

// Closing ends the registration of a row: it is not known any more from then on (F8, F10).
type Closing struct {
	Type string
	Row  Handle
	At   int64  // µs UTC
	Text string // At as it was delivered
}

// Handle is what a row or an object is found by: a keyed hash of what tells it apart, for that may be a person's number, and
// stands in clear in Data alone.
type Handle = event.Clue

// Handler makes handles. *event.Hasher is one.
type Handler interface {
	Clue(kind event.ClueKind, value string) event.Clue
}

// RowHandle is the handle of a row, by the value of the column that tells the type's rows apart.
func (r *Register) RowHandle(h Handler, t *EntityType, id string) Handle {
	return h.Clue(event.ClueRow, Key(r.Name, t.Name, id))
}

// ObjectHandle is the handle of an object, by the values of its columns, in order.
func (r *Register) ObjectHandle(h Handler, t *EntityType, values ...string) Handle {
	return h.Clue(event.ClueObject, Key(append([]string{r.Name, t.Name}, values...)...))
}

// separator stands between the values of a key. It can be in none: XML 1.0 has no such character (section 2.2).
const separator = "\x1f"

// Key joins values so that no other values join to the same.
func Key(values ...string) string { return strings.Join(values, separator) }

// Check reports which rule of bitemporal data a row breaks by itself: its intervals begin before they end (4b).
func (r *Row) Check() *fault.Violation {
	switch {
	case r.Registration.From >= r.Registration.To:
		return &fault.Violation{Pointer: "/" + RegistrationTo, Rule: "interval", Message: "is not after " + RegistrationFrom}
	case r.Effect.From >= r.Effect.To:
		return &fault.Violation{Pointer: "/" + EffectTo, Rule: "interval", Message: "is not after " + EffectFrom}
	}
	return nil
}

// Clashes reports whether two rows of an object say two things at once: both are known at one time about one time (4b).
func (r *Row) Clashes(o *Row) bool {
	return r.ID != o.ID && r.Registration.Overlaps(o.Registration) && r.Effect.Overlaps(o.Effect)
}

// Known reports whether the row was known at one instant about another.
func (r *Row) Known(registered, effective int64) bool {
	return r.Registration.Holds(registered) && r.Effect.Holds(effective)
}

// isName reports whether a text can be the local name of an element that we take: letters of any script, digits, _, - and .
func isName(text string) bool {
	if text == "" || len(text) > maxName {
		return false
	}
	for i, r := range text {
		if unicode.IsLetter(r) || r == '_' || i > 0 && (unicode.IsDigit(r) || r == '-' || r == '.') {
			continue
		}
		return false
	}
	return true
}

func pointer(list string, i int) string { return list + "/" + strconv.Itoa(i) }
