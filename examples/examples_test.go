package examples_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/signature"
)

// receivers are the examples, each with how to make its command in a folder that the test throws away.
var receivers = map[string]func(t *testing.T, dir string) *exec.Cmd{
	"go": func(t *testing.T, dir string) *exec.Cmd { return exec.Command(build(t, dir, "go-receiver")) },
	"python": func(t *testing.T, dir string) *exec.Cmd {
		return exec.Command(tool(t, "python3"), "-I", "-W", "error", "python/receiver.py")
	},
	"typescript": func(t *testing.T, dir string) *exec.Cmd {
		node := tool(t, "node")
		const modules = "typescript/node_modules"
		if _, err := os.Stat(modules); err != nil {
			missing(t, "the npm packages of examples/typescript")
		}
		output(t, exec.Command(node, modules+"/typescript/bin/tsc", "--project", "typescript", "--outDir", dir))
		cmd := exec.Command(node, filepath.Join(dir, "receiver.js"))
		absolute, err := filepath.Abs(modules)
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = []string{"NODE_PATH=" + absolute}
		return cmd
	},
}

// Every example keeps what receivers owe: a good message is taken once, a repeat is acknowledged, what was not signed by the
// hub is refused, a test is acknowledged without effect; and it works with a hub.
func TestReceivers(t *testing.T) {
	t.Parallel()
	hub := startHub(t)
	publisher := build(t, t.TempDir(), "go-publisher")
	for name, command := range receivers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secret := signature.NewSecret()
			cmd := command(t, t.TempDir())
			r := start(t, cmd, secret+" "+hub.system(t, name))
			takesWhatIsSigned(t, r, secret)
			hub.delivers(t, r, name, publisher)
			r.stop(t)
		})
	}
}

const body = `{"specversion":"1.0","id":"1","source":"https://permits.example","type":"permit.changed","data":{"permit":"p"}}`

func takesWhatIsSigned(t *testing.T, r *receiver, secret string) {
	t.Helper()
	const structured = "application/cloudevents+json; charset=utf-8"
	now := time.Now()
	for _, test := range []struct {
		name, secret, id, contentType, body string
		at                                  time.Time
		header                              []string
		want                                int
		taken                               bool
	}{
		{"good", secret, "m1", structured, body, now, nil, 204, true},
		{"the same again", secret, "m1", structured, body, now, nil, 204, false},
		{"the same in a replay", secret, "m1", structured, body, now, []string{"Varsel-Replay", "p1"}, 204, true},
		{"signed by a stranger", signature.NewSecret(), "m2", structured, body, now, nil, 401, false},
		{"signed too long ago", secret, "m2", structured, body, now.Add(-6 * time.Minute), nil, 401, false},
		{"signed in the future", secret, "m2", structured, body, now.Add(6 * time.Minute), nil, 401, false},
		{"not signed", "", "m2", structured, body, now, nil, 401, false},
		{"changed on the way", secret, "m2", structured, body, now, []string{"webhook-id", "m3"}, 401, false},
		{"a time that is none", secret, "m2", structured, body, now, []string{"webhook-timestamp", "noon"}, 401, false},
		{"a test", secret, "m2", structured, body, now, []string{"Varsel-Test", "1"}, 204, false},
		{"not JSON", secret, "m2", structured, "{", now, nil, 400, false},
		{"JSON without end", secret, "m2", structured, strings.Repeat("[", 100_000), now, nil, 400, false},
		{"not an event", secret, "m2", structured, "[1]", now, nil, 400, false},
		{"another media type", secret, "m2", "text/plain", body, now, nil, 415, false},
		{"good after all that", secret, "m2", structured, body, now, nil, 204, true},
	} {
		if got := r.post(t, test.secret, test.at, test.id, test.contentType, test.body, test.header...); got != test.want {
			t.Errorf("%s: answered %d, want %d", test.name, got, test.want)
		}
		if test.taken {
			r.took(t, test.id+" permit.changed")
		}
	}
	if got := r.announce(t, 4<<20+1); got != 413 {
		t.Errorf("a body that is too large: answered %d, want 413", got)
	}
}

// world is a hub and a client of it.
type world struct {
	*client.Client
	address string
}

func startHub(t *testing.T) *world {
	t.Helper()
	ctx := context.Background()
	hub, err := app.New(ctx, app.Config{Data: t.TempDir(), NoAccess: true, Egress: netguard.Rules{Allow: app.Loopback, AllowHTTP: true}}, slog.New(slog.DiscardHandler))
	must(t, err)
	t.Cleanup(func() { hub.Stop(ctx) })
	must(t, hub.Start(ctx))
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, hub.Serve(socket))
	w := &world{address: "http://" + socket.Addr().String()}
	w.Client, err = client.New(w.address, client.Options{})
	must(t, err)
	_, _, err = w.PutEventType(ctx, client.EventType{Name: "permit.changed", Title: "A permit has changed", Order: "key"}, "")
	must(t, err)
	_, _, err = w.PutVersion(ctx, client.Version{Type: "permit.changed", Version: "v1", State: "active", Sample: []byte(`{"permit":"sample"}`),
		Mapping: client.Mapping{Fields: map[string]string{"key": "/permit"}}}, "")
	must(t, err)
	_, _, err = w.PutSource(ctx, client.Source{Name: "permits", URI: "https://permits.example", Title: "Permits", Types: []string{"*"}}, "")
	must(t, err)
	return w
}

func agreement(baseURL string) client.Agreement {
	return client.Agreement{Profile: "standard", BaseURL: baseURL, Sources: []string{"*"},
		Contacts: client.Contacts{Technical: client.Contact{Email: "ops@receiver.example"}}}
}

