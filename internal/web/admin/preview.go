package admin

import (
	"strconv"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// What of a notice a preview shows: an update by its id, or one of these.
const (
	shownLast    = "last"    // its newest update
	shownFacts   = "facts"   // the title
	shownAccount = "account" // what is told afterwards
	shownNothing = "nothing" // it goes away
)

// preview is what a change would make of the site, before it is made.
type preview struct {
	Before, After *headlineIs
	Same          bool     // the headline stays as it is
	Effects       []effect // on components
	Later         []later  // what will come of it by itself
	Audience      []string // who sees it
	Notes         []string
	Tongues       []previewed
}

type headlineIs struct {
	Text string
	Mark *mark
}

// effect is what becomes of a component.
type effect struct {
	Title    said
	From, To *mark
}

// later is what a maintenance does when it begins.
type later struct {
	When     string
	Effects  []effect
	Headline *headlineIs
}

// previewed is what people read in one language.
type previewed struct {
	Lang, Name string
	Title      said // with the language it is really in
	Stage      string
	Body       said
	Missing    string // what is not written in this language
	Promises   []string
}

func (v *visit) preview(o *manage.Outlook, f *form, shown string) *preview {
	before, after := o.Now.PageHeadline(""), o.Then.PageHeadline("")
	p := &preview{Before: v.headlineIs(before), After: v.headlineIs(after), Same: before == after, Notes: f.notes}
	for _, change := range o.Changes {
		p.Effects = append(p.Effects, v.effectOf(o.Now, change.Component, change.State))
	}
	n := o.Notice
	if n == nil {
		return p
	}
	p.Audience = v.audience(n, shown)
	if shown == shownLast {
		p.Later = v.later(o.Then, n)
	}
	for _, language := range v.site.Languages {
		p.Tongues = append(p.Tongues, v.previewed(n, shown, language))
	}
	return p
}

func (v *visit) headlineIs(h status.Headline) *headlineIs {
	return &headlineIs{v.Headline(h), v.mark(h.State)}
}

func (v *visit) effectOf(board *status.Board, component string, to status.State) effect {
	standing := board.Component(component)
	return effect{v.text(standing.Title), v.mark(standing.State), v.mark(to)}
}

// later is what a maintenance that is to come will do to the site as it will stand.
func (v *visit) later(then *status.Board, n *status.Notice) []later {
	if n.Kind != status.Planned || !n.Stage.Ahead() || n.ByHand {
		return nil
	}
	begins := later{When: v.Say("when it begins", v.Moment(n.Starts.In(v.zone())))}
	begun := n.Clone()
	begun.Updates = append(begun.Updates, status.Update{Stage: status.InProgress})
	begun.Settle()
	var changes []*status.Change
	for _, id := range n.Components {
		if then.Component(id) != nil {
			begins.Effects = append(begins.Effects, v.effectOf(then, id, status.Maintenance))
			changes = append(changes, &status.Change{Component: id, State: status.Maintenance, At: v.now, Notice: n.ID})
		}
	}
	begins.Headline = v.headlineIs(then.With(v.now, changes, begun).PageHeadline(""))
	return []later{begins, {When: v.Say("when it ends", v.Moment(n.Ends.In(v.zone())))}}
}

// audience tells who will see it.
func (v *visit) audience(n *status.Notice, shown string) []string {
	url := v.SiteURL(v.site)
	who := v.Say("seen by all", url)
	switch {
	case n.Stage == status.Coming && n.Starts != 0:
		who = v.Say("seen from", v.Moment(n.Starts.In(v.zone())), url)
	case v.site.Private:
		who = v.Say("seen by those", url)
	}
	told := "sent to subscribers"
	switch last := n.Last(); {
	case shown != shownLast && !(shown == shownAccount && last != nil && last.Stage == status.Postmortem && last.Created >= v.now):
		told = "edits are not sent"
	case last != nil && last.Quiet:
		told = "sent to nobody"
	}
	return []string{who, v.Say(told)}
}

// previewed is what stands on the page in a language: the words of the site's, and the hub's own.
func (v *visit) previewed(n *status.Notice, shown, language string) previewed {
	there := *v
	there.speech = speechOf(language)
	p := previewed{Lang: language, Name: v.Tongue(language), Title: there.text(n.Title), Stage: there.Say("stage " + string(n.Stage))}
	body := status.Text(nil)
	switch u := n.Update(shown); {
	case u != nil:
		body, p.Stage = u.Body, there.Say("stage "+string(u.Stage))
	case shown == shownLast && n.Last() != nil:
		body = n.Last().Body
	case shown == shownAccount && n.Postmortem != nil:
		body, p.Stage = n.Postmortem.Body, there.Say("stage postmortem")
	}
	p.Body = there.text(body)
	if in := p.Body.Lang; in != "" {
		p.Missing = v.Say("not written", p.Name, v.Tongue(in))
	} else if in := p.Title.Lang; in != "" {
		p.Missing = v.Say("title not written", p.Name, v.Tongue(in))
	}
	for _, fact := range there.factsOf(n) {
		if shown == shownLast || shown == shownFacts {
			p.Promises = append(p.Promises, there.Say("fact", fact.Label, fact.Text))
		}
	}
	return p
}

type removeView struct {
	*sheet
	Notice  card
	Seen    int64
	Preview *preview
	Back    string
}

// removeNotice takes a notice off the site, once that has been confirmed.
func (v *visit) removeNotice() error {
	n, err := v.noticeHere()
	if err != nil {
		return err
	}
	s, f := v.sheet(v.Say("remove notice"), "notices"), v.form(nil)
	s.Form = f
	remove := func(m *manage.Manager) error {
		return m.RemoveNotice(v.r.Context(), v.site.Name, n.ID, v.by(f))
	}
	if v.posted() {
		err := remove(v.Manager)
		if err == nil {
			return v.done(v.to("/notices"), "removed")
		}
		if n, err = v.changedMeanwhile(s, f, n, err); err != nil {
			return err
		}
	}
	f.values = map[string][]string{"seen": {strconv.FormatInt(n.Version, 10)}}
	outlook, err := v.Manager.Foresee(v.r.Context(), v.site.Name, remove)
	if err != nil {
		return err
	}
	return v.show("remove", s, &removeView{sheet: s, Notice: v.card(n), Seen: n.Version, Preview: v.preview(outlook, f, shownNothing), Back: v.to("/notices/" + n.ID)})
}

// changedMeanwhile notes that somebody else was faster, and returns the notice as it is by now.
func (v *visit) changedMeanwhile(s *sheet, f *form, n *status.Notice, err error) (*status.Notice, error) {
	clashes := fault.Has(err, fault.Precondition)
	if err := v.kept(s, err); err != nil {
		return nil, err
	}
	if v.board = v.Book.Board(v.site.Name); v.board == nil {
		return nil, notFound()
	}
	now := v.board.Notice(n.ID)
	if now == nil {
		return nil, notFound()
	}
	if clashes {
		s.Error, s.Clash = nil, v.noticeClash(now, f)
	}
	return now, nil
}
