package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/varselhub/varsel/client"
)

const (
	sourceName = "chaos"
	sourceURI  = "urn:varsel:chaos"
	typeName   = "chaos.changed"
)

// publishWithin is how long one try to publish may take before another node is tried.
const publishWithin = 4 * time.Second

// checkEvery is how many events are accepted for one that is published once more, to another node.
const checkEvery = 50

// counter is a key with the number of its last event. Who has it publishes the next, until that is accepted: so the
// order of a key is well defined, while keys go from node to node.
type counter struct {
	key       string
	n         int
	positions []int64 // of each number
}

// press publishes through all nodes, steadily.
type press struct {
	faults *faults
	doors  []*door
	keys   chan *counter
	all    []*counter
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// door is a node's publish API.
type door struct {
	client *client.Client

	mu       sync.Mutex
	accepted []time.Time
	failed   int
}

func newPress(f *faults, urls []string, keys int) (*press, error) {
	p := &press{faults: f, keys: make(chan *counter, keys)}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	for _, url := range urls {
		c, err := client.New(url, client.Options{
			Attempts: 1, HTTP: &http.Client{Timeout: publishWithin, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		})
		if err != nil {
			return nil, err
		}
		p.doors = append(p.doors, &door{client: c})
	}
	for n := range keys {
		k := &counter{key: fmt.Sprintf("key-%02d", n)}
		p.all = append(p.all, k)
		p.keys <- k
	}
	return p, nil
}

// hands is how many publishers each node has: while one waits for a node that does not answer the others go on.
const hands = 4

// start publishes so many events a second over all nodes.
func (p *press) start(rate float64) {
	every := time.Duration(float64(hands*len(p.doors)) / rate * float64(time.Second))
	for n := range p.doors {
		for h := range hands {
			p.wg.Go(func() { p.run(n, every, every*time.Duration(n*hands+h)/time.Duration(hands*len(p.doors))) })
		}
	}
}

// run publishes an event every so often, the first one after a while, through the nth node first.
func (p *press) run(n int, every, first time.Duration) {
	tick := time.NewTimer(first)
	defer tick.Stop()
	for count := 1; ; count++ {
		select {
		case <-tick.C:
		case <-p.ctx.Done():
			return
		}
		tick.Reset(every)
		p.next(n, count%checkEvery == 0)
	}
}

// burst publishes so many events through a node as fast as it takes them.
func (p *press) burst(n, count int) {
	for range count {
		p.wg.Go(func() { p.next(n, false) })
	}
}

// next publishes the next event of some key; twice says that it is published once more.
func (p *press) next(n int, twice bool) {
	var k *counter
	select {
	case k = <-p.keys:
	case <-p.ctx.Done():
		return
	}
	defer func() { p.keys <- k }()
	data, _ := json.Marshal(thing{k.key, k.n + 1, time.Now().UnixNano()}) // it holds nothing that JSON cannot
	e := client.Event{ID: fmt.Sprintf("%s-%d", k.key, k.n+1), Source: sourceURI, Type: typeName, Data: data}
	position := p.insist(n, e)
	k.n++
	k.positions = append(k.positions, position)
	if twice {
		if again := p.insist(n+1, e); again != position {
			p.faults.add("publish: %s is at position %d and, published again, at %d", e.ID, position, again)
		}
	}
}

// insist publishes an event until it is accepted, by whichever node, and returns its position. It goes on after the press
// has stopped: what became of an event that was tried must be known.
func (p *press) insist(n int, e client.Event) int64 {
	for ; ; n++ {
		d := p.doors[n%len(p.doors)]
		position, err := d.publish(e)
		if err == nil {
			return position
		}
		var problem *client.Problem
		if errors.As(err, &problem) && problem.Status < http.StatusInternalServerError {
			p.faults.add("publish: %s was refused: %v", e.ID, err)
		}
		time.Sleep(50 * time.Millisecond) // a node that is not there says so at once
	}
}

func (d *door) publish(e client.Event) (position int64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), publishWithin)
	defer cancel()
	results, err := d.client.Publish(ctx, e)
	if err == nil && len(results) != 1 {
		err = fmt.Errorf("%d results for one event", len(results))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err != nil {
		d.failed++
		return 0, err
	}
	d.accepted = append(d.accepted, time.Now())
	return results[0].Position, nil
}

// gap is the longest time in which a node accepted nothing, between two moments.
func (d *door) gap(from, to time.Time) (longest time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	last := from
	for _, at := range d.accepted {
		if at.Before(from) {
			continue
		}
		if at.After(to) {
			break
		}
		longest, last = max(longest, at.Sub(last)), at
	}
	return max(longest, to.Sub(last))
}

// stop ends publishing, and returns when everything that was begun is accepted.
func (p *press) stop(within time.Duration) (ok bool) {
	p.cancel()
	done := make(chan struct{})
	go func() {
		p.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(within):
		return false
	}
}

// published is how many events of each key were accepted. Call it after stop.
func (p *press) published() (numbers map[string]int, total int) {
	numbers = map[string]int{}
	for _, k := range p.all {
		numbers[k.key] = k.n
		total += k.n
	}
	return numbers, total
}

// accepted counts what all nodes have accepted so far.
func (p *press) accepted() (count int) {
	for _, d := range p.doors {
		d.mu.Lock()
		count += len(d.accepted)
		d.mu.Unlock()
	}
	return count
}
