package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/store/pgtest"
	"github.com/varselhub/varsel/internal/subscription"
)

// shared is a hub of two nodes on a database that a standby follows, and one receiver.
type shared struct {
	t                *testing.T
	primary, standby *pgtest.Server
	url              string
	dirs             [2]string
	hubs             [2]*app.Hub

	mu    sync.Mutex
	first []string // ids, in the order in which the receiver saw them first
	seen  map[string]bool
	came  chan struct{} // capacity 1: something was seen
}

// newShared starts a primary with settings beside or instead of the tests' own, its standby, and two nodes.
func newShared(t *testing.T, settings ...string) *shared {
	t.Helper()
	w := &shared{t: t, seen: map[string]bool{}, came: make(chan struct{}, 1)}
	receiver := httptest.NewServer(http.HandlerFunc(w.receive))
	t.Cleanup(receiver.Close)
	w.primary = pgtest.Start(t, settings...)
	w.standby = w.primary.Standby(t, "synchronous_standby_names=")
	w.url = fmt.Sprintf("postgres://postgres@%s,%s/postgres?sslmode=disable&target_session_attrs=read-write", w.primary.Addr(), w.standby.Addr())
	w.dirs = [2]string{t.TempDir(), t.TempDir()}
	w.start(0)
	w.must(os.CopyFS(filepath.Join(w.dirs[1], "secrets"), os.DirFS(filepath.Join(w.dirs[0], "secrets"))))
	w.must(os.Chmod(filepath.Join(w.dirs[1], "secrets"), 0o700))
	configure(t, w.hubs[0], receiver.URL)
	by := manage.By{Author: "test"}
	_, err := w.hubs[0].Manager.PutSystem(t.Context(), subscription.System{Name: "all", Agreement: subscription.Agreement{
		Profile: "standard", BaseURL: receiver.URL, Sources: []string{"cv"}, Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "a@example.org"}},
	}}, by)
	w.must(err)
	_, err = w.hubs[0].Manager.PutSubscriptions(t.Context(), "all", []subscription.Subscription{{Name: "all", Path: "/all"}}, manage.SetOptions{By: by})
	w.must(err)
	w.start(1)
	return w
}

func (w *shared) must(err error) {
	if err != nil {
		w.t.Helper()
		w.t.Fatal(err)
	}
}

// start starts a node, as its supervisor does.
func (w *shared) start(n int) {
	w.t.Helper()
	hub, err := app.New(w.t.Context(), app.Config{
		Data: w.dirs[n], Store: w.url, NodeName: fmt.Sprint("node-", n), NoAccess: true, Egress: netguard.Rules{Allow: app.Loopback, AllowHTTP: true},
	}, slog.New(slog.DiscardHandler))
	w.must(err)
	w.hubs[n] = hub
	w.t.Cleanup(func() { w.stop(hub) })
	w.must(hub.Start(w.t.Context()))
}

func (w *shared) stop(hub *app.Hub) {
	soon, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	hub.Stop(soon)
}

// receive takes what the system "all" gets; the other one's is not looked at.
func (w *shared) receive(_ http.ResponseWriter, r *http.Request) {
	var body struct{ ID string }
	if r.URL.Path != "/all" || json.NewDecoder(r.Body).Decode(&body) != nil {
		return
	}
	w.mu.Lock()
	if !w.seen[body.ID] {
		w.seen[body.ID], w.first = true, append(w.first, body.ID)
	}
	w.mu.Unlock()
	select {
	case w.came <- struct{}{}:
	default:
	}
}

// delivered waits until the receiver has seen events.
func (w *shared) delivered(ids []string) {
	w.t.Helper()
	for {
		w.mu.Lock()
		missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return w.seen[id] })
		w.mu.Unlock()
		if len(missing) == 0 {
			return
		}
		select {
		case <-w.came:
		case <-w.t.Context().Done():
			w.t.Fatalf("%d events did not come", len(missing))
		}
	}
}

// publish publishes an event of a key through a node, once.
func (w *shared) publish(node int, key, id string) error {
	_, err := w.hubs[node].Publisher.Publish(w.t.Context(), []event.Draft{{
		SpecVersion: "1.0", ID: id, Source: "urn:cv", Type: "cv", MediaType: "application/json", Data: fmt.Appendf(nil, `{"person":%q}`, key),
	}}, false)
	return err
}

// insist publishes an event as a source does, again until it is accepted.
func (w *shared) insist(node int, key, id string) {
	for {
		err := w.publish(node, key, id)
		if err == nil {
			return
		}
		select {
		case <-w.t.Context().Done():
			return
		case <-time.After(20 * time.Millisecond): // a source's own patience
		}
	}
}

// inOrder finds out whether the events of a key, which are numbered, were seen first in their order.
func (w *shared) inOrder(key string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	last := -1
	for _, id := range w.first {
		var n int
		if _, err := fmt.Sscanf(id, key+"-%d", &n); err != nil {
			continue
		}
		if n <= last {
			w.t.Errorf("%s was first sent after %s-%d", id, key, last)
		}
		last = n
	}
}

// logged counts how often each event stands in the log.
func (w *shared) logged(hub *app.Hub) map[string]int {
	w.t.Helper()
	times := map[string]int{}
	w.must(hub.Log.CatchUp(w.t.Context()))
	events, err := hub.Store.Range(w.t.Context(), 0, hub.Log.Head(), 1<<20)
	w.must(err)
	for _, e := range events {
		var head struct{ ID string }
		if e.Source == "urn:cv" {
			w.must(json.Unmarshal(e.Head, &head))
			times[head.ID]++
		}
	}
	return times
}

