package pull_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web/pull"
)

const (
	password = "blåbærgrød på Læsø"
	encoded  = "bl%C3%A5b%C3%A6rgr%C3%B8d+p%C3%A5+L%C3%A6s%C3%B8"
	shown    = "username=kommune&password=" + encoded
	from     = "datefrom=2020-09-29T00:00:00"
	to       = "dateto=2020-09-30T00:00:00"
	asking   = shown + "&" + from + "&" + to
)

// world is the face with everything behind it made up.
type world struct {
	t       testing.TB
	options pull.Options
	kind    pull.Kind
	log     bytes.Buffer
	windows *windows
	callers callers
}

func newWorld(t testing.TB, n int) *world {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, kind: pull.Password, windows: &windows{n: n}, callers: callers{
		"kommune": {Name: "kommune", Roles: []account.Role{account.Subscriber}, Systems: []string{"esdh"}},
		"both":    {Name: "both", Roles: []account.Role{account.Subscriber}, Systems: []string{"esdh", "other"}},
		"none":    {Name: "none", Roles: []account.Role{account.Subscriber}, Systems: []string{"unwindowed"}},
		"eva":     {Name: "eva", Roles: []account.Role{account.Operator}},
		"anna":    {Name: "anna", Roles: []account.Role{account.Auditor}},
	}}
	w.options = pull.Options{
		Windows: w.windows, Append: appended, Callers: w.callers, Zone: zone,
		Windowed: func(system string) bool { return system != "unwindowed" },
		Logger:   slog.New(slog.NewTextHandler(&w.log, nil)),
	}
	return w
}

// appended is a small message of an event: what stands in its data is its text.
func appended(dst []byte, e *event.Event, f pull.Format) ([]byte, error) {
	if string(e.Data) == "unwritable" {
		return append(dst, "half"...), fault.New(fault.InvalidMessage, "it lacks an objektID")
	}
	if f == pull.XML {
		return fmt.Appendf(dst, `<Haendelsesbesked xmlns="urn:dk:grunddata:1.0.0"><BeskedId>%d</BeskedId><Text>%s</Text></Haendelsesbesked>`, e.Position, e.Data), nil
	}
	return fmt.Appendf(dst, `{"Grunddatabesked":{"Hændelsesbesked":{"beskedID":"%d"}}}`, e.Position), nil
}

// windows has n events in every window, recorded a second after each other.
type windows struct {
	n     int
	data  []string // of the first
	err   error
	after int // how many were visited when err comes

	mu    sync.Mutex
	asked []delivery.WindowPage
}

var first = time.Date(2020, 9, 29, 3, 47, 47, 350130000, time.UTC)

func (w *windows) Window(_ context.Context, page delivery.WindowPage, visit delivery.VisitMany) error {
	w.mu.Lock()
	w.asked = append(w.asked, page)
	w.mu.Unlock()
	left := page.Size
	for at := int64(page.Page-1) * int64(page.Size); left > 0 && at < int64(w.n); {
		var events []*event.Event
		for ; len(events) < min(256, left) && at < int64(w.n); at++ {
			e := &event.Event{Position: at + 1, Recorded: first.Add(time.Duration(at) * time.Second).UnixMicro()}
			if int(at) < len(w.data) {
				e.Data = []byte(w.data[at])
			}
			events = append(events, e)
		}
		written, err := visit(events)
		if err != nil {
			return err
		}
		left -= written
		if w.err != nil && at >= int64(w.after) {
			return w.err
		}
	}
	if w.err != nil {
		return w.err
	}
	return nil
}

func (w *windows) last() delivery.WindowPage {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.asked) == 0 {
		return delivery.WindowPage{}
	}
	return w.asked[len(w.asked)-1]
}

// callers are accounts by name, all with one password; who shows a certificate is called by its subject.
type callers map[string]*account.Principal

func (c callers) Named(_ *http.Request, name, given string) (*account.Principal, error) {
	if c[name] == nil || given != password {
		return nil, fault.New(fault.Unauthenticated, "there is no such account in use with that password")
	}
	return c[name], nil
}

func (c callers) Certified(r *http.Request) (*account.Principal, error) {
	if name := r.Header.Get("Test-Certificate"); c[name] != nil {
		return c[name], nil
	}
	return nil, fault.New(fault.Unauthenticated, "the request has neither a token nor a client certificate")
}

func (w *world) ask(path string, h ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.call(http.MethodGet, path, h...)
}

func (w *world) call(method, path string, h ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r, err := http.NewRequest(method, path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.RemoteAddr, r.RequestURI = "192.0.2.1:1234", path
	for i := 0; i < len(h); i += 2 {
		r.Header.Set(h[i], h[i+1])
	}
	recorder := httptest.NewRecorder()
	pull.New(w.kind, w.options).ServeHTTP(recorder, r)
	for what, text := range map[string]string{"the log": w.log.String(), "the answer": recorder.Body.String(), "its head": fmt.Sprint(recorder.Header())} {
		if strings.Contains(text, "blåbær") || strings.Contains(text, "bl%C3") || strings.Contains(text, "0101701234") {
			w.t.Errorf("%s has the password, or what was sent: %s", what, text)
		}
	}
	return recorder
}
