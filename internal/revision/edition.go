package revision

import (
	"maps"
	"reflect"
	"slices"

	"github.com/varselhub/varsel/internal/register"
)

// Edition is a version of the service that a register is: what it published from a revision on (F44, F44b).
type Edition struct {
	Position int64
	Recorded int64 // µs UTC
	Title    string
	Types    []register.EntityType
	Extracts []OfferedExtract
}

// OfferedExtract is an extract as others than its system may know it.
type OfferedExtract struct {
	Title, Type string
	Selection   register.Selection
	Format      register.Format
	Schedule    string
}

// mostEditions bounds how many versions of a service are told.
const mostEditions = 50

// edit adds an edition of a register where a revision has changed what it publishes.
func (b *Book) edit(r *Revision, name string) {
	h := b.registers[name]
	if h == nil || h.now() == nil {
		return
	}
	doc := h.now()
	next := Edition{Position: r.Position, Recorded: r.Recorded, Title: doc.Title, Types: doc.Types}
	for _, name := range slices.Sorted(maps.Keys(b.extracts)) {
		if x := b.extracts[name].history.now(); x != nil && x.Register == doc.Name {
			next.Extracts = append(next.Extracts, OfferedExtract{x.Title, x.Type, x.Selection, x.Format, x.Schedule})
		}
	}
	list := b.editions[name]
	if len(list) > 0 && list[0].same(&next) {
		return
	}
	list = slices.Insert(slices.Clone(list), 0, next)
	b.editions[name] = list[:min(len(list), mostEditions)]
}

func (e *Edition) same(o *Edition) bool {
	return e.Title == o.Title && reflect.DeepEqual(e.Types, o.Types) && slices.Equal(e.Extracts, o.Extracts)
}

// Editions lists the versions of the service that a register is, newest first.
func (b *Book) Editions(name string) []Edition {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.editions[name]
}
