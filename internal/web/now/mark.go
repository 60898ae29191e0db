package now

import (
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
)

// Mark is a state in a word, with the symbol and the tone that go with it: "good", "busy", "waits" or "bad".
type Mark struct {
	Word   string `json:"word"`
	Symbol string `json:"-"`
	Tone   string `json:"tone"`
}

// The marks. Those of endpoints (open, down, rejecting) have the engine's own words: delivery.EndpointView tells its state
// by them.
var (
	open      = Mark{delivery.BreakerOpen, "●", "good"}
	retrying  = Mark{"retrying", "↻", "waits"}
	standing  = Mark{"waits for the endpoint", "◔", "waits"}
	parked    = Mark{"parked", "■", "bad"}
	down      = Mark{delivery.BreakerDown, "✕", "bad"}
	rejecting = Mark{delivery.BreakerRejecting, "⊘", "bad"}
	paused    = Mark{"paused", "‖", "waits"}
	blocked   = Mark{"a lane waits", "◔", "waits"}
	delivered = Mark{"delivered", "✓", "good"}
	underway  = Mark{"on its way", "→", "busy"}
	waiting   = Mark{"waits its turn", "◔", "waits"}
	ended     = Mark{"ended without delivery", "–", "waits"}
	calm      = Mark{"Everything arrives", "✓", "good"}
	careful   = Mark{"Some messages wait for a retry", "◔", "waits"}
	broken    = Mark{"Somebody is needed", "✕", "bad"}
	partly    = Mark{"A node does not answer", "✕", "bad"}
	stopped   = Mark{"The hub cannot store", "✕", "bad"}
)

func markOf(state string) Mark {
	switch state {
	case delivery.BreakerDown:
		return down
	case delivery.BreakerRejecting:
		return rejecting
	}
	return open
}

func laneMark(v *delivery.LaneView) Mark {
	switch v.State {
	case eventlog.ParkedAt.String():
		return parked
	case eventlog.Retrying.String():
		return retrying
	}
	return standing
}

// stopMark tells where an event stands on its way to a consumer: by the last outcome, else by what blocks its lane.
func stopMark(e *event.Event, consumer string, outcome eventlog.Outcome, lanes []delivery.LaneView) Mark {
	switch {
	case outcome == eventlog.Done:
		return delivered
	case outcome.Ends():
		return ended
	}
	lane := e.Lane.String()
	for i := range lanes {
		switch v := &lanes[i]; {
		case v.Consumer != consumer || v.Lane != lane:
		case v.Position == e.Position:
			return laneMark(v)
		case v.Position < e.Position:
			return waiting
		}
	}
	return underway
}
