package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/demo"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/listen"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

// outcome is what one command line did.
type outcome struct {
	code     int
	out, err string
}

func varsel(in string, args ...string) outcome {
	var out, errs bytes.Buffer
	code := run(context.Background(), args, &streams{strings.NewReader(in), &out, &errs})
	return outcome{code, out.String(), errs.String()}
}

// want fails the test unless the command ended with the code and each text was said on either stream.
func (o outcome) want(t *testing.T, code int, texts ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d", o.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(o.out+o.err, text) {
			t.Errorf("does not say %q", text)
		}
	}
	if t.Failed() {
		t.Fatalf("stdout:\n%s\nstderr:\n%s", o.out, o.err)
	}
}

// world is a hub on a loopback port with one type, one source and one subscriber.
type world struct {
	url      string
	id       string // of the subscription
	hub      *app.Hub
	receiver *httptest.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	ctx := context.Background()
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	hub, err := app.New(ctx, app.Config{Data: t.TempDir(), NoAccess: true, AllowSinks: true, Egress: netguard.Rules{Allow: app.Loopback, AllowHTTP: true, Brokers: true}}, slog.New(slog.DiscardHandler))
	must(nil, err)
	t.Cleanup(func() { hub.Stop(ctx) })
	must(nil, hub.Start(ctx))
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	must(nil, err)
	must(nil, hub.Serve(socket))
	w := &world{url: "http://" + socket.Addr().String(), hub: hub, receiver: httptest.NewServer(listen.New(listen.Options{}))}
	t.Cleanup(w.receiver.Close)

	by := manage.By{Author: "test"}
	must(hub.Manager.PutType(ctx, event.Type{Name: "permit.changed", Title: "A permit has changed", Order: event.OrderKey}, by))
	must(hub.Manager.PutVersion(ctx, event.Version{
		Type: "permit.changed", Version: "v1", State: event.StateActive, Sample: []byte(`{"permit":"sample"}`),
		Mapping: event.Mapping{Fields: map[string]string{"key": "/permit"}},
	}, by))
	must(hub.Manager.PutSource(ctx, event.Source{Name: "permits", URI: "https://permits.example", Title: "Permits", Types: []string{"*"}}, by))
	must(hub.Manager.PutSystem(ctx, subscription.System{Name: "archive", Agreement: subscription.Agreement{
		Profile: profile.Standard, BaseURL: w.receiver.URL, Sources: []string{"*"},
		Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "ops@archive.example"}},
	}}, by))
	report, err := hub.Manager.PutSubscriptions(ctx, "archive", []subscription.Subscription{{Name: "all", Path: "/all"}}, manage.SetOptions{By: by})
	must(nil, err)
	w.id = report.Created[0].ID
	return w
}

