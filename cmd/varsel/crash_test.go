package main_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var crashRounds = flag.Int("crash.rounds", 0, "how often the crash test kills the hub; 0: 30, or 3 with -short")

// publishers feed the hub from several connections at full rate. Each owns its keys and sends the next batch only when
// the one before was accepted, trying again with the same ids for as long as it takes.
type publishers struct {
	p      *process
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu        sync.Mutex
	published map[string]int // accepted, by key
	refused   atomic.Int64   // requests answered 507
	total     atomic.Int64

	rest   time.Duration            // after each batch; 0: none
	asking func() (accepted func()) // called before each request, and its result when it was accepted; nil: nobody is
}

func startPublishers(p *process, n, keys int) *publishers { return new(publishers).start(p, n, keys) }

func (f *publishers) start(p *process, n, keys int) *publishers {
	f.p, f.published = p, map[string]int{}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	for i := range n {
		f.wg.Go(func() { f.run(i, keys) })
	}
	return f
}

func (f *publishers) run(i, keys int) {
	const size = 20
	for n := 1; f.ctx.Err() == nil; n++ {
		var things []thing
		for k := range size {
			key := fmt.Sprintf("p%dk%d", i, (n*size+k)%keys)
			things = append(things, thing{key, f.next(key)})
		}
		body := batch(things)
		for f.ctx.Err() == nil {
			accepted := func() {}
			if f.asking != nil {
				accepted = f.asking()
			}
			status, text, err := f.p.call(f.ctx, "POST", "/api/v1/events", batchType, body)
			if err == nil && status == 202 {
				f.accept(things)
				accepted()
				break
			}
			if err == nil && status == 507 {
				f.refused.Add(1)
			} else if err == nil && status != 503 {
				f.p.t.Errorf("publish answered %d: %s", status, text)
				return
			}
		}
		if f.rest > 0 {
			wait(f.rest)
		}
	}
}

func (f *publishers) next(key string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.published[key] + 1
}

func (f *publishers) accept(things []thing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, x := range things {
		f.published[x.key] = x.n
	}
	f.total.Add(int64(len(things)))
}

// stop ends publishing. A batch whose answer never came may have been accepted: it is published once more, so that what
// counts as published is known.
func (f *publishers) stop() map[string]int {
	f.cancel()
	f.wg.Wait()
	return f.published
}

// TestCrash kills the real hub at random moments under full load, again and again, and checks the promises at receivers
// that know the order: nothing accepted is lost, nothing is first sent out of order, and all that is ever repeated is
// the last message of a key (DESIGN promises 1, 2, 3; ADR 0003).
func TestCrash(t *testing.T) {
	rounds := *crashRounds
	if rounds == 0 {
		if rounds = 30; testing.Short() {
			rounds = 3
		}
	}
	fine, flaky := newLedger(), newLedger()
	flaky.answer = func(x thing, attempt int) int {
		if x.n%20 == 3 && attempt == 1 {
			return 500
		}
		return 200
	}
	receivers := map[string]*ledger{"fine": fine, "flaky": flaky, "alsofine": newLedger()}
	addresses := map[string]string{}
	for name, l := range receivers {
		server := httptest.NewServer(l)
		t.Cleanup(server.Close)
		addresses[name] = server.URL
	}
	p := newProcess(t, t.TempDir())
	p.start()
	p.world(addresses)
	f := startPublishers(p, 4, 60)
	kills := 0
	for range rounds {
		wait(time.Duration(50+rand.IntN(400)) * time.Millisecond)
		p.kill()
		kills++
		p.start()
	}
	published := f.stop()
	settle(t, p, published)
	for name, l := range receivers {
		l.await(t, name, published, 60*time.Second)
		t.Logf("%s: %d repeats after %d kills, %d events accepted", name, l.repeats, kills, f.total.Load())
	}
}

// wait lets the hub work for a while before it is killed: the moment is what is random.
func wait(d time.Duration) { <-time.After(d) }

// settle publishes every key's next number, so that a batch whose answer was lost is either confirmed or overwritten:
// the same ids once more, which is how a publisher learns what was accepted.
func settle(t *testing.T, p *process, published map[string]int) {
	t.Helper()
	var things []thing
	for key, n := range published {
		things = append(things, thing{key, n + 1})
	}
	status, text, err := p.call(context.Background(), "POST", "/api/v1/events", batchType, batch(things))
	if err != nil || status != 202 {
		t.Fatalf("publish: %d %s %v", status, text, err)
	}
	for key := range published {
		published[key]++
	}
}

// TestFullDisk fills the disk under the real hub: publish answers 507, nothing that was accepted is lost, what was
// delivered is remembered, and when there is room again everything goes on by itself.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", dir).CombinedOutput()
	if err != nil {
		message := fmt.Sprintf("NOT TESTED: a full disk needs a small tmpfs, which only root can mount: %v %s", err, out)
		if os.Getenv("CI") == "true" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	receiver := newLedger()
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close)
	p := newProcess(t, dir)
	p.start()
	p.world(map[string]string{"fine": server.URL})
	f := startPublishers(p, 2, 20)
	for deadline := time.Now().Add(60 * time.Second); f.refused.Load() < 5; {
		if time.Now().After(deadline) {
			t.Fatal("the disk never filled")
		}
		wait(10 * time.Millisecond)
	}
	p.kill() // and even now
	if out, err := exec.Command("mount", "-o", "remount,size=200m", dir).CombinedOutput(); err != nil {
		t.Fatalf("cannot grow the disk: %v %s", err, out)
	}
	p.start()
	before := f.total.Load()
	for deadline := time.Now().Add(30 * time.Second); f.total.Load() == before; {
		if time.Now().After(deadline) {
			t.Fatal("publishing did not go on")
		}
		wait(10 * time.Millisecond)
	}
	published := f.stop()
	settle(t, p, published)
	receiver.await(t, "fine", published, 60*time.Second)
}
