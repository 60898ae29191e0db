package deposit

import (
	"cmp"
	"context"
	"encoding/json"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

const (
	postLimit = 500              // events of one request
	lookEvery = 15 * time.Second // for what another node has committed
	restAfter = time.Second      // that something went wrong
)

// streamOf is the name under which the log keeps how far a register's events are in it.
func streamOf(name string) string { return "register/" + name }

// post brings the events of one register into the log.
type post struct {
	wake chan struct{} // capacity 1: a delivery was committed
	halt context.CancelFunc
}

// Start begins to publish, every register by itself, and follows the configuration from then on.
func (d *Depositor) Start() {
	ctx, halt := context.WithCancel(context.Background())
	d.halt = halt
	d.over.Go(func() {
		for seen := int64(-1); ; {
			grown := d.Log.Grown()
			if last := d.Directory.Last(); last != seen {
				d.arrange(ctx)
				seen = last
			}
			select {
			case <-grown:
			case <-ctx.Done():
				return
			}
		}
	})
}

// Stop ends it, and returns when nothing of it runs.
func (d *Depositor) Stop() {
	if d.halt != nil {
		d.halt()
		d.over.Wait()
	}
}

// arrange has a post for every register there is. A register is never removed: its rows are kept.
func (d *Depositor) arrange(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, r := range d.Directory.Registers() {
		if p := d.posts[r.Name]; p != nil {
			p.poke() // what could not be published may be published now
			continue
		}
		p := &post{wake: make(chan struct{}, 1)}
		d.posts[r.Name] = p
		d.over.Go(func() { d.run(ctx, r.Name, p) })
	}
}

// poke tells a register's post that there is something to publish.
func (d *Depositor) poke(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p := d.posts[name]; p != nil {
		p.poke()
	}
}

func (p *post) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run publishes whatever there is of a register, again and again, until ctx ends. Every node does: each at once what it has
// committed itself, and now and then what another node has left.
func (d *Depositor) run(ctx context.Context, name string, p *post) {
	told := ""
	for ctx.Err() == nil {
		err := d.publish(ctx, name)
		pause := lookEvery
		if err != nil && ctx.Err() == nil {
			if pause = restAfter; told != err.Error() {
				told = err.Error()
				d.Trouble("publishing the events of the register "+name+", which is tried again", err)
			}
		} else {
			told = ""
		}
		d.rest(ctx, p, pause)
	}
}

func (d *Depositor) rest(ctx context.Context, p *post, pause time.Duration) {
	over := make(chan struct{})
	timer := d.Clock.AfterFunc(pause, func() { close(over) })
	defer timer.Stop()
	select {
	case <-over:
	case <-p.wake:
	case <-ctx.Done():
	}
}

// publish brings what is outgoing into the log, in order. How far it is stands in the log and is committed with the events: who
// publishes beside this node, or before a crash, is found out by the log refusing what has moved, so none goes in twice and
// none is left out.
func (d *Depositor) publish(ctx context.Context, name string) error {
	reg, _ := d.Directory.Register(name)
	if reg == nil {
		return nil
	}
	source, _ := d.Directory.Source(reg.Source)
	if source == nil {
		return fault.New(fault.NotFound, "the register's source is not there any more")
	}
	for {
		state, err := d.Places.Stream(ctx, source.Name, streamOf(name))
		if err != nil {
			return err
		}
		at := state.Next[0]
		if at > 0 { // those before it are in the log: a crash came before they were forgotten
			if err := d.Store.Sent(ctx, name, at-1); err != nil {
				return err
			}
		}
		outgoing, err := d.Store.Outgoing(ctx, name, max(at-1, 0), postLimit)
		if err != nil || len(outgoing) == 0 {
			return err
		}
		if err := d.append(ctx, source, name, &state, outgoing); err != nil && !fault.Has(err, fault.StreamMoved) {
			return err
		}
	}
}

// append appends some of a register's events, with the place behind them: all of it is in the log, or nothing.
func (d *Depositor) append(ctx context.Context, source *event.Source, name string, state *eventlog.StreamState, outgoing []register.Outgoing) error {
	request := &eventlog.Request{Intake: &eventlog.Intake{
		Source: source.Name, Stream: streamOf(name), Changes: state.Changes,
	}}
	var refused error
	for i := range outgoing {
		var waiting draft
		if err := json.Unmarshal(outgoing[i].Draft, &waiting); err != nil {
			return fault.Wrap(fault.Internal, err, "the event %d of the register cannot be read", outgoing[i].Number)
		}
		e, violations := d.Accepter.Accept(waiting.publishable(source))
		if len(violations) > 0 {
			// It could be published when the delivery was taken in: the configuration has changed since, and may change back.
			refused, outgoing = fault.Invalid(fault.InvalidEvent, violations), outgoing[:i]
			break
		}
		request.Entries = append(request.Entries, eventlog.Entry{Event: e})
	}
	if len(outgoing) == 0 {
		return refused
	}
	request.Intake.Places = []eventlog.StreamPlace{{From: state.Next[0], To: outgoing[len(outgoing)-1].Number + 1}}
	return cmp.Or(d.Log.Append(ctx, request), refused)
}
