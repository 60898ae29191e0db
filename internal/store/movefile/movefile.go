// Package movefile notes beside a database that the hub in it is being moved elsewhere, or has been, so that no hub
// starts on what was left behind.
package movefile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
)

// Name is the file's name in the data directory.
const Name = "move.json"

// Move is one move of a hub out of a data directory.
type Move struct {
	ID       string    `json:"id"`
	Store    string    `json:"store"` // URL of the database, without a password
	Began    time.Time `json:"began"`
	Finished time.Time `json:"finished,omitzero"`
	fresh    bool
}

// Read reads what is noted; nil: nothing is.
func Read(dir string) (*Move, error) {
	text, err := os.ReadFile(filepath.Join(dir, Name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	m := &Move{}
	if err == nil {
		err = json.Unmarshal(text, m)
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "%s cannot be read", filepath.Join(dir, Name))
	}
	return m, nil
}

// Refuse refuses a data directory whose hub is, or is on its way, elsewhere.
// Errors: fault.HubMoved, fault.MoveUnfinished.
func Refuse(dir string) error {
	m, err := Read(dir)
	switch {
	case err != nil || m == nil:
		return err
	case m.Finished.IsZero():
		return fault.New(fault.MoveUnfinished, "the hub of %s is being moved to %s, since %s", dir, m.Store, m.Began.Format(time.RFC3339))
	}
	return fault.New(fault.HubMoved, "the hub of %s was moved to %s on %s", dir, m.Store, m.Finished.Format(time.RFC3339))
}

// Begin notes a move to a database, or finds the one that is under way. What is noted is on the disk when it returns.
// Errors: fault.HubMoved when it was moved before; fault.MoveUnfinished when it is on its way to another database.
func Begin(dir, store string, now time.Time) (*Move, error) {
	m, err := Read(dir)
	switch {
	case err != nil:
		return nil, err
	case m == nil:
		m = &Move{ID: ident.New().String(), Store: store, Began: now.UTC().Truncate(time.Second), fresh: true}
		return m, m.write(dir)
	case !m.Finished.IsZero() || m.Store != store:
		return nil, Refuse(dir)
	}
	return m, nil
}

// Resumed reports whether an earlier run began it.
func (m *Move) Resumed() bool { return !m.fresh }

// Undo takes back what Begin of this process has noted: nothing was moved.
func (m *Move) Undo(dir string) {
	if m.fresh {
		_ = os.Remove(filepath.Join(dir, Name)) // at worst somebody has to
	}
}

// Finish notes that a move is over.
func (m *Move) Finish(dir string, now time.Time) error {
	m.Finished = now.UTC().Truncate(time.Second)
	return m.write(dir)
}

// write puts the file in place whole: a crash leaves the old one or the new one.
func (m *Move) write(dir string) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		err = replace(dir, append(text, '\n'))
	}
	if err != nil {
		return fault.Wrap(fault.StorageFull, err, "cannot note the move in %s", dir)
	}
	return nil
}

func replace(dir string, text []byte) error {
	file, err := os.CreateTemp(dir, "."+Name+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), filepath.Join(dir, Name)); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}
