// Package oracle runs independent implementations that tests compare the hub with: the npm packages in test/oracles,
// modules of Debian's Python, and programs of the machine. Only tests import it.
//
// Where one is missing the test fails under CI=true and is skipped elsewhere, with a loud word.
package oracle

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// limit bounds one script, so that a hanging one fails its test and not the whole run.
const limit = time.Minute

// Node runs a CommonJS script with node and returns what it wrote to its standard output; require finds the packages
// of test/oracles. A script that exits with anything but 0 fails the test and shows its standard error.
func Node(t testing.TB, script string, stdin []byte) []byte {
	t.Helper()
	node, modules := tools(t)
	return run(t, command(node, modules, script), stdin)
}

// debianPython has the modules of Debian's packages; another python3 that comes first on the PATH has not.
const debianPython = "/usr/bin/python3"

// Python runs a script with Debian's python3 and returns what it wrote to its standard output. The module is one that the
// script needs, such as shapely. A script that exits with anything but 0 fails the test and shows its standard error.
func Python(t testing.TB, module, script string, stdin []byte) []byte {
	t.Helper()
	if err := exec.Command(debianPython, "-c", "import "+module).Run(); err != nil {
		Missing(t, "Debian's python3-"+module)
	}
	return run(t, exec.Command(debianPython, "-c", script), stdin)
}

// Run runs a program of the machine on an input and returns what it wrote to its standard output.
func Run(t testing.TB, stdin []byte, name string, args ...string) []byte {
	t.Helper()
	return run(t, exec.Command(Program(t, name), args...), stdin)
}

// Serve starts a CommonJS script that goes on serving, and returns the first line that it writes: where it is reached.
// Its standard input ends with the test, and it must end then.
func Serve(t testing.TB, script string) string {
	t.Helper()
	node, modules := tools(t)
	var stderr bytes.Buffer
	cmd := command(node, modules, script)
	cmd.Stderr = &stderr
	stdin, errIn := cmd.StdinPipe()
	stdout, errOut := cmd.StdoutPipe()
	if err := errors.Join(errIn, errOut, cmd.Start()); err != nil {
		t.Fatalf("node: %v", err)
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait() // how it ended is no matter: the test is over
		timer.Stop()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("node said nothing: %v", err)
	}
	return strings.TrimSpace(line)
}

// tools finds node and the packages.
func tools(t testing.TB) (node, packages string) {
	t.Helper()
	node, packages = Program(t, "node"), modules(t)
	if _, err := os.Stat(packages); err != nil {
		Missing(t, "the npm packages of test/oracles")
	}
	return node, packages
}

func command(node, modules, script string) *exec.Cmd {
	cmd := exec.Command(node, "--eval", script)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules, "NODE_OPTIONS=")
	return cmd
}

// Program returns the path of a program of the machine, such as those that scripts/install-test-tools installs.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name)
	}
	return path
}

// File reads a file of the npm packages, such as "axe-core/axe.min.js".
func File(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(modules(t), filepath.FromSlash(name)))
	if err != nil {
		Missing(t, "the npm package of "+name)
	}
	return text
}

func run(t testing.TB, cmd *exec.Cmd, stdin []byte) []byte {
	t.Helper()
	name := filepath.Base(cmd.Path)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, stderr.Bytes())
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

// Missing skips a test for want of a program, loudly; under CI it fails it.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s missing, and under CI nothing is skipped: run scripts/install-test-tools", what)
	}
	t.Skipf("!! SKIPPED, not checked: %s missing. Install with scripts/install-test-tools", what)
}
