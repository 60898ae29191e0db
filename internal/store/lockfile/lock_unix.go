//go:build unix && !solaris && !aix

package lockfile

import (
	"errors"
	"os"
	"syscall"
)

// lock reports whether somebody else holds the file, and holds it otherwise.
func lock(file *os.File) (held bool, err error) {
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EWOULDBLOCK):
			return true, nil
		default:
			return false, err
		}
	}
}
