package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// command runs the real binary to its end and returns its stdout.
func command(t *testing.T, wantFail bool, args ...string) (out, errs string) {
	t.Helper()
	file, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(file, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); (err != nil) != wantFail {
		t.Fatalf("varsel %v: %v\n%s%s", args, err, stdout.String(), stderr.String())
	}
	return stdout.String(), stderr.String()
}

// restoredLedger is a receiver after a restore: what comes first of a key may be anything it had, or the next; from
// there on nothing may be skipped.
type restoredLedger struct {
	mu      sync.Mutex
	before  map[string]int // the highest number of each key that was seen before the restore
	last    map[string]int
	wrong   []string
	changed chan struct{}
}

func (l *restoredLedger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message struct {
		Data struct {
			Key string `json:"key"`
			N   int    `json:"n"`
		} `json:"data"`
	}
	if json.NewDecoder(r.Body).Decode(&message) != nil {
		return
	}
	x := message.Data
	l.mu.Lock()
	defer l.mu.Unlock()
	last, began := l.last[x.Key]
	switch {
	case !began && x.N > l.before[x.Key]+1:
		l.wrong = append(l.wrong, fmt.Sprintf("%s begins at %d, and %d was the last seen", x.Key, x.N, l.before[x.Key]))
	case began && x.N != last+1 && x.N != last:
		l.wrong = append(l.wrong, fmt.Sprintf("%s goes from %d to %d", x.Key, last, x.N))
	}
	l.last[x.Key] = x.N
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (l *restoredLedger) missing(published map[string]int) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, last := range published {
		n += last - max(l.last[key], 0)
		if l.last[key] == 0 && l.before[key] >= last {
			n -= last // it had it, and the hub knew
		}
	}
	return n
}

// fetched is one read by cursor.
type fetched struct {
	Events []struct {
		Cursor string `json:"cursor"`
		ID     string `json:"id"`
	} `json:"events"`
	Cursor string `json:"cursor"`
	Code   string `json:"code"`
}

func (p *process) fetch(subscription, after string) (status int, f fetched) {
	p.t.Helper()
	answer, err := p.client.Get(p.url + "/api/v1/pull/" + subscription + "?limit=100000&after=" + url.QueryEscape(after))
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || json.Unmarshal(text, &f) != nil {
		p.t.Fatalf("fetching: %d %v %.300s", answer.StatusCode, err, text)
	}
	return answer.StatusCode, f
}

