package register

import (
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// refusal says why a text is not of the type; "" when it is.
func (c ColumnType) refusal(text string, zone *time.Location) string {
	switch c {
	case Integer:
		if !isInteger(text) {
			return "want an integer"
		}
	case Decimal:
		if !isDecimal(text) {
			return "want a decimal number, with a point"
		}
	case Boolean:
		if text != "true" && text != "false" && text != "1" && text != "0" {
			return "want true, false, 1 or 0"
		}
	case Instant:
		if _, ok := ParseInstant(text, zone); !ok {
			return "want a time such as 2016-08-07T02:10:00.000000, with an offset or Z, or as the clock showed it in " + zone.String()
		}
	case Date:
		if _, ok := parseDate(text); !ok {
			return "want a date such as 2016-08-07"
		}
	case UUID:
		if !isUUID(text) {
			return "want a UUID of 36 characters"
		}
	case Geometry:
		if !isWKT(text) {
			return "want a geometry as WKT or GML"
		}
	case Text:
	}
	return ""
}

func isInteger(text string) bool {
	text = unsigned(text)
	return text != "" && strings.Trim(text, "0123456789") == ""
}

func isDecimal(text string) bool {
	whole, fraction, _ := strings.Cut(unsigned(text), ".")
	return isInteger("+"+whole+fraction) && whole+fraction != ""
}

// unsigned is a number without its sign. Two signs are one too many, and stay.
func unsigned(text string) string {
	if text != "" && (text[0] == '+' || text[0] == '-') {
		return text[1:]
	}
	return text
}

func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i, c := range []byte(text) {
		switch dash := i == 8 || i == 13 || i == 18 || i == 23; {
		case dash != (c == '-'):
			return false
		case !dash && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'):
			return false
		}
	}
	return true
}

// isWKT looks at the first word of a geometry.
func isWKT(text string) bool {
	end := strings.IndexFunc(text, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') })
	if end < 0 {
		return false
	}
	switch strings.ToUpper(text[:end]) {
	case "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION":
		return true
	}
	return false
}

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
