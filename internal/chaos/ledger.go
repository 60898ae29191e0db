package chaos

import (
	"encoding/json"
	"fmt"
	"hash/maphash"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// thing is the data of an event: the nth of its key, from 1.
type thing struct {
	Key string `json:"key"`
	N   int    `json:"n"`
	At  int64  `json:"at"` // ns since 1970, when it was first tried to publish it
}

// ledger is the receiver of every subscription. It knows the order that it must see, and keeps what it has seen.
type ledger struct {
	faults *faults
	books  map[string]*book // by path; fixed once messages come
	seed   maphash.Seed
	came   atomic.Int64
	watch  atomic.Pointer[watch]

	mu      sync.Mutex
	crashes []int64            // ns, when PostgreSQL was about to lose what it had not written
	places  map[string][]int64 // of each key: the positions of its numbers, as they were sent
}

// book is one subscription's part of it.
type book struct {
	system int
	path   string

	mu       sync.Mutex
	lanes    map[string]*lane
	lease    int64 // the highest
	inFlight int
	sums
}

// sums are what is counted of arrivals.
type sums struct {
	leases  int // that were seen after the first
	bound   int // how many repeats the promise allows for them
	firsts  int
	refused int // answered 500
	repeats int // accepted before, and sent again
	stale   int // of these: sent by who had lost the lease
	unwrit  int // of these: PostgreSQL had lost the outcome when it crashed
	most    int // sent to one subscription at once
}

// lane is a key of a subscription.
type lane struct {
	seen, done int     // the highest number that came; that was accepted
	position   int64   // of seen
	lease      int64   // the highest
	accepted   []int64 // ns, when each was first accepted
}

// watch waits for every system to get something that was published after a moment.
type watch struct {
	since atomic.Int64 // ns; 0: it has not come yet
	got   []atomic.Int64
}

func newLedger(f *faults) *ledger {
	return &ledger{faults: f, books: map[string]*book{}, places: map[string][]int64{}, seed: maphash.MakeSeed()}
}

func (l *ledger) open(system int, path string) {
	l.books[path] = &book{system: system, path: path, lanes: map[string]*lane{}}
}

// arrival is one message as it came.
type arrival struct {
	thing
	position, lease, at int64
}

// ServeHTTP implements http.Handler.
func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // its sender was killed in the middle of it: nothing was received
	}
	var message struct {
		Sequence string `json:"sequence"`
		Data     thing  `json:"data"`
	}
	b := l.books[r.URL.Path]
	if err := json.Unmarshal(body, &message); err != nil || b == nil {
		l.faults.add("a message that cannot be read came to %s: %.200q", r.URL.Path, body)
		return
	}
	if message.Data.Key == "" {
		return // the hub's own events are for everybody, too
	}
	a := arrival{thing: message.Data, at: time.Now().UnixNano()}
	a.position, _ = strconv.ParseInt(strings.TrimLeft(message.Sequence, "0"), 10, 64)
	a.lease, _ = strconv.ParseInt(r.Header.Get("Varsel-Lease"), 10, 64)
	l.came.Add(1)
	b.enter(1)
	defer b.enter(-1)
	chance := l.chance(b, &a)
	accepted := l.take(b, &a, chance%50 == 3)
	if chance%100 == 7 {
		time.Sleep(50*time.Millisecond + time.Duration(chance%200)*time.Millisecond) // a slow receiver
	}
	if !accepted {
		w.WriteHeader(http.StatusInternalServerError)
	}
}

// enter counts what the subscription is being sent at once.
func (b *book) enter(one int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.inFlight += one
	b.most = max(b.most, b.inFlight)
}

// chance is the same for a message each time it comes.
func (l *ledger) chance(b *book, a *arrival) uint64 {
	return maphash.String(l.seed, fmt.Sprint(b.path, a.Key, a.N))
}

// take notes an arrival and says whether it is accepted; one that comes for the first time may be refused.
func (l *ledger) take(b *book, a *arrival, refuse bool) (accepted bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.lanes[a.Key]
	if k == nil {
		k = &lane{}
		b.lanes[a.Key] = k
	}
	b.holder(a.lease)
	switch {
	case a.N > k.seen:
		l.first(b, k, a)
		if refuse {
			k.lease = max(k.lease, a.lease)
			b.refused++
			return false
		}
	case a.N <= k.done:
		l.repeat(b, k, a)
	}
	k.lease = max(k.lease, a.lease)
	if a.N == k.done+1 {
		k.done = a.N
		k.accepted = append(k.accepted, a.at)
	}
	return true
}

// holder notes that another holder sends. Whoever had the subscription before may have left one message of each lane
// without an outcome in the database, and no more: the next of a lane is not sent before (ADR 0003).
func (b *book) holder(lease int64) {
	if lease <= b.lease {
		return
	}
	if b.lease > 0 {
		b.leases++
		for _, k := range b.lanes {
			if k.seen > 0 {
				b.bound++
			}
		}
	}
	b.lease = lease
}

