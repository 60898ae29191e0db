// Package oracle runs independent implementations that tests compare the hub with: the npm packages in test/oracles, and
// programs of the system. Only tests import it.
package oracle

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// limit bounds one script, so that a hanging one fails its test and not the whole run.
const limit = time.Minute

// Node runs a CommonJS script with node and returns what it wrote to its standard output; require finds the packages
// of test/oracles. A script that exits with anything but 0 fails the test and shows its standard error.
//
// Where node or the packages are missing the test fails under CI=true and is skipped elsewhere.
func Node(t testing.TB, script string, stdin []byte) []byte {
	t.Helper()
	modules := modules(t)
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node")
	}
	if _, err := os.Stat(modules); err != nil {
		missing(t, "the npm packages of test/oracles")
	}
	return run(t, node, modules, script, stdin)
}

// Program returns the path of a program that scripts/install-test-tools installs. Where it is missing the test fails
// under CI=true and is skipped elsewhere.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name)
	}
	return path
}

func run(t testing.TB, node, modules, script string, stdin []byte) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), node, "--eval", script)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules, "NODE_OPTIONS=")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("node: %v", err)
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("node: %v\n%s", err, stderr.Bytes())
	}
	return stdout.Bytes()
}

// modules is found from the folder the test runs in, which lies below the go.mod.
func modules(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "test", "oracles", "node_modules")
		}
		if filepath.Dir(dir) == dir {
			break
		}
		dir = filepath.Dir(dir)
	}
	t.Fatalf("no go.mod above %s: %v", dir, err)
	return ""
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s missing, and under CI nothing is skipped: run scripts/install-test-tools", what)
	}
	t.Skipf("!! SKIPPED, not checked: %s missing. Install with scripts/install-test-tools", what)
}
