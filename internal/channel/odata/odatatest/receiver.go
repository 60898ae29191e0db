// Package odatatest is an OData v4 service as Datafordeler's subscribers run it, stricter than most: it refuses what a real
// one refuses, and what only luck would let through.
package odatatest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// Event is an entity as it was taken.
type Event struct {
	Type   string `json:"@odata.type"`
	Body   string
	Format string
	ID     int64 `json:"Id"`
}

// Service is one. Change its fields before it is served.
type Service struct {
	Root string // its path, such as "/odata"

	// Refuse says with which status an entity is refused; nil, and 0: it is taken.
	Refuse func(Event) int
	// NoBatch is what $batch is answered with by a service that has none; 0: it has one. It may be changed at any time.
	NoBatch atomic.Int32

	mu       sync.Mutex
	taken    []Event
	complain []string
	requests []string      // what came: see Requests
	more     chan struct{} // closed when the next entity is taken
}

// Await waits until at least n entities were taken, or ctx ends, and lists them.
func (s *Service) Await(ctx context.Context, n int) []Event {
	for {
		s.mu.Lock()
		if s.more == nil {
			s.more = make(chan struct{})
		}
		more, enough := s.more, len(s.taken) >= n
		s.mu.Unlock()
		if enough {
			return s.Taken()
		}
		select {
		case <-more:
		case <-ctx.Done():
			return s.Taken()
		}
	}
}

// Taken lists the entities in the order they were taken.
func (s *Service) Taken() []Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Event(nil), s.taken...)
}

// Requests lists what came: "Events", or "$batch of 3".
func (s *Service) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

// Complaints lists what was wrong with requests.
func (s *Service) Complaints() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.complain...)
}

func (s *Service) note(request string) {
	s.mu.Lock()
	s.requests = append(s.requests, request)
	s.mu.Unlock()
}

