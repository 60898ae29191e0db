package api

import (
	"net/http"
	"slices"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// NoticeView is a notice with where people read it.
type NoticeView struct {
	status.Notice
	URL string `json:"url"` // of its page
}

// Notices of a page, where nothing else is said.
const (
	noticesShown = 50
	noticesMost  = 200
)

func (a *api) viewNotice(site *status.Site, n *status.Notice) *NoticeView {
	return &NoticeView{Notice: *n, URL: a.SiteURL(site) + "/notices/" + n.ID}
}

// notices are some of a board's as the principal sees them. Subscribers see what everyone does, and which of their own
// systems have acknowledged.
func (a *api) notices(b *status.Board, list []*status.Notice, p *account.Principal) []NoticeView {
	views := []NoticeView{}
	for _, n := range list {
		seen := n
		if !works(p, b.Site.Name) {
			seen = n.Public()
			for _, one := range n.Acknowledged {
				if p.ActsFor(one.By) {
					seen.Acknowledged = append(seen.Acknowledged, one)
				}
			}
		}
		views = append(views, *a.viewNotice(b.Site, seen))
	}
	return views
}

func (a *api) listNotices(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, paging("kind", "open")...)
	kind, open, at := q.oneOf("kind", words(status.Kinds...)...), q.oneOf("open", "true", "false"), q.place(noticesShown, noticesMost)
	if err := q.err(); err != nil {
		return err
	}
	board := a.Book.Board(r.PathValue("site"))
	if board == nil {
		return noSite()
	}
	list := slices.DeleteFunc(slices.Clone(board.Notices), func(n *status.Notice) bool {
		return kind != "" && string(n.Kind) != kind || open != "" && n.Open() != (open == "true")
	})
	slices.SortFunc(list, byNewest)
	return respond(w, http.StatusOK, cut(a.notices(board, list, principal(r)), at, func(v NoticeView) string { return keyed(latestFirst(v.Created), v.ID) }))
}

func (a *api) getNotice(w http.ResponseWriter, r *http.Request) error {
	board := a.Book.Board(r.PathValue("site"))
	if board == nil {
		return noSite()
	}
	n := board.Notice(r.PathValue("notice"))
	if n == nil {
		return noNotice()
	}
	return respondDocument(w, r, a.viewNotice(board.Site, n), n.Version)
}

func noNotice() error { return fault.New(fault.NotFound, "the site has no notice of that id") }

// respondNotice answers with a notice as it stands after a change.
func (a *api) respondNotice(w http.ResponseWriter, r *http.Request, code int, n *status.Notice) error {
	site, _ := a.Book.Site(r.PathValue("site"))
	if site == nil || n == nil {
		return noNotice() // it was removed since
	}
	return respondState(w, code, a.viewNotice(site, n), n.Version)
}

func pausesAreOperators(pointer string) error {
	return fault.Invalid(fault.Forbidden, []fault.Violation{{Pointer: pointer, Rule: "role", Message: "which systems nothing is delivered to is an operator's to say"}})
}

// openNotice is, with within, as the editors of a site do it: they pause no system.
func (a *api) openNotice(within bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var document manage.Opening
		if err := a.readDocument(w, r, &document); err != nil {
			return err
		}
		if within && len(document.Pause) > 0 {
			return pausesAreOperators("/pause")
		}
		n, err := a.Manager.OpenNotice(r.Context(), r.PathValue("site"), document, a.Author(r))
		if err != nil {
			return err
		}
		w.Header().Set("Location", basePath+"/sites/"+n.Site+"/notices/"+n.ID)
		return a.respondNotice(w, r, http.StatusCreated, n)
	}
}

// putNotice changes what is said of a notice as a whole. within: see openNotice.
func (a *api) putNotice(within bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var document manage.Facts
		by, err := a.by(r)
		if err == nil {
			err = a.readDocument(w, r, &document)
		}
		if err != nil {
			return err
		}
		if within && !a.pausesStay(r, document.Pause) {
			return pausesAreOperators("/pause")
		}
		n, err := a.Manager.EditNotice(r.Context(), r.PathValue("site"), r.PathValue("notice"), document, by)
		if err != nil {
			return err
		}
		return a.respondNotice(w, r, http.StatusOK, n)
	}
}

// pausesStay reports whether a notice pauses the same systems as it does.
func (a *api) pausesStay(r *http.Request, pause []string) bool {
	board := a.Book.Board(r.PathValue("site"))
	if board == nil {
		return len(pause) == 0
	}
	n := board.Notice(r.PathValue("notice"))
	if n == nil {
		return len(pause) == 0
	}
	return slices.Equal(n.Pause, pause)
}