// first holds the first arrival of a message against what came of its lane before (DESIGN promise 2).
func (l *ledger) first(b *book, k *lane, a *arrival) {
	switch {
	case a.N > k.seen+1:
		l.faults.add("order: %s got %s#%d first when it had only seen #%d", b.path, a.Key, a.N, k.seen)
	case k.done < k.seen:
		l.faults.add("order: %s got %s#%d before it had accepted #%d", b.path, a.Key, a.N, k.seen)
	case a.position <= k.position:
		l.faults.add("order: %s got %s#%d at position %d after one at %d", b.path, a.Key, a.N, a.position, k.position)
	case a.lease < k.lease:
		l.faults.add("fence: %s got %s#%d first under lease %d when lease %d had sent already", b.path, a.Key, a.N, a.lease, k.lease)
	}
	k.seen, k.position = a.N, a.position
	l.place(b, a)
	b.firsts++
	if w := l.watch.Load(); w != nil {
		if since := w.since.Load(); since > 0 && a.At >= since {
			w.got[b.system].CompareAndSwap(0, a.at)
		}
	}
}

// place holds the position that an event is sent with against that which the other subscriptions got it with.
func (l *ledger) place(b *book, a *arrival) {
	l.mu.Lock()
	defer l.mu.Unlock()
	places := l.places[a.Key]
	switch {
	case a.N == len(places)+1:
		l.places[a.Key] = append(places, a.position)
	case a.N <= len(places) && places[a.N-1] != a.position:
		l.faults.add("position: %s got %s#%d with position %d, another subscription with %d", b.path, a.Key, a.N, a.position, places[a.N-1])
	}
}

// repeat holds a repeat against what the promise allows (DESIGN promise 3): the last message of a lane, once from each
// holder that took over. Besides there are what PostgreSQL forgets when it crashes, since outcomes do not wait for its
// disk; and what a process that stood still had in hand when others took over, which a receiver can tell by its lease.
func (l *ledger) repeat(b *book, k *lane, a *arrival) {
	b.repeats++
	switch {
	case a.lease < k.lease:
		b.stale++
	case l.unwritten(k.accepted[a.N-1]):
		b.unwrit++
	case a.N < k.seen:
		l.faults.add("repeat: %s got %s#%d again after #%d", b.path, a.Key, a.N, k.seen)
	case a.lease == k.lease:
		l.faults.add("repeat: %s got %s#%d again under lease %d, which had sent it before", b.path, a.Key, a.N, a.lease)
	}
}

// unwrittenFor is how long an outcome may stand in the memory of PostgreSQL alone: three times its wal_writer_delay,
// and as much again and more for a machine that is busy.
const unwrittenFor = 3 * time.Second

// crash notes that what PostgreSQL has not written goes now.
func (l *ledger) crash() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.crashes = append(l.crashes, time.Now().UnixNano())
}

// unwritten reports whether the outcome of what was accepted at a moment may have been lost by a crash since.
func (l *ledger) unwritten(accepted int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, crash := range l.crashes {
		if accepted > crash-int64(unwrittenFor) && accepted < crash+int64(unwrittenFor) {
			return true
		}
	}
	return false
}

// await has the systems watched from now on; since is to be set when the moment has come.
func (l *ledger) await(systems int) *watch {
	w := &watch{got: make([]atomic.Int64, systems)}
	l.watch.Store(w)
	return w
}

// all returns when the last system got something, once every one has.
func (w *watch) all() (at int64, ok bool) {
	for i := range w.got {
		got := w.got[i].Load()
		if got == 0 {
			return 0, false
		}
		at = max(at, got)
	}
	return at, true
}

// missing lists the systems that have got nothing.
func (w *watch) missing() (systems []int) {
	for i := range w.got {
		if w.got[i].Load() == 0 {
			systems = append(systems, i)
		}
	}
	return systems
}

// owed counts what of published numbers no subscription is rid of yet.
func (l *ledger) owed(published map[string]int) (n int) {
	for _, b := range l.books {
		b.mu.Lock()
		for key, last := range published {
			done := 0
			if k := b.lanes[key]; k != nil {
				done = k.done
			}
			n += max(0, last-done)
		}
		b.mu.Unlock()
	}
	return n
}

// count adds up the books.
func (l *ledger) count() (sum sums) {
	for _, b := range l.books {
		b.mu.Lock()
		sum.leases += b.leases
		sum.bound += b.bound
		sum.firsts += b.firsts
		sum.refused += b.refused
		sum.repeats += b.repeats
		sum.stale += b.stale
		sum.unwrit += b.unwrit
		sum.most = max(sum.most, b.most)
		b.mu.Unlock()
	}
	return sum
}
