package arch

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"testing"
)

// TestDependenciesAreChosen holds go.mod to docs/dependencies.md: no module is depended on without a reason, and no
// reason outlives its module.
func TestDependenciesAreChosen(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	report(t, dependencyRule(direct(t), reasons(page)))
}

func direct(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("go", "mod", "edit", "-json")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go mod edit: %v", err)
	}
	var mod struct {
		Require []struct {
			Path     string
			Indirect bool
		}
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, require := range mod.Require {
		if !require.Indirect {
			paths = append(paths, require.Path)
		}
	}
	return paths
}

var dependencyRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| *([^|]*?) *\\|")

// reasons reads the table: module, then why.
func reasons(page []byte) map[string]string {
	rows := map[string]string{}
	for _, row := range dependencyRow.FindAllSubmatch(page, -1) {
		rows[string(row[1])] = string(row[2])
	}
	return rows
}

func dependencyRule(direct []string, reasons map[string]string) []string {
	var broken []string
	present := map[string]bool{}
	for _, path := range direct {
		present[path] = true
		if reasons[path] == "" {
			broken = append(broken, fmt.Sprintf("%s is required in go.mod without a reason in docs/dependencies.md", path))
		}
	}
	for path := range reasons {
		if !present[path] {
			broken = append(broken, fmt.Sprintf("docs/dependencies.md lists %s, which go.mod does not require directly", path))
		}
	}
	return broken
}
