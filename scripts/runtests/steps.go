package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// pkg is what `go list -json` says of a package.
type pkg struct {
	Dir          string
	ImportPath   string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
}

func list(patterns []string) ([]pkg, error) {
	out, err := exec.Command("go", append([]string{"list", "-e", "-json=Dir,ImportPath,GoFiles,TestGoFiles,XTestGoFiles"}, patterns...)...).Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var packages []pkg
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
}

func (p pkg) files(groups ...[]string) []string {
	var paths []string
	for _, group := range groups {
		for _, name := range group {
			paths = append(paths, filepath.Join(p.Dir, name))
		}
	}
	return paths
}

func (t *tally) format(packages []pkg) {
	args := []string{"-l"}
	for _, p := range packages {
		args = append(args, p.files(p.GoFiles, p.TestGoFiles, p.XTestGoFiles)...)
	}
	out, err := exec.Command("gofmt", args...).CombinedOutput()
	if err == nil && len(out) > 0 {
		err = errors.New("not formatted")
		out = append([]byte("gofmt -w these:\n"), out...)
	}
	t.step("gofmt", string(out), err)
}

func (t *tally) vet(patterns []string) {
	out, err := exec.Command("go", append([]string{"vet"}, patterns...)...).CombinedOutput()
	t.step("go vet", string(out), err)
}

func (t *tally) test(race bool, patterns []string) {
	args := []string{"test", "-json", "-shuffle=on", "-timeout=30m"} // of a package, on a machine that has other work
	if race {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, patterns...)...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.step("go test", err.Error(), err)
		return
	}
	before := t.failed
	t.read(stdout)
	if err := cmd.Wait(); err != nil && t.failed == before {
		t.step("go test", err.Error(), err) // it failed without naming a test: say so all the same
	}
}

var fuzzTarget = regexp.MustCompile(`(?m)^func (Fuzz\w*)\(`)

// fuzz runs every target by itself: the go command takes one target of one package at a time.
func (t *tally) fuzz(packages []pkg, each time.Duration) {
	for _, p := range packages {
		for _, file := range p.files(p.TestGoFiles, p.XTestGoFiles) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.step(file, err.Error(), err)
				continue
			}
			for _, match := range fuzzTarget.FindAllSubmatch(source, -1) {
				name := string(match[1])
				out, err := fuzzOnce(p.ImportPath, name, each)
				t.step("fuzz  "+p.ImportPath+" "+name, out, err)
			}
		}
	}
}

// fuzzOnce runs one target. The fuzzing engine now and then reports its own time limit as a failure; a run that
// failed without naming an input is therefore tried once more.
func fuzzOnce(path, name string, each time.Duration) (string, error) {
	run := func() (string, error) {
		out, err := exec.Command("go", "test", "-run=^$", "-fuzz=^"+name+"$", "-fuzztime="+each.String(), path).CombinedOutput()
		return string(out), err
	}
	out, err := run()
	if err != nil && strings.Contains(out, "context deadline exceeded") && !strings.Contains(out, "Failing input") {
		return run()
	}
	return out, err
}
