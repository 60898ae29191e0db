package page

import (
	"slices"

	"github.com/varselhub/varsel/internal/status"
)

// card is a notice on a page.
type card struct {
	ID, Link  string
	Kind      string // how it is called, in words
	Icon      string
	Tone      string // the class of its colour
	Title     said
	Stage     string
	Impact    string
	Open      bool
	Updates   []update // newest first
	Affects   []affect
	Sections  []said
	Began     *stamp
	For       string // how long it has been open, or lasted
	Window    *period
	Repeats   string
	Ended     *stamp
	Expected  *stamp
	Next      *stamp
	Overdue   string // by how long the next update is
	Deadline  *stamp
	Missed    bool // the deadline has passed
	Audience  said
	ShownTill *stamp
	ICS       string
}

// update is one thing that was said.
type update struct {
	ID        string
	Stage     string
	Body      body
	Shown     *stamp
	Changes   []change
	Automatic bool
	Edited    *stamp
	Earlier   []wording // newest first
}

// change is what an update says of one component.
type change struct {
	Name     said
	From, To mark
}

// wording is how something was put before.
type wording struct {
	Until string
	Body  body
}

// affect is a component that a notice affects, as it is now.
type affect struct {
	Name said
	Link string
	Mark mark
}

func (s *sheet) cards(notices []*status.Notice) []*card {
	var list []*card
	for _, n := range notices {
		list = append(list, s.card(n))
	}
	return list
}

// card is a notice as everyone may see it.
func (s *sheet) card(n *status.Notice) *card {
	c := &card{
		ID: n.ID, Link: s.Link("/notices/" + n.ID), Kind: s.Word(n.Kind.Words()), Icon: "kind-" + string(n.Kind), Tone: string(n.Kind),
		Title: s.text(n.Title), Stage: s.Word(n.Stage.Words()), Open: n.Open(), Began: s.moment(began(n)),
	}
	if n.Kind == status.Incident && n.Impact.AtLeast(status.ImpactMinor) {
		c.Impact = s.Say("impact " + string(n.Impact))
	}
	for i := len(n.Updates) - 1; i >= 0; i-- {
		c.Updates = append(c.Updates, s.update(n, &n.Updates[i]))
	}
	s.cardTimes(c, n)
	for _, b := range s.Board.Components {
		if slices.Contains(n.Components, b.ID) {
			c.Affects = append(c.Affects, affect{s.text(b.Title), s.Link("/components/" + b.ID), s.mark(b.State)})
		}
	}
	for _, name := range n.Sections {
		if section := s.Site().Section(name); section != nil {
			c.Sections = append(c.Sections, s.text(section.Title))
		}
	}
	c.Audience = s.text(n.Audience)
	return c
}

func (s *sheet) cardTimes(c *card, n *status.Notice) {
	c.Ended = s.moment(n.Over)
	switch n.Kind {
	case status.Planned:
		c.Window = s.period(n.Starts, n.Ends)
		c.ICS = s.Link("/notices/" + n.ID + ".ics")
		if n.Repeat != nil {
			c.Repeats = s.Say("repeats "+n.Repeat.Every, max(1, n.Repeat.Step))
		}
	case status.Incident:
	default:
		if n.Ends != 0 {
			c.ShownTill = s.moment(n.Ends)
		}
	}
	switch {
	case n.Open():
		c.For = s.Long(s.Now.Sub(began(n)))
		c.Expected, c.Next = s.moment(n.Expected), s.moment(n.NextUpdate)
		if n.NextUpdate != 0 && n.NextUpdate < s.Now {
			c.Overdue = s.Say("overdue", s.Long(s.Now.Sub(n.NextUpdate)))
		}
	case n.Stage.Over():
		c.For = s.Long(n.Over.Sub(began(n)))
	}
	if n.Message() {
		c.For = "" // what is said does not last
	}
	if n.Kind == status.Action {
		c.Deadline, c.Missed = s.moment(n.Deadline), n.Deadline != 0 && n.Deadline < s.Now
	}
}

func (s *sheet) update(n *status.Notice, u *status.Update) update {
	v := update{ID: u.ID, Stage: s.Word(u.Stage.Words()), Body: s.body(u.Body), Shown: s.moment(u.Shown), Automatic: u.Automatic}
	// A post without a change of stage is an update (reference 2.6).
	if at := slices.IndexFunc(n.Updates, func(one status.Update) bool { return one.ID == u.ID }); at > 0 && n.Updates[at-1].Stage == u.Stage {
		v.Stage = s.Say("update")
	}
	for _, a := range u.Affected {
		if a.From == a.To {
			continue
		}
		name := said{Text: a.Name}
		if b := s.Board.Component(a.Component); b != nil {
			name = s.text(b.Title)
		}
		v.Changes = append(v.Changes, change{name, s.mark(a.From), s.mark(a.To)})
	}
	v.Earlier = s.wordings(u.Earlier)
	if len(v.Earlier) > 0 {
		v.Edited = s.moment(u.Earlier[len(u.Earlier)-1].Until)
	}
	return v
}

// wordings are earlier texts, the newest first.
func (s *sheet) wordings(earlier []status.Wording) []wording {
	var list []wording
	for i := len(earlier) - 1; i >= 0; i-- {
		list = append(list, wording{s.moment(earlier[i].Until).Text, s.body(earlier[i].Text)})
	}
	return list
}

// Newest is the update that a card shows openly, if there is one.
func (c *card) Newest() *update {
	if len(c.Updates) == 0 {
		return nil
	}
	return &c.Updates[0]
}

// Older are the others.
func (c *card) Older() []update {
	if len(c.Updates) == 0 {
		return nil
	}
	return c.Updates[1:]
}

// OlderCount is how many others there are.
func (c *card) OlderCount() int { return max(0, len(c.Updates)-1) }

// Anchor is where the card is on its page.
func (c *card) Anchor() string { return "n-" + c.ID }
