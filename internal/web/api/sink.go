package api

import (
	"context"
	"net/http"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Lists of what a sink keeps.
const (
	arrivalsShown = 100
	arrivalsMost  = 1000
)

// Sinks tell what sinks have taken.
type Sinks interface {
	// Await lists after a number, without bodies; when there is nothing it waits that long, or until ctx ends.
	Await(ctx context.Context, subscription string, after int64, limit int, wait time.Duration) ([]channel.Arrival, error)
}

// arrivalView is a message in a sink as it is shown: never its body, which is payload.
type arrivalView struct {
	Number    int64            `json:"number"`
	At        string           `json:"at"`
	MessageID string           `json:"messageId"`
	Type      string           `json:"type,omitempty"`
	Position  int64            `json:"position,omitempty"`
	Lane      string           `json:"lane,omitempty"`
	Attempt   int              `json:"attempt"`
	Pass      int64            `json:"pass,omitempty"`
	Test      bool             `json:"test,omitempty"`
	Request   string           `json:"request"`
	Headers   []headerView     `json:"headers"`
	Size      int              `json:"size"`
	Signature string           `json:"signature"`
	Sighting  channel.Sighting `json:"sighting"`
	Fault     string           `json:"fault,omitempty"`
	Status    int              `json:"status,omitempty"`
	Result    string           `json:"result"`
}

type headerView struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func viewArrival(a *channel.Arrival) arrivalView {
	v := arrivalView{
		Number: a.Number, At: instant(clock.Micros(a.At)), MessageID: a.ID, Type: a.Type, Position: a.Position, Attempt: a.Attempt, Pass: a.Pass,
		Test: a.Test, Request: a.Request, Headers: make([]headerView, 0, len(a.Headers)), Size: a.Size, Signature: a.Signature,
		Sighting: a.Sighting, Fault: a.Fault, Status: a.Status, Result: a.Class.String(),
	}
	if a.Lane != (event.Lane{}) {
		v.Lane = a.Lane.String()
	}
	for _, h := range a.Headers {
		v.Headers = append(v.Headers, headerView(h))
	}
	return v
}

// arrivals are what a sink keeps, and whether it takes messages now.
type arrivals struct {
	On bool `json:"on"`
	list[arrivalView]
}

func (a *api) listArrivals(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "after", "limit", "wait")
	after := q.within("after", 0, 1<<62, 0)
	limit := q.within("limit", 1, arrivalsMost, arrivalsShown)
	wait := q.within("wait", 0, waitMost, 0)
	if err := q.err(); err != nil {
		return err
	}
	standing, err := a.Manager.Subscription(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	answer := arrivals{On: standing.Sink != nil && a.Sinks != nil, list: list[arrivalView]{Items: []arrivalView{}}}
	if a.Sinks != nil {
		ctx, stop := a.staying(r.Context())
		defer stop()
		found, err := a.Sinks.Await(ctx, standing.ID, after, int(limit), time.Duration(wait)*time.Second)
		if err != nil {
			return err
		}
		for i := range found {
			answer.Items = append(answer.Items, viewArrival(&found[i]))
		}
	}
	return respond(w, http.StatusOK, answer)
}

// staying ends when nobody is to be kept waiting any more.
func (a *api) staying(ctx context.Context) (staying context.Context, stop context.CancelFunc) {
	staying, stop = context.WithCancel(ctx)
	go func() {
		select {
		case <-a.Leaving:
			stop()
		case <-staying.Done():
		}
	}()
	return staying, stop
}

func (a *api) emptySink(w http.ResponseWriter, r *http.Request) error {
	if err := a.Manager.EmptySink(r.Context(), r.PathValue("id"), a.Author(r)); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// revealedArrival is a message with its body: as text, or in base64 where it is none.
type revealedArrival struct {
	arrivalView
	Body   string `json:"body,omitempty"`
	Base64 []byte `json:"bodyBase64,omitempty"`
}

func (a *api) revealArrival(w http.ResponseWriter, r *http.Request) error {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil {
		return fault.New(fault.NotFound, "a message in a sink has a number")
	}
	arrival, err := a.Manager.RevealArrival(r.Context(), r.PathValue("id"), number, a.Author(r))
	if err != nil {
		return err
	}
	answer := revealedArrival{arrivalView: viewArrival(arrival)}
	if utf8.Valid(arrival.Body) {
		answer.Body = string(arrival.Body)
	} else {
		answer.Base64 = arrival.Body
	}
	return respond(w, http.StatusOK, answer)
}
