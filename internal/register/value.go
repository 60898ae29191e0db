package register

import (
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/geo"
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
		if err := checkWKT(text); err != nil {
			return "want a geometry as WKT: " + fault.Of(err).Detail
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

// checkWKT looks at a geometry that is a text.
func checkWKT(text string) error {
	if text[0] == '{' || text[0] == '<' { // which geo would read
		return fault.New(fault.InvalidGeometry, "it is something else")
	}
	_, err := geo.Parse(text)
	return err
}
