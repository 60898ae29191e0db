package listen

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
)

// Sighting says what a request is in the history of its message.
type Sighting uint8

// The sightings. Without order and ids to go by, every sighting is First.
const (
	First     Sighting = iota + 1
	Late               // the first of its message, but after a later one of its key: the order is broken
	Again              // a repeat of one that was not accepted: a retry
	Duplicate          // a repeat of one that was accepted
)

// String returns the word for it.
func (s Sighting) String() string {
	switch s {
	case First:
		return "first"
	case Late:
		return "out of order"
	case Again:
		return "retry"
	case Duplicate:
		return "duplicate"
	}
	return "refused"
}

// shards divide the keys so that workers on different keys do not wait for each other.
const shards = 64

// order watches the numbers of each key. Its memory is one small record a key, and one a message that is missing, not
// yet accepted or, with ids, ever seen.
type order struct {
	dense, byID, byKey bool
	seed               maphash.Seed
	shards             [shards]shard

	accepted, retries, duplicates, late, overtakes atomic.Int64
}

type shard struct {
	mu    sync.Mutex
	lanes map[string]*lane
	ids   map[string]bool // whether accepted
	_     [40]byte        // a cache line of its own
}

type lane struct {
	highest int64
	gaps    []gap   // below highest and never seen, ascending
	open    []int64 // seen and not accepted
}

// gap is first to last, both missing.
type gap struct{ first, last int64 }

func (o *order) init(dense, byID, byKey bool) {
	o.dense, o.byID, o.byKey, o.seed = dense && byKey, byID, byKey, maphash.MakeSeed()
	for i := range o.shards {
		o.shards[i].lanes, o.shards[i].ids = map[string]*lane{}, map[string]bool{}
	}
}

func (o *order) shard(key, id string) *shard {
	if !o.byKey {
		key = id
	}
	return &o.shards[maphash.String(o.seed, key)%shards]
}

// see records a sighting and says what it is.
func (o *order) see(key string, seq int64, id string) Sighting {
	if !o.byKey && !o.byID {
		return First
	}
	s := o.shard(key, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	var l *lane
	if o.byKey {
		l = s.lane(key)
	}
	if first := o.isFirst(s, l, seq, id); !first {
		return o.repeat(s, l, seq, id)
	}
	if o.byID {
		s.ids[id] = false
	}
	if l == nil {
		return First
	}
	return o.first(l, seq)
}

func (s *shard) lane(key string) *lane {
	l := s.lanes[key]
	if l == nil {
		l = &lane{}
		s.lanes[key] = l
	}
	return l
}

func (o *order) isFirst(s *shard, l *lane, seq int64, id string) bool {
	if o.byID {
		_, known := s.ids[id]
		return !known
	}
	return seq > l.highest || o.dense && l.isMissing(seq)
}

func (o *order) first(l *lane, seq int64) Sighting {
	if slices.ContainsFunc(l.open, func(earlier int64) bool { return earlier < seq }) {
		o.overtakes.Add(1)
	}
	l.open = append(l.open, seq)
	if seq < l.highest {
		o.late.Add(1)
		l.found(seq)
		return Late
	}
	if o.dense && seq > l.highest+1 {
		l.gaps = append(l.gaps, gap{l.highest + 1, seq - 1})
	}
	l.highest = seq
	return First
}

func (o *order) repeat(s *shard, l *lane, seq int64, id string) Sighting {
	open := o.byID && !s.ids[id]
	if !o.byID {
		open = slices.Contains(l.open, seq)
	}
	if open {
		o.retries.Add(1)
		return Again
	}
	o.duplicates.Add(1)
	return Duplicate
}

// accept records that a sighting has been answered with success.
func (o *order) accept(key string, seq int64, id string) {
	if !o.byKey && !o.byID {
		o.accepted.Add(1)
		return
	}
	s := o.shard(key, id)
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := false
	if o.byKey {
		l := s.lane(key)
		if i := slices.Index(l.open, seq); i >= 0 {
			l.open, fresh = slices.Delete(l.open, i, i+1), true
		}
	}
	if o.byID {
		fresh = !s.ids[id]
		s.ids[id] = true
	}
	if fresh {
		o.accepted.Add(1)
	}
}

func (l *lane) gapOf(seq int64) (int, bool) {
	return slices.BinarySearchFunc(l.gaps, seq, func(g gap, seq int64) int {
		switch {
		case g.last < seq:
			return -1
		case g.first > seq:
			return 1
		}
		return 0
	})
}

func (l *lane) isMissing(seq int64) bool {
	_, missing := l.gapOf(seq)
	return missing
}

// found takes seq out of its gap.
func (l *lane) found(seq int64) {
	i, missing := l.gapOf(seq)
	if !missing {
		return
	}
	g := l.gaps[i]
	var left []gap
	if g.first < seq {
		left = append(left, gap{g.first, seq - 1})
	}
	if seq < g.last {
		left = append(left, gap{seq + 1, g.last})
	}
	l.gaps = slices.Replace(l.gaps, i, i+1, left...)
}

// missing counts keys, numbers never seen, and messages seen but never accepted.
func (o *order) missing() (keys int, missing, open int64) {
	for i := range o.shards {
		s := &o.shards[i]
		s.mu.Lock()
		keys += len(s.lanes)
		for _, l := range s.lanes {
			open += int64(len(l.open))
			for _, g := range l.gaps {
				missing += g.last - g.first + 1
			}
		}
		s.mu.Unlock()
	}
	return keys, missing, open
}
