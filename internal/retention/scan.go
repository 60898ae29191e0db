package retention

import (
	"context"
	"slices"

	"github.com/varselhub/varsel/internal/event"
)

// scanRange is how far the log is read at a time.
const scanRange = 512

// Scan finds a person's events by reading the whole log.
type Scan struct {
	Log interface {
		Head() int64
		Read(ctx context.Context, after int64, limit int) ([]*event.Event, int64, error)
	}
	// Version is how a type's data was read.
	Version func(name, version string) *event.Compiled
	Hasher  *event.Hasher
}

// OfPerson implements Finder.
func (s Scan) OfPerson(ctx context.Context, value string) (positions []int64, upTo int64, err error) {
	person, head := s.Hasher.Clue(event.CluePerson, value), s.Log.Head()
	var clues []event.Clue
	for upTo < head {
		events, next, err := s.Log.Read(ctx, upTo, scanRange)
		if err != nil {
			return nil, 0, err
		}
		for _, e := range events {
			version := s.Version(e.Type, e.Version)
			if e.Forgotten || version == nil || e.Position > head {
				continue
			}
			if clues = version.Clues(s.Hasher, e, clues[:0]); slices.Contains(clues, person) {
				positions = append(positions, e.Position)
			}
		}
		upTo = next
	}
	return positions, head, nil
}
