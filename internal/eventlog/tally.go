package eventlog

// Tally counts the deliveries of one subscription that ended alike on one day. In a cut it is how many more there are.
type Tally struct {
	Line     string  // subscription id
	Day      int64   // UTC, days since 1970-01-01
	Outcome  Outcome // one that ends a delivery; Served; or Matched, of the day that the hub saw it
	Replayed bool    // brought by a replay; a first delivery otherwise
	Count    int64
}

const dayMicros = 24 * 3600 * 1_000_000

// DayOf is the day of an instant in µs UTC, as tallies count it.
func DayOf(us int64) int64 { return us / dayMicros }

// Tally adds to the cut's counts. Few differ in a cut, so the last that fits is near the end.
func (c *Cut) Tally(t Tally) {
	if t.Count == 0 {
		return
	}
	for i := len(c.Tallies) - 1; i >= 0; i-- {
		known := &c.Tallies[i]
		if known.Outcome == t.Outcome && known.Day == t.Day && known.Replayed == t.Replayed && known.Line == t.Line {
			known.Count += t.Count
			return
		}
	}
	c.Tallies = append(c.Tallies, t)
}

// Reading is one answer to a reader by cursor, or its coming back: everything up to a place was handed out, or confirmed.
type Reading struct {
	UpTo      int64
	Rest      bool  // the place is in what was left over
	At        int64 // µs UTC
	Confirmed bool  // the reader came back with it
}

// mostReadings bounds those of one cut, which grow while the store refuses commits.
const mostReadings = 64

// Read adds a reading to the cut. When there are too many the newest takes the place of the last: what is lost is a time.
func (c *Cut) Read(r Reading) {
	if n := len(c.Readings); n > mostReadings && c.Readings[n-1].Confirmed == r.Confirmed {
		c.Readings[n-1] = r
		return
	}
	c.Readings = append(c.Readings, r)
}

// Place is what the store knows of one event at one consumer, as of one moment.
type Place struct {
	ID      int64 // the consumer's; 0: the store has none of that name
	Low     int64
	Ended   int64    // µs UTC when it was removed; 0: it was not
	Waiting *Waiting // the event's own row, where it waits
	Blocked *Blocked // the head of its lane, where that is blocked
	First   *Waiting // the first that waits in its lane

	Served    int64 // µs UTC, when it was handed out to a reader by cursor; 0: it was not
	Confirmed int64 // and when that came back
}
