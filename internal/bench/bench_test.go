package bench_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/bench"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/store/pgtest"
)

// roleVariable makes this test binary play a part in a measurement instead of testing.
const roleVariable = "VARSEL_BENCH_ROLE"

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		if err := bench.Child(role, os.Stdin, os.Stdout); err != nil {
			os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func child(role string) *exec.Cmd {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	return cmd
}

// varsel builds the real thing once: what the nodes of a figure run.
var varsel = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "varsel-test-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "varsel")
	if out, err := exec.Command("go", "build", "-o", file, "../../cmd/varsel").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return file, nil
})

// tiny is the same work in numbers that take no time.
func tiny() bench.Size {
	return bench.Size{
		Rounds: 1, Window: 40 * time.Millisecond, Warm: 5 * time.Millisecond, Hang: 40 * time.Millisecond, Latency: 50 * time.Millisecond,
		Pending: 230, Pulled: 150, Delivered: 20_000, Subscriptions: 40, Keys: 20, Publishers: 4, InFlight: 12, Payload: 200, Limit: time.Minute,
	}
}

// Everything that is published must arrive exactly once, or the figure is an error.
func TestEachFigureIsTaken(t *testing.T) {
	t.Parallel()
	for _, name := range bench.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onPostgres := strings.HasPrefix(name, "pg-") || strings.HasPrefix(name, "nodes-")
			dir := t.TempDir()
			if onPostgres {
				pgtest.Programs(t)
				dir = "" // that of a test is its own, and PostgreSQL is somebody else
			}
			var taken []bench.Figure
			err := bench.Run(t.Context(), bench.Options{
				Figures: []string{name}, Size: tiny(), Dir: dir, Child: child, Report: func(f bench.Figure) { taken = append(taken, f) },
				Serve: func(args ...string) *exec.Cmd {
					file, err := varsel()
					if err != nil {
						t.Error(err)
					}
					return exec.Command(file, args...)
				},
			})
			if err != nil || len(taken) != 1 {
				t.Fatalf("took %+v: %v", taken, err)
			}
			f := taken[0]
			if f.Name != name || f.Unit == "" || f.Aim == "" != onPostgres || f.Value <= 0 || f.Ceiling <= 0 || f.Ratio <= 0 || f.Error != "" {
				t.Errorf("the figure is %+v", f)
			}
			switch name {
			case "deliver-1", "deliver-10", "publish-50", "publish-1", "deliver-tls":
				if f.Ceiling2 <= 0 || f.Ratio2 <= 0 {
					t.Errorf("the loop with the channel's client is missing: %+v", f)
				}
			case "latency":
				if f.P99 < f.Value || f.P99Ceiling < f.Ceiling || f.P99Ratio <= 0 {
					t.Errorf("the 99th percentile is missing: %+v", f)
				}
			case "pg-1", "pg-10", "nodes-1", "nodes-2", "nodes-3", "nodes-4":
				if runtime.GOOS == "linux" && f.StoreCPU+f.ReceiverCPU <= 0 {
					t.Errorf("what the other processes used is missing: %+v", f)
				}
			case "pull", "windows":
				if f.Pending != 150 || f.PeakMiB <= 0 {
					t.Errorf("what was pulled is missing: %+v", f)
				}
			case "register-xml":
				if f.PeakMiB <= 0 {
					t.Errorf("the memory is missing: %+v", f)
				}
			case "drain":
				if f.Pending != 230 || f.PeakMiB <= 0 {
					t.Errorf("what was drained is missing: %+v", f)
				}
			}
		})
	}
}

func TestAFigureThatCannotBeTakenHasNoNumber(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	size := tiny()
	size.Limit = time.Nanosecond
	report := bench.JSON(&out)
	err := bench.Run(t.Context(), bench.Options{Figures: []string{"deliver-1"}, Size: size, Dir: t.TempDir(), Child: child, Report: report})
	if !fault.Has(err, fault.Internal) {
		t.Errorf("the run ended with %v", err)
	}
	var f bench.Figure
	if err := json.Unmarshal(out.Bytes(), &f); err != nil || f.Error == "" || f.Value != 0 || f.Ceiling != 0 || f.Ratio != 0 || f.Met {
		t.Errorf("reported %s, %v", out.Bytes(), err)
	}
}

func TestAnUnknownFigureIsRefused(t *testing.T) {
	t.Parallel()
	if err := bench.Run(t.Context(), bench.Options{Figures: []string{"speed"}}); !fault.Has(err, fault.InvalidDocument) {
		t.Errorf("the run ended with %v", err)
	}
	if err := bench.Child("spectator", strings.NewReader(""), new(bytes.Buffer)); !fault.Has(err, fault.InvalidDocument) {
		t.Errorf("the unknown role ended with %v", err)
	}
}

func TestTheTableSaysWhatMissesItsAim(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	report := bench.Table(&out)
	report(bench.Figure{Name: "one", Value: 900, Ceiling: 1000, Ratio: 0.9, Aim: ">= 0.75", Met: true, Unit: "deliveries/s"})
	report(bench.Figure{Name: "two", Value: 1.5, Ceiling: 1000, Ratio: 0.1, Aim: ">= 0.75", Unit: "deliveries/s", Retried: 12})
	report(bench.Figure{Name: "three", Aim: ">= 0.75", Error: "nobody came"})
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 4 {
		t.Fatalf("%d lines:\n%s", len(lines), out.String())
	}
	for i, want := range []string{"ceiling", "0.90", "misses the aim, 12 retried", "failed: nobody came"} {
		if !strings.Contains(lines[i], want) {
			t.Errorf("line %d says nothing of %q: %s", i, want, lines[i])
		}
	}
	if strings.Contains(lines[1], "misses") || strings.Contains(lines[1], "retried") {
		t.Errorf("nothing was missed or retried: %s", lines[1])
	}
}
