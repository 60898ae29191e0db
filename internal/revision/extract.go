package revision

import (
	"maps"
	"slices"

	"github.com/varselhub/varsel/internal/register"
)

// extract is an extract through time, as far as it still matters.
type extract struct {
	history history[register.Extract]
	since   int64 // µs UTC: when its schedule came to be; what it says is due from then on
	ordered int64 // position of the newest order
	number  int64 // of the newest run, also of what was once an extract of this name
	last    *register.Run
	files   []*register.Run // that have made a file, newest first
}

// ExtractState is an extract as it stands.
type ExtractState struct {
	Extract  *register.Extract
	Position int64 // of its document: the ETag
	Since    int64 // µs UTC: when its schedule came to be
	Ordered  int64 // position of the newest order; 0: none
	Number   int64 // of the newest run there ever was under its name
	Last     *register.Run
	Files    []*register.Run // the newest that it keeps by their count, newest first
}

// Pending reports whether an order is not carried out.
func (s *ExtractState) Pending() bool {
	return s.Ordered > 0 && (s.Last == nil || s.Ordered > s.Last.Asked)
}

func (b *Book) applyExtract(r *Revision) error {
	x := b.extracts[r.Subject]
	if x == nil {
		x = &extract{}
		b.extracts[r.Subject] = x
	}
	switch r.Kind {
	case ExtractOrder:
		x.ordered = r.Position
		return nil
	case ExtractRun:
		run, err := decode[register.Run](r.Document)
		if err == nil && run != nil {
			x.add(run)
		}
		return err
	}
	doc, err := decode[register.Extract](r.Document)
	if err != nil {
		return err
	}
	old := x.history.now()
	if doc == nil {
		x.last, x.files, x.ordered = nil, nil, 0
	} else if old == nil || old.Schedule != doc.Schedule {
		x.since = r.Recorded
	}
	// Nobody asks what an extract once was.
	x.history = history[register.Extract]{}
	x.history.add(r.Position, doc)
	x.prune()
	for _, of := range []*register.Extract{old, doc} {
		if of != nil {
			b.edit(r, of.Register)
		}
	}
	return nil
}

func (x *extract) add(run *register.Run) {
	x.number, x.last = run.Number, run
	if run.Made() {
		x.files = slices.Insert(x.files, 0, run)
		x.prune()
	}
}

func (x *extract) prune() {
	if doc := x.history.now(); doc != nil && len(x.files) > doc.Files() {
		x.files = slices.Clone(x.files[:doc.Files()])
	}
}

// Extract returns an extract.
func (b *Book) Extract(name string) (*register.Extract, int64) {
	s := b.ExtractState(name)
	return s.Extract, s.Position
}

// ExtractState returns an extract as it stands; its Extract is nil when there is none.
func (b *Book) ExtractState(name string) ExtractState {
	b.mu.RLock()
	defer b.mu.RUnlock()
	x := b.extracts[name]
	if x == nil {
		return ExtractState{}
	}
	return ExtractState{x.history.now(), x.history.position(), x.since, x.ordered, x.number, x.last, slices.Clone(x.files)}
}

// Extracts lists the extracts by name.
func (b *Book) Extracts() []*register.Extract {
	b.mu.RLock()
	defer b.mu.RUnlock()
	var docs []*register.Extract
	for _, name := range slices.Sorted(maps.Keys(b.extracts)) {
		if doc := b.extracts[name].history.now(); doc != nil {
			docs = append(docs, doc)
		}
	}
	return docs
}

// GrantsExtract reports whether the agreement of the system that gets an extract lets it have what the register keeps.
func (b *Book) GrantsExtract(x *register.Extract) bool {
	system, _ := b.System(x.System)
	reg, _ := b.Register(x.Register)
	return system != nil && reg != nil && system.Agreement.GrantsSource(reg.Source)
}
