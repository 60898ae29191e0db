package event

import (
	"time"

	"github.com/varselhub/varsel/internal/clock"
)

// ParseTime reads an RFC 3339 time as µs UTC; finer digits are cut off. It refuses what package time lets pass
// although RFC 3339 section 5.6 does not: a comma before the fraction and one-digit hours.
func ParseTime(text string) (us int64, ok bool) {
	const shortest = len("2006-01-02T15:04:05Z")
	if len(text) < shortest || text[13] != ':' || text[16] != ':' || text[19] == ',' {
		return 0, false
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, false
	}
	return clock.Micros(t), true
}

// AppendTime appends µs UTC as RFC 3339 with six digits and Z.
func AppendTime(dst []byte, us int64) []byte {
	t := clock.FromMicros(us)
	dst = t.AppendFormat(dst, time.RFC3339) // which package time writes without reading the layout
	dst[len(dst)-1] = '.'
	for unit, micros := 100_000, t.Nanosecond()/1000; unit > 0; unit /= 10 {
		dst = append(dst, byte('0'+micros/unit%10))
	}
	return append(dst, 'Z')
}
