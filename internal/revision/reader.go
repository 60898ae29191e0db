package revision

import (
	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/register"
)

// ReadsRegister reports whether somebody who reaches only what is their own reads what a register keeps: who publishes as its
// source, and who acts for a system that is granted it, since what a system is told of by events it may look up (F44b).
func (b *Book) ReadsRegister(p *account.Principal, r *register.Register) bool {
	if p.PublishesAs(r.Source) {
		return true
	}
	for _, system := range b.Systems() {
		if p.ActsFor(system.Name) && system.Agreement.GrantsSource(r.Source) {
			return true
		}
	}
	return false
}
