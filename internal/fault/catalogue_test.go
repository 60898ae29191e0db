package fault

import (
	"go/ast"
	"go/parser"
	"go/token"
	"net/http"
	"regexp"
	"strconv"
	"testing"
)

func TestCatalogueEntriesAreWhole(t *testing.T) {
	t.Parallel()
	form := regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	seen := map[Code]bool{}
	for _, entry := range Catalogue {
		if !form.MatchString(string(entry.Code)) {
			t.Errorf("%q: a code is lower-case words joined by hyphens", entry.Code)
		}
		if seen[entry.Code] {
			t.Errorf("%s is in the catalogue twice", entry.Code)
		}
		seen[entry.Code] = true
		if entry.Status < 400 || http.StatusText(entry.Status) == "" {
			t.Errorf("%s: %d is not the status of an error", entry.Code, entry.Status)
		}
		if entry.Title == "" || entry.Mend == "" {
			t.Errorf("%s: a title and what to do next are both needed", entry.Code)
		}
	}
}

func TestEveryCodeIsInTheCatalogue(t *testing.T) {
	t.Parallel()
	declared := declaredCodes(t)
	if len(declared) == 0 {
		t.Fatal("no constant of type Code found")
	}
	for _, code := range declared {
		if Lookup(code).Code != code {
			t.Errorf("%s is declared but not in the catalogue", code)
		}
	}
	if len(declared) != len(Catalogue) {
		t.Errorf("%d codes declared, %d in the catalogue: an entry's code needs a constant", len(declared), len(Catalogue))
	}
}

// declaredCodes reads the constants of type Code out of the source, since a test cannot enumerate constants otherwise.
func declaredCodes(t *testing.T) []Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "catalogue.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []Code
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Code" {
			return false
		}
		for _, value := range spec.Values {
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, Code(text))
		}
		return false
	})
	return codes
}
