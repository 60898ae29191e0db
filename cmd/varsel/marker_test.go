package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// marked is the number that is sent through everything. Nobody has it: there is no such day.
const marked = "3113701234"

// trail keeps what of requests and answers can be seen on the way: addresses and headers, and the answers' bodies but
// those of payloads.
type trail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *trail) note(what string, text []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fmt.Fprintf(&t.text, "%s: %s\n", what, text)
}

// ask sends a request to the hub and notes all that is seen of it; payload answers are not noted.
func (t *trail) ask(p *process, payload bool, method, path, contentType, body string) (status int, answer []byte) {
	p.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, p.url+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := p.client.Do(request)
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	t.note("address", []byte(request.URL.String()))
	t.note("headers", fmt.Appendf(nil, "%v", response.Header))
	if !payload {
		t.note(method+" "+path, text)
	}
	return response.StatusCode, text
}

// varsel runs a command with stdin; what it prints is noted.
func (t *trail) varsel(p *process, in string, args ...string) string {
	p.t.Helper()
	file, err := binary()
	if err != nil {
		p.t.Fatal(err)
	}
	cmd := exec.Command(file, args...)
	cmd.Stdin = strings.NewReader(in)
	out, err := cmd.CombinedOutput()
	if err != nil {
		p.t.Fatalf("varsel %v: %v\n%s", args, err, out)
	}
	t.note("command", []byte(strings.Join(args, " ")))
	t.note("printed", out)
	return string(out)
}

// searchFiles looks for the number in every file below a directory.
func searchFiles(t *testing.T, when, root string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if bytes.Contains(content, []byte(marked)) {
			t.Errorf("%s: it stands in %s", when, path)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Fatal(files, err)
	}
}

