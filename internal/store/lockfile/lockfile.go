// Package lockfile keeps a data directory for one process: two hubs on one database would give positions twice and send
// everything twice.
package lockfile

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
)

// Name is the file in the directory. It stays when nobody holds it; what counts is the lock, not the file.
const Name = "lock"

// Lock is a directory that is held.
type Lock struct{ file *os.File }

// Take holds a directory, which must be there, until Release or the end of the process, however it ends: the kernel lets
// go of the lock with the process. The file names the holder's process id, for people.
// Errors: DataInUse with the holder's process id; Internal when the file cannot be written or locked.
func Take(dir string) (*Lock, error) {
	path := filepath.Join(dir, Name)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot open the lock of %s", dir)
	}
	held, err := lock(file)
	switch {
	case err != nil:
		err = fault.Wrap(fault.Internal, err, "cannot lock %s", dir)
	case held:
		err = fault.New(fault.DataInUse, "%s has %s", holder(path), dir)
	default:
		if err = sign(file); err == nil {
			return &Lock{file}, nil
		}
		err = fault.Wrap(fault.Internal, err, "cannot write the lock of %s", dir)
	}
	_ = file.Close() // it holds nothing
	return nil, err
}

// sign writes who holds the lock.
func sign(file *os.File) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

// holder is who wrote the file; it may not have done so yet.
func holder(path string) string {
	text, err := os.ReadFile(path)
	if pid := strings.TrimSpace(string(text)); err == nil && pid != "" {
		return "process " + pid
	}
	return "another process"
}

// Release lets go of the directory.
func (l *Lock) Release() error { return l.file.Close() }
