package audit

import (
	"fmt"
	"iter"
	"time"

	"github.com/varselhub/varsel/internal/clock"
)

// Kind is how a log is broken.
type Kind string

// The kinds.
const (
	Changed   Kind = "changed"   // an entry is not as the hub wrote it, or never was written by it
	Missing   Kind = "missing"   // entries were removed before others
	Truncated Kind = "truncated" // entries were removed from the end; only an exported head can tell
	Moved     Kind = "moved"     // an entry stands in the place of another
	Inserted  Kind = "inserted"  // an entry that the hub never wrote stands before one that it did
	Repeated  Kind = "repeated"  // an entry stands there a second time
	Rewritten Kind = "rewritten" // the entries fit each other, but not a head that was exported
	OtherKey  Kind = "other-key" // no entry fits the key
)

// Break is where a log is first broken, and how.
type Break struct {
	Kind   Kind  `json:"kind"`
	Number int64 `json:"number"`         // the place: the first number at which something is wrong
	Last   int64 `json:"last,omitempty"` // with Missing and Truncated: the last of the numbers that are gone
	Is     int64 `json:"is,omitempty"`   // with Moved and Repeated: the number that what stands there was written as
	Head   int64 `json:"head,omitempty"` // with Truncated and Rewritten: µs UTC of the exported head that tells
}

// String says in one sentence what is wrong and where.
func (b *Break) String() string {
	switch b.Kind {
	case Changed:
		return fmt.Sprintf("entry %d is not what the hub wrote: it was changed, or put there by someone else", b.Number)
	case Missing:
		if b.Last > b.Number {
			return fmt.Sprintf("entries %d to %d were removed", b.Number, b.Last)
		}
		return fmt.Sprintf("entry %d was removed", b.Number)
	case Truncated:
		return fmt.Sprintf("the end was removed: the head exported at %s says that there were %d entries, and there are %d", stamp(b.Head), b.Last, b.Number-1)
	case Moved:
		if b.Is == b.Number {
			return fmt.Sprintf("entry %d was not written behind the entry that stands before it", b.Number)
		}
		return fmt.Sprintf("in the place of entry %d stands the one that was written as entry %d", b.Number, b.Is)
	case Inserted:
		return fmt.Sprintf("in the place of entry %d stands one that the hub never wrote", b.Number)
	case Repeated:
		return fmt.Sprintf("in the place of entry %d stands a second copy of entry %d", b.Number, b.Is)
	case OtherKey:
		return "no entry fits the key: it is not the key that this log was written with, or every entry was replaced"
	default: // Rewritten
		return fmt.Sprintf("entry %d is not the one whose head was exported at %s: the log was rewritten there or before it, from a backup or by someone who has the key", b.Number, stamp(b.Head))
	}
}

func stamp(us int64) string { return clock.FromMicros(us).Format(time.RFC3339) }

// Entries are a log's entries in the order in which they stand. It must be possible to go through them twice.
type Entries = iter.Seq2[*Entry, error]

// Verified is what came of a verification.
type Verified struct {
	Entries int64  `json:"entries"`         // how many were found to be right, from the first on
	Heads   int    `json:"heads"`           // how many exported heads they were held against
	Break   *Break `json:"break,omitempty"` // nil: the log is whole
}

// Verify goes through a log and holds every entry against the one before it, and against the heads that were exported
// of it. It stops at the first entry that is not right, and then goes through the log once more to tell what happened
// to it. progress, unless nil, is told of every entry that is right. Memory does not grow with the log.
// Error: only what entries fail with.
func Verify(entries Entries, chain *Chain, heads []Head, progress func(number int64)) (Verified, error) {
	v := Verified{}
	wrong, at, err := v.walk(entries, chain.sealer(), byNumber(heads), progress)
	if err != nil {
		return v, err
	}
	if wrong != nil {
		v.Break, err = diagnose(entries, chain.sealer(), at, wrong)
		return v, err
	}
	for _, head := range heads {
		gone := head.Number > v.Entries && (v.Break == nil || v.Break.Kind == Truncated && head.Number > v.Break.Last)
		if gone {
			v.Break = &Break{Kind: Truncated, Number: v.Entries + 1, Last: head.Number, Head: head.At}
		}
	}
	return v, nil
}

// walk goes along the chain to its end, or to the first entry that does not fit, which it returns with its place.
func (v *Verified) walk(entries Entries, seal *sealer, exported map[int64][]Head, progress func(int64)) (*Entry, place, error) {
	previous := MAC{}
	for e, err := range entries {
		if err != nil {
			return nil, place{}, err
		}
		expected := v.Entries + 1
		if e.Number != expected || seal.mac(previous, e) != e.MAC {
			return e, place{expected, previous}, nil
		}
		for _, head := range exported[expected] {
			if head.MAC != e.MAC {
				v.Break = &Break{Kind: Rewritten, Number: expected, Head: head.At}
				return nil, place{}, nil
			}
			v.Heads++
		}
		previous, v.Entries = e.MAC, expected
		if progress != nil {
			progress(expected)
		}
	}
	return nil, place{}, nil
}

func byNumber(heads []Head) map[int64][]Head {
	by := make(map[int64][]Head, len(heads))
	for _, head := range heads {
		by[head.Number] = append(by[head.Number], head)
	}
	return by
}