func (a *api) deleteNotice(w http.ResponseWriter, r *http.Request) error {
	by, err := a.by(r)
	if err == nil {
		err = a.Manager.RemoveNotice(r.Context(), r.PathValue("site"), r.PathValue("notice"), by)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// say needs no condition, since it takes nothing away; one that is given is kept.
func (a *api) say(w http.ResponseWriter, r *http.Request) error {
	var document manage.Saying
	by, err := a.by(r)
	if err == nil {
		err = a.readDocument(w, r, &document)
	}
	if err != nil {
		return err
	}
	n, err := a.Manager.Say(r.Context(), r.PathValue("site"), r.PathValue("notice"), document, by)
	if err != nil {
		return err
	}
	return a.respondNotice(w, r, http.StatusCreated, n)
}

// wording is an update as it is put otherwise.
type wording struct {
	Body  status.Text `json:"body"`
	Shown status.Time `json:"shown"` // the time that stands beside it; none: as it was
}

func (a *api) putUpdate(w http.ResponseWriter, r *http.Request) error {
	var document wording
	by, err := a.by(r)
	if err == nil {
		err = a.readDocument(w, r, &document)
	}
	if err != nil {
		return err
	}
	n, err := a.Manager.EditUpdate(r.Context(), r.PathValue("site"), r.PathValue("notice"), r.PathValue("update"), document.Body, document.Shown, by)
	if err != nil {
		return err
	}
	return a.respondNotice(w, r, http.StatusOK, n)
}

// afterwards is what is told of an incident when it is over.
type afterwards struct {
	Body status.Text `json:"body"`
}

func (a *api) putPostmortem(w http.ResponseWriter, r *http.Request) error {
	var document afterwards
	by, err := a.by(r)
	if err == nil {
		err = a.readDocument(w, r, &document)
	}
	if err != nil {
		return err
	}
	n, err := a.Manager.TellAfterwards(r.Context(), r.PathValue("site"), r.PathValue("notice"), document.Body, by)
	if err != nil {
		return err
	}
	return a.respondNotice(w, r, http.StatusOK, n)
}

// acknowledging is who has done what an action asks for.
type acknowledging struct {
	System string `json:"system"` // of the principal's own
}

// acknowledgeNotice notes it for a system; within are those who have systems of their own.
func (a *api) acknowledgeNotice(within bool) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		var document acknowledging
		if err := a.readDocument(w, r, &document); err != nil {
			return err
		}
		p := principal(r)
		if system, _ := a.Book.System(document.System); system == nil || within && !p.ActsFor(document.System) {
			return fault.Invalid(fault.InvalidDocument, []fault.Violation{{Pointer: "/system", Rule: "exists", Message: "is no system of yours"}})
		}
		n, err := a.Manager.AcknowledgeNotice(r.Context(), r.PathValue("site"), r.PathValue("notice"), document.System, a.Author(r))
		if err != nil {
			return err
		}
		board := a.Book.Board(r.PathValue("site"))
		if board == nil || n == nil {
			return noNotice() // it was removed since
		}
		return respond(w, http.StatusOK, a.notices(board, []*status.Notice{n}, p)[0])
	}
}

// NoticeThenView is a notice as it was from one of its changes to the next.
type NoticeThenView struct {
	Position int64       `json:"position"` // of the change, in the log
	At       status.Time `json:"at"`
	Author   string      `json:"author"`
	Notice   *NoticeView `json:"notice,omitempty"` // none: it was removed
}

func (a *api) listNoticeHistory(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, paging()...)
	at := q.place(noticesShown, noticesMost)
	if err := q.err(); err != nil {
		return err
	}
	site, _ := a.Book.Site(r.PathValue("site"))
	if site == nil {
		return noSite()
	}
	history := a.Book.NoticeHistory(r.PathValue("site"), r.PathValue("notice"))
	if len(history) == 0 {
		return noNotice()
	}
	list := make([]NoticeThenView, len(history))
	for i, then := range history {
		list[i] = NoticeThenView{Position: then.Position, At: then.At, Author: then.Author}
		if then.Notice != nil {
			list[i].Notice = a.viewNotice(site, then.Notice)
		}
	}
	return respond(w, http.StatusOK, cut(list, at, func(v NoticeThenView) string { return oldestFirst(v.Position) }))
}
