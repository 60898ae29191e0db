// Package ident makes and reads the hub's identifiers (DESIGN section 5, "expensive to change").
package ident

import (
	"crypto/sha1"
	"encoding/hex"

	"github.com/google/uuid"
)

// UUID is a 16 byte identifier; its text form is lower-case RFC 9562.
type UUID = uuid.UUID

// messageSpace is the UUIDv5 name space of message ids that are derived from source and id.
var messageSpace = uuid.MustParse("6f5d3c1e-8a4b-5b7e-9c55-76617273656c")

// New returns a UUIDv7: resources sort by the time they were made.
func New() UUID { return uuid.Must(uuid.NewV7()) }

// Message returns the message id of an event whose type maps none: UUIDv5 of source and id. It is the same on every
// node and every day, so a retry, a replay and a second publish of one event carry one webhook-id.
func Message(source, id string) UUID {
	var usual [256]byte // nearly every name fits, and then nothing is allocated, which uuid.NewSHA1 does four times
	name := append(usual[:0], messageSpace[:]...)
	name = append(name, source...)
	name = append(name, 0)
	name = append(name, id...)
	sum := sha1.Sum(name)
	m := UUID(sum[:16])
	m[6] = m[6]&0x0f | 0x50 // version 5 (RFC 9562 section 5.5)
	m[8] = m[8]&0x3f | 0x80 // variant
	return m
}

// Parse reads a UUID in its 36 character form and refuses every other form that the library would take.
func Parse(text string) (UUID, error) {
	if len(text) != 36 {
		return UUID{}, errForm
	}
	return uuid.Parse(text)
}

// Append appends an id's text form.
func Append(dst []byte, id UUID) []byte {
	from := 0
	for _, to := range [...]int{4, 6, 8, 10, 16} {
		if from > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, id[from:to])
		from = to
	}
	return dst
}

type formError string

func (e formError) Error() string { return string(e) }

const errForm = formError("want a UUID of 36 characters, such as 019b1f2e-0000-7000-8000-000000000000")
