// Package delivery brings every event of the log to every consumer that it is for, in order per lane, until it is
// there: one event at a time per lane, any number of lanes at once.
//
// Read it in this order: router.go (the log's tail to the consumers), consumer.go (what a consumer holds, and its
// watermark), lane.go (what a lane does with an outcome), send.go (one attempt), endpoint.go (the breaker), and then
// recover.go and operate.go.
//
// Locks, in the order they are taken: consumer, endpoint, Engine.mu. None is held over I/O, and no two consumers' at
// once.
package delivery

import (
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/revision"
)

// delivery is one event on its way to one subscription: the head of its lane, or in memory behind it.
type delivery struct {
	position int64
	event    *event.Event // nil while it stands on disk; read when it is its turn
	line     *revision.Line
	lane     *lane
	slot     int64 // its place in the consumer's window; -1 when it is below the watermark already
	stage    stage

	attempts int   // made, ever: numbers the rows of the attempts log
	failures int   // failed attempts that count for the delay; a release starts anew
	since    int64 // µs UTC of the first failure; 0: none
	pass     int64 // of the replay it belongs to; 0: none
	status   int   // of the last failure, to see whether the next one differs
	reason   string
}

// stage is where a delivery stands in its lane.
type stage uint8

const (
	queued   stage = iota // in memory behind the head, or not ready
	ready                 // the head, waiting for its endpoint
	sending               // in flight
	settling              // over; the outcome waits for its commit, and the lane with it (DESIGN promise 2)
	blocked               // failed or parked; the lane is on disk
)

// lane is the FIFO of one consumer's deliveries that share a key. It exists while something is in it.
type lane struct {
	consumer *consumer
	key      event.Lane
	head     *delivery
	company  []*delivery // in flight in the same send as the head, and next behind it
	queue    []*delivery // behind these, in memory; empty when the lane is on disk
	disk     *diskLane
}

// diskLane is the part of a lane that stands in the store: its head when that failed, and all that came after.
type diskLane struct {
	row      eventlog.Blocked   // what the store holds of the head; State 0: the head is a waiting row
	behind   int                // waiting rows, the head's own included while it is one
	next     []eventlog.Waiting // the first of them, read ahead
	fetching bool
	ripe     int // commits of the consumer after which the rows in the store are the beginning of what waits
}