// TestBackupUnderLoad backs up the real hub under full publish load, goes on, loses it all, and restores: everything
// accepted before the backup began is there, lanes go on in order, receivers get everything at least once, and a cursor
// holds up to the backup's head and not beyond (DESIGN promises 1 to 3, section 5).
func TestBackupUnderLoad(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, anew, to := filepath.Join(dir, "data"), filepath.Join(dir, "anew"), filepath.Join(dir, "hub.backup")
	receiver := newLedger()
	var mu sync.Mutex
	var handler http.Handler = receiver
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		h := handler
		mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	var connected atomic.Int64
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			connected.Add(1)
		case http.StateClosed, http.StateHijacked:
			connected.Add(-1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	p := newProcess(t, data)
	p.start()
	p.world(map[string]string{"fine": server.URL})
	p.must("PUT", "/api/v1/systems/reader", object{"name": "reader", "agreement": object{
		"profile": "standard", "baseUrl": server.URL, "sources": []string{"test"},
		"contacts": object{"technical": object{"email": "technical@example.org"}, "commercial": object{}, "legal": object{}},
	}})
	var made struct{ Created []struct{ ID string } }
	if err := json.Unmarshal(p.must("PUT", "/api/v1/systems/reader/subscriptions", object{"items": []object{{"name": "own", "channel": "cursor"}}}), &made); err != nil || len(made.Created) != 1 {
		t.Fatalf("the reader's subscription: %+v %v", made, err)
	}
	f := startPublishers(p, 4, 60)
	await(t, "load", func() bool { return f.total.Load() > 2000 })
	f.mu.Lock()
	acknowledged := maps.Clone(f.published)
	f.mu.Unlock()
	out, progress := command(t, false, "backup", "--data", data, "--to", to, "--json")
	var manifest struct{ Head int64 }
	if err := json.Unmarshal([]byte(out), &manifest); err != nil || manifest.Head < 2000 || progress == "" {
		t.Fatalf("the backup says %q and %q, %v", out, progress, err)
	}
	later := f.total.Load()
	await(t, "more load", func() bool { return f.total.Load() > later+500 })
	_, read := p.fetch(made.Created[0].ID, "")
	p.kill()
	published := f.stop()
	await(t, "what the hub had sent when it died to be read", func() bool { return connected.Load() == 0 })
	if len(read.Events) < 2500 {
		t.Fatalf("the reader got %d events", len(read.Events))
	}

	// The machine is gone. What there is: the backup, and a copy of the secrets.
	receiver.mu.Lock()
	seen, wrong := maps.Clone(receiver.seen), receiver.wrong
	receiver.mu.Unlock()
	after := &restoredLedger{before: seen, last: map[string]int{}, changed: make(chan struct{}, 1)}
	mu.Lock()
	handler = after
	mu.Unlock()
	out, _ = command(t, false, "restore", "--from", to, "--data", anew, "--json")
	var restored struct{ MissingSecrets []string }
	if err := json.Unmarshal([]byte(out), &restored); err != nil || len(restored.MissingSecrets) != 2 || restored.MissingSecrets[1] != "lane.key" {
		t.Fatalf("want the missing secrets named, got %s, %v", out, err)
	}
	p.args[slices.Index(p.args, data)] = anew
	_, refusal := command(t, true, p.args[1:]...)
	if !bytes.Contains([]byte(refusal), []byte("key-missing")) || !bytes.Contains([]byte(refusal), []byte(restored.MissingSecrets[0])) {
		t.Fatalf("without its key the hub says %q", refusal)
	}
	if err := os.CopyFS(filepath.Join(dir, "copy"), os.DirFS(filepath.Join(data, "secrets"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(anew, "secrets")); err != nil { // empty: the refused start made nothing in it
		t.Fatal(err)
	}
	if err := os.Rename(filepath.Join(dir, "copy"), filepath.Join(anew, "secrets")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(anew, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.start()

	// The reader's cursors.
	inBackup := 0
	for i, e := range read.Events {
		if i%97 != 0 && i != len(read.Events)-1 {
			continue
		}
		status, again := p.fetch(made.Created[0].ID, e.Cursor)
		switch {
		case status == http.StatusOK:
			inBackup = i
			if len(again.Events) > 0 && again.Events[0].ID != read.Events[i+1].ID {
				t.Errorf("after %s comes %s, and it was %s", e.ID, again.Events[0].ID, read.Events[i+1].ID)
			}
		case status != http.StatusConflict || again.Code != "log-rewound":
			t.Errorf("event %d: %d %s", i, status, again.Code)
		case int64(i) < manifest.Head-40: // revisions stand between the events
			t.Errorf("the cursor of event %d is refused, and the backup goes to position %d", i, manifest.Head)
		}
	}
	if inBackup == 0 || inBackup == len(read.Events)-1 {
		t.Errorf("cursors hold up to event %d of %d: the test saw one side only", inBackup, len(read.Events))
	}
	// What was acknowledged before the backup began is a duplicate now.
	for key, last := range acknowledged {
		for n := last; n >= 1; n -= max(1, last-1) { // first and last
			status, text, err := p.call(t.Context(), "POST", "/api/v1/events", batchType, batch([]thing{{key, n}}))
			if err != nil || status != 202 || !bytes.Contains(text, []byte(`"duplicate"`)) {
				t.Errorf("%s#%d was acknowledged before the backup; published again: %d %s %v", key, n, status, text, err)
			}
		}
	}
	// The sources publish again what they know of, and go on.
	for key, last := range published {
		published[key] = last + 1
		var things []thing
		for n := 1; n <= last+1; n++ {
			things = append(things, thing{key, n})
		}
		if status, text, err := p.call(t.Context(), "POST", "/api/v1/events", batchType, batch(things)); err != nil || status != 202 {
			t.Fatalf("publishing %s again: %d %s %v", key, status, text, err)
		}
	}
	// Other events stand at the lost positions now, and a cursor of before must not be believed there.
	if status, again := p.fetch(made.Created[0].ID, read.Events[len(read.Events)-1].Cursor); status != http.StatusConflict || again.Code != "log-rewound" {
		t.Errorf("a cursor behind what was lost, in a log that has grown beyond it again: %d %s", status, again.Code)
	}
	deadline := time.NewTimer(60 * time.Second)
	defer deadline.Stop()
	for after.missing(published) > 0 {
		select {
		case <-after.changed:
		case <-deadline.C:
			t.Fatalf("%d events never came", after.missing(published))
		}
	}
	after.mu.Lock()
	defer after.mu.Unlock()
	if len(after.wrong) > 0 || len(wrong) > 0 {
		t.Errorf("out of order before: %v, and after: %v", wrong, after.wrong)
	}
}

// await waits for what the hub's work brings about.
func await(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("no %s", what)
		}
		wait(5 * time.Millisecond)
	}
}

// TestNothingPersonalOnDisk sends a person's number through the real hub to a receiver that throws it back: no file of
// the data directory and no backup holds it in clear, while the hub runs, after it was killed, and after it ended. The
// keys are rotated meanwhile, and the hub still reads what it has (DESIGN section 5, promise 11).
func TestNothingPersonalOnDisk(t *testing.T) {
	t.Parallel()
	const person = "0101701234"
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	echoed := make(chan struct{}, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write(text)
		echoed <- struct{}{}
	}))
	t.Cleanup(server.Close)
	p := newProcess(t, data)
	p.start()
	p.world(map[string]string{"echo": server.URL})
	event := []byte(`[{"specversion":"1.0","id":"1","source":"urn:test","type":"thing","data":{"key":"` + person + `","n":1}}]`)
	if status, text, err := p.call(t.Context(), "POST", "/api/v1/events", batchType, event); status != 202 || err != nil {
		t.Fatalf("publish: %d %s %v", status, text, err)
	}
	<-echoed
	<-echoed // the first failure is committed before the second attempt
	command(t, false, "backup", "--data", data, "--to", filepath.Join(dir, "running.backup"))
	search := func(when string) {
		for _, root := range []string{data, dir} {
			err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
				if err != nil || entry.IsDir() {
					return err
				}
				content, err := os.ReadFile(path)
				if bytes.Contains(content, []byte(person)) {
					t.Errorf("%s: it stands in %s", when, path)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	search("running")
	out, _ := command(t, false, "keys", "rotate", "--data", data, "--json")
	var rotation struct {
		KEK     string
		Wrapped int
		Retired []string
	}
	if err := json.Unmarshal([]byte(out), &rotation); err != nil || rotation.Wrapped == 0 || len(rotation.Retired) != 1 {
		t.Fatalf("rotated %s, %v", out, err)
	}
	p.kill()
	search("killed")
	if err := os.Remove(filepath.Join(data, "secrets", "kek-"+rotation.Retired[0])); err != nil {
		t.Fatal(err)
	}
	p.start() // without the key that the rotation retired
	<-echoed  // and it reads what it sends
	search("started again")
	command(t, false, "keys", "list", "--data", data)
	p.kill()
	if bytes.Contains(p.output.Bytes(), []byte(person)) {
		t.Error("it stands in the log")
	}
}
