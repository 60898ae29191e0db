package deposit

import (
	"context"
	"strings"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// Question is what is asked of a register's rows.
type Question struct {
	Register, Type string
	Registered     *int64   // known at, µs UTC; nil: now
	Effective      *int64   // about, µs UTC; nil: now
	Object         []string // of the object with these values, in the order of its columns; nil: of all
	History        bool     // every row of Object instead
	After          int64    // rows after this number
	Limit          int
}

// Find reads rows of committed deliveries, in the order of their numbers: as they were known at one time about another (F6,
// F44b), or the whole history of one object. next is the number to go on behind; 0: that was all there is.
// Errors: fault.NotFound for register and type; fault.BadRequest.
func (d *Depositor) Find(ctx context.Context, q *Question) (rows []register.Row, next int64, err error) {
	reg, _ := d.Directory.Register(q.Register)
	if reg == nil {
		return nil, 0, fault.New(fault.NotFound, "there is no register of that name")
	}
	t := reg.Named(q.Type)
	if t == nil {
		return nil, 0, fault.New(fault.NotFound, "the register has no entity type of that name")
	}
	now := clock.Micros(d.Clock.Now())
	at := func(given *int64) int64 {
		if given == nil {
			return now
		}
		return *given
	}
	query := register.Query{
		Register: reg.Name, Type: t.Name, Registered: at(q.Registered), Effective: at(q.Effective), History: q.History, After: q.After, Limit: q.Limit,
	}
	switch {
	case q.Object != nil && len(q.Object) != len(t.Object):
		return nil, 0, fault.Invalid(fault.BadRequest, []fault.Violation{{Pointer: "query:object", Rule: "count", Message: "an object of this type is told by the values of " + strings.Join(t.Object, ", ") + ", in this order"}})
	case q.Object != nil:
		query.Object = reg.ObjectHandle(d.Handles, t, q.Object...)
	case q.History:
		return nil, 0, fault.Invalid(fault.BadRequest, []fault.Violation{{Pointer: "query:history", Rule: "object", Message: "is of one object: say which"}})
	}
	for len(rows) < q.Limit {
		query.Limit = q.Limit - len(rows)
		more, behind, err := d.Store.Rows(ctx, &query)
		if err != nil {
			return nil, 0, err
		}
		rows, next = append(rows, more...), behind
		if query.After = behind; behind == 0 {
			break
		}
	}
	return rows, next, nil
}

// Changes reads rows of committed deliveries for extracts (F43): see register.Span.
func (d *Depositor) Changes(ctx context.Context, s *register.Span) ([]register.Row, error) {
	return d.Store.Changes(ctx, s)
}
