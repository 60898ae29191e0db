package app

import (
	"context"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/intake"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/monitor"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
)

// watch has one node of the hub say, on the sites where components stand for parts of it, how they do.
func (h *Hub) watch() (stop func(context.Context)) {
	h.monitor = monitor.New(monitor.Options{
		Sites: h.Log.Book(), Clock: clock.System{}, Look: h.parts, Trouble: h.report,
		Say: func(ctx context.Context, site, component string, s status.State, reason status.Text) error {
			return h.Manager.SetState(ctx, site, component, manage.Setting{State: s, Reason: reason, Cause: status.ByHub}, audit.Hub)
		},
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		h.duties.during(ctx, dutyWatch, h.monitor.Run)
	}()
	return func(context.Context) {
		cancel()
		<-done
	}
}

// parts is how the hub's parts do now, on all of its nodes.
func (h *Hub) parts(ctx context.Context) (*monitor.Parts, error) {
	endpoints, err := h.among.whole.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	standings, err := h.among.whole.Standings(ctx)
	if err != nil {
		return nil, err
	}
	book := h.Log.Book()
	p := &monitor.Parts{
		Takes: h.ready() == nil, Behind: h.Log.Head() - h.Engine.Routed(), Systems: map[string]monitor.System{}, Sources: map[string]monitor.Source{},
	}
	for _, s := range book.Systems() {
		pause, _ := book.PauseOf(revision.OfSystem(s.Name))
		p.Systems[s.Name] = monitor.System{Paused: pause != nil}
	}
	for _, s := range standings {
		one := p.Systems[s.System]
		one.Parked, one.Retrying = s.Parked, s.Retrying
		p.Systems[s.System] = one
	}
	for _, e := range endpoints {
		one := p.Systems[e.System]
		one.Endpoints++
		if e.State != delivery.BreakerOpen {
			one.Down++
		}
		p.Systems[e.System] = one
	}
	for _, s := range book.Sources() {
		p.Sources[s.Name] = monitor.Source{Stream: s.Stream != nil}
	}
	for _, s := range h.intake.Figures() {
		// One that another node reads is taken to be read: it is that node's to say otherwise.
		p.Sources[s.Source] = monitor.Source{
			Stream: true, Reading: s.State == intake.Reading || s.State == intake.Waiting, Stopped: s.State == intake.Stopped, Aside: s.Aside,
		}
	}
	return p, nil
}
