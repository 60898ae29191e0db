package bench

import "time"

// Size is how much is measured. The shape of the work is the same in every size.
type Size struct {
	Rounds        int           // turns of ceiling and hub; the median counts
	Window        time.Duration // of one turn, after it has come up to speed
	Warm          time.Duration // before it
	Hang          time.Duration // window of the figure with hanging endpoints: beyond a time limit when it is to bite
	Latency       time.Duration // window of the latency
	Pending       int           // events that are drained
	Pulled        int           // events that are fetched in one answer
	Delivered     int           // bytes of a register's delivery
	Subscriptions int           // of the figure with many
	Keys          int
	Publishers    int // in this process
	InFlight      int // POSTs at once
	Payload       int // bytes of an event's data
	Limit         time.Duration
}

// Full is the whole measurement; it takes about ten minutes.
func Full() Size {
	return Size{
		Rounds: 5, Window: 2 * time.Second, Warm: 500 * time.Millisecond, Hang: 25 * time.Second, Latency: 5 * time.Second,
		Pending: 1_000_000, Pulled: 100_000, Delivered: 64 << 20, Subscriptions: 10_000,
		Keys: 6400, Publishers: 128, InFlight: 64, Payload: 1024, Limit: 5 * time.Minute,
	}
}

// Quick takes less than a minute. Its figures are a first look: the windows are short.
func Quick() Size {
	s := Full()
	s.Rounds, s.Window, s.Warm = 3, 450*time.Millisecond, 150*time.Millisecond
	s.Hang, s.Latency, s.Pending = s.Window, time.Second, 50_000
	s.Pulled, s.Delivered = 20_000, 8<<20
	s.Limit = 30 * time.Second
	return s
}
