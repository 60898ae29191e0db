package export

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// manifestName is the file that says what of a folder is of the copy: only that is ever removed.
const manifestName = "exported.json"

// manifest is what a folder says of itself.
type manifest struct {
	Made  time.Time `json:"made"`
	From  string    `json:"from"`
	Base  string    `json:"base"`
	Files []string  `json:"files"`
}

// folder is where a copy goes. What is written is kept beside it until all of it is there.
type folder struct {
	dir, staging string

	mu    sync.Mutex
	files map[string]bool // with slashes
}

func openFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	staging, err := os.MkdirTemp(dir, ".export-")
	if err != nil {
		return nil, err
	}
	return &folder{dir: dir, staging: staging, files: map[string]bool{}}, nil
}

// drop forgets what was not published.
func (f *folder) drop() { _ = os.RemoveAll(f.staging) }

// fileOf is the file that web servers find for a path: a page without an ending of its own is the index of a folder.
func fileOf(address, mediaType string) string {
	name, err := url.PathUnescape(strings.TrimPrefix(address, "/"))
	if err != nil {
		name = strings.TrimPrefix(address, "/")
	}
	switch {
	case name == "" || strings.HasSuffix(name, "/"):
		return name + "index.html"
	case mediaType == "text/html" && path.Ext(name) != ".html":
		return name + "/index.html"
	}
	return name
}

// write keeps a file. A name that would lead out of the folder, or be no file everywhere, is refused.
func (f *folder) write(name string, body []byte) error {
	local, err := filepath.Localize(name)
	if err != nil || strings.HasPrefix(name, ".") || strings.Contains(name, "/.") || name == manifestName {
		return fmt.Errorf("%q is no name for a file of the copy", name)
	}
	file := filepath.Join(f.staging, local)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, body, 0o644); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[name] = true
	return nil
}

// publish puts every file in its place, pages after what they need, and removes those of an earlier copy that are no more.
func (f *folder) publish(m manifest) (files int, err error) {
	for name := range f.files {
		m.Files = append(m.Files, name)
	}
	slices.SortFunc(m.Files, func(x, y string) int {
		xPage, yPage := strings.HasSuffix(x, ".html"), strings.HasSuffix(y, ".html")
		switch {
		case xPage == yPage:
			return strings.Compare(x, y)
		case xPage:
			return 1
		}
		return -1
	})
	before, err := f.before()
	if err != nil {
		return 0, err
	}
	for _, name := range m.Files {
		if err := f.place(name); err != nil {
			return 0, err
		}
	}
	for _, name := range before.Files {
		if !f.files[name] {
			f.remove(name)
		}
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return 0, err
	}
	staged := filepath.Join(f.staging, manifestName)
	if err := os.WriteFile(staged, append(text, '\n'), 0o644); err != nil {
		return 0, err
	}
	return len(m.Files), os.Rename(staged, filepath.Join(f.dir, manifestName))
}

// before is what an earlier copy has left.
func (f *folder) before() (m manifest, err error) {
	text, err := os.ReadFile(filepath.Join(f.dir, manifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return m, fmt.Errorf("%s cannot be read, so it is not known what of the folder is of an earlier copy: %w", filepath.Join(f.dir, manifestName), err)
	}
	return m, nil
}

// place moves a file to where it is served from. Whoever reads the one of before reads it to its end.
func (f *folder) place(name string) error {
	file := filepath.Join(f.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.Rename(filepath.Join(f.staging, filepath.FromSlash(name)), file)
}

// remove takes a file away, and the folders that are empty then. What is in the way stays.
func (f *folder) remove(name string) {
	local, err := filepath.Localize(name)
	if err != nil {
		return
	}
	_ = os.Remove(filepath.Join(f.dir, local))
	for up := filepath.Dir(local); up != "."; up = filepath.Dir(up) {
		if os.Remove(filepath.Join(f.dir, up)) != nil {
			return
		}
	}
}
