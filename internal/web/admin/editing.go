package admin

import (
	"net/url"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// edit is a change of a notice by a form that is filled with what it changes.
type edit struct {
	notice *status.Notice
	fill   func(n *status.Notice) url.Values
	change func(f *form) func(*manage.Manager) error
	shown  string // what of the notice a preview shows
	did    string // what to say when it is done
	view   func(s *sheet, f *form, p *preview) error
}

// editing shows a form, previews what is typed and makes the change. begin says what the change is, for the notice as it
// stands: it is asked again when somebody else has changed it meanwhile.
func (v *visit) editing(title string, begin func(*edit) error) error {
	e, err := v.begun(begin)
	if err != nil {
		return err
	}
	s := v.sheet(title, "notices")
	f := v.form(e.fill(e.notice))
	s.Form = f
	var shown *preview
	if v.posted() {
		published, outlook, err := v.publish(f, e.change(f), noticeField)
		if fault.Has(err, fault.Precondition) {
			if e, err = v.begun(begin); err != nil {
				return err
			}
			s.Clash = v.noticeClash(e.notice, f)
			if then := v.noticeThen(e.notice.ID, f); then != nil {
				f.merge(e.fill(then), e.fill(e.notice))
			}
		}
		switch err := v.kept(s, err); {
		case err != nil:
			return err
		case published:
			return v.done(v.to("/notices/"+e.notice.ID), e.did)
		case outlook != nil:
			shown = v.preview(outlook, f, e.shown)
		}
	}
	return e.view(s, f, shown)
}

// begun begins a change of the notice that the path names, as it stands now.
func (v *visit) begun(begin func(*edit) error) (*edit, error) {
	v.board = v.Book.Board(v.site.Name)
	if v.board == nil {
		return nil, notFound()
	}
	v.site = v.board.Site
	n, err := v.noticeHere()
	if err != nil {
		return nil, err
	}
	e := &edit{notice: n}
	return e, begin(e)
}

func notFound() error { return fault.New(fault.NotFound, "there is no such thing") }
