package webhook

import (
	"sync"

	"github.com/varselhub/varsel/internal/signature"
)

// desk is where one send at a time writes its request: a buffer and the states of hashes, used again.
type desk struct {
	signer *signature.Signer
	out    []byte
}

// desks keeps those that no send is using. The caller's bound on concurrent sends bounds them too.
type desks struct {
	signer *signature.Signer
	mu     sync.Mutex
	free   []*desk
}

func (d *desks) take() *desk {
	d.mu.Lock()
	defer d.mu.Unlock()
	last := len(d.free) - 1
	if last < 0 {
		return &desk{signer: d.signer.Clone()}
	}
	one := d.free[last]
	d.free = d.free[:last]
	return one
}

func (d *desks) put(one *desk) {
	d.mu.Lock()
	d.free = append(d.free, one)
	d.mu.Unlock()
}
