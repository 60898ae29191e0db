package register

import (
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// Check reports every rule that an entity breaks by itself: what a create and an update must say and may not (F10, 4b), and
// what the type of each column wants. A ready message breaks none here.
func (e *Entity) Check(zone *time.Location) (found []fault.Violation) {
	if e.Type == nil {
		return nil
	}
	refuse := func(column, rule, message string) {
		found = append(found, e.Violation(column, rule, message))
	}
	for i := range e.Fields {
		f := &e.Fields[i]
		if e.Action == Update && !f.EventOnly && f.Name != RegistrationTo && f.Name != e.Type.Row {
			refuse(f.Name, "update", "an Update ends a registration and sets nothing else: registreringTil, and columns that only events have")
		} else if f.Empty() {
			continue
		} else if message := f.Type.refusal(f.Value, zone); message != "" {
			refuse(f.Name, "type", message)
		}
	}
	e.eachRequired(func(c *Column) {
		if f := e.fieldOf(c); f == nil || f.Empty() {
			refuse(c.Name, "required", "is missing, or says nothing")
		}
	})
	if e.Action == Create && len(found) == 0 {
		found = e.checkIntervals(zone)
	}
	return found
}

// eachRequired goes through the columns that must say something.
func (e *Entity) eachRequired(each func(*Column)) {
	for _, list := range [][]Column{e.Type.Columns, Temporal} {
		for i := range list {
			c := &list[i]
			switch e.Action {
			case Create:
				if c.Required {
					each(c)
				}
			case Update:
				if c.Name == e.Type.Row || c.Name == RegistrationTo {
					each(c)
				}
			}
		}
	}
}

func (e *Entity) fieldOf(c *Column) *Field {
	for i := range e.Fields {
		if e.Fields[i].Column == c {
			return &e.Fields[i]
		}
	}
	return nil
}

func (e *Entity) checkIntervals(zone *time.Location) []fault.Violation {
	var row Row
	e.times(&row, zone)
	if v := row.Check(); v != nil {
		return []fault.Violation{e.Violation(strings.TrimPrefix(v.Pointer, "/"), v.Rule, v.Message)}
	}
	return nil
}
