// Command runtests is what `make test` runs: the format check, go vet, every test and a short run of every fuzz
// target, one after another. It prints what failed in full and what passed as one line a package, and closes with
// "N passed, N failed, N skipped" over all of it.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	race := flag.Bool("race", true, "run the tests with the race detector; needs a C compiler")
	fuzz := flag.Duration("fuzz", 3*time.Second, "how long each fuzz target runs; 0: not at all")
	only := flag.Bool("fuzzonly", false, "run the fuzz targets and nothing else")
	flag.Parse()
	patterns := flag.Args()
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}

	tally := &tally{out: os.Stdout}
	packages, err := list(patterns)
	if err != nil {
		tally.step("go list", err.Error(), err)
	}
	if !*only {
		tally.format(packages)
		tally.vet(patterns)
		tally.test(*race, patterns)
	}
	if *fuzz > 0 {
		tally.fuzz(packages, *fuzz)
	}

	fmt.Fprintln(os.Stdout, tally.closing())
	if tally.failed > 0 {
		os.Exit(1)
	}
}

// closing is the last line: nothing may be printed after it.
func (t *tally) closing() string {
	if len(t.failures) > 0 {
		fmt.Fprintf(t.out, "\nfailed:\n  %s\n", strings.Join(t.failures, "\n  "))
	}
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, t.skipped)
}
