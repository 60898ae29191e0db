package admin

import (
	"regexp"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// noticeHere is the notice that the path names.
// Error: NotFound.
func (v *visit) noticeHere() (*status.Notice, error) {
	n := v.board.Notice(v.r.PathValue("notice"))
	if n == nil {
		return nil, fault.New(fault.NotFound, "the site has no such notice")
	}
	return n, nil
}

// by is who changes something, for the state of it that the form was filled with.
func (v *visit) by(f *form) manage.By {
	return manage.By{Author: v.who.Name, Condition: manage.Condition{Seen: []int64{f.seen()}}}
}

// The buttons of a form.
const (
	toPreview = "preview"
	toPublish = "publish"
)

// publish makes a change, or with the other button foresees what it would make. Neither happens where something typed is
// wrong already.
func (v *visit) publish(f *form, change func(*manage.Manager) error, field func(string) string) (published bool, o *manage.Outlook, err error) {
	if f.text("do") != toPublish || len(f.wrong) > 0 {
		o, err = v.Manager.Foresee(v.r.Context(), v.site.Name, change)
		if err = f.take(err, field); len(f.wrong) > 0 {
			o = nil
		}
		return false, o, err
	}
	err = f.take(change(v.Manager), field)
	return err == nil && len(f.wrong) == 0, nil, err
}

// ofUpdate is where in a notice the words of an update stand.
var ofUpdate = regexp.MustCompile(`^/updates/[0-9]+`)

// noticeField is the field that a value of a notice is typed in.
func noticeField(pointer string) string {
	pointer = ofUpdate.ReplaceAllString(pointer, "")
	if strings.HasPrefix(pointer, "/postmortem/") {
		pointer = strings.TrimPrefix(pointer, "/postmortem")
	}
	return named(pointer)
}

// noticeThen is the notice as it was when the form was filled with it, or nil.
func (v *visit) noticeThen(id string, f *form) *status.Notice {
	for _, then := range v.Book.NoticeHistory(v.site.Name, id) {
		if then.Position == f.seen() {
			return then.Notice
		}
	}
	return nil
}

// noticeClash is what another has done to a notice since the form was filled with it.
func (v *visit) noticeClash(n *status.Notice, f *form) *clash {
	c := &clash{Who: v.lastBy("notice/" + v.site.Name + "/" + n.ID), At: v.stamp(n.Updated)}
	if then := v.noticeThen(n.ID, f); then != nil {
		c.What = v.changes(then, n)
	}
	return c
}

// lastBy is who has last done something to a subject; "" where the audit log does not tell.
func (v *visit) lastBy(subject string) string {
	entries, err := v.Audit.Audit(v.r.Context(), audit.Query{Subject: subject, Newest: true, Limit: 1})
	if err != nil || len(entries) == 0 {
		return "" // who it was is told where it is known; what they did stands there without
	}
	return entries[0].Actor
}

type noticesView struct {
	*sheet
	Ahead, Open, Over []card
	Older             string // the link to more
}

const noticesShown = 50

// notices lists all that was ever said on the site.
func (v *visit) notices() error {
	view := &noticesView{sheet: v.sheet(v.Say("tab notices"), "notices")}
	before := v.r.URL.Query().Get("before")
	passed := before == ""
	for _, n := range v.board.Notices {
		switch {
		case n.Open() && before == "":
			view.Open = append(view.Open, v.card(n))
		case n.Stage.Ahead() && before == "":
			view.Ahead = append(view.Ahead, v.card(n))
		case n.Stage.Over() && passed && len(view.Over) == noticesShown:
			if view.Older == "" {
				view.Older = v.to("/notices?before=" + before)
			}
		case n.Stage.Over() && passed:
			view.Over, before = append(view.Over, v.card(n)), n.ID
		}
		passed = passed || n.ID == before
	}
	return v.show("notices", view.sheet, view)
}

// said is an update as it was published.
type saidUpdate struct {
	ID      string
	Stage   string
	At      *stamp
	Author  string
	Quiet   bool
	Auto    bool
	Texts   []inTongue
	Effects []effect
	Earlier []wording
	Edit    string // where it is put otherwise
}

// inTongue is a text in one language.
type inTongue struct{ Lang, Name, Text string }

type wording struct {
	Until *stamp
	Texts []inTongue
}

type noticeView struct {
	*sheet
	Notice  card
	There   string // where everyone reads it
	Facts   []fact
	Saying  *sayingFields
	Updates []saidUpdate
	Account []inTongue
	Earlier []wording
	Over    bool
	MayTell bool
	Here    string
	Seen    int64
	Preview *preview
}

// fact is one thing that is said of a notice as a whole.
type fact struct {
	Label, Text string
	Late        bool
}

// notice shows a notice whole, and adds an update to it.
func (v *visit) notice() error {
	return v.editing("", func(e *edit) error {
		e.fill = v.fillSaying
		e.change = func(f *form) func(*manage.Manager) error {
			saying := v.readSaying(f, e.notice)
			return func(m *manage.Manager) error {
				_, err := m.Say(v.r.Context(), v.site.Name, e.notice.ID, saying, v.by(f))
				return err
			}
		}
		e.shown, e.did = shownLast, "update"
		e.view = func(s *sheet, f *form, p *preview) error { return v.showNotice(s, f, e.notice, p) }
		return nil
	})
}

func (v *visit) showNotice(s *sheet, f *form, n *status.Notice, p *preview) error {
	if s.Title = v.text(n.Title).Text; s.Clash != nil {
		s.Clash.Place = "#updates"
	}
	view := &noticeView{
		sheet: s, Notice: v.card(n), There: v.SiteURL(v.site) + "/notices/" + n.ID, Facts: v.factsOf(n), Over: n.Stage.Over(), Seen: n.Version,
		MayTell: n.Kind == status.Incident && n.Stage.Over(), Here: v.to("/notices/" + n.ID), Preview: p, Saying: v.sayingFields(f, n),
	}
	for i := len(n.Updates) - 1; i >= 0; i-- {
		view.Updates = append(view.Updates, v.saidUpdate(n, &n.Updates[i]))
	}
	if n.Postmortem != nil {
		view.Account, view.Earlier = v.inTongues(n.Postmortem.Body), v.wordings(n.Postmortem.Earlier)
	}
	return v.show("notice", s, view)
}

func (v *visit) saidUpdate(n *status.Notice, u *status.Update) saidUpdate {
	one := saidUpdate{
		ID: u.ID, Stage: v.Say("stage " + string(u.Stage)), At: v.stamp(u.Shown), Author: u.Author, Quiet: u.Quiet, Auto: u.Automatic,
		Texts: v.inTongues(u.Body), Earlier: v.wordings(u.Earlier), Edit: v.to("/notices/" + n.ID + "/updates/" + u.ID),
	}
	for _, a := range u.Affected {
		one.Effects = append(one.Effects, effect{said{Text: a.Name}, v.mark(a.From), v.mark(a.To)})
	}
	return one
}

// inTongues are a text's languages, the site's first.
func (v *visit) inTongues(t status.Text) []inTongue {
	var list []inTongue
	languages := slices.Clone(v.site.Languages)
	for _, language := range status.Languages {
		if !slices.Contains(languages, language) {
			languages = append(languages, language)
		}
	}
	for _, language := range languages {
		if t[language] != "" {
			list = append(list, inTongue{language, v.Tongue(language), t[language]})
		}
	}
	return list
}

func (v *visit) wordings(earlier []status.Wording) []wording {
	var list []wording
	for i := len(earlier) - 1; i >= 0; i-- {
		list = append(list, wording{v.stamp(earlier[i].Until), v.inTongues(earlier[i].Text)})
	}
	return list
}

// factsOf are what is said of a notice as a whole, as people read it.
func (v *visit) factsOf(n *status.Notice) []fact {
	var list []fact
	add := func(label, text string) {
		if text != "" {
			list = append(list, fact{Label: v.Say(label), Text: text})
		}
	}
	moment := func(label string, t status.Time) {
		if t != 0 {
			add(label, v.Moment(t.In(v.zone())))
		}
	}
	if n.Kind == status.Planned {
		add("window", v.window(n.Starts, n.Ends))
	} else {
		if n.Kind == status.Incident {
			moment("began", n.Started)
		}
		add("shown", v.window(n.Starts, n.Ends))
	}
	moment("deadline", n.Deadline)
	add("audience", v.text(n.Audience).Text)
	moment("expected", n.Expected)
	moment("next update", n.NextUpdate)
	if p := v.promise(n); p != nil && p.Late {
		list[len(list)-1].Late = true
		list[len(list)-1].Text += " – " + v.Say("overdue", p.HowLong)
	}
	if n.Repeat != nil {
		add("repeat", v.Say("repeats "+n.Repeat.Every, max(1, n.Repeat.Step)))
	}
	if n.ByHand {
		add("begins and ends", v.Say("by hand"))
	}
	add("components concerned", v.componentNames(n.Components))
	add("about sections", v.sectionNames(n.Sections))
	if n.Everywhere() {
		add("about sections", v.Say("the whole site"))
	}
	add("pause systems", strings.Join(n.Pause, ", "))
	return list
}

func (v *visit) componentNames(ids []string) string {
	var names []string
	for _, id := range ids {
		if standing := v.board.Component(id); standing != nil {
			names = append(names, v.text(standing.Title).Text)
		} else {
			names = append(names, v.Say("removed component"))
		}
	}
	return strings.Join(names, ", ")
}

func (v *visit) sectionNames(names []string) string {
	var titles []string
	for _, name := range names {
		if section := v.site.Section(name); section != nil {
			titles = append(titles, v.text(section.Title).Text)
		}
	}
	return strings.Join(titles, ", ")
}
