package telemetry

import (
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
)

// linesPerSecond bounds the lines about trouble: a receiver that fails thousands of times a second is one fact.
const linesPerSecond = 100

// pace lets so many lines through in each second and counts the others.
type pace struct {
	clock clock.Clock

	mu      sync.Mutex
	second  time.Time // when the current one began
	said    int
	skipped int64
}

// take reports whether a line may be written, and how many were skipped before it.
func (p *pace) take() (skipped int64, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.clock.Now(); now.Sub(p.second) >= time.Second || now.Before(p.second) {
		p.second, p.said = now, 0
	}
	if p.said++; p.said > linesPerSecond {
		p.skipped++
		return 0, false
	}
	skipped, p.skipped = p.skipped, 0
	return skipped, true
}
