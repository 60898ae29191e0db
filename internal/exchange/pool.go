package exchange

import (
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
)

// doubt is how long a connection may lie unused before it is looked at for what the receiver said meanwhile.
const doubt = time.Second

// pool keeps the connections that no send is using. The caller's bound on concurrent sends bounds it too.
type pool struct {
	clock   clock.Clock
	timeout time.Duration

	mu     sync.Mutex
	idle   []*conn // the one used last at the end: the others grow old and go
	sweep  clock.Timer
	closed bool
}

// take returns a connection made with trust, or nil. Those made with other certificates, those kept too long and those
// that the receiver has closed or talked on are dropped on the way.
func (p *pool) take(trust *trust) *conn {
	for {
		c := p.pop()
		if c == nil {
			return nil
		}
		lain := p.clock.Now().Sub(c.since)
		if c.trust == trust && lain < p.timeout && (lain < doubt || c.quiet()) {
			c.used = true
			return c
		}
		c.close()
	}
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	c := p.idle[last]
	p.idle[last] = nil
	p.idle = p.idle[:last]
	return c
}

func (p *pool) put(c *conn) {
	c.since = p.clock.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.close()
		return
	}
	p.idle = append(p.idle, c)
	if p.sweep == nil {
		p.sweep = p.clock.AfterFunc(p.timeout, p.dropOld)
	}
}

// dropOld closes what has lain too long and comes again while anything is left.
func (p *pool) dropOld() {
	now := p.clock.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	old := 0
	for old < len(p.idle) && now.Sub(p.idle[old].since) >= p.timeout {
		p.idle[old].close()
		old++
	}
	rest := copy(p.idle, p.idle[old:])
	clear(p.idle[rest:])
	p.idle, p.sweep = p.idle[:rest], nil
	if rest > 0 && !p.closed {
		p.sweep = p.clock.AfterFunc(p.timeout, p.dropOld)
	}
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.close()
	}
	p.idle = nil
	if p.sweep != nil {
		p.sweep.Stop()
	}
}
