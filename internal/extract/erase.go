package extract

import (
	"context"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
)

// Erase deletes the files of every extract of a type of which rows were erased, once they are: first the log says so, which
// also has what is being made meanwhile come to nothing, then the files go. Made again it does what is left.
func (m *Maker) Erase(ctx context.Context, erasure int64, rows []eventlog.RowsOf) error {
	for _, x := range m.Book.Extracts() {
		held := slices.ContainsFunc(rows, func(of eventlog.RowsOf) bool {
			return of.Register == x.Register && of.Type == x.Type && len(of.Rows) > 0
		})
		if !held {
			continue
		}
		if err := m.noteErased(ctx, x.Name, erasure); err != nil {
			return err
		}
		// What is written and not in the log yet may have been begun after: it is kept if it comes into the log, else tidied up.
		next := prefix(x.Name, m.Book.ExtractState(x.Name).Number+1)
		stays := func(name string) bool { return strings.HasPrefix(name, next) || m.stands(x.Name, name) }
		if err := m.Files.Remove(x.Name, stays); err != nil {
			return err
		}
	}
	return nil
}

// noteErased has the log say which files go, also where there are none: one may be being made.
func (m *Maker) noteErased(ctx context.Context, name string, erasure int64) error {
	for range tries {
		seen := m.Book.Last()
		state := m.Book.ExtractState(name)
		if state.Extract == nil {
			return nil
		}
		gone := register.FilesErased{Erasure: erasure, UpTo: state.Number}
		for _, run := range state.Files {
			if run.Erased == 0 {
				gone.Files++
			}
		}
		request := &eventlog.Request{Revisions: []revision.Revision{revision.Of(hub, revision.ExtractErased, name, gone)}, Expect: seen}
		if err := m.Log.Append(ctx, request); !fault.Has(err, fault.Precondition) {
			return err
		}
	}
	return fault.New(fault.Conflict, "the configuration keeps changing")
}

// Erased is how many files an erasure has deleted.
func (m *Maker) Erased(erasure int64) int { return m.Book.ErasedFiles(erasure) }
