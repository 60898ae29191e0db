package telemetry_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/telemetry"
)

// operator sees what telemetry says.
type operator struct {
	*telemetry.Telemetry
	t     *testing.T
	clock *clock.Fake
	log   *bytes.Buffer
}

var figures = telemetry.Figures{
	Delivered: 7, Retried: 2, Parked: 1, Blocked: 3, InFlight: 4, Head: 100, Routed: 90, Searched: 80, Healthy: true, Ready: true,
	Node: telemetry.Node{Joined: true, Number: 7, Name: "a", Version: "v1", Systems: 3, Duties: 1},
	Systems: []telemetry.System{{
		Name: "archive", Profile: "standard", Pending: 5, Retrying: 1, Standing: 2, Parked: 3, Endpoints: map[string]int{"down": 1},
	}},
	Listeners: []telemetry.Listener{{Address: "127.0.0.1:80", Connections: 2, Expires: time.Unix(1e9, 0)}, {Address: "127.0.0.1:81"}},
	Streams:   []telemetry.Stream{{Source: "orders", Reading: true, Lag: 6, Aside: 2}},
}

func newOperator(t *testing.T, level slog.Level, f telemetry.Figures) *operator {
	t.Helper()
	o := &operator{t: t, clock: clock.NewFake(time.Unix(1e9, 0)), log: &bytes.Buffer{}}
	made, err := telemetry.New(telemetry.Options{
		Logger: slog.New(slog.NewJSONHandler(o.log, &slog.HandlerOptions{Level: level})), Clock: o.clock, Version: "v1",
		Figures: func() telemetry.Figures { return f },
	})
	if err != nil {
		t.Fatal(err)
	}
	o.Telemetry = made
	return o
}

// everything makes each metric show at least once.
func (o *operator) everything() {
	o.Published(o.t.Context(), telemetry.Publish{Status: 202, Events: 3, Accepted: 2, Duplicate: 1, Duration: time.Millisecond})
	o.Forgotten("retention", 5)
	o.Streamed("orders", "aside", 2)
	o.Attempted(&telemetry.Attempt{System: "archive", Profile: "standard", Result: "delivered", Outcome: "delivered", Sent: true, Duration: time.Millisecond})
}

