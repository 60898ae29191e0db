package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/intake"
	"github.com/varselhub/varsel/internal/retention"
)

// Lists of what is set aside.
const (
	asideShown = 100
	asideMost  = 1000
)

// Streams tell how the streams of sources are read, and let go what is set aside.
type Streams interface {
	Statuses(ctx context.Context, source string) ([]intake.Status, error)
	Asides(ctx context.Context, source string, after int64, limit int) ([]eventlog.Aside, error)
	Release(ctx context.Context, actor, source string, number int64) (intake.Settled, error)
	Discard(ctx context.Context, actor, source string, number int64) (intake.Settled, error)
	Reveal(ctx context.Context, actor, source string, number int64, reason string) (eventlog.Aside, intake.Message, error)
}

// StreamView is how a source's stream stands.
type StreamView struct {
	Source     string          `json:"source"`
	Kind       string          `json:"kind"`
	Stream     string          `json:"stream"`
	State      string          `json:"state"`
	Since      string          `json:"since,omitempty"`
	Code       string          `json:"code,omitempty"` // of what went wrong last
	Detail     string          `json:"detail,omitempty"`
	FailedAt   string          `json:"failedAt,omitempty"`
	Aside      int             `json:"aside"`
	Lag        int64           `json:"lag"`
	Partitions []PartitionView `json:"partitions"`
}

// PartitionView is how far a partition is read.
type PartitionView struct {
	Partition int   `json:"partition"`
	Next      int64 `json:"next"`
	End       int64 `json:"end,omitempty"` // none: it is not known here
}

func viewStream(s *intake.Status) StreamView {
	v := StreamView{
		Source: s.Source, Kind: s.Kind, Stream: s.Stream, State: string(s.State), Since: instant(s.Since), Code: string(s.Code), Detail: s.Detail,
		FailedAt: instant(s.FailedAt), Aside: s.Aside, Partitions: []PartitionView{},
	}
	for _, p := range s.Partitions {
		v.Lag += p.Lag()
		v.Partitions = append(v.Partitions, PartitionView{int(p.Partition), p.Next, p.End})
	}
	return v
}

// AsideView is a message that is set aside, without what it says.
type AsideView struct {
	Number    int64  `json:"number"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	At        string `json:"at"`
	Code      string `json:"code"`
	Reason    string `json:"reason"`
	Waits     bool   `json:"waits,omitempty"` // nothing is wrong with it but what it stands behind
	Keyed     bool   `json:"keyed"`           // it holds what comes behind it of its key
}

func viewAside(a *eventlog.Aside) AsideView {
	return AsideView{
		Number: a.Number, Partition: int(a.Partition), Offset: a.Offset, At: instant(a.At), Code: string(a.Code), Reason: a.Reason, Waits: a.Waits(),
		Keyed: !a.Lane.IsZero() || !a.Outer.IsZero(),
	}
}

// LetGoView is what letting go of a message came to.
type LetGoView struct {
	Position  int64  `json:"position,omitempty"`  // of its event in the log
	Duplicate bool   `json:"duplicate,omitempty"` // which was there before
	Code      string `json:"code,omitempty"`      // why it is still set aside
	Reason    string `json:"reason,omitempty"`
	Followed  int    `json:"followed"` // how many that waited behind it are in the log now
	Refused   int    `json:"refused"`  // how many of those are set aside for a reason of their own
}

func (a *api) listStreams(w http.ResponseWriter, r *http.Request) error {
	return a.respondStreams(w, r, func(string) bool { return true })
}

func (a *api) listOwnStreams(w http.ResponseWriter, r *http.Request) error {
	return a.respondStreams(w, r, principal(r).PublishesAs)
}

func (a *api) respondStreams(w http.ResponseWriter, r *http.Request, which func(source string) bool) error {
	statuses, err := a.Streams.Statuses(r.Context(), "")
	if err != nil {
		return err
	}
	statuses = slices.DeleteFunc(statuses, func(s intake.Status) bool { return !which(s.Source) })
	views := make([]StreamView, len(statuses))
	for i := range statuses {
		views[i] = viewStream(&statuses[i])
	}
	return respondPage(w, queryOf(r, paging()...), views, func(v StreamView) string { return v.Source })
}

func (a *api) getStream(w http.ResponseWriter, r *http.Request) error {
	statuses, err := a.Streams.Statuses(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return respond(w, http.StatusOK, viewStream(&statuses[0]))
}

// asides are what is set aside, after a number.
type asides struct {
	list[AsideView]
}

func (a *api) listAside(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, "after", "limit")
	after := q.within("after", 0, 1<<62, 0)
	limit := q.within("limit", 1, asideMost, asideShown)
	if err := q.err(); err != nil {
		return err
	}
	found, err := a.Streams.Asides(r.Context(), r.PathValue("name"), after, int(limit))
	if err != nil {
		return err
	}
	answer := asides{list[AsideView]{Items: make([]AsideView, len(found))}}
	for i := range found {
		answer.Items[i] = viewAside(&found[i])
	}
	return respond(w, http.StatusOK, answer)
}

// letGo releases or discards a message that is set aside.
func (a *api) letGo(do func(Streams, context.Context, string, string, int64) (intake.Settled, error)) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		number, err := asideNumber(r)
		if err != nil {
			return err
		}
		settled, err := do(a.Streams, r.Context(), a.Author(r), r.PathValue("name"), number)
		if err != nil {
			return err
		}
		return respond(w, http.StatusOK, LetGoView{
			Position: settled.Position, Duplicate: settled.Known, Code: string(settled.Code), Reason: settled.Reason, Followed: settled.Followed, Refused: settled.Refused,
		})
	}
}

func asideNumber(r *http.Request) (int64, error) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil {
		return 0, fault.New(fault.NotFound, "a message that is set aside has a number")
	}
	return number, nil
}

// RevealedAside is a message that is set aside, as it was read: its data as text, or in base64 where it is none.
type RevealedAside struct {
	AsideView
	Headers []headerView `json:"headers"`
	Data    string       `json:"data,omitempty"`
	Base64  []byte       `json:"dataBase64,omitempty"`
}

func (a *api) revealAside(w http.ResponseWriter, r *http.Request) error {
	number, err := asideNumber(r)
	if err != nil {
		return err
	}
	var request revealRequest
	if err := a.readDocument(w, r, &request); err != nil {
		return err
	}
	if err := retention.CheckReason(request.Reason, ""); err != nil {
		return err
	}
	aside, m, err := a.Streams.Reveal(r.Context(), a.Author(r), r.PathValue("name"), number, request.Reason)
	if err != nil {
		return err
	}
	answer := RevealedAside{AsideView: viewAside(&aside), Headers: []headerView{}}
	for name, values := range m.Header {
		for _, value := range values {
			answer.Headers = append(answer.Headers, headerView{name, value})
		}
	}
	slices.SortFunc(answer.Headers, func(a, b headerView) int { return cmp.Compare(a.Name, b.Name) })
	if utf8.Valid(m.Data) {
		answer.Data = string(m.Data)
	} else {
		answer.Base64 = m.Data
	}
	return respond(w, http.StatusOK, answer)
}

// ofOwnSource lets through requests for a source that the principal publishes as.
func ofOwnSource(handle handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if !principal(r).PublishesAs(r.PathValue("name")) {
			return fault.New(fault.NotFound, "you have no source of that name")
		}
		return handle(w, r)
	}
}
