package api

import (
	"bufio"
	"context"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Bounds of what is fetched at a time.
const (
	fetchMost   = 100_000
	fetchUsual  = 1000
	leaseMost   = 1000
	leaseUsual  = 100
	holdUsual   = 60        // seconds of a lease
	holdMost    = 12 * 3600 //
	waitMost    = 60        // seconds of a long poll
	fetchBuffer = 64 << 10
)

// cursorTrailer carries the last cursor where the form of the answer has no place for it.
const cursorTrailer = "Varsel-Cursor"

// Puller lets systems fetch what is for them.
type Puller interface {
	Fetch(ctx context.Context, id string, from *eventlog.Cursor, limit int, wait time.Duration, visit delivery.Visit) (eventlog.Cursor, error)
	Lease(ctx context.Context, id string, most int, hold, wait time.Duration) ([]delivery.Leased, error)
	Acknowledge(ctx context.Context, id string, leases []string) (gone []string, err error)
	Return(ctx context.Context, id string, leases []string) (gone []string, err error)
}

// fetch streams what is for a subscription after a cursor. An answer that breaks off has no last cursor: its reader comes
// again with the one of the last event it has.
func (a *api) fetch(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "after", "limit", "wait")
	limit := q.within("limit", 1, fetchMost, fetchUsual)
	wait := q.within("wait", 0, waitMost, 0)
	if err := q.err(); err != nil {
		return err
	}
	var from *eventlog.Cursor
	if after := q.text("after"); after != "" {
		cursor, err := eventlog.ParseCursor(after)
		if err != nil {
			return err
		}
		from = &cursor
	}
	form, err := formOf(r.Header.Get("Accept"))
	if err != nil {
		return err
	}
	s := &stream{answer: w, form: form}
	end, err := a.Puller.Fetch(r.Context(), r.PathValue("subscription"), from, int(limit), time.Duration(wait)*time.Second, s.event)
	if err != nil && s.out != nil {
		// The answer is under way: breaking it off is the only honest end. The reader has its cursors.
		panic(http.ErrAbortHandler)
	}
	if err != nil {
		return err
	}
	s.end(end)
	return nil
}

// form is how the events of an answer are written.
type form struct {
	mediaType                          string
	begin, between, beforeCursor, last string // before the first event, between two, before the cursor, after it
	trailer                            bool   // the cursor has no place in it
}

var forms = []form{
	{mediaType: "application/json", begin: `{"events":[`, between: ",\n", beforeCursor: `],"cursor":`, last: "}\n"},
	{mediaType: "application/x-ndjson", between: "\n", beforeCursor: "{\"cursor\":", last: "}\n"},
	{mediaType: "application/cloudevents-batch+json", begin: "[", between: ",\n", last: "]\n", trailer: true},
}

// formOf chooses the form by the Accept header: the first of its media types that there is.
func formOf(accept string) (*form, error) {
	if accept == "" {
		return &forms[0], nil
	}
	for _, wanted := range strings.Split(accept, ",") {
		kind, _, err := mime.ParseMediaType(wanted)
		if err != nil {
			continue
		}
		if kind == "*/*" || kind == "application/*" {
			return &forms[0], nil
		}
		for i := range forms {
			if forms[i].mediaType == kind {
				return &forms[i], nil
			}
		}
	}
	return nil, fault.New(fault.NotAcceptable, "there are application/json, application/x-ndjson and application/cloudevents-batch+json")
}

// stream writes events as they come. Its header goes out with the first, or with the end.
type stream struct {
	answer http.ResponseWriter
	form   *form
	out    *bufio.Writer
	cursor []byte
}

func (s *stream) begin() {
	s.answer.Header().Set("Content-Type", s.form.mediaType)
	if s.form.trailer {
		s.answer.Header().Set("Trailer", cursorTrailer)
	}
	s.answer.WriteHeader(http.StatusOK)
	s.out = bufio.NewWriterSize(s.answer, fetchBuffer)
	s.write(s.form.begin)
}

func (s *stream) write(text string) { _, _ = s.out.WriteString(text) } // a broken connection shows at the next event

