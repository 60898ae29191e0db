package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary builds the real thing once for all tests that run it as a process.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "varsel-test-")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "varsel")
	out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return file, nil
})

// process is `varsel serve` on a port that stays the same over its restarts.
type process struct {
	t      *testing.T
	url    string
	args   []string
	cmd    *exec.Cmd
	output *bytes.Buffer
	client *http.Client
}

func newProcess(t *testing.T, data string) *process {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := socket.Addr().String()
	_ = socket.Close()
	p := &process{
		t: t, url: "http://" + address, output: &bytes.Buffer{},
		args:   []string{file, "serve", "--no-access", "--data", data, "--listen", address, "--allow-egress", "127.0.0.0/8", "--allow-http"},
		client: &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 32}},
	}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("the hub said:\n%s", lastLines(p.output.String(), 30))
		}
	})
	return p
}

func lastLines(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// start runs the process and waits until it answers.
func (p *process) start() {
	p.t.Helper()
	p.cmd = exec.Command(p.args[0], p.args[1:]...)
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); ; {
		answer, err := p.client.Get(p.url + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("the hub does not come up: %v\n%s", err, lastLines(p.output.String(), 30))
		}
	}
}

// kill is kill -9: the process gets no chance to say or save anything.
func (p *process) kill() {
	if p.cmd != nil && p.cmd.Process != nil {
		_ = p.cmd.Process.Signal(syscall.SIGKILL)
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

// memory is the resident size in bytes.
func (p *process) memory() int64 {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	var size, resident int64
	if _, err := fmt.Sscan(string(text), &size, &resident); err != nil {
		p.t.Fatal(err)
	}
	return resident * int64(os.Getpagesize())
}

// changing asks call to overwrite whatever document is there.
const changing = "changing"

// call sends a document and returns the answer's status and body.
func (p *process) call(ctx context.Context, method, path, contentType string, document any) (int, []byte, error) {
	body, ok := document.([]byte)
	if !ok && document != nil {
		text, err := json.Marshal(document)
		if err != nil {
			return 0, nil, err
		}
		body = text
	}
	request, err := http.NewRequestWithContext(ctx, method, p.url+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Content-Type", contentType)
	if contentType == changing {
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("If-Match", "*")
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer.StatusCode, text, err
}

// must makes a change of configuration.
func (p *process) must(method, path string, document any) []byte {
	p.t.Helper()
	status, text, err := p.call(context.Background(), method, path, "application/json", document)
	if status == http.StatusPreconditionRequired {
		status, text, err = p.call(context.Background(), method, path, changing, document)
	}
	if err != nil || status >= 300 {
		p.t.Fatalf("%s %s: %d %s %v", method, path, status, text, err)
	}
	return text
}

type object = map[string]any

// world registers a source, an ordered type and a system for each receiver.
func (p *process) world(receivers map[string]string) {
	p.t.Helper()
	p.must("PUT", "/api/v1/event-types/thing", object{"name": "thing", "title": "Thing", "order": "key", "retention": "P30D"})
	p.must("PUT", "/api/v1/event-types/thing/versions/v1", object{"type": "thing", "version": "v1", "state": "draft", "mapping": object{"key": "/key"}, "sample": object{"key": "k"}})
	p.must("PUT", "/api/v1/event-types/thing/versions/v1", object{"type": "thing", "version": "v1", "state": "active", "mapping": object{"key": "/key"}, "sample": object{"key": "k"}})
	p.must("PUT", "/api/v1/sources/test", object{"name": "test", "uri": "urn:test", "title": "Test", "types": []string{"thing"}})
	for name, base := range receivers {
		p.must("PUT", "/api/v1/systems/"+name, object{"name": name, "agreement": object{
			"profile": "standard", "baseUrl": base, "sources": []string{"test"},
			"contacts": object{"technical": object{"email": "technical@example.org"}, "commercial": object{}, "legal": object{}},
		}})
		p.must("PUT", "/api/v1/systems/"+name+"/subscriptions", object{"items": []object{{"name": "all", "path": "/in"}}})
	}
}

// batch is a publish request of things, one for each (key, number).
func batch(things []thing) []byte {
	var b bytes.Buffer
	b.WriteByte('[')
	for i, x := range things {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"specversion":"1.0","id":"%s-%06d","source":"urn:test","type":"thing","data":{"key":"%s","n":%d}}`, x.key, x.n, x.key, x.n)
	}
	b.WriteByte(']')
	return b.Bytes()
}

// thing is an event of the tests: the n-th of its key, from 1.
type thing struct {
	key string
	n   int
}

const batchType = "application/cloudevents-batch+json"

// ledger is a receiver that knows what order it must see. It answers as told and keeps, for each key, the highest
// number seen and the highest it accepted.
type ledger struct {
	mu         sync.Mutex
	answer     func(x thing, attempt int) int // status; nil: 200
	seen, done map[string]int
	attempts   map[thing]int
	repeats    int      // accepted before, sent again
	wrong      []string // what broke the order
	changed    chan struct{}
}

func newLedger() *ledger {
	return &ledger{seen: map[string]int{}, done: map[string]int{}, attempts: map[thing]int{}, changed: make(chan struct{}, 1)}
}

func (l *ledger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message struct {
		Data struct {
			Key string `json:"key"`
			N   int    `json:"n"`
		} `json:"data"`
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return // the hub was killed in the middle of its request: nothing was received
	}
	if err := json.Unmarshal(text, &message); err != nil {
		l.blame("a body that cannot be read: %q", text)
		return
	}
	w.WriteHeader(l.take(thing{message.Data.Key, message.Data.N}))
}

func (l *ledger) take(x thing) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts[x]++
	switch {
	case x.n > l.seen[x.key]+1, x.n > l.done[x.key]+1:
		l.wrong = append(l.wrong, fmt.Sprintf("%s#%d first sent when only #%d was accepted", x.key, x.n, l.done[x.key]))
	case x.n < l.seen[x.key]:
		l.wrong = append(l.wrong, fmt.Sprintf("%s#%d sent again after #%d: only the last of a key may be repeated", x.key, x.n, l.seen[x.key]))
	case x.n <= l.done[x.key]:
		l.repeats++
	}
	l.seen[x.key] = max(l.seen[x.key], x.n)
	status := 200
	if l.answer != nil {
		status = l.answer(x, l.attempts[x])
	}
	if status == 200 {
		l.done[x.key] = max(l.done[x.key], x.n)
		delete(l.attempts, x)
	}
	select {
	case l.changed <- struct{}{}:
	default:
	}
	return status
}

func (l *ledger) blame(format string, args ...any) {
	l.mu.Lock()
	l.wrong = append(l.wrong, fmt.Sprintf(format, args...))
	l.mu.Unlock()
}

// await waits until every key has been accepted up to what was published, and reports what broke the promises.
func (l *ledger) await(t *testing.T, name string, published map[string]int, patience time.Duration) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for missing := l.missing(published); missing > 0; missing = l.missing(published) {
		select {
		case <-l.changed:
		case <-deadline.C:
			t.Errorf("%s: %d accepted events were never delivered", name, missing)
			return
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, wrong := range l.wrong {
		if i == 5 {
			t.Errorf("%s: and %d more", name, len(l.wrong)-5)
			break
		}
		t.Errorf("%s: %s", name, wrong)
	}
}

func (l *ledger) missing(published map[string]int) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, last := range published {
		n += last - l.done[key]
	}
	return n
}
