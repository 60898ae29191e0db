package api

import (
	"cmp"
	"context"
	"net/http"
	"strconv"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/retention"
)

// Keeper erases persons, and shows a payload to whoever may see it, on record.
type Keeper interface {
	ToErase(ctx context.Context, person string) (int64, error)
	Erase(ctx context.Context, author, person, reason string, count int64) (eventlog.Erasure, error)
	Erasures(ctx context.Context, before int64, limit int) ([]eventlog.Erasure, error)
	Report(ctx context.Context, n int64) (*retention.Report, error)
	Reveal(ctx context.Context, actor string, position int64, reason string) (*event.Event, []eventlog.AttemptRow, error)
}

// eraseRequest says whom to erase. It is never repeated in an answer, in the log or in the audit log.
type eraseRequest struct {
	Person string `json:"person"` // a personal value as it stands in the events
	Reason string `json:"reason"`
	DryRun bool   `json:"dryRun"` // only count
	Count  *int64 `json:"count"`  // how many events and rows it is to be: what a dry run counted
}

// eraseCount is what a dry run found.
type eraseCount struct {
	Count int64 `json:"count"` // events, and rows of registers, that name the person
}

// ErasureView is an erasure as it is listed.
type ErasureView struct {
	Erasure int64  `json:"erasure"`
	At      string `json:"at"` // RFC 3339
	Author  string `json:"author"`
	Reason  string `json:"reason"`
	Events  int    `json:"events"`
	Rows    int    `json:"rows,omitempty"`      // of registers
	Unsent  int    `json:"withdrawn,omitempty"` // events that were still to follow from a register's delivery, and do not
	First   int64  `json:"firstPosition,omitempty"`
	Last    int64  `json:"lastPosition,omitempty"`
	UpTo    int64  `json:"searchedUpTo,omitempty"` // what was accepted after is not in it
	State   string `json:"state"`                  // under-way or ended
	Ended   string `json:"ended,omitempty"`
}

// ErasureReport is one erasure with whom its events were for.
type ErasureReport struct {
	ErasureView
	Done    int             `json:"done,omitempty"`  // events overwritten so far, while it goes on
	Files   int             `json:"files,omitempty"` // of extracts that were deleted: a row may have stood in them
	Systems []RecipientView `json:"systems"`
}

// RecipientView is what a system had of a person's events.
type RecipientView struct {
	System    string `json:"system"`
	Delivered int64  `json:"delivered"`       // confirmed by it,
	From      string `json:"from,omitempty"`  // between here
	Until     string `json:"until,omitempty"` // and here
	Tried     int64  `json:"tried"`           // sent or handed out, and not confirmed: it may have them
	Nothing   int64  `json:"nothing"`         // never sent
}

func viewErasure(e *eventlog.Erasure) ErasureView {
	v := ErasureView{
		Erasure: e.N, At: instant(e.At), Author: e.Author, Reason: e.Reason, Events: len(e.Positions), UpTo: e.UpTo, State: "under-way", Ended: instant(e.Ended),
	}
	if e.Ended != 0 {
		v.State = "ended"
	}
	v.Rows, v.Unsent = eventlog.CountRows(e.Rows)
	if n := len(e.Positions); n > 0 {
		v.First, v.Last = e.Positions[0], e.Positions[n-1]
	}
	return v
}

// erase answers 201 when nothing is left of the person's events, and 202 when that takes longer and goes on by itself.
func (a *api) erase(w http.ResponseWriter, r *http.Request) error {
	var request eraseRequest
	if err := a.readDocument(w, r, &request); err != nil {
		return err
	}
	if request.DryRun {
		count, err := a.Keeper.ToErase(r.Context(), request.Person)
		if err != nil {
			return err
		}
		return respond(w, http.StatusOK, eraseCount{count})
	}
	if request.Count == nil {
		return fault.Invalid(fault.InvalidDocument, []fault.Violation{{Pointer: "/count", Rule: "required", Message: "ask with dryRun first and repeat the count it gives"}})
	}
	e, err := a.Keeper.Erase(r.Context(), a.Author(r), request.Person, request.Reason, *request.Count)
	if err != nil {
		return err
	}
	status := http.StatusCreated
	if e.Ended == 0 {
		status = http.StatusAccepted
	}
	return respond(w, status, viewErasure(&e))
}

