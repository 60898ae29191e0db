package eventlog

import (
	"encoding/binary"
	"slices"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Class is the events of one retention that were recorded on one day: they are forgotten together.
type Class struct {
	Retention event.Retention
	Day       int64 // UTC, since 1970-01-01
}

// Pruned is what one step of pruning did.
type Pruned struct {
	Events int64 // whose rows went
	More   bool  // there is more to do
}

// Journaled is an erasure as it stands in the journal, outside the database: a backup from before does not know of it.
type Journaled struct {
	N         int64
	At        int64   // µs UTC when it was begun
	Epochs    []Epoch // of the log then, oldest first: which history the positions are of
	Positions []int64
	Rows      []RowsOf
}

// UpTo is the positions up to one.
func (e *Journaled) UpTo(position int64) []int64 {
	n, _ := slices.BinarySearch(e.Positions, position+1)
	return e.Positions[:n]
}

// SharedUpTo is the last position that a log has in common with another, or with itself at another time: its epochs and
// its last position, and the epochs of the other. 0: they have nothing in common.
func SharedUpTo(epochs []Epoch, head int64, other []Epoch) int64 {
	same := 0
	for same < len(epochs) && same < len(other) && epochs[same].ID == other[same].ID {
		same++
	}
	if same == 0 {
		return 0
	}
	if same < len(epochs) {
		head = min(head, epochs[same].After)
	}
	if same < len(other) {
		head = min(head, other[same].After)
	}
	return head
}

// Erasure is one person's events and rows of registers, forgotten on demand. It holds which those are, and nothing of the
// person: no value and no hash.
type Erasure struct {
	N         int64 // its number, from 1
	At        int64 // µs UTC
	Author    string
	Reason    string
	UpTo      int64   // the log was searched up to here
	Positions []int64 // rising
	Rows      []RowsOf
	Ended     int64 // µs UTC when nothing of them was left and the journal had it; 0: it goes on
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
