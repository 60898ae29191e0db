package store

import "github.com/varselhub/varsel/internal/register"

// Changes are the two statements that read a span of a type's rows, each in order of number: first the rows from before the
// span that it closed, then those that it made. Numbers rise from delivery to delivery, so all of the first come before all
// of the second, and together they are in order.
type Changes struct {
	register, kind int64
	before, last   int64 // the rows that the span made have numbers above the first, up to the second
	span           *register.Span
}

// RowsUpTo is the number of the last row that deliveries up to a number have made: $1 is what is said where none came after it,
// $2 the register and $3 the delivery. (SQLite numbers parameters as they come.)
const RowsUpTo = "SELECT coalesce(min(row_after), $1) FROM register_deliveries WHERE register = $2 AND number > $3"

// ChangesOf makes the statements. before and last are RowsUpTo the beginning and the end of the span.
func ChangesOf(s *register.Span, v RegisterView, kind, before, last int64) *Changes {
	return &Changes{v.N, kind, min(before, v.Rows), min(last, v.Rows), s}
}

// spanColumns are those of a row r whose registration ends as a span has it.
func spanColumns(end string) string {
	return "r.number, r.id, r.object, r.registered_from, " + end + ", r.effect_from, r.effect_to, coalesce(r.key, 0), r.sealed"
}

// The closing of a row that was made is looked up, row by row, whatever the planner thinks of joins.
var (
	rowsClosed = "SELECT " + spanColumns("CASE WHEN c.at < r.registered_to THEN c.at ELSE r.registered_to END") + `
		FROM register_closings c JOIN register_rows r ON r.type = $1 AND r.number = c.number
		WHERE c.register = $2 AND c.number > $3 AND c.number <= $4 AND c.delivery > $5 AND c.delivery <= $6 ORDER BY c.number LIMIT $7`
	rowsMade = "SELECT " + spanColumns(`coalesce((SELECT c.at FROM register_closings c
			WHERE c.register = $1 AND c.number = r.number AND c.delivery <= $2 AND c.at < r.registered_to), r.registered_to)`) + `
		FROM register_rows r WHERE r.type = $3 AND r.number > $4 AND r.number <= $5 ORDER BY r.number LIMIT $6`
)

// Closed is the first statement, and its arguments.
func (c *Changes) Closed() (query string, args []any) {
	return rowsClosed, []any{c.kind, c.register, c.span.After, c.before, c.span.Since, c.span.UpTo, int64(c.span.Limit)}
}

// Made is the second, when the first has found so many.
func (c *Changes) Made(found int) (query string, args []any) {
	return rowsMade, []any{c.register, c.span.UpTo, c.kind, max(c.span.After, c.before), c.last, int64(c.span.Limit - found)}
}
