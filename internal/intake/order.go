package intake

import "github.com/varselhub/varsel/internal/event"

// order knows what is set aside, and so what must stay behind it. A message whose key can be read stands behind those of
// its key, and behind those whose own key cannot be read and that the broker has under the same; one whose key cannot
// be read stands behind all that the broker has under its key. Without either it holds nothing but its own place.
type order struct {
	lanes  map[event.Lane]bool // keys of what is set aside
	outers map[event.Lane]bool // the broker's keys of it,
	blind  map[event.Lane]bool // and of that whose key cannot be read
}

func newOrder() *order {
	return &order{lanes: map[event.Lane]bool{}, outers: map[event.Lane]bool{}, blind: map[event.Lane]bool{}}
}

func (o *order) add(lane, outer event.Lane) {
	if !outer.IsZero() {
		o.outers[outer] = true
	}
	switch {
	case !lane.IsZero():
		o.lanes[lane] = true
	case !outer.IsZero():
		o.blind[outer] = true
	}
}

// behind reports whether a message stands behind something.
func (o *order) behind(lane, outer event.Lane) bool {
	if lane.IsZero() {
		return o.outers[outer]
	}
	return o.lanes[lane] || o.blind[outer]
}