// Issue "Forgetting", DESIGN promise 11: a known person number goes through publishing, a receiver that echoes it, fetching,
// search, a reveal, a register's delivery, an extract of it, a failed and a whole erasure, their reports, a kill -9, a backup and a restore. It stands in no log,
// metric, header, address, file of the database, journal or backup, and after the erasure nobody can read it any more,
// in the restored hub either.
func TestAKnownNumberIsNowhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, heads, anew := filepath.Join(dir, "data"), filepath.Join(dir, "heads"), filepath.Join(dir, "anew")
	seen := &trail{}
	echoed := make(chan struct{}, 1000)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		seen.note("sent to", []byte(r.URL.String()))
		seen.note("sent with", fmt.Appendf(nil, "%v", r.Header))
		w.Header().Set("X-Echo", marked)
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = w.Write(text)
		echoed <- struct{}{}
	}))
	t.Cleanup(server.Close)
	p := newProcess(t, data)
	p.args = append(p.args, "--audit-heads", heads)
	p.start()
	p.world(map[string]string{"echo": server.URL})
	p.must("PUT", "/api/v1/event-types/citizen", object{"title": "Citizen", "order": "key", "personal": true, "retention": "P6M"})
	p.must("PUT", "/api/v1/event-types/citizen/versions/v1", object{"state": "active", "mapping": object{"key": "/cpr", "personal": []string{"/cpr"}}, "sample": object{"cpr": "0"}})
	p.must("PUT", "/api/v1/sources/register", object{"uri": "urn:register", "title": "R", "types": []string{"citizen"}})
	p.must("PUT", "/api/v1/systems/reader", object{"agreement": object{
		"profile": "standard", "baseUrl": server.URL, "sources": []string{"register"}, "contacts": object{"technical": object{"email": "technical@example.org"}},
	}})
	var made struct{ Created []struct{ ID string } }
	if err := json.Unmarshal(p.must("PUT", "/api/v1/systems/reader/subscriptions", object{"items": []object{{"name": "own", "channel": "cursor"}}}), &made); err != nil {
		t.Fatal(err)
	}
	p.must("PUT", "/api/v1/systems/echo", object{"agreement": object{
		"profile": "standard", "baseUrl": server.URL, "sources": []string{"register"}, "contacts": object{"technical": object{"email": "technical@example.org"}},
	}})
	publish := func(id, person string) (position string) {
		_, text := seen.ask(p, false, "POST", "/api/v1/events", "application/cloudevents+json", `{"specversion":"1.0","id":"`+id+`","source":"urn:register","type":"citizen","data":{"cpr":"`+person+`"}}`)
		var answer struct{ Results []struct{ Position int64 } }
		if err := json.Unmarshal(text, &answer); err != nil || len(answer.Results) != 1 {
			t.Fatalf("publish: %s", text)
		}
		return fmt.Sprint(answer.Results[0].Position)
	}
	at, other := publish("1", marked), publish("2", "4114704321")
	r := &markedRegister{seen, p}
	r.deliver()
	for range 3 {
		<-echoed
	}
	seen.ask(p, true, "GET", "/api/v1/pull/"+made.Created[0].ID+"?after=", "", "")
	if status, text := seen.ask(p, false, "POST", "/api/v1/events/search", "application/json", `{"person":"`+marked+`"}`); status != 200 || !bytes.Contains(text, []byte(`"position":`+at)) {
		t.Errorf("the search found %d %s", status, text)
	}
	for _, path := range []string{"/events/" + at, "/events/" + at + "/attempts", "/lanes", "/audit?limit=1000", "/erasures", "/totals"} {
		seen.ask(p, false, "GET", "/api/v1"+path, "", "")
	}
	if status, text := seen.ask(p, true, "POST", "/api/v1/events/"+at+"/reveal", "application/json", `{"reason":"case 1"}`); status != 200 {
		t.Fatalf("reveal: %d %s", status, text)
	}
	for _, body := range []string{`{"person":"` + marked + `","reason":"` + marked + `","count":1}`, `{"person":"` + marked + `","reason":"case 2","count":5}`, `{"person":"` + marked + `","` + marked + `":1}`, `{"reason":"` + marked + `"`} {
		if status, _ := seen.ask(p, false, "POST", "/api/v1/erasures", "application/json", body); status < 400 {
			t.Errorf("%s was answered %d", body, status)
		}
	}
	seen.ask(p, false, "POST", "/api/v1/events/"+at+"/reveal", "application/json", `{"reason":"`+marked+`"}`)
	seen.varsel(p, "", "backup", "--data", data, "--to", filepath.Join(dir, "before.backup"))
	searchFiles(t, "before the erasure", dir)

	out := seen.varsel(p, marked+"\n", "erase", "--url", p.url, "--reason", "case 3", "--count", "4")
	r.gone("erased")
	if !strings.Contains(out, "Erasure 1") || !strings.Contains(out, "2 rows of registers, 0 events that were still to follow from these, and 1 files of extracts") || !strings.Contains(out, "echo was sent 1 of them") {
		t.Errorf("the report says %s", out)
	}
	p.kill() // at once: what was answered holds
	searchFiles(t, "erased and killed", dir)
	p.start()
	gone := func(when string) {
		t.Helper()
		if status, text := seen.ask(p, false, "POST", "/api/v1/events/"+at+"/reveal", "application/json", `{"reason":"case 4"}`); status != http.StatusGone {
			t.Errorf("%s, a reveal: %d %s", when, status, text)
		}
		if status, text := seen.ask(p, true, "POST", "/api/v1/events/"+other+"/reveal", "application/json", `{"reason":"case 4"}`); status != 200 || !bytes.Contains(text, []byte("data")) {
			t.Errorf("%s, a reveal of the other: %d %s", when, status, text)
		}
		if _, text := seen.ask(p, false, "GET", "/api/v1/pull/"+made.Created[0].ID+"?after="+url.QueryEscape(""), "", ""); bytes.Contains(text, []byte(marked)) {
			t.Errorf("%s, fetched: %s", when, text)
		}
		if _, text := seen.ask(p, false, "POST", "/api/v1/events/search", "application/json", `{"person":"`+marked+`"}`); bytes.Contains(text, []byte(`"position":`+at)) {
			t.Errorf("%s, found: %s", when, text)
		}
	}
	gone("erased")
	r.gone("erased and killed")
	r.again()
	seen.ask(p, false, "GET", "/api/v1/erasures/1", "", "")
	if status, text := seen.ask(p, false, "GET", "/metrics", "", ""); status != 200 || !bytes.Contains(text, []byte("varsel_ready 1")) {
		t.Errorf("metrics: %d %.200s", status, text)
	}
	seen.ask(p, false, "GET", "/", "", "")
	seen.varsel(p, "", "backup", "--data", data, "--to", filepath.Join(dir, "after.backup"))
	p.kill()

	// The backup from before the erasure still holds it. A restore does not bring it back, and does not go on without the
	// journal where it must have been.
	restore := func(more ...string) []string {
		return append([]string{"restore", "--data", anew, "--json"}, more...)
	}
	_, refusal := command(t, true, restore("--from", filepath.Join(dir, "after.backup"))...)
	if !strings.Contains(refusal, "journal-missing") || !strings.Contains(refusal, "--journal") {
		t.Errorf("without its journal a restore says %s", refusal)
	}
	journal := filepath.Join(heads, "erasures.jsonl")
	_, refusal = command(t, true, restore("--from", filepath.Join(dir, "before.backup"), "--journal", journal)...)
	if !strings.Contains(refusal, "key-missing") || !strings.Contains(refusal, "before you restore") {
		t.Errorf("without the secrets it says %s", refusal)
	}
	if err := os.RemoveAll(anew); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(anew, "secrets"), os.DirFS(filepath.Join(data, "secrets"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(anew, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	text := seen.varsel(p, "", restore("--from", filepath.Join(dir, "before.backup"), "--journal", journal)...)
	if !strings.Contains(text, `"erasedEvents":2`) || !strings.Contains(text, `"erasedRows":2`) || !strings.Contains(text, `"erasedIn":1`) {
		t.Errorf("the restore says %s", text)
	}
	for i, arg := range p.args {
		if arg == data {
			p.args[i] = anew
		}
	}
	p.start()
	gone("restored")
	r.gone("restored")
	p.kill()

	searchFiles(t, "at the end", dir)
	if bytes.Contains(p.output.Bytes(), []byte(marked)) {
		t.Error("it stands in the hub's log")
	}
	seen.mu.Lock()
	defer seen.mu.Unlock()
	for line := range bytes.Lines(seen.text.Bytes()) {
		if bytes.Contains(line, []byte(marked)) {
			t.Errorf("it was seen: %.300s", line)
		}
	}
}
