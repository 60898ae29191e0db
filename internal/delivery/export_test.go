package delivery

import (
	"fmt"
	"strings"

	"github.com/varselhub/varsel/internal/audit"
)

// Dump describes the engine's state for a test that found it wanting.
func (e *Engine) Dump() string {
	var b strings.Builder
	fmt.Fprintf(&b, "routed %d head %d in flight %d resting %d crowded %d\n", e.routed.Load(), e.log.Head(), e.inFlight.Load(), e.resting.Load(), len(e.crowded))
	for _, c := range e.all() {
		c.mu.Lock()
		fmt.Fprintf(&b, "%s %s: read %d missed %d live %v reading %v ended %v held %d pending %d counted %d window %d settling %d committed %d touched %v waiting %d settled %v\n",
			c.book.System, c.book.Name, c.read, c.missed, c.live, c.reading, c.ended, c.held, c.pending, c.counted, len(c.window.slots)-c.window.start, len(c.settling), len(c.committed), c.touched, len(c.waiting), c.settled)
		for _, l := range c.lanes {
			fmt.Fprintf(&b, "  lane %s queue %d", l.key, len(l.queue))
			if l.head != nil {
				fmt.Fprintf(&b, " head %d stage %d", l.head.position, l.head.stage)
			}
			if l.disk != nil {
				fmt.Fprintf(&b, " disk %+v behind %d next %d fetching %v", l.disk.row, l.disk.behind, len(l.disk.next), l.disk.fetching)
			}
			b.WriteByte('\n')
		}
		for id, o := range c.outlets {
			fmt.Fprintf(&b, "  outlet %s ready %d stopped %v removed %v listed %v\n", id, o.ready.len(), o.stopped, o.removed, o.listed)
		}
		c.mu.Unlock()
	}
	return b.String()
}

// AtRest reports whether the engine has nothing to do but wait.
func (e *Engine) AtRest() bool { return e.atRest() }

// Working counts a test's receiver in or out of the engine's own work: while it waits for the test's answer, nothing
// of the engine's is under way.
func (e *Engine) Working(n int64) { e.active.Add(n) }

// DiscardAfter discards what is selected now, as Discard does, but lets something happen between the audit and the act.
func (e *Engine) DiscardAfter(sel Selection, between func()) []LaneView {
	selected, _ := e.Selected(sel)
	between()
	return e.Act(audit.Discard, selected)
}
