package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/client"
)

// mover is the receiving side of one subscription whose channel changes: a web server, and a reader that fetches. It
// knows the order it must see, and what the hub may send it again.
type mover struct {
	mu      sync.Mutex
	moves   int                 // changes of channel and crashes so far,
	history []string            // and what they were
	seen    map[string]int      // the highest number of each key that came, by whichever way
	sure    map[string]int      // up to here the hub has committed that they are done: they never come again
	done    map[string]int      // and up to here this side has accepted them
	last    map[string]sighting // the newest of each key
	read    []read              // by cursor, and not known to be committed
	repeats int
	wrong   []string
	changed chan struct{}

	ticks     int64 // orders requests of publishers and readers
	committed int64 // a request that began at this tick was accepted: what the hub was told before it is committed
}

// sighting is one arrival.
type sighting struct{ n, moves int }

// read is how far a reader told the hub it stands, by key.
type read struct {
	tick int64
	upTo map[string]int
}

func newMover() *mover {
	return &mover{
		seen: map[string]int{}, sure: map[string]int{}, done: map[string]int{}, last: map[string]sighting{}, changed: make(chan struct{}, 1),
	}
}

// asking is the publishers' hook: everything that the hub's log was told before a request is in the commit that accepts
// it, or in one before.
func (m *mover) asking() func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ticks++
	began := m.ticks
	return func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.committed = max(m.committed, began)
		for len(m.read) > 0 && m.read[0].tick < m.committed {
			for key, n := range m.read[0].upTo {
				m.sure[key] = max(m.sure[key], n)
			}
			m.read = m.read[1:]
		}
	}
}

// came takes one arrival. moves is the count of changes when it was asked for: what was on its way during one may be
// told late. By webhook and queue the hub first sends a key's next only when the one before is done and committed.
func (m *mover) came(x thing, moves int, by client.Channel) {
	m.mu.Lock()
	defer m.mu.Unlock()
	late := moves != m.moves
	before, since := m.last[x.key], m.sure[x.key]
	switch {
	case x.n > m.seen[x.key]+1:
		m.blame("%s#%d first came by %s when only #%d had", x.key, x.n, by, m.seen[x.key])
	case x.n == m.seen[x.key]+1:
		if by != client.Cursor {
			m.sure[x.key] = max(since, x.n-1)
		}
	case late:
		m.repeats++
	case x.n <= since:
		m.blame("%s#%d came again by %s, though the hub had committed that #%d was done", x.key, x.n, by, since)
	default:
		m.repeats++
	}
	if !late && before.moves == m.moves && x.n > before.n+1 {
		m.blame("%s#%d came by %s after #%d, with no change between", x.key, x.n, by, before.n)
	}
	if m.seen[x.key] = max(m.seen[x.key], x.n); !late {
		m.last[x.key] = sighting{x.n, m.moves}
	}
}

func (m *mover) blame(format string, args ...any) {
	recent := m.history[max(0, len(m.history)-6):]
	m.wrong = append(m.wrong, fmt.Sprintf(format, args...)+fmt.Sprintf(" (after %d moves: %s)", m.moves, strings.Join(recent, ", ")))
}

// accept notes that a message is this side's now; sure, that the hub has said it knows.
func (m *mover) accept(x thing, sure bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done[x.key] = max(m.done[x.key], x.n)
	if sure {
		m.sure[x.key] = max(m.sure[x.key], x.n)
	}
	select {
	case m.changed <- struct{}{}:
	default:
	}
}

func (m *mover) now() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.moves
}

// move notes a change of channel or a crash, before it is asked for.
func (m *mover) move(to client.Channel) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moves++
	m.history = append(m.history, "to "+string(to))
}

// crash forgets what was told and may not be committed: it may come again, and nothing says how much of it.
func (m *mover) crash() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moves++
	m.history = append(m.history, "kill")
	m.read = nil
}

// ServeHTTP is the webhook. One message in twenty fails at first.
func (m *mover) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	moves := m.now()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return // the hub was killed in the middle of its request: nothing was received
	}
	x := thingOf(text)
	m.came(x, moves, client.Webhook)
	if x.n%20 == 3 && r.Header.Get("Varsel-Attempt") == "1" {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	m.accept(x, false)
}

