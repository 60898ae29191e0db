package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// tally counts what ran. A test with subtests is counted by its subtests alone, unless it failed by itself.
type tally struct {
	out                     io.Writer
	passed, failed, skipped int
	failures                []string
	running                 map[string]*run
	counts                  map[string]int // tests that ended, by package
}

// run is one test, or one package when its name is empty, that has not ended yet.
type run struct {
	output      strings.Builder
	hasChildren bool
	childFailed bool
}

// line is one line of `go test -json`; see `go doc test2json`.
type line struct {
	Action     string
	Package    string
	ImportPath string // of build-output, instead of Package
	Test       string
	Output     string
	Elapsed    float64
}

// read counts the tests in a stream of `go test -json` and prints the output of those that failed.
func (t *tally) read(stream io.Reader) {
	t.running, t.counts = map[string]*run{}, map[string]int{}
	lines := bufio.NewReader(stream)
	for {
		text, err := lines.ReadBytes('\n')
		if len(text) > 0 {
			var l line
			if json.Unmarshal(text, &l) == nil {
				t.take(l)
			} else {
				t.out.Write(text) // not from go test: shown as it is
			}
		}
		if err != nil {
			t.endUnfinished()
			return
		}
	}
}

// endUnfinished fails what was still running when the stream broke off.
func (t *tally) endUnfinished() {
	for name, r := range t.running {
		fmt.Fprint(t.out, r.output.String())
		if !strings.HasSuffix(name, " ") { // a package's own entry ends in the empty test name
			t.fail(name)
		}
	}
}

func (t *tally) take(l line) {
	switch l.Action {
	case "build-output":
		fmt.Fprint(t.out, l.Output)
	case "run":
		if parent := t.parent(l); parent != nil {
			parent.hasChildren = true
		}
		t.of(l.Package, l.Test)
	case "output":
		t.of(l.Package, l.Test).output.WriteString(l.Output)
	case "pass", "skip", "fail":
		if l.Test == "" {
			t.endPackage(l)
		} else {
			t.endTest(l)
		}
	}
}

func (t *tally) of(pkg, test string) *run {
	name := pkg + " " + test
	if t.running[name] == nil {
		t.running[name] = &run{}
	}
	return t.running[name]
}

func (t *tally) parent(l line) *run {
	slash := strings.LastIndexByte(l.Test, '/')
	if slash < 0 {
		return nil
	}
	return t.of(l.Package, l.Test[:slash])
}

func (t *tally) endTest(l line) {
	r := t.of(l.Package, l.Test)
	delete(t.running, l.Package+" "+l.Test)
	t.counts[l.Package]++
	switch {
	case l.Action == "fail":
		if parent := t.parent(l); parent != nil {
			parent.childFailed = true
		}
		t.of(l.Package, "").childFailed = true
		fmt.Fprint(t.out, r.output.String())
		if !r.childFailed {
			t.fail(l.Package + " " + l.Test)
		}
	case l.Action == "skip":
		t.skipped++
		fmt.Fprint(t.out, r.output.String()) // a skip is loud: it is a promise not checked
	case !r.hasChildren:
		t.passed++
	}
}

func (t *tally) endPackage(l line) {
	r := t.of(l.Package, "")
	for name, left := range t.running { // the package's own, and what printed after its test had ended
		if strings.HasPrefix(name, l.Package+" ") {
			delete(t.running, name)
			if l.Action == "fail" {
				fmt.Fprint(t.out, left.output.String())
			}
		}
	}
	switch l.Action {
	case "fail":
		if !r.childFailed { // it did not build, or died outside a test
			t.fail(l.Package)
		}
	case "pass":
		fmt.Fprintf(t.out, "ok    %s  %.1fs  (%d tests)\n", l.Package, l.Elapsed, t.counts[l.Package])
	}
}

// step counts one check that is not a go test; output is shown when err says that it failed.
func (t *tally) step(name, output string, err error) {
	if err == nil {
		t.passed++
		fmt.Fprintf(t.out, "ok    %s\n", name)
		return
	}
	fmt.Fprintf(t.out, "%s\n", strings.TrimRight(output, "\n"))
	t.fail(name)
}

func (t *tally) fail(name string) {
	t.failed++
	t.failures = append(t.failures, name)
	fmt.Fprintf(t.out, "FAIL  %s\n", name)
}