// DESIGN promises 1 to 3 over a failover: a primary that waits for its standby is killed while two nodes publish, and the
// standby takes over. Nothing that was accepted is lost, nothing comes in twice, and no node is started anew.
func TestNothingAcceptedIsLostWhenTheStandbyTakesOver(t *testing.T) {
	t.Parallel()
	w := newShared(t, "fsync=on", "synchronous_standby_names=*")
	const before, after = 15, 10
	var half, all sync.WaitGroup
	var mu sync.Mutex
	accepted, broken := []string{}, time.Time{}
	recovered := [2]time.Duration{}
	keys := []string{"a", "b", "c", "d"}
	killed := make(chan struct{})
	for i, key := range keys {
		half.Add(1)
		all.Go(func() {
			over := 0 // accepted since the primary was killed
			for n := 0; over < after && t.Context().Err() == nil; n++ {
				id := fmt.Sprintf("%s-%d", key, n)
				w.insist(i%2, key, id)
				mu.Lock()
				accepted = append(accepted, id)
				mu.Unlock()
				if n == before {
					half.Done()
				}
				select {
				case <-killed:
					if over++; over == 2 { // the one before may have been answered by the primary still
						mu.Lock()
						if recovered[i%2] == 0 {
							recovered[i%2] = time.Since(broken)
						}
						mu.Unlock()
					}
				default:
				}
			}
		})
	}
	half.Wait() // all four are under way
	mu.Lock()
	broken = time.Now()
	mu.Unlock()
	w.primary.Kill()
	close(killed)
	w.standby.Promote(t)
	promoted := time.Since(broken)
	all.Wait()
	t.Logf("the standby was promoted %s after the primary was killed; the nodes accept again after %s", promoted, recovered)

	w.delivered(accepted)
	times := w.logged(w.hubs[1])
	for _, id := range accepted {
		if times[id] != 1 {
			t.Errorf("%s is in the log %d times", id, times[id])
		}
	}
	for _, key := range keys {
		w.inOrder(key)
	}
	for n, hub := range w.hubs {
		select {
		case err := <-hub.Failed():
			t.Errorf("node %d ended: %v", n, err)
		default:
		}
		w.must(hub.Log.CatchUp(t.Context()))
		if epochs := hub.Log.Epochs(); len(epochs) != 2 || hub.Log.Cursor(9, false).Epoch != epochs[1].ID {
			t.Errorf("node %d knows of the epochs %+v", n, epochs)
		}
		// A cursor of before the failover goes on.
		if _, err := hub.Log.Resolve(eventlog.Cursor{Epoch: hub.Log.Epochs()[0].ID, Position: hub.Log.Epochs()[1].After}); err != nil {
			t.Errorf("a cursor of before is refused: %v", err)
		}
	}
}

// A standby that lagged takes over: every node that knows what was lost ends by itself. Started anew they go on from what there is, in one new epoch; readers are told when they stand in what
// was lost; and lanes are not held by it.
func TestNodesThatKnowWhatWasLostEnd(t *testing.T) {
	t.Parallel()
	w := newShared(t)
	w.insist(0, "a", "a-1")
	w.insist(1, "b", "b-1")
	w.delivered([]string{"a-1", "b-1"})
	for _, hub := range w.hubs {
		w.must(hub.Log.CatchUp(t.Context()))
	}
	replicated(t, w)
	within := w.hubs[0].Log.Cursor(w.hubs[0].Log.Head(), false)
	w.standby.Stop()
	w.insist(0, "a", "a-2")
	w.insist(1, "b", "b-2")
	w.delivered([]string{"a-2", "b-2"})
	for _, hub := range w.hubs {
		w.must(hub.Log.CatchUp(t.Context()))
	}
	beyond := w.hubs[1].Log.Cursor(w.hubs[1].Log.Head(), false)
	w.primary.Kill()
	w.standby.Restart(t)
	w.standby.Promote(t)
	for n, hub := range w.hubs {
		err := <-hub.Failed()
		if !fault.Has(err, fault.LogRewound) {
			t.Errorf("node %d ended with %v", n, err)
		}
		if err := w.publish(n, "c", fmt.Sprint("refused-", n)); err == nil {
			t.Errorf("node %d still accepts", n)
		}
		w.stop(hub)
	}
	for n := range w.hubs {
		w.start(n)
	}
	epochs := w.hubs[1].Log.Epochs()
	if len(epochs) != 2 || epochs[1].After < within.Position || epochs[1].After >= beyond.Position {
		t.Fatalf("the epochs are %+v; %d was replicated, %d was lost", epochs, within.Position, beyond.Position)
	}
	for n, hub := range w.hubs {
		if _, err := hub.Log.Resolve(within); err != nil {
			t.Errorf("node %d refuses a cursor of what there is: %v", n, err)
		}
		if _, err := hub.Log.Resolve(beyond); !fault.Has(err, fault.LogRewound) {
			t.Errorf("node %d takes a cursor of what was lost: %v", n, err)
		}
	}
	// Others get the positions of what was lost, in the same lanes; and what was lost comes in again.
	more := []string{"a-3", "b-3", "c-3"}
	for n, id := range more {
		w.insist(n%2, id[:1], id)
	}
	w.insist(0, "a", "a-2")
	w.delivered(more)
	if times := w.logged(w.hubs[0]); times["a-1"] != 1 || times["a-2"] != 1 || times["a-3"] != 1 || times["b-2"] != 0 {
		t.Errorf("the log holds %v", times)
	}
}

// replicated waits until the standby has all that the primary has.
func replicated(t *testing.T, w *shared) {
	t.Helper()
	end := w.primary.Query(t, "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint")
	for w.standby.Query(t, "SELECT (pg_last_wal_replay_lsn() - '0/0')::bigint") < end {
		if t.Context().Err() != nil {
			t.Fatal("the standby does not follow")
		}
	}
}
