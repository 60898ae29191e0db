// Package erasurefile keeps the journal of erasures: a file outside the database, so that whoever restores a backup from
// before an erasure erases again what it holds. It names positions of the log, and nothing of anyone.
package erasurefile

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Name is the file's name in its directory.
const Name = "erasures.jsonl"

// Journal is one file. It is safe for concurrent use.
type Journal struct {
	file string
	key  []byte
	mu   sync.Mutex
}

// keyFor keeps the seals of this file apart from all else that the audit key seals.
const keyFor = "varsel erasure journal 1"

// New makes a journal of the file in a directory. auditKey is what the audit log is sealed with: whoever lacks it cannot
// write a line that Read believes, nor take one out from between others.
func New(dir string, auditKey []byte) *Journal {
	return At(filepath.Join(dir, Name), auditKey)
}

// At makes a journal of a file.
func At(file string, auditKey []byte) *Journal {
	return &Journal{file: file, key: seal(auditKey, nil, []byte(keyFor))}
}

func seal(key, previous, text []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(previous)
	mac.Write(text)
	return mac.Sum(nil)
}

// line is an entry as its bytes were sealed, and the seal of these and of the line before.
type line struct {
	Entry json.RawMessage `json:"entry"`
	MAC   string          `json:"mac"`
}

type entry struct {
	Erasure   int64   `json:"erasure"`
	At        string  `json:"at"` // RFC 3339
	Epochs    []epoch `json:"epochs"`
	Positions []byte  `json:"positions"` // eventlog.AppendPositions

	Rows []eventlog.RowsOf `json:"rows,omitempty"`
}

type epoch struct {
	ID    uint32 `json:"id"`
	After int64  `json:"after"`
}

// Append writes an erasure behind the others. It is on the disk when Append returns, and so is the file's name.
// Errors: fault.StorageFull, fault.JournalInvalid when what is there is not the hub's.
func (j *Journal) Append(e eventlog.Journaled) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := os.MkdirAll(filepath.Dir(j.file), 0o700); err != nil {
		return fault.Wrap(fault.StorageFull, err, "the journal of erasures cannot be written")
	}
	r, err := j.read()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := j.write(&e, r.last)
	if err == nil {
		err = appendTo(j.file, text, r.whole)
	}
	if err != nil {
		return fault.Wrap(fault.StorageFull, err, "the journal of erasures cannot be written")
	}
	return nil
}

func (j *Journal) write(e *eventlog.Journaled, previous []byte) ([]byte, error) {
	x := entry{Erasure: e.N, At: string(event.AppendTime(nil, e.At)), Positions: eventlog.AppendPositions(nil, e.Positions), Rows: e.Rows}
	for _, one := range e.Epochs {
		x.Epochs = append(x.Epochs, epoch{one.ID, one.After})
	}
	text, err := json.Marshal(x)
	if err != nil {
		return nil, err
	}
	text, err = json.Marshal(line{text, hex.EncodeToString(seal(j.key, previous, text))})
	return append(text, '\n'), err
}

// appendTo appends behind what is whole; half a line that a crash left there was never answered for, and goes.
func appendTo(name string, text []byte, whole int64) error {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err = file.Truncate(whole); err == nil {
		_, err = file.WriteAt(text, whole)
	}
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Read reads the erasures, oldest first; one may be there twice. torn tells of half a line at the end, which a crash left
// before its erasure was answered for.
// Errors: fs.ErrNotExist, wrapped, when there is no file; fault.JournalInvalid when a line was changed, or taken out from
// between others.
func (j *Journal) Read() (list []eventlog.Journaled, torn bool, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	r, err := j.read()
	return r.entries, r.torn, err
}

type reading struct {
	entries []eventlog.Journaled
	last    []byte // seal of the last line
	whole   int64  // bytes up to its end
	torn    bool
}

func (j *Journal) read() (r reading, err error) {
	text, err := os.ReadFile(j.file)
	if errors.Is(err, fs.ErrNotExist) {
		return r, fault.Wrap(fault.JournalMissing, err, "there is no journal of erasures %s", j.file)
	}
	if err != nil {
		return r, fault.Wrap(fault.Internal, err, "the journal of erasures cannot be read")
	}
	number := 0
	for one := range bytes.Lines(text) {
		number++
		if one[len(one)-1] != '\n' {
			r.torn = true
			return r, nil
		}
		e, mac, err := j.open(one, r.last)
		if err != nil {
			return reading{}, fault.Wrap(fault.JournalInvalid, err, "line %d of %s is not as it was written, or the one before it is gone, or the audit key is another", number, j.file)
		}
		r.entries, r.last = append(r.entries, e), mac
		r.whole += int64(len(one))
	}
	return r, nil
}

var errSeal = errors.New("its seal does not fit")

func (j *Journal) open(text, previous []byte) (e eventlog.Journaled, mac []byte, err error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return e, nil, err
	}
	mac = seal(j.key, previous, l.Entry)
	if given, err := hex.DecodeString(l.MAC); err != nil || !hmac.Equal(given, mac) {
		return e, nil, errSeal
	}
	var x entry
	if err := json.Unmarshal(l.Entry, &x); err != nil {
		return e, nil, err
	}
	e.N, e.Rows = x.Erasure, x.Rows
	e.At, _ = event.ParseTime(x.At) // we wrote it
	for _, one := range x.Epochs {
		e.Epochs = append(e.Epochs, eventlog.Epoch{ID: one.ID, After: one.After})
	}
	e.Positions, err = eventlog.ParsePositions(x.Positions)
	return e, mac, err
}