func thingOf(text []byte) thing {
	var message struct {
		Data struct {
			Key string `json:"key"`
			N   int    `json:"n"`
		} `json:"data"`
	}
	_ = json.Unmarshal(text, &message) // a message that is none is no thing, and blamed as such
	return thing{message.Data.Key, message.Data.N}
}

// reader fetches while the channel is one that is fetched. It never stops for a hub that is not there.
type reader struct {
	*mover
	hub     *client.Client
	id      string
	channel atomic.Value // client.Channel: what the subscription is meant to be now
	cursor  string
	held    map[string]int // what the page before cursor held, by key

	switches atomic.Int64 // changes of channel
	stood    int64        // how many there were when cursor was got
}

func (r *reader) run(ctx context.Context) {
	for ctx.Err() == nil {
		var err error
		switch r.channel.Load() {
		case client.Queue:
			err = r.lease(ctx)
		case client.Cursor:
			err = r.fetch(ctx)
		default:
			wait(2 * time.Millisecond)
		}
		if err != nil {
			wait(5 * time.Millisecond)
		}
	}
}

// lease takes what a queue lends. Some it gives back, and some it forgets, as a worker that dies does.
func (r *reader) lease(ctx context.Context) error {
	moves := r.now()
	messages, err := r.hub.Lease(ctx, r.id, client.LeaseOptions{Max: 40, Hold: time.Second})
	if err != nil || len(messages) == 0 {
		wait(time.Millisecond)
		return err
	}
	worked := map[string]thing{}
	var leases, unwanted []string
	for _, m := range messages {
		x := thingOf(m.Message)
		r.came(x, moves, client.Queue)
		switch luck := rand.IntN(100); {
		case luck < 90:
			worked[m.Lease], leases = x, append(leases, m.Lease)
		case luck < 98:
			unwanted = append(unwanted, m.Lease)
		}
	}
	if len(unwanted) > 0 {
		if _, err := r.hub.Return(ctx, r.id, unwanted...); err != nil {
			return err
		}
	}
	gone, err := r.hub.Acknowledge(ctx, r.id, leases...)
	if err != nil {
		return err
	}
	for _, lease := range gone {
		delete(worked, lease)
	}
	for _, x := range worked {
		r.accept(x, true)
	}
	return nil
}

// fetch reads a page by cursor. After a change of channel it asks the hub where it stands; after a crash it goes on from
// its own cursor, as a reader does that keeps it.
func (r *reader) fetch(ctx context.Context) error {
	moves := r.now()
	if at := r.switches.Load(); r.stood != at {
		r.cursor, r.held, r.stood = "", nil, at
	}
	confirms := r.held
	page := map[string]int{}
	next, err := r.hub.Fetch(ctx, r.id, client.FetchOptions{After: r.cursor, Limit: 1 + rand.IntN(400)}, func(f client.Fetched) error {
		x := thingOf(f.Event)
		r.came(x, moves, client.Cursor)
		r.accept(x, false)
		page[x.key] = x.n
		return nil
	})
	if err != nil {
		if strings.Contains(err.Error(), "log-rewound") {
			r.mu.Lock()
			r.blame("a cursor of this log is refused: %v", err)
			r.mu.Unlock()
		}
		r.cursor, r.held = "", nil // what was read is not confirmed
		return err
	}
	r.confirmed(moves, confirms)
	r.cursor, r.held = next, page
	return nil
}

// confirmed notes that the hub has been told where the reader stands: it answered.
func (r *reader) confirmed(moves int, upTo map[string]int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if moves != r.moves || len(upTo) == 0 {
		return
	}
	r.ticks++
	r.read = append(r.read, read{r.ticks, upTo})
}

