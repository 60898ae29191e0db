package sftp

import (
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/pkg/sftp"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/extract"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// tree is what an account sees: a folder for each extract that its systems get, and in it the files that are kept and their
// checksums. It is looked up anew at each request, so what is not granted any more is gone at once.
type tree struct {
	book    Book
	files   Files
	account string
}

// may reports whether the account is in use, and gets an extract.
func (t *tree) may(x *register.Extract) bool {
	a, _ := t.book.Account(t.account)
	if a == nil || a.Disabled {
		return false
	}
	return a.Principal(account.ByKey).Has(account.Operator) || a.Principal(account.ByKey).ActsFor(x.System) && t.book.GrantsExtract(x)
}

// place takes a path apart; the server has made it absolute and clean. deep: it names more than a file.
func place(path string) (extract, file string, deep bool) {
	extract, file, _ = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return extract, file, strings.Contains(file, "/")
}

// folder finds an extract that the account sees.
func (t *tree) folder(name string) (*register.Extract, error) {
	x, _ := t.book.Extract(name)
	if x == nil || !t.may(x) {
		return nil, os.ErrNotExist
	}
	return x, nil
}

// Fileread implements sftp.FileReader.
func (t *tree) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	name, file, deep := place(r.Filepath)
	if _, err := t.folder(name); err != nil || deep {
		return nil, os.ErrNotExist
	}
	opened, err := t.files.Open(name, file)
	switch {
	case fault.Has(err, fault.NotFound):
		return nil, os.ErrNotExist
	case err != nil:
		return nil, sftp.ErrSSHFxFailure // what went wrong is the operator's to know
	}
	return opened, nil
}

// Filewrite implements sftp.FileWriter.
func (*tree) Filewrite(*sftp.Request) (io.WriterAt, error) { return nil, sftp.ErrSSHFxPermissionDenied }

// Filecmd implements sftp.FileCmder.
func (*tree) Filecmd(*sftp.Request) error { return sftp.ErrSSHFxPermissionDenied }

// Filelist implements sftp.FileLister.
func (t *tree) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	name, file, deep := place(r.Filepath)
	switch {
	case deep:
		return nil, os.ErrNotExist
	case r.Method == "List" && name == "":
		return t.extracts(), nil
	case r.Method == "List" && file == "":
		return t.inside(name)
	case r.Method == "Stat" && name == "":
		return listing{folderInfo("/")}, nil
	case r.Method == "Stat" && file == "":
		if _, err := t.folder(name); err != nil {
			return nil, err
		}
		return listing{folderInfo(name)}, nil
	case r.Method == "Stat":
		list, err := t.inside(name)
		if err != nil {
			return nil, err
		}
		for _, one := range list {
			if one.Name() == file {
				return listing{one}, nil
			}
		}
		return nil, os.ErrNotExist
	}
	return nil, sftp.ErrSSHFxOpUnsupported
}

func (t *tree) extracts() listing {
	list := listing{}
	for _, x := range t.book.Extracts() {
		if t.may(x) {
			list = append(list, folderInfo(x.Name))
		}
	}
	return list
}

func (t *tree) inside(name string) (listing, error) {
	if _, err := t.folder(name); err != nil {
		return nil, err
	}
	list := listing{}
	for _, run := range t.files.Kept(name) {
		if run.Erased != 0 {
			continue
		}
		made := clock.FromMicros(run.Ended)
		list = append(list, info{run.File, run.Size, fileMode, made}, info{run.File + extract.ChecksumEnding, int64(len(extract.Checksum(run))), fileMode, made})
	}
	return list, nil
}

// What is shown is to be read.
const (
	fileMode   = fs.FileMode(0o444)
	folderMode = fs.ModeDir | 0o555
)

// listing is what is in a folder.
type listing []fs.FileInfo

// ListAt implements sftp.ListerAt.
func (l listing) ListAt(to []fs.FileInfo, from int64) (int, error) {
	if from >= int64(len(l)) {
		return 0, io.EOF
	}
	n := copy(to, l[from:])
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}

// info is a file or a folder as it is listed.
type info struct {
	name string
	size int64
	mode fs.FileMode
	made time.Time
}

func folderInfo(name string) info { return info{name: name, mode: folderMode, made: time.Unix(0, 0)} }

// Name, Size, Mode, ModTime, IsDir and Sys implement fs.FileInfo.
func (i info) Name() string       { return i.name }
func (i info) Size() int64        { return i.size }
func (i info) Mode() fs.FileMode  { return i.mode }
func (i info) ModTime() time.Time { return i.made }
func (i info) IsDir() bool        { return i.mode.IsDir() }
func (i info) Sys() any           { return nil }
