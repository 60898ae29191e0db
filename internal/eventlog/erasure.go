package eventlog

import (
	"encoding/binary"

	"github.com/varselhub/varsel/internal/fault"
)

// Erasure is one person's events, forgotten on demand. It holds which events those are, and nothing of the person: no
// value and no hash.
type Erasure struct {
	N         int64 // its number, from 1
	At        int64 // µs UTC
	Author    string
	Reason    string
	UpTo      int64   // the log was searched up to here
	Positions []int64 // rising
	Ended     int64   // µs UTC when nothing of them was left and the journal had it; 0: it goes on
}

// AppendPositions writes rising positions as their differences, each an unsigned varint.
func AppendPositions(to []byte, positions []int64) []byte {
	last := int64(0)
	for _, position := range positions {
		to = binary.AppendUvarint(to, uint64(position-last))
		last = position
	}
	return to
}

// ParsePositions reads what AppendPositions wrote.
// Error: fault.SealBroken for anything else.
func ParsePositions(text []byte) (positions []int64, err error) {
	last := int64(0)
	for len(text) > 0 {
		step, n := binary.Uvarint(text)
		if n <= 0 || step == 0 || step > 1<<62 || last+int64(step) < last {
			return nil, fault.New(fault.SealBroken, "an erasure's positions are not as they were written")
		}
		last += int64(step)
		positions, text = append(positions, last), text[n:]
	}
	return positions, nil
}
