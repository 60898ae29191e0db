package feed

import (
	"bytes"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/status"
)

// ical writes an iCalendar object line by line (RFC 5545 section 3.1).
type ical struct{ bytes.Buffer }

// foldAt is the longest that a line may be, in octets, without its end (RFC 5545 section 3.1).
const foldAt = 75

// line writes a property whose value stands as it is. A long one is folded: never within a character, which readers that
// unfold bytes would forgive and others not.
func (w *ical) line(name, value string) {
	rest := name + ":" + value
	room := foldAt
	for len(rest) > room {
		cut := room
		for cut > 0 && !utf8.RuneStart(rest[cut]) {
			cut--
		}
		w.WriteString(rest[:cut] + "\r\n ")
		rest, room = rest[cut:], foldAt-1 // the space counts
	}
	w.WriteString(rest + "\r\n")
}

// text writes a property of type TEXT.
func (w *ical) text(name, text string) { w.line(name, escapeText(text)) }

// moment writes a property of type DATE-TIME, in UTC (RFC 5545 section 3.3.5, form 2).
func (w *ical) moment(name string, t status.Time) { w.line(name, t.Time().Format("20060102T150405Z")) }

// escapeText writes TEXT (RFC 5545 section 3.3.11). What no line may have (section 3.1, CONTROL) is left out.
func escapeText(text string) string {
	var b strings.Builder
	for _, r := range unix(strings.ToValidUTF8(text, "\uFFFD")) {
		switch {
		case r == '\\' || r == ';' || r == ',':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r < ' ' && r != '\t' || r == 0x7f:
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// duration writes whole minutes (RFC 5545 section 3.3.6).
func duration(d time.Duration) string { return "PT" + strconv.Itoa(int(d/time.Minute)) + "M" }
