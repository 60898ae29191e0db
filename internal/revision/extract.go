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
	erased  int64           // position at which files were last deleted for a person
	anew    *int64          // a delta goes on from here, for files of it were deleted
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
	Erased   int64           // position at which files were last deleted for a person; 0: never
	Anew     *int64          // the delivery behind which the next delta begins, for files of it were deleted; nil: where the last ended
}

// GoesOnFrom is the delivery that a delta made now begins behind.
func (s *ExtractState) GoesOnFrom() int64 {
	switch {
	case s.Anew != nil:
		return *s.Anew
	case s.Last != nil:
		return s.Last.UpTo
	}
	return 0
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
	case ExtractErased:
		gone, err := decode[register.FilesErased](r.Document)
		if err == nil && gone != nil {
			x.erase(gone, r)
			b.erasedFiles[gone.Erasure] += gone.Files
		}
		return err
	}
	doc, err := decode[register.Extract](r.Document)
	if err != nil {
		return err
	}
	old := x.history.now()
	if doc == nil {
		x.last, x.files, x.ordered, x.anew = nil, nil, 0, nil
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
		x.files, x.anew = slices.Insert(x.files, 0, run), nil
		x.prune()
	}
}

// erase notes that the files made by then are gone. What stood in those that were kept is made again.
func (x *extract) erase(gone *register.FilesErased, r *Revision) {
	x.erased = r.Position
	for i, run := range x.files {
		if run.Number > gone.UpTo || run.Erased != 0 {
			continue
		}
		if x.anew == nil || run.Since < *x.anew {
			since := run.Since
			x.anew = &since
		}
		marked := *run
		marked.Erased = r.Recorded
		x.files[i] = &marked
	}
}

// ErasedFiles is how many files of extracts an erasure has deleted.
func (b *Book) ErasedFiles(erasure int64) int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.erasedFiles[erasure]
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
	return ExtractState{x.history.now(), x.history.position(), x.since, x.ordered, x.number, x.last, slices.Clone(x.files), x.erased, x.anew}
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
