package demo

import (
	"fmt"
	"io"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/eventlog"
)

// screen shows a person what happens: a few lines that repaint themselves on a terminal, else a line now and then.
type screen struct {
	world *world
	out   io.Writer
	stop  chan struct{}
	over  sync.WaitGroup

	mu      sync.Mutex
	painted int                          // lines to go up before painting again
	blocked map[string]delivery.LaneView // at the last look, by consumer and lane
	news    []string                     // the last happenings, oldest first
}

const (
	repaintEvery = 250 * time.Millisecond
	lineEvery    = 5 * time.Second
	newsShown    = 6
)

func newScreen(w *world) *screen {
	return &screen{world: w, out: w.options.Screen, stop: make(chan struct{}), blocked: map[string]delivery.LaneView{}}
}

// open greets and begins to show.
func (s *screen) open() {
	fmt.Fprintf(s.out, "Varsel is running at %[1]s: open it in a browser. Two status sites are at %[1]s/prod/ and %[1]s/demo/, the pages to run them at %[1]s/admin/, what goes on this moment at %[1]s/now/, a register's events on a map at %[1]s/registers/dagi/map. Ctrl-C ends it.\n", s.world.address)
	s.over.Go(s.follow)
}

// close shows how it stands in the end.
func (s *screen) close() {
	close(s.stop)
	s.over.Wait()
	s.look()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.show()
}

func (s *screen) follow() {
	look := time.NewTicker(repaintEvery)
	defer look.Stop()
	line := time.NewTicker(lineEvery)
	defer line.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-look.C:
			s.look()
			if s.world.options.Repaint {
				s.mu.Lock()
				s.show()
				s.mu.Unlock()
			}
		case <-line.C:
			if !s.world.options.Repaint {
				s.mu.Lock()
				s.show()
				s.mu.Unlock()
			}
		}
	}
}

// look compares the blocked lanes with those of the last look and tells what is new.
func (s *screen) look() {
	now := map[string]delivery.LaneView{}
	for _, lane := range s.world.hub.Engine.Lanes(delivery.Selection{All: true}) {
		now[lane.Consumer+" "+lane.Lane] = lane
	}
	s.mu.Lock()
	before := s.blocked
	s.blocked = now
	s.mu.Unlock()
	for name, lane := range now {
		if old, known := before[name]; lane.State == eventlog.Retrying.String() && (!known || old.Attempts != lane.Attempts || old.Position != lane.Position) {
			s.say(blockedText(&lane))
		}
	}
	maps.DeleteFunc(before, func(name string, _ delivery.LaneView) bool { _, still := now[name]; return still })
	for _, lane := range before {
		s.say(fmt.Sprintf("released: lane %s of %s, in order", short(lane.Lane), lane.System))
	}
}

func blockedText(lane *delivery.LaneView) string {
	why := lane.Reason
	if lane.Status != 0 {
		why = fmt.Sprintf("answered %d", lane.Status)
	}
	wait := max(0, time.Until(time.UnixMicro(lane.Due))).Round(100 * time.Millisecond)
	return fmt.Sprintf("blocked:  lane %s of %s %s, next try in %s", short(lane.Lane), lane.System, why, wait)
}

// short is enough of a lane's name to recognise it.
func short(lane string) string { return lane[:min(8, len(lane))] }

// say notes a happening; without a terminal it is written at once.
func (s *screen) say(text string) {
	text = time.Now().Format("15:04:05") + "  " + text
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.world.options.Repaint {
		fmt.Fprintln(s.out, text)
		return
	}
	s.news = append(s.news, text)
	s.news = s.news[max(0, len(s.news)-newsShown):]
}

// show paints over what was painted before. The caller holds the lock.
func (s *screen) show() {
	if !s.world.options.Repaint {
		fmt.Fprintln(s.out, s.line())
		return
	}
	lines := append(s.table(), "")
	lines = append(lines, s.news...)
	var text strings.Builder
	if s.painted > 0 {
		fmt.Fprintf(&text, "\x1b[%dA", s.painted)
	}
	for _, line := range lines {
		text.WriteString(line + "\x1b[K\n")
	}
	s.painted = len(lines)
	_, _ = io.WriteString(s.out, text.String()) // a terminal that is gone needs nothing
}

func (s *screen) line() string {
	totals := s.world.hub.Engine.Totals()
	return fmt.Sprintf("%s  %d published, %d delivered, %d retried, %d pending, %d lanes blocked now", time.Now().Format("15:04:05"),
		s.world.traffic.published.Load(), totals.Delivered, totals.Retried, totals.Pending, len(s.blocked))
}

func (s *screen) table() []string {
	totals := s.world.hub.Engine.Totals()
	lines := []string{
		"",
		fmt.Sprintf("  published %-8d delivered %-8d retried %-6d lanes blocked now %d", s.world.traffic.published.Load(),
			totals.Delivered, totals.Retried, len(s.blocked)),
		"",
		fmt.Sprintf("  %-12s %9s %10s %9s  %s", "system", "pending", "in flight", "blocked", "state"),
	}
	for _, r := range s.world.receivers {
		lines = append(lines, s.row(r))
	}
	return lines
}

func (s *screen) row(r *receiver) string {
	var pending int64
	for _, name := range consumersOf(s.world.hub, r.system.Name) {
		pending += s.world.hub.Engine.Pending(name)
	}
	inFlight, state := 0, "open for messages"
	for _, endpoint := range s.world.hub.Engine.Endpoints() {
		if endpoint.System == r.system.Name {
			inFlight, state = inFlight+endpoint.InFlight, endpoint.State
		}
	}
	blocked := 0
	for _, lane := range s.blocked {
		if lane.System == r.system.Name {
			blocked++
		}
	}
	if blocked > 0 && state == "open for messages" {
		state = "open, a lane waits for its retry"
	}
	return fmt.Sprintf("  %-12s %9d %10d %9d  %s", r.system.Name, pending, inFlight, blocked, state)
}

// consumersOf names what reads the log for a system.
func consumersOf(hub *app.Hub, system string) []string {
	var names []string
	for _, c := range hub.Log.Book().Consumers() {
		if c.System == system {
			names = append(names, c.Name)
		}
	}
	return names
}
