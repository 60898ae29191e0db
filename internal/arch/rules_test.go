package arch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestPackagesAreNamedForWhatTheyDo(t *testing.T) {
	t.Parallel()
	report(t, nameRule(tree(t)))
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	report(t, docRule(tree(t)))
}

func TestNothingRegistersItself(t *testing.T) {
	t.Parallel()
	report(t, initRule(tree(t)))
}

func TestNothingPanics(t *testing.T) {
	t.Parallel()
	report(t, panicRule(mayPanic, tree(t)))
}

func TestSQLStaysInTheStores(t *testing.T) {
	t.Parallel()
	report(t, sqlRule(tree(t)))
}

func TestFilesCanBeReadInOneSitting(t *testing.T) {
	t.Parallel()
	report(t, lengthRule(tree(t)))
}

// emptyNames say nothing about what is inside, so anything ends up there.
var emptyNames = []string{"util", "utils", "common", "model", "models", "helper", "helpers", "manager", "types", "misc",
	"base", "shared", "lib", "tools", "services", "handlers"}

func nameRule(packages []Package) []string {
	var broken []string
	for _, p := range packages {
		for _, folder := range strings.Split(p.Path, "/") {
			if slices.Contains(emptyNames, folder) {
				broken = append(broken, fmt.Sprintf("%s: %q does not say what the package does", p.Path, folder))
			}
		}
		if slices.Contains(emptyNames, p.Name) {
			broken = append(broken, fmt.Sprintf("%s: package %s does not say what it does", p.Path, p.Name))
		}
	}
	return broken
}

func docRule(packages []Package) []string {
	var broken []string
	for _, p := range packages {
		if p.Doc == "" {
			broken = append(broken, p.Path+" has no package comment")
		}
	}
	return broken
}

func initRule(packages []Package) []string {
	var broken []string
	for _, p := range packages {
		for _, file := range p.Files {
			if file.Inits > 0 {
				broken = append(broken, fmt.Sprintf("%s/%s has func init: app wires what there is, in sight", p.Path, file.Name))
			}
		}
	}
	return broken
}

// panicking is a function that may panic, and why no error would serve.
type panicking struct{ path, function, reason string }

var mayPanic = []panicking{
	{"internal/listen", "ServeHTTP", "http.ErrAbortHandler is how net/http breaks a connection off: the fault to simulate"},
	{"internal/web/api", "fetch", "http.ErrAbortHandler breaks off an answer that is under way: its reader must not take it for whole"},
	{"internal/web/api", "answering", "passes http.ErrAbortHandler on to net/http"},
	{"internal/web/pull", "fail", "http.ErrAbortHandler breaks off an answer that is under way: its reader must not take it for whole"},
	{"internal/web/pull", "serve", "passes http.ErrAbortHandler on to net/http"},
	{"internal/revision", "Of", "the documents are our own plain structs"},
}

func panicRule(allowed []panicking, packages []Package) []string {
	var broken []string
	used := map[panicking]bool{}
	for _, p := range packages {
		for _, file := range p.Files {
			for _, function := range file.Panics {
				at := slices.IndexFunc(allowed, func(a panicking) bool { return a.path == p.Path && a.function == function })
				if at < 0 {
					broken = append(broken, fmt.Sprintf("%s/%s: %s panics; return a fault", p.Path, file.Name, function))
					continue
				}
				used[allowed[at]] = true
			}
		}
	}
	for _, a := range allowed {
		if !used[a] {
			broken = append(broken, fmt.Sprintf("%s %s does not panic any more: strike it from the list", a.path, a.function))
		}
	}
	return broken
}

// sqlModules speak SQL, in one way or another.
var sqlModules = []string{"database/sql", "zombiezen.com/go/sqlite", "modernc.org/sqlite", "github.com/jackc/pgx", "github.com/mattn/go-sqlite3"}

func sqlRule(packages []Package) []string {
	var broken []string
	for _, p := range packages {
		if below(p.Path, "internal/store") {
			continue
		}
		for _, path := range p.Outside {
			for _, sql := range sqlModules {
				if path == sql || below(path, sql) {
					broken = append(broken, fmt.Sprintf("%s imports %s: SQL lives in internal/store", p.Path, path))
				}
			}
		}
	}
	return broken
}

const longestFile = 600 // lines

func lengthRule(packages []Package) []string {
	var broken []string
	for _, p := range packages {
		for _, file := range p.Files {
			if file.Lines > longestFile {
				broken = append(broken, fmt.Sprintf("%s/%s has %d lines: divide it by what it does", p.Path, file.Name, file.Lines))
			}
		}
	}
	return broken
}
