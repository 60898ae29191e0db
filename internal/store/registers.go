package store

import (
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// What both stores of registers' rows have in common. Rows, closings and events to be are seen when they are not of the
// delivery that is being staged. Of one register that is one at most (an index sees to it), and numbers rise from delivery to
// delivery: its rows and events are those behind RegisterView.Rows and RegisterView.Outgoing.

// RegisterView is what is seen of a register.
type RegisterView struct {
	N        int64 // registers.n; 0: there is no such register
	Hidden   int64 // the number of the delivery that is being staged; 0: none
	Rows     int64 // the last row that is seen
	Outgoing int64 // and the last event to be
}

// For is the view of one who sees what a delivery has staged as well.
func (v RegisterView) For(delivery int64) RegisterView {
	if v.Hidden == delivery {
		v.Hidden, v.Rows, v.Outgoing = 0, register.Open, register.Open
	}
	return v
}

// RegisterKind is an entity type that a register has delivered.
type RegisterKind struct {
	N    int64 // register_types.n
	Name string
}

// Registers and their deliveries.
const (
	RegisterSeen = `SELECT r.n, coalesce(d.number, 0), coalesce(d.row_after, r.last_row), coalesce(d.outgoing_after, r.last_outgoing)
		FROM registers r LEFT JOIN register_deliveries d ON d.register = r.n AND d.state = 'staging' WHERE r.name = $1`
	RegisterTypes = "SELECT n, name FROM register_types WHERE register = $1 ORDER BY n"
	RegisterType  = "SELECT n FROM register_types WHERE register = $1 AND name = $2"

	deliveryColumns = "SELECT number, id, state, staged, digest, rows, closed, events, begun, ended, reason FROM register_deliveries "
	DeliveryNamed   = deliveryColumns + "WHERE register = $1 AND id = $2"
	DeliveriesBelow = deliveryColumns + "WHERE register = $1 AND number < $2 ORDER BY number DESC LIMIT $3"
	DeliveryBegun   = `INSERT INTO register_deliveries
		(register, number, id, state, row_after, outgoing_after, staged, digest, rows, closed, events, begun, ended, reason)
		SELECT n, last_delivery, $1, 'staging', last_row, last_outgoing, 0, $2, 0, 0, 0, $3, 0, '' FROM registers WHERE n = $4`
	// DeliveryForgotten makes room for one that comes again under its id.
	DeliveryForgotten = "DELETE FROM register_deliveries WHERE register = $1 AND number = $2 AND state = 'refused'"

	// What follows is done by whoever finds the delivery as it knows it, and by nobody else.
	staging           = " AND state = 'staging' AND reason = '' "
	DeliveryStaged    = "UPDATE register_deliveries SET staged = $1, digest = $2, rows = $3, closed = $4, events = $5 WHERE register = $6 AND number = $7 AND staged = $8" + staging
	DeliveryCommitted = `UPDATE register_deliveries SET state = CASE WHEN EXISTS (SELECT 1 FROM register_outgoing o
			WHERE o.register = register_deliveries.register AND o.number > register_deliveries.outgoing_after) THEN 'committed' ELSE 'published' END, ended = $1
		WHERE register = $2 AND number = $3 AND staged = $4` + staging
	DeliveryRefusing = "UPDATE register_deliveries SET reason = $1 WHERE register = $2 AND number = $3 AND state = 'staging'"
	DeliveryRefused  = "UPDATE register_deliveries SET state = 'refused', ended = $1 WHERE register = $2 AND number = $3 AND state = 'staging' AND reason <> ''"
	// DeliveriesPublished: numbers rise from delivery to delivery, so those before the first that has an event outgoing have
	// none. The plus has SQLite go through those that are committed, which are few, and not through all there ever were.
	DeliveriesPublished = `UPDATE register_deliveries SET state = 'published' WHERE state = 'committed' AND +register = $1
		AND number < coalesce((SELECT delivery FROM register_outgoing WHERE register = $1 ORDER BY number LIMIT 1), 9223372036854775807)`
)

// What a refused delivery has staged goes some at a time: those behind a number, or with it, in order.
const (
	DropRows = `DELETE FROM register_rows WHERE type = $1 AND number > $2 AND number <= (SELECT max(n.number) FROM
		(SELECT number FROM register_rows WHERE type = $1 AND number > $2 ORDER BY number LIMIT $3) n)`
	DropClosings = `DELETE FROM register_closings WHERE register = $1 AND delivery = $2 AND number <= (SELECT max(n.number) FROM
		(SELECT number FROM register_closings WHERE register = $1 AND delivery = $2 ORDER BY number LIMIT $3) n)`
	DropOutgoing = `DELETE FROM register_outgoing WHERE register = $1 AND number > $2 AND number <= (SELECT max(n.number) FROM
		(SELECT number FROM register_outgoing WHERE register = $1 AND number > $2 ORDER BY number LIMIT $3) n)`
)

// Events to be.
const (
	Outgoing     = "SELECT number, delivery, key, sealed FROM register_outgoing WHERE register = $1 AND number > $2 AND number <= $3 ORDER BY number LIMIT $4"
	OutgoingSent = "DELETE FROM register_outgoing WHERE register = $1 AND number <= $2"
)

// ClosedTo is when the registration of a row ends: as it was delivered, or earlier, by a closing; of the register $1, and with
// but $2 of no delivery that is hidden. It is a look-up for each row wherever it stands, and no join that could be made by
// reading every closing there is.
func ClosedTo(row string, hidden bool) string {
	but := ""
	if hidden {
		but = " AND c.delivery <> $2"
	}
	return strings.ReplaceAll("coalesce((SELECT c.at FROM register_closings c WHERE c.register = $1 AND c.number = r.number"+but+" AND c.at < r.registered_to), r.registered_to)", "r.", row+".")
}

// RowColumns is how many columns a row has when it is read.
const RowColumns = 9

func rowColumns(row string, hidden bool) string {
	columns := []string{"number", "id", "object", "registered_from", "", "effect_from", "effect_to", "key", "sealed"}
	for i, column := range columns {
		columns[i] = row + "." + column
	}
	columns[4], columns[7] = ClosedTo(row, hidden), "coalesce("+columns[7]+", 0)" // an erased row has no key
	return strings.Join(columns, ", ")
}

// The rows of a type as they are seen: $1 is the register, $2 the delivery that is hidden.
var (
	rowsSeen = "SELECT " + rowColumns("r", true) + " FROM register_rows r WHERE r.type = $3 "
	// RowByID is the row of a handle.
	RowByID = rowsSeen + "AND r.id = $4 AND r.number <= $5"
	// RowsByID are those of an array of handles, which PostgreSQL alone has.
	RowsByID = rowsSeen + "AND r.id = ANY ($4) AND r.number <= $5 ORDER BY r.number"
)

// Clashes has the rows of a type in a range of numbers, and with each what it clashes with before it. Where the engine would
// join them by reading every row there is, as PostgreSQL does when its statistics are older than what was delivered, lateral
// has it look up those of each row's object.
func Clashes(lateral bool) string {
	join := "JOIN register_rows b ON b.type = a.type AND b.object = a.object AND b.number < a.number"
	if lateral {
		join = "CROSS JOIN LATERAL (SELECT * FROM register_rows o WHERE o.type = a.type AND o.object = a.object AND o.number < a.number OFFSET 0) b"
	}
	return "SELECT " + rowColumns("a", false) + ", " + rowColumns("b", false) + " FROM register_rows a " + join + `
		WHERE a.type = $2 AND a.number > $3 AND a.number <= $4 AND a.effect_from < b.effect_to AND b.effect_from < a.effect_to
			AND a.registered_from < ` + ClosedTo("b", false) + " AND b.registered_from < " + ClosedTo("a", false) + `
		ORDER BY a.number, b.number LIMIT $5`
}

// RowUpTo is the number of the row that is so many rows of a type behind one.
const RowUpTo = "SELECT number FROM register_rows WHERE type = $1 AND number > $2 AND number <= $3 ORDER BY number LIMIT 1 OFFSET $4"

// ToClose are the columns of a row that is to be closed: its number, when its registration begins and ends as it stands, with
// what is staged, and how many closings it has.
var ToClose = "r.number, r.registered_from, " + ClosedTo("r", false) + ", (SELECT count(*) FROM register_closings c WHERE c.register = $1 AND c.number = r.number)"

// RowToClose is the row of a handle.
var RowToClose = "SELECT " + ToClose + " FROM register_rows r WHERE r.type = $2 AND r.id = $3"

// What a read of rows looks at, at most, in one call: however rare those are that it asks for, it ends soon, and is gone on
// with behind what it looked at.
const (
	RowsLookedAt    = 10_000
	ClashesLookedAt = 1_000
)

// RowsKnown is the statement for a query of a type's rows, and its arguments in order: int64 and register.Handle. Rows of one
// object are few, and read whatever their numbers are: what is hidden of them is told by their delivery, for with a bound
// both ways SQLite would rather go through the numbers of all objects. Of all objects they are read up to a number.
func RowsKnown(q *register.Query, v RegisterView, kind, upTo int64) (query string, args []any) {
	text, args := strings.Builder{}, []any{v.N, v.Hidden, kind, q.After}
	text.WriteString(rowsSeen)
	parameter := func(value any) string {
		args = append(args, value)
		return "$" + strconv.Itoa(len(args))
	}
	text.WriteString("AND r.number > $4 AND ")
	if q.Object != (register.Handle{}) {
		text.WriteString("r.delivery <> $2 AND r.object = " + parameter(q.Object))
	} else {
		text.WriteString("r.number <= " + parameter(upTo))
	}
	if !q.History {
		text.WriteString(strings.ReplaceAll(" AND r.registered_from <= $t AND r.registered_to > $t AND "+ClosedTo("r", true)+" > $t", "$t", parameter(q.Registered)))
		text.WriteString(strings.ReplaceAll(" AND r.effect_from <= $t AND r.effect_to > $t", "$t", parameter(q.Effective)))
	}
	text.WriteString(" ORDER BY r.number LIMIT " + parameter(int64(q.Limit)))
	return text.String(), args
}

// TakenRows are the violations of a batch's rows whose handles are there already: stored, or an earlier row's of the batch.
func TakenRows(rows []register.Row, stored func(i int) bool) error {
	type identity struct {
		kind string
		id   register.Handle
	}
	seen := map[identity]bool{}
	return violations("/rows/", len(rows), func(i int) (rule, message string) {
		is := identity{rows[i].Type, rows[i].ID}
		if seen[is] || stored(i) {
			return "unique", "a row of this type and identity is there already"
		}
		seen[is] = true
		return "", ""
	})
}

// ClosedRow is a row that a closing is of, as it stands.
type ClosedRow struct {
	Number   int64 // 0: there is none
	From     int64 // when its registration begins,
	To       int64 // and ends
	Closings int64 // that it has
}

// CheckClosings holds the closings of a batch against their rows. One that is of no row is refused, and one that would not
// end what is not ended already.
func CheckClosings(closings []register.Closing, rows []ClosedRow) error {
	seen := map[int64]bool{}
	return violations("/closings/", len(closings), func(i int) (rule, message string) {
		r := &rows[i]
		switch {
		case r.Number == 0:
			return "exists", "there is no such row"
		case closings[i].At <= r.From:
			return "interval", "is not after " + register.RegistrationFrom
		case r.Closings > 0 || r.To <= closings[i].At || seen[r.Number]:
			return "open", "the registration of the row has ended already"
		}
		seen[r.Number] = true
		return "", ""
	})
}

func violations(pointer string, count int, check func(i int) (rule, message string)) error {
	var found []fault.Violation
	for i := 0; i < count && len(found) < event.MaxViolations; i++ {
		if rule, message := check(i); rule != "" {
			found = append(found, fault.Violation{Pointer: pointer + strconv.Itoa(i), Rule: rule, Message: message})
		}
	}
	return fault.Invalid(fault.InvalidDocument, found)
}

// ErrDeliveryMoved is what is said of a delivery that another has changed, or that is not being staged.
func ErrDeliveryMoved() error {
	return fault.New(fault.Conflict, "the delivery stands elsewhere by now, or is not being staged any more")
}

// ErrStaging is what is said while another delivery of a register is being staged.
func ErrStaging() error {
	return fault.New(fault.Conflict, "another delivery of the register is being staged; one goes after the other")
}