func (s *Service) bad(w http.ResponseWriter, words string, args ...any) {
	text := fmt.Sprintf(words, args...)
	s.mu.Lock()
	s.complain = append(s.complain, text)
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"error":{"code":"","message":%q}}`, text)
}

func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		s.bad(w, "the body cannot be read: %v", err)
	case r.Method != http.MethodPost:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case r.ContentLength < 0:
		s.bad(w, "there is no Content-Length")
	case r.URL.Path == s.Root+"/$batch":
		s.batch(w, r, body)
	case r.URL.Path == s.Root+"/Events":
		s.single(w, r, body)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// headers checks what every request that creates an entity says of itself.
func headers(h http.Header) error {
	for name, want := range map[string]string{
		"Odata-Version": "4.0", "Odata-Maxversion": "4.0", "Accept-Charset": "UTF-8",
		"Content-Type": "application/json;odata.metadata=minimal", "Accept": "application/json;odata.metadata=minimal",
	} {
		if got := h.Get(name); got != want {
			return fmt.Errorf("%s is %q, not %q", name, got, want)
		}
	}
	if h.Get("User-Agent") == "" {
		return fmt.Errorf("there is no User-Agent")
	}
	return nil
}

func entity(body []byte) (Event, error) {
	var e Event
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&e); err != nil || decoder.More() {
		return e, fmt.Errorf("the entity is no JSON object of its type: %v", err)
	}
	if e.Type != "#DataDistributor.Event" || e.Format != "JSON" && e.Format != "XML" {
		return e, fmt.Errorf("the entity is a %q in %q", e.Type, e.Format)
	}
	return e, nil
}

func (s *Service) single(w http.ResponseWriter, r *http.Request, body []byte) {
	s.note("Events")
	e, err := entity(body)
	if err == nil {
		err = headers(r.Header)
	}
	if err != nil {
		s.bad(w, "%v", err)
		return
	}
	if status := s.refuses(e); status != 0 {
		w.WriteHeader(status)
		return
	}
	s.take(e)
	w.Header().Set("Content-Type", "application/json; odata.metadata=minimal; charset=utf-8")
	w.Header().Set("OData-Version", "4.0")
	w.Header().Set("Location", fmt.Sprintf("https://%s%s/Events(%d)", r.Host, s.Root, e.ID))
	w.WriteHeader(http.StatusCreated)
	fmt.Fprint(w, created(r.Host, s.Root, e))
}

func created(host, root string, e Event) string {
	text, _ := json.Marshal(e.Body)
	return fmt.Sprintf(`{"@odata.context":"https://%s%s/$metadata#Events/$entity","Id":%d,"Format":%q,"Body":%s}`, host, root, e.ID, e.Format, text)
}

func (s *Service) refuses(e Event) int {
	if s.Refuse == nil {
		return 0
	}
	return s.Refuse(e)
}

func (s *Service) take(events ...Event) {
	s.mu.Lock()
	s.taken = append(s.taken, events...)
	if s.more != nil {
		close(s.more)
		s.more = nil
	}
	s.mu.Unlock()
}

var boundaries = regexp.MustCompile(`^multipart/mixed; boundary=((?:batch|changeset)_[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$`)

// batch does all of a change set or nothing (section 11.7.3).
func (s *Service) batch(w http.ResponseWriter, r *http.Request, body []byte) {
	if status := int(s.NoBatch.Load()); status != 0 {
		s.note("$batch")
		w.WriteHeader(status)
		return
	}
	events, err := s.changeSet(r, body)
	s.note(fmt.Sprintf("$batch of %d", len(events)))
	if err != nil {
		s.bad(w, "%v", err)
		return
	}
	w.Header().Set("Content-Type", "multipart/mixed; boundary=batchresponse_1")
	w.Header().Set("OData-Version", "4.0")
	for _, e := range events {
		if status := s.refuses(e); status != 0 {
			fmt.Fprintf(w, "--batchresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"+
				"HTTP/1.1 %d No\r\nContent-Type: application/json\r\n\r\n{\"error\":{\"code\":\"\",\"message\":\"no\"}}\r\n--batchresponse_1--\r\n", status)
			return
		}
	}
	s.take(events...)
	fmt.Fprint(w, "--batchresponse_1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_1\r\n\r\n")
	for i, e := range events {
		fmt.Fprintf(w, "--changesetresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: %d\r\n\r\n"+
			"HTTP/1.1 201 Created\r\nLocation: https://%s%s/Events(%d)\r\nContent-Type: application/json; odata.metadata=minimal; charset=utf-8\r\nOData-Version: 4.0\r\n\r\n%s\r\n",
			i+1, r.Host, s.Root, e.ID, created(r.Host, s.Root, e))
	}
	fmt.Fprint(w, "--changesetresponse_1--\r\n--batchresponse_1--\r\n")
}

// changeSet reads the body of a batch by the letter, without a library: CRLF everywhere, no preamble, nothing after.
func (s *Service) changeSet(r *http.Request, body []byte) ([]Event, error) {
	for name, want := range map[string]string{"Odata-Version": "4.0", "Odata-Maxversion": "4.0", "Accept": "multipart/mixed", "Accept-Charset": "UTF-8"} {
		if got := r.Header.Get(name); got != want {
			return nil, fmt.Errorf("the batch's %s is %q, not %q", name, got, want)
		}
	}
	outer := boundaries.FindStringSubmatch(r.Header.Get("Content-Type"))
	if outer == nil || !strings.HasPrefix(outer[1], "batch_") {
		return nil, fmt.Errorf("the batch's Content-Type is %q", r.Header.Get("Content-Type"))
	}
	text, ok := strings.CutPrefix(string(body), "--"+outer[1]+"\r\nContent-Type: ")
	kind, text, found := strings.Cut(text, "\r\n\r\n")
	inner := boundaries.FindStringSubmatch(kind)
	if !ok || !found || inner == nil || !strings.HasPrefix(inner[1], "changeset_") {
		return nil, fmt.Errorf("the batch does not begin with a change set: %.120q", body)
	}
	text, ok = strings.CutSuffix(text, "\r\n--"+outer[1]+"--\r\n")
	if text, found = strings.CutSuffix(text, "\r\n--"+inner[1]+"--"); !ok || !found {
		return nil, fmt.Errorf("the batch does not end")
	}
	if text, ok = strings.CutPrefix(text, "--"+inner[1]+"\r\n"); !ok {
		return nil, fmt.Errorf("the change set does not begin with its boundary")
	}
	var events []Event
	for i, part := range strings.Split(text, "\r\n--"+inner[1]+"\r\n") {
		e, err := s.part(r, part, i+1)
		if err != nil {
			return events, fmt.Errorf("part %d: %w", i+1, err)
		}
		if i > 0 && e.ID <= events[i-1].ID {
			return events, fmt.Errorf("part %d: %d comes after %d", i+1, e.ID, events[i-1].ID)
		}
		events = append(events, e)
	}
	return events, nil
}

func (s *Service) part(r *http.Request, part string, id int) (Event, error) {
	head := "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: " + strconv.Itoa(id) + "\r\n\r\n"
	request, ok := strings.CutPrefix(part, head)
	if !ok {
		return Event{}, fmt.Errorf("begins with %.100q", part)
	}
	line, rest, _ := strings.Cut(request, "\r\n")
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	if want := "POST " + scheme + "://" + r.Host + s.Root + "/Events HTTP/1.1"; line != want {
		return Event{}, fmt.Errorf("is %q, not %q", line, want)
	}
	top, body, _ := strings.Cut(rest, "\r\n\r\n")
	fields := http.Header{}
	for _, field := range strings.Split(top, "\r\n") {
		name, value, found := strings.Cut(field, ": ")
		if !found {
			return Event{}, fmt.Errorf("has the header line %q", field)
		}
		fields.Add(name, value)
	}
	if err := headers(fields); err != nil {
		return Event{}, err
	}
	if fields.Get("Authorization") != "" { // section 11.7.2
		return Event{}, fmt.Errorf("holds a header of its own about who asks")
	}
	return entity([]byte(body))
}