func permit(i int) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"https://permits.example","type":"permit.changed","data":{"permit":"p%d"}}`, i, i%7)
}

func permits(n int, separator string) string {
	var list []string
	for i := range n {
		list = append(list, permit(i))
	}
	return strings.Join(list, separator)
}

func TestHelpAndVersionSucceedAndNonsenseDoesNot(t *testing.T) {
	t.Parallel()
	varsel("", "--help").want(t, exitDone, "serve", "demo", "publish", "listen", "check")
	varsel("", "--version").want(t, exitDone, version)
	varsel("", "nonsense").want(t, exitUsage, "nonsense", "varsel --help")
	varsel("", "listen", "--status", "42").want(t, exitUsage, "--status is 42")
	varsel("", "listen", "--client-ca", "main.go").want(t, exitUsage, "--tls-cert")
	varsel("", "demo", "--rate", "0").want(t, exitUsage, "--rate is 0")
	varsel("", "publish").want(t, exitUsage, "give a file")
	varsel("", "publish", "--source", "urn:x").want(t, exitUsage, "--source and --type")
	varsel("", "publish", "--source", "urn:x", "--type", "x", "--data", "{").want(t, exitUsage, "--data is not JSON")
}

func TestPublishTakesEveryForm(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]string{
		"one":   permit(0),
		"array": " \n[" + permits(120, ",") + "]",
		"lines": permits(120, "\n") + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			n := strings.Count(in, "specversion")
			got := varsel(in, "publish", "-", "--url", w.url)
			got.want(t, exitDone, fmt.Sprintf("%d accepted, 0 duplicates, 0 refused", n))
			if lines := strings.Count(got.out, "accepted  at position"); lines != n {
				t.Errorf("%d results for %d events", lines, n)
			}
			varsel(in, "publish", "-", "--url", w.url, "--quiet").want(t, exitDone, fmt.Sprintf("0 accepted, %d duplicates", n))
		})
	}
}

func TestPublishMakesOneEvent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	args := []string{"publish", "--url", w.url, "--source", "https://permits.example", "--type", "permit.changed", "--data", `{"permit":"p"}`}
	varsel("", args...).want(t, exitDone, "1 accepted")
	varsel("", args...).want(t, exitDone, "1 accepted") // another id, another event
	varsel("", append(args, "--id", "same")...).want(t, exitDone, "1 accepted")
	varsel("", append(args, "--id", "same")...).want(t, exitDone, "1 duplicates", "same")
}

func TestPublishSaysWhichEventBreaksWhichRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "events.ndjson")
	lines := permits(60, "\n") + "\n" + strings.Replace(permit(60), `"data":{"permit"`, `"data":{"other"`, 1) + "\n" + permit(61)
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	varsel("", "publish", file, "--url", w.url).want(t, exitFail, "event 61 ", "The 50 events before are published; nothing from event 51 on is")
	varsel("", "publish", file, "--url", w.url, "--partial").want(t, exitFail, "10 accepted, 50 duplicates, 2 refused", "60  refused", "61  refused")
}

func TestPublishSaysWhatIsWrongWithInputAndHub(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	varsel(permit(0)+"\n{oops", "publish", "-", "--url", w.url).want(t, exitFail, "not JSON")
	varsel("["+permit(0), "publish", "-", "--url", w.url).want(t, exitFail, "not JSON")
	varsel(permit(0), "publish", "-", "--url", w.receiver.URL).want(t, exitFail, "not as a hub does")
	w.receiver.Close()
	varsel(permit(0), "publish", "-", "--url", w.receiver.URL).want(t, exitFail, "no answer from the hub", "varsel serve")
}

func TestCheckWalksTheWayOfAMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	allowed := []string{"check", w.id, "--url", w.url, "--allow-egress", "127.0.0.0/8", "--allow-http"}
	varsel("", allowed...).want(t, exitDone, "✓ state", "✓ address", "✓ connection", "! TLS", "✓ clock", "✓ test message", "answered 200")
	varsel("", "check", w.id, "--url", w.url, "--no-test").want(t, exitFail, "✗ address", "--allow-egress")
	if err := w.hub.Manager.Pause(context.Background(), "hub", "test", ""); err != nil {
		t.Fatal(err)
	}
	varsel("", allowed...).want(t, exitFail, "✗ state", "Resume hub")
	w.receiver.Close()
	varsel("", allowed...).want(t, exitFail, "✗ connection", "✗ test message")
	varsel("", "check", "nobody", "--url", w.url).want(t, exitFail, "there is no subscription")
}

func TestServeRefusesToBeOpenUnasked(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0"} {
		varsel("", "serve", "--data", t.TempDir(), "--listen", address).want(t, exitFail, "--listen", "by plain HTTP", "trusted-proxies")
		varsel("", "serve", "--data", t.TempDir(), "--operate-listen", address).want(t, exitFail, "--operate-listen", "by plain HTTP")
		varsel("", "serve", "--no-access", "--data", t.TempDir(), "--listen", address).want(t, exitFail, "for this machine alone")
	}
	varsel("", "demo", "--listen", "0.0.0.0:0").want(t, exitFail, "for this machine alone")
}

func TestServeRefusesMailThatCouldNotBeSent(t *testing.T) {
	t.Parallel()
	varsel("", "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--smtp-host", "mail.example").want(t, exitFail, "smtp.from", "not a mail address")
	varsel("", "serve", "--smtp-tls", "perhaps").want(t, exitUsage, "starttls")
	varsel("", "config", "check", "--smtp-host", "mail.example", "--smtp-from", "Varsel <varsel@hub.example>").want(t, exitDone, "holds")
}

// The settings are checked, shown and explained without starting anything.
func TestConfigSaysWhatHoldsAndWhereItCameFrom(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "varsel.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("enviroment: PROD\nlisten: 0.0.0.0:80\n")
	for _, command := range [][]string{{"config", "check"}, {"config", "show"}, {"serve"}} {
		varsel("", append(command, "--config", file, "--in-flight", "0")...).want(t, exitFail,
			"varsel.yaml:1 enviroment", "did you mean environment?", "varsel.yaml:2 listen", "by plain HTTP", "--in-flight: must be 1 or more")
	}
	write("environment: PROD\nlisteners:\n  - address: 127.0.0.1:0\n    faces: [api]\n    certificates: [{chain: /nowhere.crt, key: /nowhere.key}]\n")
	varsel("", "config", "check", "--config", file).want(t, exitFail, "/nowhere.crt")
	write("environment: PROD\n")
	varsel("", "config", "check", "--config", file).want(t, exitDone, "holds")
	got := varsel("", "config", "show", "--config", file, "--allow-http")
	got.want(t, exitDone)
	for _, want := range []string{`environment +PROD +.*varsel.yaml:1\n`, `allow-http +true +--allow-http\n`, `in-flight +4096 +default\n`} {
		if !regexp.MustCompile(want).MatchString(got.out) {
			t.Errorf("does not say %s:\n%s", want, got.out)
		}
	}
	varsel("", "config", "docs").want(t, exitDone, "# Configuration", "VARSEL_SMTP_HOST", "listeners[].client.certificate")
}

func TestATakenPortIsSaidWithTheWayOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address := strings.TrimPrefix(w.url, "http://")
	for _, args := range [][]string{
		{"serve", "--data", t.TempDir(), "--listen", address}, {"demo", "--listen", address}, {"listen", "--addr", address},
	} {
		varsel("", args...).want(t, exitFail, "address already in use", "choose another port")
	}
}

// started runs a command until stop is called; it waits until the command has said its address.
func started(t *testing.T, args ...string) (address string, stop func() string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	over := make(chan struct{})
	t.Cleanup(func() { // what it writes is written before its directory goes
		cancel()
		<-over
	})
	read, write := io.Pipe()
	said, done := make(chan string, 1), make(chan string, 1)
	go func() {
		defer close(over)
		code := run(ctx, args, &streams{strings.NewReader(""), write, write})
		write.CloseWithError(fmt.Errorf("exit code %d: %w", code, io.EOF))
	}()
	go func() {
		var all bytes.Buffer
		buffer := make([]byte, 4096)
		for {
			n, err := read.Read(buffer)
			all.Write(buffer[:n])
			if found := regexp.MustCompile(`https?://[0-9.]+:[0-9]+`).FindString(all.String()); found != "" {
				select {
				case said <- found:
				default:
				}
			}
			if err != nil {
				done <- all.String() + err.Error()
				return
			}
		}
	}()
	select {
	case address = <-said:
	case text := <-done:
		t.Fatal(text)
	}
	return address, func() string { cancel(); return <-done }
}

