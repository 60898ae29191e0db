package page

import (
	"slices"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web/site"
)

// noticePage is all that was said about one matter.
type noticePage struct {
	*sheet
	Card       *card
	Steps      []step
	Postmortem *account
	Before     []wording // titles it had
	Imported   string
	Back       string
	Feed       feed
}

// step is a stage on the way of a notice.
type step struct {
	Word          string
	Done, Current bool
}

// account is what is told of an incident afterwards.
type account struct {
	Body      body
	Published *stamp
	Edited    *stamp
	Earlier   []wording
}

func (p *Pages) notice(l *site.Look) (*site.Made, error) {
	n := l.Board.Notice(l.Arg("id"))
	if n == nil || n.Stage == status.Coming {
		return nil, site.Nothing()
	}
	s := p.sheet(l, "/notices/"+n.ID)
	v := &noticePage{sheet: s, Card: s.card(n), Before: s.wordings(n.Earlier), Imported: n.Imported, Back: s.Link("/")}
	s.Title = s.Say("notice of", v.Card.Kind, s.text(n.Title).Text)
	if last := n.Last(); last != nil {
		s.About = cut(s.text(last.Body).Text)
	}
	v.Steps = s.steps(n)
	v.Feed = s.feed(said{Text: s.Say("feed notice")}, "/notices/"+n.ID+".rss", rss)
	s.Feeds = append([]feed{{Name: s.text(n.Title), URL: v.Feed.URL, Type: rss}}, s.Feeds...)
	if a := n.Postmortem; a != nil {
		v.Postmortem = &account{Body: s.body(a.Body), Published: s.moment(a.Published), Earlier: s.wordings(a.Earlier)}
		if len(a.Earlier) > 0 {
			v.Postmortem.Edited = s.moment(a.Earlier[len(a.Earlier)-1].Until)
		}
		// The account is shown by itself, in its present wording.
		v.Card.Updates = slices.DeleteFunc(v.Card.Updates, func(u update) bool { return n.Update(u.ID).Stage == status.Postmortem })
	}
	return p.render("notice", s, v)
}

// cut makes a description of a text: some hundred characters of it.
func cut(text string) string {
	const most = 160
	runes := []rune(text)
	if len(runes) <= most {
		return text
	}
	return string(runes[:most]) + "…"
}

// steps are the stages that a notice of this kind goes through.
func (s *sheet) steps(n *status.Notice) []step {
	if n.Message() {
		return nil
	}
	stages := slices.DeleteFunc(n.Kind.Stages(), func(stage status.Stage) bool { return stage == status.Postmortem })
	at := slices.Index(stages, n.Stage)
	if at < 0 {
		at = len(stages) - 1 // an account afterwards is told of what is resolved
	}
	var list []step
	for i, stage := range stages {
		list = append(list, step{s.Word(stage.Words()), i < at || i == len(stages)-1 && i == at, i == at})
	}
	return list
}
