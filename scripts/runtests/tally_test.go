package main

import (
	"errors"
	"strings"
	"testing"
)

func TestTallyCountsHonestly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stream string
		want   string
		shows  string // what a reader must get to see
		hides  string
	}{
		"a passing test, its output kept back": {
			stream: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			want: "1 passed, 0 failed, 0 skipped", shows: "ok    p", hides: "chatter",
		},
		"a table counts as its rows": {
			stream: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/x"}
{"Action":"run","Package":"p","Test":"TestA/y"}
{"Action":"pass","Package":"p","Test":"TestA/x"}
{"Action":"pass","Package":"p","Test":"TestA/y"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			want: "2 passed, 0 failed, 0 skipped",
		},
		"a failing row is one failure, with its output": {
			stream: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/x"}
{"Action":"output","Package":"p","Test":"TestA/x","Output":"want 1, got 2\n"}
{"Action":"fail","Package":"p","Test":"TestA/x"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`,
			want: "0 passed, 1 failed, 0 skipped", shows: "want 1, got 2",
		},
		"a table that fails by itself": {
			stream: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/x"}
{"Action":"pass","Package":"p","Test":"TestA/x"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`,
			want: "1 passed, 1 failed, 0 skipped", shows: "p TestA",
		},
		"a skip is counted and says why": {
			stream: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"node missing\n"}
{"Action":"skip","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			want: "0 passed, 0 failed, 1 skipped", shows: "node missing",
		},
		"a package that does not build": {
			stream: `{"Action":"build-output","ImportPath":"p","Output":"p.go:1: syntax error\n"}
{"Action":"build-fail","ImportPath":"p"}
{"Action":"fail","Package":"p"}`,
			want: "0 passed, 1 failed, 0 skipped", shows: "syntax error",
		},
		"a test binary that dies after its tests": {
			stream: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"exit status 2\n"}
{"Action":"fail","Package":"p"}`,
			want: "1 passed, 1 failed, 0 skipped", shows: "exit status 2",
		},
		"a test that never ended": {
			stream: `{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"panic: out of luck\n"}`,
			want: "0 passed, 1 failed, 0 skipped", shows: "out of luck",
		},
		"nothing at all": {want: "0 passed, 0 failed, 0 skipped"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			tally := &tally{out: &out}
			tally.read(strings.NewReader(c.stream))
			if got := tally.closing(); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if !strings.Contains(out.String(), c.shows) {
				t.Errorf("does not show %q:\n%s", c.shows, out.String())
			}
			if c.hides != "" && strings.Contains(out.String(), c.hides) {
				t.Errorf("shows %q:\n%s", c.hides, out.String())
			}
		})
	}
}

func TestAFailedStepCounts(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	tally := &tally{out: &out}
	tally.step("gofmt", "", nil)
	tally.step("go vet", "a.go:1: bad", errors.New("exit status 1"))
	if got := tally.closing(); got != "1 passed, 1 failed, 0 skipped" {
		t.Error(got)
	}
	if !strings.Contains(out.String(), "a.go:1: bad") {
		t.Error("the reason is not shown")
	}
}