func TestServeServesAndStopsWhenAsked(t *testing.T) {
	t.Parallel()
	address, stop := started(t, "serve", "--no-access", "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	for path, want := range map[string]int{"/": 200, "/readyz": 200, "/healthz": 200, "/api/v1/totals": 200, "/api/v1/none": 404, "/none": 404} {
		response, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, response.StatusCode, want)
		}
	}
	if text := stop(); !strings.Contains(text, "msg=stopped") || !strings.Contains(text, "exit code 0") {
		t.Error(text)
	}
}

// A page from elsewhere that gives its own name this machine's address is not answered.
func TestServeAnswersOnlyToThisMachinesNames(t *testing.T) {
	t.Parallel()
	address, stop := started(t, "serve", "--no-access", "--data", t.TempDir(), "--listen", "127.0.0.1:0")
	defer stop()
	for host, want := range map[string]int{"localhost": 200, "localhost:8080": 200, "127.0.0.1": 200, "[::1]:1": 200, "evil.example": 421, "evil.example:8080": 421} {
		request, _ := http.NewRequest(http.MethodGet, address+"/api/v1/totals", nil)
		request.Host = host
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %d, want %d", host, response.StatusCode, want)
		}
	}
}

func TestListenPrintsAndCounts(t *testing.T) {
	t.Parallel()
	address, stop := started(t, "listen", "--addr", "127.0.0.1:0", "--status", "202", "--fail-every", "2")
	for _, want := range []int{202, 500} {
		response, err := http.Post(address, "application/json", strings.NewReader(`{"a":1}`))
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("got %d, want %d", response.StatusCode, want)
		}
	}
	if text := stop(); !strings.Contains(text, `"a": 1`) || !strings.Contains(text, "2 received") || !strings.Contains(text, "exit code 0") {
		t.Error(text)
	}
}

func TestListenRefusesKeysAndCertificatesItCannotUse(t *testing.T) {
	t.Parallel()
	varsel("", "listen", "--secret", "hunter2").want(t, exitFail, "whsec_")
	varsel("", "listen", "--tls-cert", "main.go", "--tls-key", "main.go").want(t, exitFail, "certificate cannot be used")
}

func TestDemoPrintsOneObjectForMachines(t *testing.T) {
	t.Parallel()
	got := varsel("", "demo", "--listen", "127.0.0.1:0", "--for", "500ms", "--rate", "100", "--json")
	got.want(t, exitDone)
	var result demo.Result
	if err := json.Unmarshal([]byte(got.out), &result); err != nil || strings.Count(got.out, "\n") != 1 {
		t.Fatalf("want one line of JSON, got %q: %v", got.out, err)
	}
	if result.Published == 0 || result.Lost != 0 || result.OrderViolations != 0 {
		t.Errorf("%+v", result)
	}
	for _, member := range []string{"address", "published", "delivered", "retried", "blocked_lanes", "order_violations", "lost"} {
		if !strings.Contains(got.out, `"`+member+`":`) {
			t.Errorf("no %s in %s", member, got.out)
		}
	}
}