// TestSwitchingUnderLoad changes the channel of the real hub's subscription between webhook, queue and cursor under
// load, in every direction, and kills the hub at random moments, some of them in the middle of a change. Everything
// accepted comes at least once, each key in order, and nothing comes again that the hub had committed as done: all that
// is repeated was in flight or not acknowledged (DESIGN promises 2 and 3, section 5 "Push and pull").
func TestSwitchingUnderLoad(t *testing.T) {
	rounds := *crashRounds
	if rounds == 0 {
		if rounds = 12; testing.Short() {
			rounds = 3
		}
	}
	m := newMover()
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	p := newProcess(t, t.TempDir())
	p.start()
	p.world(map[string]string{"mover": server.URL})
	hub, err := client.New(p.url, client.Options{Attempts: 1, HTTP: p.client})
	if err != nil {
		t.Fatal(err)
	}
	set, _, err := hub.SubscriptionSet(t.Context(), "mover")
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{mover: m, hub: hub, id: set[0].ID}
	r.channel.Store(client.Webhook)
	reading, end := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	readers.Go(func() { r.run(reading) })
	f := (&publishers{rest: 3 * time.Millisecond, asking: m.asking}).start(p, 2, 50)

	change := func(to client.Channel) error {
		m.move(to)
		r.switches.Add(1)
		r.channel.Store(to)
		one := client.Subscription{ID: r.id, Name: "all", Channel: to}
		if to == client.Webhook {
			one.Path = "/in"
		}
		_, err := hub.PutSubscriptionSet(t.Context(), "mover", []client.Subscription{one}, client.AnyState, client.SetOptions{})
		return err
	}
	for range rounds {
		for range 1 + rand.IntN(3) {
			wait(time.Duration(20+rand.IntN(250)) * time.Millisecond)
			if err := change(another(r.channel.Load().(client.Channel))); err != nil {
				t.Fatal(err)
			}
		}
		if rand.IntN(2) == 0 {
			changing := make(chan error, 1)
			go func() { changing <- change(another(r.channel.Load().(client.Channel))) }()
			wait(time.Duration(rand.IntN(4000)) * time.Microsecond)
			p.kill()
			<-changing // whether it was answered or not: what it is now is asked below
		} else {
			wait(time.Duration(rand.IntN(250)) * time.Millisecond)
			p.kill()
		}
		m.crash()
		p.start()
		standing, err := hub.Subscription(t.Context(), r.id)
		if err != nil {
			t.Fatal(err)
		}
		if standing.Channel == "" {
			standing.Channel = client.Webhook
		}
		r.channel.Store(standing.Channel)
		if m.broken() {
			break
		}
	}
	published := f.stop()
	settle(t, p, published)
	m.await(t, published, 60*time.Second)
	if err := change(client.Webhook); err != nil { // what was read and not confirmed, or leased and forgotten, comes this way
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; wait(10 * time.Millisecond) {
		totals, err := hub.Totals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if totals.Pending == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d are still pending", totals.Pending)
		}
	}
	end()
	readers.Wait()
	m.report(t)
	t.Logf("%d switches, %d kills, %d events, %d repeats", r.switches.Load(), rounds, f.total.Load(), m.repeats)
}

// another channel than this one.
func another(than client.Channel) client.Channel {
	rest := map[client.Channel][2]client.Channel{
		client.Webhook: {client.Queue, client.Cursor}, client.Queue: {client.Cursor, client.Webhook}, client.Cursor: {client.Webhook, client.Queue},
	}
	return rest[than][rand.IntN(2)]
}

// await waits until this side has accepted all that was published.
func (m *mover) await(t *testing.T, published map[string]int, patience time.Duration) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		missing := 0
		m.mu.Lock()
		for key, n := range published {
			missing += n - m.done[key]
		}
		m.mu.Unlock()
		if missing == 0 {
			return
		}
		select {
		case <-m.changed:
		case <-deadline.C:
			m.report(t)
			t.Fatalf("%d accepted events never came", missing)
		}
	}
}

func (m *mover) broken() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.wrong) > 0
}

func (m *mover) report(t *testing.T) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, wrong := range m.wrong[:min(len(m.wrong), 10)] {
		t.Error(wrong)
	}
	if len(m.wrong) > 10 {
		t.Errorf("and %d more", len(m.wrong)-10)
	}
}
