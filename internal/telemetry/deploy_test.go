package telemetry_test

import (
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/oracle"
)

const (
	rulesFile = "../../deploy/prometheus/varsel.rules.yml"
	boardFile = "../../deploy/grafana/varsel.json"
)

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var named = regexp.MustCompile(`\bvarsel_[a-z_]+`)

// What the dashboard and the alerts ask for is there, and what is there is asked for by one of them.
func TestEveryMetricIsUsedAndEveryUsedMetricIsThere(t *testing.T) {
	t.Parallel()
	o := newOperator(t, slog.LevelError, figures)
	o.everything()
	present := metricNames(o.scrape())
	var used []string
	for _, name := range named.FindAllString(read(t, rulesFile)+read(t, boardFile), -1) {
		for _, series := range []string{"_bucket", "_sum", "_count"} {
			if base, ok := strings.CutSuffix(name, series); ok && slices.Contains(present, base) {
				name = base
			}
		}
		if !slices.Contains(used, name) {
			used = append(used, name)
		}
	}
	same(t, "metrics of the registry, and of deploy", present, used)
}

var alert = regexp.MustCompile(`(?m)^ +- alert: (\w+)$`)

func TestThePageSaysWhatToDoAboutEveryAlert(t *testing.T) {
	t.Parallel()
	var alerts []string
	for _, match := range alert.FindAllStringSubmatch(read(t, rulesFile), -1) {
		alerts = append(alerts, match[1])
	}
	_, section, _ := strings.Cut(read(t, "../../docs/operating.md"), "\n## Alerts")
	same(t, "alerts", alerts, rows(section))
}

func promtool(t *testing.T, stdin string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), oracle.Program(t, "promtool"), args...)
	cmd.Stdin = strings.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

func TestPromtoolFindsNoFaultInRules(t *testing.T) {
	t.Parallel()
	promtool(t, "", "check", "rules", rulesFile)
	promtool(t, "", "test", "rules", "../../deploy/prometheus/varsel.test.yml")
}

// The names of metrics follow Prometheus' conventions. The runtime's own do not all, and are not ours.
func TestPromtoolFindsNoFaultInMetrics(t *testing.T) {
	t.Parallel()
	o := newOperator(t, slog.LevelError, figures)
	o.everything()
	var ours strings.Builder
	for line := range strings.Lines(o.scrape()) {
		if strings.Contains(line, "varsel_") {
			ours.WriteString(line)
		}
	}
	promtool(t, ours.String(), "check", "metrics")
}

func TestTheDashboardIsOne(t *testing.T) {
	t.Parallel()
	var board struct {
		Title  string
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, boardFile)), &board); err != nil {
		t.Fatal(err)
	}
	ids := map[int]bool{}
	for _, p := range board.Panels {
		if p.Title == "" || ids[p.ID] || len(p.Targets) == 0 {
			t.Errorf("panel %+v has no title, no target, or another's id", p)
		}
		ids[p.ID] = true
		for _, target := range p.Targets {
			expression := strings.NewReplacer(`"$instance"`, `".*"`, `"$system"`, `".*"`, "$__rate_interval", "5m").Replace(target.Expr)
			promtoolExpression(t, expression)
		}
	}
}

// promtoolExpression has promtool parse an expression as that of a rule.
func promtoolExpression(t *testing.T, expression string) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "panel", "rules": []any{map[string]any{"record": "panel:expr", "expr": expression}}}}})
	if err != nil {
		t.Fatal(err)
	}
	file := t.TempDir() + "/panel.yml"
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "", "check", "rules", file)
}
