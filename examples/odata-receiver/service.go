package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"sync"
)

// A batch of the hub's is 3 MiB at most, or one message.
const (
	mostBytes = 16 << 20
	mostParts = 1000
)

// replayed is the header of what is sent once more because somebody wants it: the number of that replay.
const replayed = "Varsel-Replay"

// service is an OData v4 service: POST /Events creates one entity, POST /$batch those of one change set.
type service struct {
	take func(context.Context, []Message) error

	mu   sync.Mutex // one request is worked at a time: so messages stay in order
	seen map[string]bool
}

func newService(take func(context.Context, []Message) error) http.Handler {
	s := &service{take: take, seen: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /Events", s.one)
	mux.HandleFunc("POST /$batch", s.batch)
	return mux
}

// accept takes what is new of some messages. A message that came before is acknowledged and not taken again, for its answer may
// have been lost on the way; unless somebody has asked the hub to send it once more (Varsel-Replay). Keep what was seen in your database, in the transaction in which you take a message; here it is gone with
// the process.
func (s *service) accept(ctx context.Context, events []event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var fresh []Message
	among := map[string]bool{}
	for i := range events {
		m, err := events[i].message()
		if err != nil {
			return err
		}
		key := m.ID + " " + events[i].replay
		if m.Number == 0 || s.seen[key] || among[key] {
			continue
		}
		among[key] = true
		fresh = append(fresh, m)
	}
	if len(fresh) == 0 {
		return nil
	}
	if err := s.take(ctx, fresh); err != nil {
		return err
	}
	for key := range among {
		s.seen[key] = true
	}
	return nil
}

func (s *service) one(w http.ResponseWriter, r *http.Request) {
	var e event
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostBytes)).Decode(&e)
	if err == nil {
		e.replay = r.Header.Get(replayed)
		err = s.accept(r.Context(), []event{e})
	}
	w.Header().Set("OData-Version", "4.0")
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json;odata.metadata=minimal")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]any{"@odata.type": "#DataDistributor.Event", "Id": e.ID, "Format": e.Format, "Body": e.Body})
}

// batch answers a change set: all of it is done, and every part is answered with 204; or nothing is, and one answer stands for
// the whole set (OData Version 4.0 Part 1, sections 11.7.3 and 11.7.4).
func (s *service) batch(w http.ResponseWriter, r *http.Request) {
	parts, err := changeSet(http.MaxBytesReader(w, r.Body, mostBytes), r.Header.Get("Content-Type"))
	if err != nil {
		refuse(w, err)
		return
	}
	events := make([]event, len(parts))
	for i := range parts {
		events[i] = parts[i].event
	}
	err = s.accept(r.Context(), events)
	if err != nil {
		log.Print("refused: ", err)
	}
	outer := multipart.NewWriter(w)
	w.Header().Set("OData-Version", "4.0")
	w.Header().Set("Content-Type", "multipart/mixed; boundary="+outer.Boundary())
	if err != nil {
		answerPart(outer, "", "HTTP/1.1 "+statusOf(err)+"\r\nContent-Length: 0\r\n\r\n")
	} else {
		var set bytes.Buffer
		inner := multipart.NewWriter(&set)
		for _, p := range parts {
			answerPart(inner, p.contentID, "HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\n\r\n")
		}
		_ = inner.Close()
		part, _ := outer.CreatePart(textproto.MIMEHeader{"Content-Type": {"multipart/mixed; boundary=" + inner.Boundary()}})
		_, _ = part.Write(set.Bytes())
	}
	_ = outer.Close()
}

// answerPart writes the answer to one request of a batch. Writing into a connection that has gone is the hub's to find out.
func answerPart(w *multipart.Writer, contentID, response string) {
	header := textproto.MIMEHeader{"Content-Type": {"application/http"}, "Content-Transfer-Encoding": {"binary"}}
	if contentID != "" {
		header["Content-ID"] = []string{contentID}
	}
	part, _ := w.CreatePart(header)
	_, _ = io.WriteString(part, response)
}

// change is one part of a change set: an entity to be created.
type change struct {
	contentID string
	event     event
}

// changeSet reads a batch that holds one change set.
func changeSet(body io.Reader, contentType string) ([]change, error) {
	outer, err := mixed(body, contentType)
	if err != nil {
		return nil, err
	}
	set, err := outer.NextRawPart()
	if err != nil {
		return nil, err
	}
	inner, err := mixed(set, set.Header.Get("Content-Type"))
	if err != nil {
		return nil, err
	}
	var parts []change
	for {
		part, err := inner.NextRawPart()
		if err == io.EOF {
			return parts, nil
		}
		if err != nil {
			return nil, err
		}
		if len(parts) == mostParts {
			return nil, errors.New("a change set has 1000 parts at most")
		}
		c := change{contentID: part.Header.Get("Content-ID")}
		// Without a Content-Length a request would have no body: it is what is left of the part.
		text := bufio.NewReader(part)
		request, err := http.ReadRequest(text)
		if err != nil {
			return nil, err
		}
		if request.Method != http.MethodPost {
			return nil, fmt.Errorf("entities are created here, and nothing else: %s", request.Method)
		}
		if err := json.NewDecoder(text).Decode(&c.event); err != nil {
			return nil, err
		}
		c.event.replay = request.Header.Get(replayed)
		parts = append(parts, c)
	}
}

func mixed(body io.Reader, contentType string) (*multipart.Reader, error) {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "multipart/mixed" || parameters["boundary"] == "" {
		return nil, errors.New("want multipart/mixed with a boundary")
	}
	return multipart.NewReader(body, parameters["boundary"]), nil
}

// refuse answers what cannot be taken: the hub sends it again, every hour for two months.
func refuse(w http.ResponseWriter, err error) {
	log.Print("refused: ", err)
	w.Header().Set("OData-Version", "4.0")
	http.Error(w, "", statusCode(err))
}

func statusCode(err error) int {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errBusy):
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

func statusOf(err error) string {
	code := statusCode(err)
	return fmt.Sprint(code, " ", http.StatusText(code))
}

// errBusy is for take to return when something it needs is not there for a while.
var errBusy = errors.New("try again later")