// system makes a receiving system and returns the secret of its messages.
func (w *world) system(t *testing.T, name string) string {
	t.Helper()
	_, _, err := w.PutSystem(t.Context(), client.System{Name: name, Agreement: agreement("http://127.0.0.1:1")}, "")
	must(t, err)
	key, err := w.NewSigningKey(t.Context(), name, client.KeyHMAC, 0)
	must(t, err)
	return key.Key
}

// delivers has the hub send to the receiver what the example of a publisher publishes, twice.
func (w *world) delivers(t *testing.T, r *receiver, name, publisher string) {
	t.Helper()
	ctx := t.Context()
	_, _, err := w.PutSystem(ctx, client.System{Name: name, Agreement: agreement(r.address)}, client.AnyState)
	must(t, err)
	report, err := w.PutSubscriptionSet(ctx, name, []client.Subscription{{Name: "all", Path: "/varsel"}}, "", client.SetOptions{})
	must(t, err)
	if test, err := w.TestSubscription(ctx, report.Created[0].ID); err != nil || !test.Passed {
		t.Fatalf("the hub's test message: %+v, %v", test, err)
	}
	facts := ""
	for n := range 120 { // more than one request
		facts += `{"permit":"` + name + `","number":` + strconv.Itoa(n) + `,"status":"granted"}` + "\n"
	}
	var positions []string
	for _, status := range []client.Status{client.Accepted, client.Duplicate} {
		cmd := exec.Command(publisher)
		cmd.Env = append(os.Environ(), "VARSEL_URL="+w.address)
		cmd.Stdin = strings.NewReader(facts)
		lines := strings.Split(strings.TrimSpace(output(t, cmd)), "\n")
		var found []string
		for _, line := range lines {
			if fields := strings.Fields(line); len(fields) == 3 && fields[0] == string(status) {
				found = append(found, fields[1])
			}
		}
		if len(found) != 120 || positions != nil && !slices.Equal(found, positions) {
			t.Fatalf("want 120 %s, got\n%s", status, strings.Join(lines, "\n"))
		}
		positions = found
	}
	for _, position := range positions {
		number, err := strconv.ParseInt(position, 10, 64)
		must(t, err)
		event, err := w.Event(ctx, number)
		must(t, err)
		r.tookAmong(t, event.MessageID+" permit.changed")
	}
}

// receiver is an example that runs.
type receiver struct {
	address string
	lines   chan string // what it says, closed when it ends
	end     func()
}

func start(t *testing.T, cmd *exec.Cmd, secrets string) *receiver {
	t.Helper()
	cmd.Env = append(append(os.Environ(), cmd.Env...), "ADDR=127.0.0.1:0", "VARSEL_SECRET="+secrets)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	said, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	r := &receiver{lines: make(chan string, 1000)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(said); lines.Scan(); {
			r.lines <- lines.Text()
		}
		close(r.lines)
		_ = cmd.Wait() // it is killed
	}()
	r.end = func() { _ = cmd.Process.Kill(); <-ended }
	t.Cleanup(func() {
		r.end()
		if t.Failed() {
			t.Logf("it complained:\n%s", &complaints)
		}
	})
	line := <-r.lines
	address, ok := strings.CutPrefix(line, "listening at ")
	if !ok {
		t.Fatalf("said %q, not where it listens", line)
	}
	r.address = address
	return r
}

// took fails the test unless the next message that was taken is this one.
func (r *receiver) took(t *testing.T, want string) {
	t.Helper()
	if got := <-r.lines; got != "took "+want {
		t.Errorf("said %q, want that it took %s", got, want)
	}
}

// tookAmong is took where the messages of others come between.
func (r *receiver) tookAmong(t *testing.T, want string) {
	t.Helper()
	for line := range r.lines {
		if line == "took "+want {
			return
		}
	}
	t.Fatalf("it ended without taking %s", want)
}

// stop ends the receiver.
func (r *receiver) stop(t *testing.T) {
	t.Helper()
	r.end()
	seen := map[string]bool{}
	for line := range r.lines {
		if seen[line] {
			t.Errorf("%s twice", line)
		}
		seen[line] = true
	}
}

func (r *receiver) post(t *testing.T, secret string, at time.Time, id, contentType, body string, header ...string) int {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.address, strings.NewReader(body))
	must(t, err)
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("webhook-id", id)
	request.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	if secret != "" {
		signer, err := signature.NewSigner(secret)
		must(t, err)
		request.Header.Set("webhook-signature", string(signer.AppendHeader(nil, id, at.Unix(), []byte(body))))
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	must(t, err)
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	must(t, err)
	return response.StatusCode
}

// announce begins a request with a body of that length, and does not send it.
func (r *receiver) announce(t *testing.T, length int) int {
	t.Helper()
	host := strings.TrimPrefix(r.address, "http://")
	connection, err := net.Dial("tcp", host)
	must(t, err)
	defer connection.Close()
	_, err = fmt.Fprintf(connection, "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/cloudevents+json\r\nContent-Length: %d\r\n\r\n", host, length)
	must(t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	must(t, err)
	return response.StatusCode
}

// build compiles an example that is written in Go.
func build(t *testing.T, dir, name string) string {
	t.Helper()
	program := filepath.Join(dir, name)
	output(t, exec.Command("go", "build", "-o", program, "./"+name))
	return program
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name)
	}
	return path
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s missing, and under CI nothing is skipped: run scripts/install-test-tools", what)
	}
	t.Skipf("!! SKIPPED, not checked: %s missing. Install with scripts/install-test-tools", what)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
