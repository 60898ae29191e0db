// Package status holds what a status site is: its sections and components, the states they are in, the notices on it,
// and what follows from them, which is the headline, a notice's impact and the uptime. It computes and checks; it keeps
// nothing and asks nobody.
//
// Read site.go (what a site is made of), state.go (the states and their severity), notice.go and update.go (what is said
// on it), headline.go and uptime.go (what follows), board.go (a site as it stands at one moment, which pages, feeds and
// the read API are made from) and told.go (the events that its changes are in the log).
package status

import (
	"crypto/rand"
	"time"
)

// Time is a moment in µs UTC; 0 is none. In documents it is RFC 3339 with the microseconds that there are.
type Time int64

// At is the Time of a moment.
func At(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMicro())
}

// Time is the moment, in UTC; the zero time for none.
func (t Time) Time() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(t)).UTC()
}

// In is the moment in a zone.
func (t Time) In(zone *time.Location) time.Time { return t.Time().In(zone) }

// Add is the moment so much later.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Microseconds()) }

// Sub is the time from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Microsecond }

// MarshalText writes RFC 3339, or nothing for none.
func (t Time) MarshalText() ([]byte, error) {
	if t == 0 {
		return nil, nil
	}
	return t.Time().AppendFormat(nil, time.RFC3339Nano), nil
}

// UnmarshalText reads RFC 3339; the empty text is none.
func (t *Time) UnmarshalText(text []byte) error {
	*t = 0
	if len(text) == 0 {
		return nil
	}
	at, err := time.Parse(time.RFC3339Nano, string(text))
	if err == nil {
		*t = Time(at.UnixMicro())
	}
	return err
}

// idLetters is what Statuspage's ids are made of; receivers of its API expect no other (reference: 1,467 recorded ids).
const idLetters = "abcdefghijklmnopqrstuvwxyz0123456789"

// idSize is the length of an id.
const idSize = 12

// NewID draws the id of a site, component, notice or update: 12 of a-z and 0-9, 62 bits.
func NewID() string {
	id, random := make([]byte, 0, idSize), make([]byte, 2*idSize)
	const fair = 256 - 256%len(idLetters) // bytes above would favour the first letters
	for len(id) < idSize {
		rand.Read(random)
		for _, b := range random {
			if int(b) < fair && len(id) < idSize {
				id = append(id, idLetters[int(b)%len(idLetters)])
			}
		}
	}
	return string(id)
}

// IsID reports whether a text has the form of an id.
func IsID(text string) bool {
	if len(text) != idSize {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}
