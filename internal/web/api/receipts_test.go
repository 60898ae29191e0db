package api_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/internal/web/api"
)

// readable subscribes a system that fetches by itself, publishes one event, and returns its message id and position.
func (w *world) readable() (message, position string) {
	w.Subscribe("plain", subscription.Subscription{Name: "cursor", Channel: subscription.Cursor})
	w.Publish("cv", event.Organisation{}, 1)
	e, err := w.Log.At(w.T.Context(), w.Log.Head())
	w.Must(err)
	return e.ID.String(), strconv.FormatInt(e.Position, 10)
}

func revealingReceipt() administrative {
	return administrative{
		act: audit.Reveal, subject: "event/ID", detail: `{"kind":"receipt","reason":"case 7"}`,
		prepare: func(w *world) string {
			message, position := w.readable()
			w.ok(200, w.call("POST", "/receipts", `{"beskedID":["`+message+`"]}`))
			w.message = message
			return position
		},
		refused: request{path: "/receipts/MESSAGE/reveal", body: `{"reason":""}`},
		changes: request{path: "/receipts/MESSAGE/reveal", body: `{"reason":"case 7"}`},
		nothing: []request{{path: "/receipts/019b1f2e-0000-7000-8000-000000000000/reveal", body: `{"reason":"case 7"}`}},
	}
}

// F41: the receipt service. What comes at its own address is what comes at the API's.
func TestF41ReceiptsOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	message, position := w.readable()
	body := `{"beskedID":["` + message + `"],"text":"noted"}`
	first := w.ok(200, w.call("POST", "/receipts", body)).text
	r := httptest.NewRequest(http.MethodPost, "/system/EventReceipts/1.0.0", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	api.New(w.options).ServeHTTP(recorder, r)
	if recorder.Code != 200 || recorder.Body.String() != first {
		t.Errorf("%d %s, want %s", recorder.Code, recorder.Body, first)
	}
	if items := w.ok(200, w.call("GET", "/receipts?message="+message, "")).items(); len(items) != 1 || items[0]["system"] != "plain" || strconv.Itoa(int(items[0]["position"].(float64))) != position {
		t.Errorf("%v", items)
	}
	if items := w.ok(200, w.call("POST", "/receipts/"+message+"/reveal", `{"reason":"case 7"}`)).items(); len(items) != 1 || items[0]["text"] != "noted" {
		t.Errorf("%v", items)
	}
	for _, c := range []struct{ method, path, body, want string }{
		{"POST", "/receipts", `{}`, "invalid-document /beskedID size"},
		{"POST", "/receipts", `{"beskedID":["x"],"text":"` + strings.Repeat("x", 1001) + `"}`, "invalid-document /text length; /beskedID/0 uuid"},
		{"POST", "/receipts", `{"beskedID":["019b1f2e-0000-7000-8000-000000000000"]}`, "not-found"},
		{"GET", "/receipts?message=x", "", "bad-request message uuid"},
		{"GET", "/receipts/overdue?after=k" + "eA", "", "bad-request after cursor"},
		{"POST", "/receipts/x/reveal", `{"reason":"case 7"}`, "not-found"},
	} {
		if got := w.call(c.method, c.path, c.body).problem(); got != c.want {
			t.Errorf("%s %s %s: %s, want %s", c.method, c.path, c.body, got, c.want)
		}
	}
	w.set(func(o *api.Options) {
		o.Who = func(*http.Request) (*account.Principal, error) {
			return &account.Principal{Name: "s", Roles: []account.Role{account.Subscriber}, Systems: []string{"jobnet"}}, nil
		}
	})
	if a := w.call("POST", "/receipts", body); a.status != 404 {
		t.Errorf("another's message: %d %s", a.status, a.text)
	}
	if items := w.ok(200, w.call("GET", "/receipts", "")).items(); len(items) != 0 {
		t.Errorf("another's receipts: %v", items)
	}
}

// Receipts come in pages that leave none out and tell none twice.
func TestReceiptsComeInPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Subscribe("plain", subscription.Subscription{Name: "cursor", Channel: subscription.Cursor})
	for range 5 {
		w.Publish("cv", event.Organisation{}, 1)
		e, err := w.Log.At(w.T.Context(), w.Log.Head())
		w.Must(err)
		w.ok(200, w.call("POST", "/receipts", `{"beskedID":["`+e.ID.String()+`"]}`))
	}
	seen, next := map[any]bool{}, ""
	for pages := 0; pages < 3; pages++ {
		a := w.ok(200, w.call("GET", "/receipts?limit=2"+next, ""))
		for _, item := range a.items() {
			seen[item["beskedID"]] = true
		}
		cursor, more := a.json["next"].(string)
		if more != (pages < 2) {
			t.Fatalf("page %d: %s", pages, a.text)
		}
		next = "&after=" + cursor
	}
	if len(seen) != 5 {
		t.Errorf("%d of 5 receipts", len(seen))
	}
}