func (a *api) listErasures(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, paging()...)
	at := q.place(pageShown, pageMost)
	before, err := strconv.ParseInt(cmp.Or(at.after, "0"), 10, 64)
	if err != nil {
		q.refuse("query:after", "cursor", "want the next of the page before, as it stands there")
	}
	if err := q.err(); err != nil {
		return err
	}
	list, err := a.Keeper.Erasures(r.Context(), before, at.limit)
	if err != nil {
		return err
	}
	answer := page[ErasureView]{Items: make([]ErasureView, 0, len(list))}
	for i := range list {
		answer.Items = append(answer.Items, viewErasure(&list[i]))
	}
	if len(list) == at.limit {
		answer.Next = cursorOf(strconv.FormatInt(list[len(list)-1].N, 10))
	}
	return respond(w, http.StatusOK, answer)
}

func (a *api) getErasure(w http.ResponseWriter, r *http.Request) error {
	n, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil || n < 1 {
		return fault.New(fault.NotFound, "an erasure has a number")
	}
	report, err := a.Keeper.Report(r.Context(), n)
	if err != nil {
		return err
	}
	v := ErasureReport{ErasureView: viewErasure(&report.Erasure), Done: report.Done, Files: report.Files, Systems: []RecipientView{}}
	for _, s := range report.Systems {
		v.Systems = append(v.Systems, RecipientView{
			System: s.System, Delivered: s.Delivered, From: instant(s.First), Until: instant(s.Last), Tried: s.Tried, Nothing: s.Nothing,
		})
	}
	return respond(w, http.StatusOK, v)
}

// revealRequest says why an event is to be seen.
type revealRequest struct {
	Reason string `json:"reason"` // kept in the audit log for ever: the number of a case, and nobody's name
}

// Revealed is an event with its data, and what receivers answered to it.
type Revealed struct {
	Position   int64             `json:"position"`
	Message    string            `json:"messageId"`
	Attributes map[string]string `json:"attributes"`
	MediaType  string            `json:"mediaType,omitempty"`
	Data       []byte            `json:"data"` // byte for byte as it was accepted, in base64
	Answers    []AnswerView      `json:"answers"`
}

// AnswerView is what a receiver answered to one attempt.
type AnswerView struct {
	Consumer string `json:"consumer"`
	Number   int    `json:"number"`
	Status   int    `json:"status,omitempty"`
	Detail   string `json:"detail,omitempty"`
	Body     []byte `json:"body"` // as it came, cut to what is kept, in base64
}

func (a *api) reveal(w http.ResponseWriter, r *http.Request) error {
	at, err := position(r)
	if err != nil {
		return err
	}
	var request revealRequest
	if err := a.readDocument(w, r, &request); err != nil {
		return err
	}
	e, rows, err := a.Keeper.Reveal(r.Context(), a.Author(r), at, request.Reason)
	if err != nil {
		return err
	}
	v := Revealed{Position: e.Position, Message: e.ID.String(), Attributes: map[string]string{}, MediaType: e.MediaType, Data: e.Data, Answers: []AnswerView{}}
	for _, attribute := range e.Attributes() {
		v.Attributes[attribute.Name] = attribute.Value
	}
	for i := range rows {
		if row := &rows[i]; len(row.Result.Body) > 0 || row.Result.Detail != "" {
			v.Answers = append(v.Answers, AnswerView{Consumer: row.Consumer, Number: row.Number, Status: row.Result.Status, Detail: row.Result.Detail, Body: row.Result.Body})
		}
	}
	return respond(w, http.StatusOK, v)
}

// ownKeeper reveals what goes or went to the owner's systems, and what these answered. What one publishes one has.
type ownKeeper struct {
	Keeper
	Events
	owner
}

// Reveal implements Keeper.
func (o ownKeeper) Reveal(ctx context.Context, actor string, position int64, reason string) (*event.Event, []eventlog.AttemptRow, error) {
	if e, err := o.At(ctx, position); err != nil && !fault.Has(err, fault.NotFound) {
		return nil, nil, err
	} else if err != nil || !o.gets(e) {
		return nil, nil, fault.New(fault.NotFound, "you have no event at position %d", position)
	}
	e, rows, err := o.Keeper.Reveal(ctx, actor, position, reason)
	return e, o.only(rows), err
}
