package sink

import (
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
)

// remembered bounds how many messages a sink knows again.
const remembered = 4096

// history knows what has come, as a receiver that de-duplicates does, and in which order. What it has forgotten it does
// not judge: it never calls a repeat late.
type history struct {
	accepted map[message]bool
	order    []message // as a ring, once it is full
	next     int
	highest  map[lane]int64 // position last seen first
	forgot   int64          // positions up to here may have come before
}

// message is what receivers de-duplicate on, with its place.
type message struct {
	id       string
	pass     int64
	position int64
}

type lane struct {
	key  event.Lane
	pass int64
}

// see records a sighting and says what it is.
func (h *history) see(m *channel.Message) channel.Sighting {
	if m.Position == 0 {
		return channel.First // a test: each is its own
	}
	key := message{m.ID, m.Replay, m.Position}
	if accepted, known := h.accepted[key]; known {
		if accepted {
			return channel.Duplicate
		}
		return channel.Again
	}
	h.remember(key)
	l := lane{m.Lane, m.Replay}
	late := m.Position < h.highest[l] && m.Position > h.forgot
	h.highest[l] = max(h.highest[l], m.Position)
	if late {
		return channel.Late
	}
	return channel.First
}

func (h *history) remember(key message) {
	if h.accepted == nil || len(h.highest) >= remembered {
		h.highest = map[lane]int64{} // a lane that begins anew accuses nobody
	}
	if h.accepted == nil {
		h.accepted = map[message]bool{}
	}
	h.accepted[key] = false
	if len(h.order) < remembered {
		h.order = append(h.order, key)
		return
	}
	oldest := h.order[h.next]
	delete(h.accepted, oldest)
	h.forgot = max(h.forgot, oldest.position)
	h.order[h.next] = key
	h.next = (h.next + 1) % remembered
}

// accept notes that a message was answered with success.
func (h *history) accept(m *channel.Message) {
	if _, known := h.accepted[message{m.ID, m.Replay, m.Position}]; known {
		h.accepted[message{m.ID, m.Replay, m.Position}] = true
	}
}
