// Package headfile exports the head of the audit log to a file outside the database, so that entries removed from the
// end of the log are found: nothing inside the log tells that they were ever there.
package headfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Name is the file's name in its directory.
const Name = "audit-heads.jsonl"

// line is one exported head.
type line struct {
	Number int64  `json:"number"`
	MAC    string `json:"mac"`
	At     string `json:"at"` // RFC 3339
}

// Append writes a head behind those that are in the directory's file, which is made when it is not there. It is on the
// disk when Append returns.
func Append(dir string, head audit.Head) (err error) {
	defer func() {
		if err != nil {
			err = fault.Wrap(fault.StorageFull, err, "cannot export the audit log's head to %s", dir)
		}
	}()
	text, err := json.Marshal(line{head.Number, head.MAC.String(), string(event.AppendTime(nil, head.At))})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(dir, Name), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if torn(file) {
		text = append([]byte{'\n'}, text...)
	}
	_, err = file.Write(append(text, '\n'))
	return errors.Join(err, file.Sync(), file.Close())
}

// torn reports whether the last line has no end: a crash, or a full disk, in the middle of it.
func torn(file *os.File) bool {
	last := []byte{'\n'}
	if end, err := file.Seek(-1, io.SeekEnd); err == nil {
		_, _ = file.ReadAt(last, end) // what cannot be read is taken to be whole
	}
	return last[0] != '\n'
}

// Read reads a file of heads. Lines that cannot be read are counted: a crash leaves one at times, a person too.
// Error: fs.ErrNotExist, wrapped, when there is no such file.
func Read(file string) (heads []audit.Head, unreadable int, err error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fault.Wrap(fault.NotFound, err, "there is no file of heads %s", file)
	}
	if err != nil {
		return nil, 0, fault.Wrap(fault.Internal, err, "cannot read the heads in %s", file)
	}
	for one := range bytes.Lines(text) {
		if len(bytes.TrimSpace(one)) == 0 {
			continue
		}
		if head, ok := parse(one); ok {
			heads = append(heads, head)
		} else {
			unreadable++
		}
	}
	return heads, unreadable, nil
}

func parse(text []byte) (head audit.Head, ok bool) {
	var l line
	if json.Unmarshal(text, &l) != nil || l.Number < 0 {
		return head, false
	}
	head.Number = l.Number
	mac, okMAC := audit.ParseMAC(l.MAC)
	at, okAt := event.ParseTime(l.At)
	head.MAC, head.At = mac, at
	return head, okMAC && okAt
}
