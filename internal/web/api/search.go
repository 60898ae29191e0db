package api

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/search"
)

// A page of what was found.
const (
	foundShown = 100
	foundMost  = 500
)

// Searcher finds events.
type Searcher interface {
	Find(ctx context.Context, actor string, q search.Query) (*search.Page, error)
}

// searchRequest says what to find. What is left out selects all. Key and person stand in a body only: addresses are kept
// by proxies, browsers and logs.
type searchRequest struct {
	ID           string `json:"id"` // as its source gave it, or a message id
	Key          string `json:"key"`
	Person       string `json:"person"` // any personal value, as it stands in the data
	Type         string `json:"type"`
	Source       string `json:"source"` // name or URI
	From         string `json:"from"`   // recorded at or after, RFC 3339
	To           string `json:"to"`     // and before
	System       string `json:"system"`
	Subscription string `json:"subscription"`
	State        string `json:"state"`
	After        string `json:"after"` // the next of the page before
	Limit        int64  `json:"limit"`
}

// foundView is an event that was found.
type foundView struct {
	Position     int64          `json:"position"`
	Message      string         `json:"messageId"`
	Source       string         `json:"source"`
	ID           string         `json:"id,omitempty"` // as its source gave it; none: the payload is forgotten
	Type         string         `json:"type"`
	Version      string         `json:"version"`
	Time         string         `json:"time"`
	Recorded     string         `json:"recorded"`
	Organisation string         `json:"organisation,omitempty"`
	Forgotten    bool           `json:"forgotten,omitempty"`
	Where        []search.Place `json:"where,omitempty"` // with the system or subscription that was asked for
}

// foundPage is a list with the cursor of what follows.
type foundPage struct {
	Items []foundView `json:"items"`
	Next  string      `json:"next,omitempty"` // none: there is no more. A page without items may have one
	UpTo  int64       `json:"upTo"`           // position up to which key, person and message id are found
}

func (a *api) findEvents(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "id", "type", "source", "from", "to", "system", "subscription", "state", "after", "limit")
	request := searchRequest{
		ID: q.text("id"), Type: q.text("type"), Source: q.text("source"), From: q.text("from"), To: q.text("to"), System: q.text("system"),
		Subscription: q.text("subscription"), State: q.text("state"), After: q.text("after"), Limit: foundShown,
	}
	if limit := q.number("limit"); limit != nil {
		request.Limit = *limit
	}
	wanted := request.query(q, "query:")
	if err := q.err(); err != nil {
		return err
	}
	return a.find(w, r, wanted, "query:")
}

func (a *api) searchEvents(w http.ResponseWriter, r *http.Request) error {
	var request searchRequest
	if err := a.readDocument(w, r, &request); err != nil {
		return err
	}
	q := &query{}
	if request.Limit == 0 {
		request.Limit = foundShown
	}
	wanted := request.query(q, "/")
	if err := q.err(); err != nil {
		return err
	}
	return a.find(w, r, wanted, "/")
}

// query reads what is asked for. Members are named as they stand in the address or in the body.
func (s *searchRequest) query(q *query, place string) search.Query {
	if s.Limit < 1 || s.Limit > foundMost {
		q.refuse(place+"limit", "range", "want 1 to 500")
	}
	return search.Query{
		ID: s.ID, Key: s.Key, Person: s.Person, Type: s.Type, Source: s.Source, System: s.System, Subscription: s.Subscription, State: s.State,
		From: moment(q, place+"from", s.From), To: moment(q, place+"to", s.To), Below: foundCursor(q, place+"after", s.After), Limit: int(s.Limit),
	}
}

// moment is a time in µs UTC; 0 when it is not there.
func moment(q *query, pointer, text string) int64 {
	us, ok := event.ParseTime(text)
	if text != "" && !ok {
		q.refuse(pointer, "time", "want a time as RFC 3339 writes it, such as 2026-03-01T12:00:00Z")
	}
	return us
}

// foundCursor names the position to go on below. Positions are never given twice, so it never grows old.
func foundCursor(q *query, pointer, text string) int64 {
	if text == "" {
		return 0
	}
	below, err := strconv.ParseInt(strings.TrimPrefix(text, "e"), 36, 64)
	if err != nil || below < 1 || cursorBelow(below) != text {
		q.refuse(pointer, "cursor", "want the next of the page before, as it stands there")
	}
	return below
}

func cursorBelow(position int64) string { return "e" + strconv.FormatInt(position, 36) }

func (a *api) find(w http.ResponseWriter, r *http.Request, q search.Query, place string) error {
	page, err := a.Searcher.Find(r.Context(), a.Author(r), q)
	if err != nil {
		return pointing(err, place)
	}
	view := foundPage{Items: make([]foundView, 0, len(page.Events)), UpTo: page.UpTo}
	if page.Next != 0 {
		view.Next = cursorBelow(page.Next)
	}
	for i := range page.Events {
		f := &page.Events[i]
		view.Items = append(view.Items, foundView{
			Position: f.Position, Message: f.ID.String(), Source: f.Source, ID: f.SourceID, Type: f.Type, Version: f.Version, Time: instant(f.Time),
			Recorded: instant(f.Recorded), Organisation: f.Organisation.String(), Forgotten: f.Forgotten, Where: f.Places,
		})
	}
	return respond(w, http.StatusOK, view)
}

// pointing names the members of what cannot be asked for as they stand in the request.
func pointing(err error, place string) error {
	if !fault.Has(err, fault.BadRequest) {
		return err
	}
	var found []fault.Violation
	for _, v := range fault.Of(err).Violations {
		v.Pointer = place + strings.TrimPrefix(v.Pointer, "/")
		found = append(found, v)
	}
	return fault.Invalid(fault.BadRequest, found)
}

// ownSearcher finds what the owner published or gets, and asks only of the owner's own systems. That a system is
// another's and that there is none of that name are one answer.
type ownSearcher struct {
	Searcher
	owner
}

func (o ownSearcher) Find(ctx context.Context, actor string, q search.Query) (*search.Page, error) {
	if q.System != "" && !o.ActsFor(q.System) {
		return nil, fault.New(fault.NotFound, "you have no system of that name")
	}
	if q.Subscription != "" {
		if line := o.book.Line(q.Subscription); line == nil || !o.ActsFor(line.Consumer.System) {
			return nil, fault.New(fault.NotFound, "you have no subscription of that id")
		}
	}
	q.Visible = func(e *event.Event) bool { return o.published(e.Source) || o.gets(e) }
	return o.Searcher.Find(ctx, actor, q)
}