func (o *operator) scrape() string {
	o.t.Helper()
	answer := httptest.NewRecorder()
	o.Metrics().ServeHTTP(answer, httptest.NewRequest("GET", "/metrics", nil))
	if answer.Code != 200 {
		o.t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	return answer.Body.String()
}

func (o *operator) lines() []map[string]any {
	o.t.Helper()
	var list []map[string]any
	for decoder := json.NewDecoder(bytes.NewReader(o.log.Bytes())); ; {
		var line map[string]any
		if err := decoder.Decode(&line); err == io.EOF {
			return list
		} else if err != nil {
			o.t.Fatal(err)
		}
		list = append(list, line)
	}
}

func TestTotalsAreShownAsTheHubKeepsThem(t *testing.T) {
	t.Parallel()
	o := newOperator(t, slog.LevelInfo, figures)
	o.everything()
	text := o.scrape()
	for _, want := range []string{
		`varsel_build_info{version="v1"} 1`, `varsel_ready 1`, `varsel_log_healthy 1`, `varsel_log_head_position 100`, `varsel_log_routed_position 90`, `varsel_search_position 80`,
		`varsel_deliveries_total 7`, `varsel_retries_total 2`, `varsel_parked_total 1`, `varsel_blocked_total 3`, `varsel_in_flight 4`,
		`varsel_node_up 1`, `varsel_node_info{name="a",node="7",version="v1"} 1`, `varsel_node_holdings{kind="system"} 3`, `varsel_node_holdings{kind="duty"} 1`,
		`varsel_pending{profile="standard",system="archive"} 5`, `varsel_lanes{profile="standard",state="retrying",system="archive"} 1`,
		`varsel_lanes{profile="standard",state="standing",system="archive"} 2`, `varsel_lanes{profile="standard",state="parked",system="archive"} 3`,
		`varsel_endpoints{profile="standard",state="down",system="archive"} 1`, `varsel_connections{address="127.0.0.1:80"} 2`,
		`varsel_certificate_expiry_timestamp_seconds{address="127.0.0.1:80"} 1e+09`, `varsel_publish_requests_total{status="202"} 1`,
		`varsel_forgotten_events_total{cause="retention"} 5`, `varsel_events_total{status="accepted"} 2`, `varsel_events_total{status="duplicate"} 1`, `varsel_publish_duration_seconds_count 1`,
		`varsel_attempts_total{profile="standard",result="delivered",system="archive"} 1`, `varsel_attempt_duration_seconds_count{profile="standard"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(text, `expiry_timestamp_seconds{address="127.0.0.1:81"}`) {
		t.Error("a listener without a certificate has one that ends")
	}
}

// Labels are Prometheus' memory: systems beyond the first thousand are counted together.
func TestSystemsAreBounded(t *testing.T) {
	t.Parallel()
	var many telemetry.Figures
	for i := range 1500 {
		many.Systems = append(many.Systems, telemetry.System{Name: fmt.Sprintf("s%d", i), Pending: 1, Parked: 2, Endpoints: map[string]int{"down": 1}})
	}
	o := newOperator(t, slog.LevelError, many)
	for range 2 {
		for i := range 1500 {
			o.Attempted(&telemetry.Attempt{System: fmt.Sprintf("s%d", i), Profile: "star", Result: "retry"})
		}
	}
	text := o.scrape()
	for _, want := range []string{
		`varsel_attempts_total{profile="star",result="retry",system="(other)"} 1000`, `varsel_attempts_total{profile="star",result="retry",system="s999"} 2`,
		`varsel_pending{profile="",system="(other)"} 500`, `varsel_lanes{profile="",state="parked",system="(other)"} 1000`,
		`varsel_endpoints{profile="",state="down",system="(other)"} 500`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if n := strings.Count(text, "varsel_attempts_total{"); n != 1001 {
		t.Errorf("%d series of attempts", n)
	}
}

// Success is debug: a line for every message would cost more than the message. What nobody will mend by itself is a
// warning.
func TestLevels(t *testing.T) {
	t.Parallel()
	for result, want := range map[string]string{
		"delivered": "DEBUG", "withheld": "DEBUG", "dropped": "DEBUG", "expired": "DEBUG",
		"retry": "INFO", "deferred": "INFO", "failed": "INFO", "rejected": "WARN", "gone": "WARN", "parked": "WARN",
	} {
		o := newOperator(t, slog.LevelDebug, figures)
		o.Attempted(&telemetry.Attempt{Result: result})
		if got := o.lines()[0]["level"]; got != want {
			t.Errorf("an attempt that ended as %s is %s, want %s", result, got, want)
		}
	}
	for _, p := range []struct {
		publish telemetry.Publish
		want    string
	}{
		{telemetry.Publish{Status: 202}, "DEBUG"}, {telemetry.Publish{Status: 207, Refused: 1}, "INFO"},
		{telemetry.Publish{Status: 422}, "INFO"}, {telemetry.Publish{Status: 507}, "WARN"},
	} {
		o := newOperator(t, slog.LevelDebug, figures)
		o.Published(t.Context(), p.publish)
		if got := o.lines()[0]["level"]; got != p.want {
			t.Errorf("a request answered %d is %s, want %s", p.publish.Status, got, p.want)
		}
	}
}

// A receiver that fails thousands of times a second is one fact, and the log says how often it was not told.
func TestTroubleIsPaced(t *testing.T) {
	t.Parallel()
	o := newOperator(t, slog.LevelInfo, figures)
	for range 5000 {
		o.Attempted(&telemetry.Attempt{Result: "retry"})
	}
	if n := len(o.lines()); n != 100 {
		t.Fatalf("%d lines in a second", n)
	}
	o.clock.Advance(time.Second)
	o.Attempted(&telemetry.Attempt{Result: "retry"})
	if last := o.lines()[100]; last["skipped"] != 4900.0 {
		t.Errorf("skipped %v", last["skipped"])
	}
	debug := newOperator(t, slog.LevelDebug, figures)
	for range 500 {
		debug.Attempted(&telemetry.Attempt{Result: "delivered"})
	}
	if n := len(debug.lines()); n != 500 {
		t.Errorf("%d lines of 500 at debug", n)
	}
}

// At the default level an attempt that succeeded costs no memory.
func TestSuccessAllocatesNothing(t *testing.T) {
	o := newOperator(t, slog.LevelInfo, figures)
	a := telemetry.Attempt{System: "archive", Profile: "standard", Result: "delivered", Outcome: "delivered", Sent: true, Duration: time.Millisecond}
	o.Attempted(&a)
	if n := testing.AllocsPerRun(1000, func() { o.Attempted(&a) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// docs/operating.md is the one table of fields and metrics: it lists exactly what is there.
func TestThePageListsEveryFieldAndMetric(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	o := newOperator(t, slog.LevelDebug, figures)
	o.everything()
	for _, line := range o.lines() {
		for _, common := range []string{"time", "level"} {
			delete(line, common)
		}
		name := line["msg"].(string)
		delete(line, "msg")
		_, section, _ := strings.Cut(string(page), "\n`msg="+name+"`")
		section, _, _ = strings.Cut(section, "\n\n`msg=")
		section, _, _ = strings.Cut(section, "\n## ")
		same(t, "fields of "+name, keys(line), rows(section))
	}
	_, section, _ := strings.Cut(string(page), "\n## Metrics")
	section, _, _ = strings.Cut(section, "\n## ")
	same(t, "metrics", metricNames(o.scrape()), rows(section))
}

func keys(m map[string]any) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	return list
}

var row = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

// rows are the names in the first column of a table.
func rows(markdown string) (list []string) {
	for _, match := range row.FindAllStringSubmatch(markdown, -1) {
		list = append(list, match[1])
	}
	return list
}

var metricType = regexp.MustCompile(`(?m)^# TYPE (varsel_\w+) `)

func metricNames(scraped string) (list []string) {
	for _, match := range metricType.FindAllStringSubmatch(scraped, -1) {
		list = append(list, match[1])
	}
	return list
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if len(want) == 0 || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: there are\n%v\nwritten down are\n%v", what, got, want)
	}
}