// event writes one event with the cursor of a reader that has it as its first member: an extension attribute of
// CloudEvents, a member beside the others elsewhere.
func (s *stream) event(_ *event.Event, message []byte, at eventlog.Cursor) error {
	if s.out == nil {
		s.begin()
	} else {
		s.write(s.form.between)
	}
	s.write(`{"cursor":"`)
	_, _ = s.out.Write(at.Append(s.out.AvailableBuffer()))
	s.write(`"`)
	members := message[1:]
	if members[0] != '}' {
		s.write(",")
	}
	_, err := s.out.Write(members)
	return err
}

func (s *stream) end(at eventlog.Cursor) {
	some := s.out != nil
	if !some {
		s.begin()
	}
	if s.form.trailer {
		s.answer.Header().Set(cursorTrailer, at.String())
	} else {
		if some && s.form.begin == "" {
			s.write(s.form.between) // a line of its own
		}
		s.write(s.form.beforeCursor)
		s.write(`"` + at.String() + `"`)
	}
	s.write(s.form.last)
	_ = s.out.Flush()
}

// leaseRequest asks for messages of a queue.
type leaseRequest struct {
	Max     int `json:"max"`     // 0: 100
	Seconds int `json:"seconds"` // how long they are lent; 0: 60
	Wait    int `json:"wait"`    // seconds to wait for the first
}

// leasedView is a message that is lent.
type leasedView struct {
	Lease       string          `json:"lease"`
	Until       string          `json:"until"`
	ID          string          `json:"id"` // the message's, the same each time it is lent
	Position    int64           `json:"position"`
	Attempts    int             `json:"attempts"`         // how often it was tried before
	Replay      int64           `json:"replay,omitempty"` // the pass it is replayed by
	ContentType string          `json:"contentType"`
	Message     json.RawMessage `json:"message"`
}

// leasedMessages are those that were lent at once.
type leasedMessages struct {
	Messages []leasedView `json:"messages"`
}

func (a *api) lease(w http.ResponseWriter, r *http.Request) error {
	request := leaseRequest{}
	if err := a.readOptional(w, r, &request); err != nil {
		return err
	}
	var found []fault.Violation
	check := func(pointer string, value *int, usual, most int) {
		if *value == 0 {
			*value = usual
		}
		if *value < 0 || *value > most {
			found = append(found, fault.Violation{Pointer: pointer, Rule: "range", Message: "is too large, or below 0"})
		}
	}
	check("/max", &request.Max, leaseUsual, leaseMost)
	check("/seconds", &request.Seconds, holdUsual, holdMost)
	check("/wait", &request.Wait, 0, waitMost)
	if err := fault.Invalid(fault.InvalidDocument, found); err != nil {
		return err
	}
	leased, err := a.Puller.Lease(r.Context(), r.PathValue("subscription"), request.Max,
		time.Duration(request.Seconds)*time.Second, time.Duration(request.Wait)*time.Second)
	if err != nil {
		return err
	}
	messages := make([]leasedView, 0, len(leased))
	for i := range leased {
		l := &leased[i]
		messages = append(messages, leasedView{
			Lease: l.Lease, Until: instant(l.Until.UnixMicro()), ID: l.Event.ID.String(), Position: l.Event.Position,
			Attempts: l.Attempts, Replay: l.Replay, ContentType: l.Message.ContentType, Message: l.Message.Body,
		})
	}
	return respond(w, http.StatusOK, leasedMessages{messages})
}

// settled says what became of leases.
type settled struct {
	Settled int      `json:"settled"`
	Gone    []string `json:"gone"` // leases that were over: their messages come again
}

// leasesRequest names leases.
type leasesRequest struct {
	Leases []string `json:"leases"`
}

// settle acknowledges leases or gives them back.
func (a *api) settle(act func(Puller, context.Context, string, []string) ([]string, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var request leasesRequest
		if err := a.readDocument(w, r, &request); err != nil {
			return err
		}
		if n := len(request.Leases); n < 1 || n > leaseMost {
			return fault.Invalid(fault.InvalidDocument, []fault.Violation{{Pointer: "/leases", Rule: "length", Message: "want 1 to 1000 leases"}})
		}
		gone, err := act(a.Puller, r.Context(), r.PathValue("subscription"), request.Leases)
		if err != nil {
			return err
		}
		if gone == nil {
			gone = []string{}
		}
		return respond(w, http.StatusOK, settled{Settled: len(request.Leases) - len(gone), Gone: gone})
	}
}
