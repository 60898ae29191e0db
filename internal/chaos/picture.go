package chaos

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// picture is a run as text: a column a second, a line for each node, one for PostgreSQL, and one for what arrives.
type picture struct {
	mu      sync.Mutex
	now     *step
	columns []column
}

type column struct {
	trouble *step
	arrived int64
}

func (p *picture) begin(s step) {
	p.mu.Lock()
	p.now = &s
	p.mu.Unlock()
}

func (p *picture) end() {
	p.mu.Lock()
	p.now = nil
	p.mu.Unlock()
}

// draw adds a column every second until ctx ends.
func (s *scene) draw(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for last := s.ledger.came.Load(); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := s.ledger.came.Load()
		s.picture.mu.Lock()
		s.picture.columns = append(s.picture.columns, column{s.picture.now, now - last})
		s.picture.mu.Unlock()
		last = now
	}
}

// wide is how many columns stand beside each other.
const wide = 120

var bars = []rune(" ▁▂▃▄▅▆▇█")

func (p *picture) lines(nodes []string) (lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	highest := int64(1)
	for _, c := range p.columns {
		highest = max(highest, c.arrived)
	}
	for from := 0; from < len(p.columns); from += wide {
		part := p.columns[from:min(from+wide, len(p.columns))]
		for n, name := range nodes {
			lines = append(lines, row(name, part, func(c column) rune { return c.mark(n) }))
		}
		lines = append(lines,
			row("PostgreSQL", part, func(c column) rune { return c.mark(-1) }),
			row("arrivals", part, func(c column) rune {
				return bars[(c.arrived*int64(len(bars)-1)+highest-1)/highest]
			}),
			fmt.Sprintf("%-10s %d s", "", from))
	}
	legend := fmt.Sprintf("%-10s at most %d a second; ", "", highest)
	for _, k := range kinds() {
		legend += fmt.Sprintf("%c %s  ", k.mark, k.name)
	}
	return append(lines, strings.TrimSpace(legend))
}

func row(name string, part []column, cell func(column) rune) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-10s ", name)
	for _, c := range part {
		b.WriteRune(cell(c))
	}
	return b.String()
}

// mark is how a column shows the nth node, or PostgreSQL: -1.
func (c column) mark(n int) rune {
	if c.trouble != nil && (c.trouble.kind.server && n < 0 || !c.trouble.kind.server && n == c.trouble.node) {
		return rune(c.trouble.kind.mark)
	}
	return '·'
}
