package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/varselhub/varsel"

// Package is what the rules need to know of one package of this module.
type Package struct {
	Path    string // within the module: "internal/fault"
	Name    string
	Doc     string
	Imports []string // packages of the module, as Path; not those of test files
	Outside []string // packages from elsewhere, those of test files too
	Files   []File
}

// File is what the rules need to know of one file.
type File struct {
	Name   string
	Lines  int
	Inits  int      // func init()
	Panics []string // names of the functions that call panic; of test files none are kept
}

// tree loads every package of the module, whatever its build tags.
func tree(t *testing.T) []Package {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=Dir,ImportPath,Name,Doc,GoFiles,CgoFiles,IgnoredGoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []Package
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var listed struct {
			Dir, ImportPath, Name, Doc         string
			GoFiles, CgoFiles, IgnoredGoFiles  []string
			TestGoFiles, XTestGoFiles          []string
			Imports, TestImports, XTestImports []string
		}
		if err := decoder.Decode(&listed); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		p := Package{Path: strings.TrimPrefix(listed.ImportPath, module+"/"), Name: listed.Name, Doc: listed.Doc}
		p.Imports, p.Outside = divide(listed.Imports)
		_, outside := divide(slices.Concat(listed.TestImports, listed.XTestImports))
		p.Outside = append(p.Outside, outside...)
		for _, group := range [][]string{listed.GoFiles, listed.CgoFiles, listed.IgnoredGoFiles, listed.TestGoFiles, listed.XTestGoFiles} {
			for _, name := range group {
				p.Files = append(p.Files, load(t, filepath.Join(listed.Dir, name)))
			}
		}
		packages = append(packages, p)
	}
	if len(packages) == 0 {
		t.Fatal("no package found")
	}
	return packages
}

// divide parts the module's own packages, named within it, from the others.
func divide(imports []string) (own, outside []string) {
	for _, path := range imports {
		if within, ok := strings.CutPrefix(path, module+"/"); ok {
			own = append(own, within)
		} else {
			outside = append(outside, path)
		}
	}
	return own, outside
}

func load(t *testing.T, path string) File {
	t.Helper()
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := inspect(filepath.Base(path), source)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// inspect reads the facts of one source file.
func inspect(name string, source []byte) (File, error) {
	file := File{Name: name, Lines: bytes.Count(source, []byte("\n"))}
	parsed, err := parser.ParseFile(token.NewFileSet(), name, source, 0)
	if err != nil {
		return file, err
	}
	for _, declaration := range parsed.Decls {
		function, isFunction := declaration.(*ast.FuncDecl)
		if isFunction && function.Recv == nil && function.Name.Name == "init" {
			file.Inits++
		}
		if strings.HasSuffix(name, "_test.go") || !panics(declaration) {
			continue
		}
		in := "a package-level declaration"
		if isFunction {
			in = function.Name.Name
		}
		file.Panics = append(file.Panics, in)
	}
	return file, nil
}

func panics(in ast.Node) bool {
	found := false
	ast.Inspect(in, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "panic" {
				found = true
			}
		}
		return !found
	})
	return found
}
