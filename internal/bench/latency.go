package bench

import (
	"context"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/signature"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

// pace is the time between two events of the latency figure: 200 a second, whatever became of those before.
const pace = 5 * time.Millisecond

// latency measures from the call of publish to the receiver, beside one commit and one POST by themselves.
func latency(ctx context.Context, r *run, f *Figure) error {
	if err := r.startReceiver(nil); err != nil {
		return err
	}
	h, err := r.newHub(ctx, world{subscriptions: 1, systems: 1, types: 1, path: delayPath}, lag)
	if err != nil {
		return err
	}
	alone, err := r.newCommitAndPost()
	if err != nil {
		return err
	}
	var p50s, p50Ceilings, p50Ratios, p99s, p99Ceilings, p99Ratios []float64
	for n := range r.Size.Rounds {
		r.progress("round %d of %d", n+1, r.Size.Rounds)
		ceiling, err := r.delays(ctx, alone.once)
		if err != nil {
			return err
		}
		hub, err := r.delays(ctx, func() error { return h.publishOne(stamped(h.drafts.data, time.Now().UnixNano())) })
		if err != nil {
			return err
		}
		p50s, p50Ceilings = append(p50s, quantile(hub, 0.5)), append(p50Ceilings, quantile(ceiling, 0.5))
		p99s, p99Ceilings = append(p99s, quantile(hub, 0.99)), append(p99Ceilings, quantile(ceiling, 0.99))
		p50Ratios = append(p50Ratios, p50s[n]/p50Ceilings[n])
		p99Ratios = append(p99Ratios, p99s[n]/p99Ceilings[n])
	}
	f.Value, f.Ceiling, f.Ratio = middle(p50s), middle(p50Ceilings), middle(p50Ratios)
	f.P99, f.P99Ceiling, f.P99Ratio = middle(p99s), middle(p99Ceilings), middle(p99Ratios)
	return nil
}

// delays does something at the pace for the window and returns how long each took to arrive, in milliseconds, sorted.
func (r *run) delays(ctx context.Context, once func() error) ([]float64, error) {
	before, err := r.received(ctx)
	if err != nil {
		return nil, err
	}
	count := int(r.Size.Latency / pace)
	if err := paced(ctx, count, once); err != nil {
		return nil, err
	}
	if _, err := r.arrived(ctx, before.Count+int64(count), settle); err != nil {
		return nil, err
	}
	var a receiverAnswer
	if err := r.receiver.ask(ctx, receiverQuestion{Delays: true}, &a); err != nil {
		return nil, err
	}
	if len(a.Delays) != count {
		return nil, fault.New(fault.Internal, "%d delays of %d were collected", len(a.Delays), count)
	}
	millis := make([]float64, count)
	for i, nanos := range a.Delays {
		millis[i] = float64(nanos) / 1e6
	}
	slices.Sort(millis)
	return millis, nil
}

// paced calls once at the pace, in goroutines of their own: one that is late does not keep the next.
func paced(ctx context.Context, count int, once func() error) error {
	var all sync.WaitGroup
	defer all.Wait()
	errs := make(chan error, count)
	next := time.Now()
	for range count {
		next = next.Add(pace)
		timer := time.NewTimer(time.Until(next))
		select {
		case <-timer.C:
		case err := <-errs:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
		all.Go(func() {
			if err := once(); err != nil {
				errs <- err
			}
		})
	}
	all.Wait()
	select {
	case err := <-errs:
		return err
	default:
		return nil
	}
}

func quantile(sorted []float64, q float64) float64 {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// commitAndPost is what no hub can be faster than: the event's row is made durable, then it is sent.
type commitAndPost struct {
	mu    sync.Mutex
	store *sqlite.Store
	post  *barePoster
	size  Size
}

func (r *run) newCommitAndPost() (*commitAndPost, error) {
	vault, err := secret.Open(filepath.Join(r.dir, "alone-secrets"))
	if err != nil {
		return nil, err
	}
	store, err := sqlite.Open(filepath.Join(r.dir, "alone.db"), sqlite.Options{Keys: vault, Same: publish.Same})
	if err != nil {
		return nil, err
	}
	r.onClose(func() { store.Close() })
	post, err := newBarePoster(r.addr, delayPath, nil, signature.NewSecret(), sample(r.Size))
	if err != nil {
		return nil, err
	}
	r.onClose(post.close)
	return &commitAndPost{store: store, post: post, size: r.Size}, nil
}

func (c *commitAndPost) once() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	id := ident.New()
	request := &eventlog.Request{Entries: []eventlog.Entry{{Event: &event.Event{
		ID: id, Source: sourceURI, SourceID: id.String(), Type: typeName, Version: version, MediaType: "application/json",
		Head: []byte(`{"specversion":"1.0"}`), Data: stamped(data(c.size.Payload), now.UnixNano()),
	}}}}
	if err := c.store.Commit(context.Background(), &eventlog.Commit{Requests: []*eventlog.Request{request}, Now: now.UnixMicro()}); err != nil {
		return err
	}
	restamp(c.post.body, now.UnixNano())
	return c.post.post()
}
