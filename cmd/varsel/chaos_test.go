package main_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os/exec"
	"syscall"
	"testing"

	"github.com/varselhub/varsel/internal/chaos"
	"github.com/varselhub/varsel/internal/store/pgtest"
)

var (
	chaosMinutes = flag.Float64("chaos.minutes", 1, "how long TestChaos lets troubles come; it is 0.4 with -short")
	chaosSeed    = flag.Uint64("chaos.seed", 0, "seed of TestChaos; 0: another each time")
)

// TestChaos has a hub of three nodes meet what there is time for: killed, frozen and cut off nodes, a PostgreSQL that
// restarts and crashes (DESIGN promises 1, 2, 3; section 5, Scale-out). `make chaos` takes its time.
func TestChaos(t *testing.T) {
	pgtest.Programs(t)
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	minutes := *chaosMinutes
	if testing.Short() {
		minutes = 0.4
	}
	cmd := exec.Command(file, "bench", "chaos", "--json", "--minutes", fmt.Sprint(minutes), "--seed", fmt.Sprint(*chaosSeed))
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	ended := cmd.Run()
	t.Logf("%s", said.String())
	var report chaos.Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatalf("%v: %v\n%s", ended, err, out.String())
	}
	for _, broken := range report.Violations {
		t.Error(broken)
	}
	if ended != nil {
		t.Errorf("it ended with %v; seed %d; %s has what the nodes said", ended, report.Seed, report.Kept)
	}
	if len(report.Troubles) == 0 || report.Accepted == 0 || report.Delivered != report.Accepted*report.Subscriptions {
		t.Errorf("%d troubles, %d events, %d deliveries", len(report.Troubles), report.Accepted, report.Delivered)
	}
}
