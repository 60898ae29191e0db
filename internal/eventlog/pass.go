package eventlog

import (
	"slices"

	"github.com/varselhub/varsel/internal/event"
)

// Pass is a replay: past events go to one subscription once more, in order, in their lanes (DESIGN section 5).
type Pass struct {
	N        int64 // its number, in the header Varsel-Replay
	Consumer int64
	Line     string // subscription id
	Author   string
	Began    int64 // µs UTC
	Filter   Filter
	Rate     int   // events a second; 0: as fast as they are taken
	Total    int64 // events that are to go
	Place    int64 // positions up to here have been looked at
	Done     int64 // events put into lanes
	Ended    int64 // µs UTC; 0: it goes on
}

// Filter selects past events. What is empty selects all.
type Filter struct {
	After         int64                `json:"after"`           // positions above this one,
	UpTo          int64                `json:"upTo"`            // and up to this one
	Since         int64                `json:"since,omitempty"` // recorded at or after, µs UTC
	Until         int64                `json:"until,omitempty"` // and before
	Types         []string             `json:"types,omitempty"`
	Organisations []event.Organisation `json:"organisations,omitempty"`
	Lane          string               `json:"lane,omitempty"` // as the API shows it
}

// Selects reports whether an event is meant that stands in a lane.
func (f *Filter) Selects(e *event.Event, lane event.Lane) bool {
	return e.Position > f.After && e.Position <= f.UpTo &&
		(f.Since == 0 || e.Recorded >= f.Since) && (f.Until == 0 || e.Recorded < f.Until) &&
		(len(f.Types) == 0 || slices.Contains(f.Types, e.Type)) &&
		(len(f.Organisations) == 0 || slices.Contains(f.Organisations, e.Organisation)) &&
		(f.Lane == "" || f.Lane == lane.String())
}
