// Package extractfile keeps the files of extracts in a directory, each extract's in one of its own. A file is there as a whole
// or not at all: it is written under another name, and gets its own once it is on the disk.
package extractfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
)

// Shelf is the directory.
type Shelf struct{ dir string }

// New makes a shelf of a directory, which is made with the first file.
func New(dir string) *Shelf { return &Shelf{dir} }

// unfinished begins the name of what is being written. No file of an extract is called so.
const unfinished = ".part-"

// Part is a file that is being written. It is nobody's to read before Keep.
type Part struct {
	file *os.File
	path string
}

// Create begins a file.
// Error: fault.StorageFull.
func (s *Shelf) Create(extract, name string) (*Part, error) {
	path, err := s.path(extract, name)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, failed(err)
	}
	file, err := os.OpenFile(filepath.Join(filepath.Dir(path), unfinished+name), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, failed(err)
	}
	return &Part{file, path}, nil
}

// Write implements io.Writer.
func (p *Part) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	return n, failed(err)
}

// Keep gives the file its name. It and its name are on the disk when Keep returns.
// Error: fault.StorageFull; nothing is kept then.
func (p *Part) Keep() error {
	err := errors.Join(p.file.Sync(), p.file.Close())
	if err == nil {
		err = os.Rename(p.file.Name(), p.path)
	}
	if err == nil {
		err = syncDir(filepath.Dir(p.path))
	}
	if err != nil {
		_ = os.Remove(p.file.Name())
	}
	return failed(err)
}

// Drop ends the file without keeping it.
func (p *Part) Drop() {
	_ = p.file.Close()
	_ = os.Remove(p.file.Name())
}

// Open opens a file to be read, from any place.
// Error: fault.NotFound when it is not here.
func (s *Shelf) Open(extract, name string) (*os.File, error) {
	path, err := s.path(extract, name)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.New(fault.NotFound, "the file is not on this node of the hub")
	}
	return file, failed(err)
}

// Tidy removes every file but those to be kept, and what a crash has left half written. It is not to be called while a file
// is being written.
func (s *Shelf) Tidy(kept func(extract, name string) bool) error {
	extracts, err := os.ReadDir(s.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	failures := []error{err}
	for _, extract := range extracts {
		dir := filepath.Join(s.dir, extract.Name())
		files, err := os.ReadDir(dir)
		failures = append(failures, err)
		left := len(files)
		for _, file := range files {
			if kept(extract.Name(), file.Name()) {
				continue
			}
			err := os.Remove(filepath.Join(dir, file.Name()))
			failures = append(failures, err)
			if err == nil {
				left--
			}
		}
		if left == 0 && err == nil {
			failures = append(failures, os.Remove(dir))
		}
	}
	return failed(errors.Join(failures...))
}

// Remove removes the files of an extract but those that stay, and what is half written of it: who writes that finds it gone. They
// and their names are off the disk when Remove returns.
func (s *Shelf) Remove(extract string, stays func(name string) bool) error {
	dir := filepath.Join(s.dir, extract)
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	failures := []error{err}
	for _, file := range files {
		if stays(file.Name()) && !strings.HasPrefix(file.Name(), unfinished) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, file.Name())); !errors.Is(err, fs.ErrNotExist) {
			failures = append(failures, err)
		}
	}
	if err := syncDir(dir); !errors.Is(err, fs.ErrNotExist) { // whoever tidies up may have taken it away
		failures = append(failures, err)
	}
	return failed(errors.Join(failures...))
}

// path is where a file stands. Names are the hub's own, and still are held to be names.
func (s *Shelf) path(extract, name string) (string, error) {
	for _, part := range []string{extract, name} {
		if part == "" || strings.HasPrefix(part, ".") || strings.ContainsAny(part, `/\:`) || !filepath.IsLocal(part) {
			return "", fault.New(fault.NotFound, "there is no file of that name")
		}
	}
	return filepath.Join(s.dir, extract, name), nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func failed(err error) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(fault.StorageFull, err, "the files of extracts cannot be kept")
}

var _ io.Writer = (*Part)(nil)
