package api_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/subscription"
)

func (w *world) reader(by subscription.Channel) string {
	return w.Subscribe("plain", subscription.Subscription{Name: "reader", Channel: by})["reader"]
}

// DESIGN section 6: every event carries its own cursor; the last member of the answer is the cursor to come back with.
func TestWhatIsFetchedInEveryForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.reader(subscription.Cursor)
	w.Publish("cv", event.Organisation{}, 3)
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	get := func(accept, query string) (text, mediaType, trailer string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v1/pull/"+id+query, nil)
		w.Must(err)
		r.Header.Set("Accept", accept)
		answer, err := http.DefaultClient.Do(r)
		w.Must(err)
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		w.Must(err)
		return string(body), answer.Header.Get("Content-Type"), answer.Trailer.Get("Varsel-Cursor")
	}
	type own struct{ Cursor string }

	text, kind, _ := get("", "")
	var whole struct {
		Events []own
		Cursor string
	}
	w.Must(json.Unmarshal([]byte(text), &whole))
	if kind != "application/json" || len(whole.Events) != 3 || whole.Cursor == "" || !strings.HasSuffix(text, `"cursor":"`+whole.Cursor+"\"}\n") {
		t.Fatalf("%s: %s", kind, text)
	}

	text, kind, _ = get("application/x-ndjson;q=0.9, text/html", "?after="+whole.Events[0].Cursor)
	var lines []own
	for line := range strings.Lines(text) {
		var o own
		w.Must(json.Unmarshal([]byte(line), &o))
		lines = append(lines, o)
	}
	if kind != "application/x-ndjson" || len(lines) != 3 || lines[1].Cursor != whole.Events[2].Cursor || lines[2].Cursor != whole.Cursor {
		t.Fatalf("%s: %s", kind, text)
	}

	text, kind, trailer := get("application/cloudevents-batch+json", "?limit=2&after="+whole.Events[0].Cursor)
	var batch []own
	w.Must(json.Unmarshal([]byte(text), &batch))
	if kind != "application/cloudevents-batch+json" || len(batch) != 2 || trailer != batch[1].Cursor {
		t.Fatalf("%s: %s, trailer %s", kind, text, trailer)
	}
	for accept, want := range map[string]string{"application/json": `{"events":[],"cursor":"` + whole.Cursor + "\"}\n", "application/x-ndjson": `{"cursor":"` + whole.Cursor + "\"}\n", "application/cloudevents-batch+json": "[]\n"} {
		if text, _, _ := get(accept, "?after="+whole.Cursor); text != want {
			t.Errorf("nothing as %s: %s", accept, text)
		}
	}
}

func TestFetchingSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.reader(subscription.Cursor)
	queue := w.Subscribe("plain", subscription.Subscription{Name: "reader", Channel: subscription.Cursor}, subscription.Subscription{Name: "q", Channel: subscription.Queue})["q"]
	for _, c := range []struct {
		method, path, body, accept string
		status                     int
		problem                    string
	}{
		{"GET", "/pull/none", "", "", 404, "not-found"},
		{"GET", "/pull/" + queue, "", "", 409, "conflict"},
		{"GET", "/pull/" + id + "?limit=100001", "", "", 400, "bad-request query:limit range"},
		{"GET", "/pull/" + id + "?wait=61&limit=0", "", "", 400, "bad-request query:limit range; query:wait range"},
		{"GET", "/pull/" + id + "?after=AAAA", "", "", 400, "bad-cursor"},
		{"GET", "/pull/" + id + "?before=1", "", "", 400, "bad-request query:* unknown"},
		{"GET", "/pull/" + id, "", "text/html", 406, "not-acceptable"},
		{"POST", "/pull/" + id + "/lease", "", "", 409, "conflict"},
		{"POST", "/pull/" + queue + "/lease", `{"max":1001,"seconds":-1,"wait":61}`, "", 422, "invalid-document /max range; /seconds range; /wait range"},
		{"POST", "/pull/" + queue + "/acknowledge", `{"leases":[]}`, "", 422, "invalid-document /leases length"},
		{"POST", "/pull/none/return", `{"leases":["x"]}`, "", 404, "not-found"},
	} {
		got := w.call(c.method, c.path, c.body, "Accept", c.accept)
		if got.status != c.status || got.problem() != c.problem {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, got.status, got.problem())
		}
	}
}

// S59: leased, acknowledged, and told which leases were over.
func TestAQueueOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.reader(subscription.Queue)
	w.Publish("cv", event.Organisation{}, 2)
	leased := w.ok(200, w.call("POST", "/pull/"+id+"/lease", `{"max":1,"seconds":30}`))
	message := leased.json["messages"].([]any)[0].(map[string]any)
	if message["until"] != managetest.Epoch.Add(30e9).Format("2006-01-02T15:04:05.000000Z") || message["position"] == nil || message["message"] == nil || message["contentType"] != "application/json" {
		t.Errorf("%s", leased.text)
	}
	body := fmt.Sprintf(`{"leases":[%q,"other"]}`, message["lease"])
	got := w.ok(200, w.call("POST", "/pull/"+id+"/acknowledge", body))
	if got.text != `{"settled":1,"gone":["other"]}` {
		t.Errorf("%s", got.text)
	}
	rest := w.ok(200, w.call("POST", "/pull/"+id+"/lease", ""))
	if len(rest.json["messages"].([]any)) != 1 {
		t.Errorf("%s", rest.text)
	}
}

// An answer that cannot be finished breaks off: its reader sees that the last cursor is missing, and has the ones before.
func TestAnAnswerThatBreaksOffHasNoEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.reader(subscription.Cursor)
	w.Publish("cv", event.Organisation{}, 3000)
	w.BreakAfter(2900, errors.New("the template is broken"))
	server := httptest.NewServer(w.handler)
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/v1/pull/"+id+"?limit=5000", nil)
	w.Must(err)
	r.Header.Set("Accept", "application/x-ndjson")
	answer, err := http.DefaultClient.Do(r)
	w.Must(err)
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	count := 0
	for lines.Scan() {
		count++
	}
	if !errors.Is(lines.Err(), io.ErrUnexpectedEOF) {
		t.Errorf("after %d lines the answer ended with %v", count, lines.Err())
	}
}
