package status

import (
	"slices"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// Kind is what sort of notice it is. The five are kept apart (D5–D9; C5).
type Kind string

// The kinds.
const (
	Incident     Kind = "incident"     // unforeseen; disturbs or interrupts (D6)
	Planned      Kind = "maintenance"  // planned; may interrupt for a time (D7)
	Action       Kind = "action"       // what readers must do, by when (D8)
	Announcement Kind = "announcement" // official word on changes, features, what is coming (D9)
	Bulletin     Kind = "bulletin"     // concerns the whole platform ("messages généraux", D3)
)

// Kinds lists them.
var Kinds = []Kind{Incident, Planned, Action, Announcement, Bulletin}

// Stage is how far a notice is.
type Stage string

// The stages of an incident and of a maintenance are Statuspage's; the three of the other kinds are ours.
const (
	Investigating Stage = "investigating"
	Identified    Stage = "identified"
	Monitoring    Stage = "monitoring"
	Resolved      Stage = "resolved"
	Postmortem    Stage = "postmortem"

	Scheduled  Stage = "scheduled"
	InProgress Stage = "in_progress"
	Verifying  Stage = "verifying"
	Completed  Stage = "completed"

	Coming    Stage = "planned"   // not shown before it starts
	Published Stage = "published" // shown
	Ended     Stage = "ended"
)

// Stages lists the stages of a kind, in their usual order.
func (k Kind) Stages() []Stage {
	switch k {
	case Incident:
		return []Stage{Investigating, Identified, Monitoring, Resolved, Postmortem}
	case Planned:
		return []Stage{Scheduled, InProgress, Verifying, Completed}
	}
	return []Stage{Coming, Published, Ended}
}

// Over reports whether the notice is in the past at this stage.
func (s Stage) Over() bool { return s == Resolved || s == Postmortem || s == Completed || s == Ended }

// Ahead reports whether the notice is still to come.
func (s Stage) Ahead() bool { return s == Scheduled || s == Coming }

// Notice is what is said about one matter, from its beginning to its end, with every update (D3).
type Notice struct {
	ID       string   `json:"id"`
	Site     string   `json:"site"`
	Kind     Kind     `json:"kind"`
	Title    Text     `json:"title"`
	Stage    Stage    `json:"stage"`
	Impact   Impact   `json:"impact"`             // computed from what it affects, unless overridden
	Override Impact   `json:"override,omitempty"` // says the impact in its place
	Created  Time     `json:"created"`
	Updated  Time     `json:"updated"`
	Started  Time     `json:"started"`             // when it began; may be before it was written
	Watched  Time     `json:"monitoring,omitzero"` // when it came to be monitored, the last time
	Over     Time     `json:"resolved,omitzero"`   // when it was resolved, completed or ended
	Updates  []Update `json:"updates"`             // oldest first

	Components []string `json:"components,omitempty"` // ids of what it affects
	Sections   []string `json:"sections,omitempty"`   // that it is about; neither: the whole site

	Expected   Time `json:"expected,omitzero"`   // when it should be over (T2)
	NextUpdate Time `json:"nextUpdate,omitzero"` // when more is promised to be said

	Starts Time `json:"starts,omitzero"` // of a maintenance its window; of an action, announcement or bulletin when it is shown from
	Ends   Time `json:"ends,omitzero"`   // and until; an action's or announcement's may be open

	ByHand bool     `json:"byHand,omitempty"` // does not start and end by itself
	Pause  []string `json:"pause,omitempty"`  // systems that nothing is delivered to while it is in progress
	Repeat *Repeat  `json:"repeat,omitempty"` // comes again
	Series string   `json:"series,omitempty"` // the id of the first of those that repeat

	Deadline     Time              `json:"deadline,omitzero"` // by when an action is to be done
	Audience     Text              `json:"audience,omitempty"`
	Acknowledged []Acknowledgement `json:"acknowledged,omitempty"`

	Postmortem *Account  `json:"postmortem,omitempty"`
	Earlier    []Wording `json:"earlier,omitempty"`  // titles it had before, oldest first
	Imported   string    `json:"imported,omitempty"` // address it was read from

	Version int64 `json:"-"` // position of the newest revision; the book's
}

// Update is one thing that was said.
type Update struct {
	ID        string     `json:"id"`
	Stage     Stage      `json:"stage"`
	Body      Text       `json:"body"`
	Created   Time       `json:"created"`
	Updated   Time       `json:"updated"`
	Shown     Time       `json:"shown"` // the time that stands beside it; may be edited
	Affected  []Affected `json:"affected,omitempty"`
	Quiet     bool       `json:"quiet,omitempty"` // nobody is sent it; it stands on the page and in the feeds
	Automatic bool       `json:"automatic,omitempty"`
	Author    string     `json:"author,omitempty"`  // never on a page
	Earlier   []Wording  `json:"earlier,omitempty"` // what it said before, oldest first
}

// Affected is what an update says of one component.
type Affected struct {
	Component string `json:"component"`
	Name      string `json:"name"` // as it was called, with its group: "Group - Component" (reference 2.1)
	From      State  `json:"from"`
	To        State  `json:"to"`
}

// Wording is how something was put before it was edited.
type Wording struct {
	Text  Text `json:"text"`
	Until Time `json:"until"`
}

// Account is what is told of an incident afterwards.
type Account struct {
	Body      Text      `json:"body"`
	Published Time      `json:"published"`
	Updated   Time      `json:"updated"`
	Earlier   []Wording `json:"earlier,omitempty"`
}

// Acknowledgement is someone's word that an action is done.
type Acknowledgement struct {
	By string `json:"by"` // a system's or an account's name, never a person's number
	At Time   `json:"at"`
}

// Last is the newest update, or nil.
func (n *Notice) Last() *Update {
	if len(n.Updates) == 0 {
		return nil
	}
	return &n.Updates[len(n.Updates)-1]
}

// Update finds an update by its id, or nil.
func (n *Notice) Update(id string) *Update {
	at := slices.IndexFunc(n.Updates, func(u Update) bool { return u.ID == id })
	if at < 0 {
		return nil
	}
	return &n.Updates[at]
}

// Open reports whether the notice is current: neither over nor still to come.
func (n *Notice) Open() bool { return !n.Stage.Over() && !n.Stage.Ahead() }

// Message reports whether the notice is of a kind that Statuspage has no word for.
func (n *Notice) Message() bool { return n.Kind != Incident && n.Kind != Planned }

// Everywhere reports whether the notice is about the site as a whole. Such ones are in the general feed, of whatever kind
// they are (requirements 3c).
func (n *Notice) Everywhere() bool {
	return n.Kind == Bulletin || len(n.Components) == 0 && len(n.Sections) == 0
}

// Clone is a copy that may be changed. A Text is never changed in place, so both may have the same.
func (n *Notice) Clone() *Notice {
	next := *n
	next.Updates = slices.Clone(n.Updates)
	for i := range next.Updates {
		u := &next.Updates[i]
		u.Affected, u.Earlier = slices.Clone(u.Affected), slices.Clone(u.Earlier)
	}
	next.Components, next.Sections, next.Pause = slices.Clone(n.Components), slices.Clone(n.Sections), slices.Clone(n.Pause)
	next.Acknowledged, next.Earlier = slices.Clone(n.Acknowledged), slices.Clone(n.Earlier)
	if n.Repeat != nil {
		repeat := *n.Repeat
		next.Repeat = &repeat
	}
	if n.Postmortem != nil {
		account := *n.Postmortem
		account.Earlier = slices.Clone(account.Earlier)
		next.Postmortem = &account
	}
	return &next
}

// Settle computes what follows from the updates: stage, impact, times. Call it after every change.
func (n *Notice) Settle() {
	impact, states := ImpactNone, []State(nil)
	for i := range n.Updates {
		u := &n.Updates[i]
		for _, a := range u.Affected {
			states = append(states, a.To)
		}
		if u.Stage == Monitoring && n.Kind == Incident {
			n.Watched = u.Created
		}
	}
	// Of an incident the impact is that of the worst it ever affected: a resolved incident keeps it (reference 2.3).
	for _, s := range states {
		if i := s.Impact(); n.Kind == Incident && i.AtLeast(impact) {
			impact = i
		}
	}
	if n.Kind == Planned {
		impact = ImpactMaintenance
	}
	if n.Override != "" {
		impact = n.Override
	}
	n.Impact = impact
	if last := n.Last(); last != nil {
		n.Stage = last.Stage
	}
	switch {
	case !n.Stage.Over():
		n.Over = 0
	case n.Over == 0:
		n.Over = n.overSince()
	}
}

// overSince is when the update was written that ended the notice: of those at its end that say that it is over, the first.
func (n *Notice) overSince() (at Time) {
	for i := len(n.Updates) - 1; i >= 0 && n.Updates[i].Stage.Over(); i-- {
		at = n.Updates[i].Created
	}
	return at
}

// Bounds of a notice.
const (
	maxUpdates = 200
	maxWindow  = 366 * 24 * time.Hour
)

// Check lists every rule that the notice breaks by itself, and in the site it is on.
func (n *Notice) Check(site *Site) []fault.Violation {
	c := check{}
	words := func(pointer string, t Text, most int, required bool) {
		c.text(pointer, t, most, required, site.Languages)
	}
	if !slices.Contains(Kinds, n.Kind) {
		c.refuse("/kind", "enum", "use one of incident, maintenance, action, announcement, bulletin")
	}
	words("/title", n.Title, maxTitle, true)
	words("/audience", n.Audience, maxTitle, false)
	if n.Override != "" && !slices.Contains(Impacts, n.Override) {
		c.refuse("/override", "enum", "use one of none, maintenance, minor, major, critical")
	}
	c.listed("/components/", n.Components, func(id string) bool { return site.Component(id) != nil }, "the site has no such component")
	c.listed("/sections/", n.Sections, func(name string) bool { return site.Section(name) != nil }, "the site has no such section")
	c.listed("/pause/", n.Pause, func(string) bool { return true }, "")
	n.checkTimes(&c)
	if len(n.Pause) > 0 && n.Kind != Planned {
		c.refuse("/pause", "kind", "only a maintenance pauses deliveries")
	}
	if len(n.Updates) > maxUpdates {
		c.refuse("/updates", "length", "want at most "+number(maxUpdates))
	}
	for i := range n.Updates {
		u, at := &n.Updates[i], "/updates/"+number(i)
		if !slices.Contains(n.Kind.Stages(), u.Stage) {
			c.refuse(at+"/stage", "enum", "is no stage of this kind; use one of "+stages(n.Kind))
		}
		words(at+"/body", u.Body, MaxBody, false)
		for j, a := range u.Affected {
			if !slices.Contains(States, a.To) {
				c.refuse(at+"/affected/"+number(j)+"/to", "enum", "is no state")
			}
		}
	}
	if n.Postmortem != nil {
		words("/postmortem/body", n.Postmortem.Body, MaxBody, true)
		if n.Kind != Incident {
			c.refuse("/postmortem", "kind", "only an incident has one")
		}
	}
	return c.found
}

func (n *Notice) checkTimes(c *check) {
	switch {
	case n.Kind == Planned:
		switch {
		case n.Starts == 0 || n.Ends == 0:
			c.refuse("/starts", "required", "a maintenance has a start and an end")
		case n.Ends <= n.Starts:
			c.refuse("/ends", "order", "is not after the start")
		case n.Ends.Sub(n.Starts) > maxWindow:
			c.refuse("/ends", "length", "is more than a year after the start")
		}
	case n.Kind == Incident && n.Starts != 0:
		c.refuse("/starts", "kind", "an incident is not planned; when it began is its started")
	case n.Kind == Incident && n.Ends != 0:
		c.refuse("/ends", "kind", "an incident does not end by itself; when it should be over is its expected")
	case n.Starts != 0 && n.Ends != 0 && n.Ends <= n.Starts:
		c.refuse("/ends", "order", "is not after the start")
	}
	if n.Deadline != 0 && n.Kind != Action {
		c.refuse("/deadline", "kind", "only an action has one")
	}
	if r := n.Repeat; r != nil {
		switch {
		case n.Kind != Planned:
			c.refuse("/repeat", "kind", "only a maintenance repeats")
		case !slices.Contains(Repeats, r.Every):
			c.refuse("/repeat/every", "enum", "use one of day, week, month")
		case r.Step < 0 || r.Step > 366:
			c.refuse("/repeat/step", "range", "want 1 to 366")
		}
	}
}

func stages(k Kind) string {
	var names []string
	for _, s := range k.Stages() {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}

// Standard is what the hub says where an update has no words of its own: when it starts and ends a maintenance by itself.
func Standard(s Stage) Text { return standard[s] }

var standard = map[Stage]Text{
	InProgress: {
		"en": "The maintenance has begun.", "da": "Vedligeholdelsen er begyndt.",
		"fr": "La maintenance a commencé.", "pl": "Konserwacja się rozpoczęła.",
	},
	Completed: {
		"en": "The maintenance is completed.", "da": "Vedligeholdelsen er afsluttet.",
		"fr": "La maintenance est terminée.", "pl": "Konserwacja została zakończona.",
	},
	Scheduled: {
		"en": "A maintenance is planned.", "da": "Der er planlagt vedligeholdelse.",
		"fr": "Une maintenance est planifiée.", "pl": "Zaplanowano konserwację.",
	},
	Ended: {
		"en": "This has ended.", "da": "Dette er afsluttet.", "fr": "Ceci est terminé.", "pl": "To się zakończyło.",
	},
	Published: {
		"en": "This applies from now on.", "da": "Dette gælder fra nu af.", "fr": "Ceci s’applique désormais.", "pl": "Obowiązuje od teraz.",
	},
}

// Again is the notice as it comes the next time, new and with one update: what was written of the first, or body.
func (n *Notice) Again(starts, ends, now Time, body Text, zone *time.Location) *Notice {
	next := n.Clone()
	next.ID, next.Series = NewID(), n.Series
	if next.Series == "" {
		next.Series = n.ID
	}
	if next.Repeat != nil {
		next.Repeat.From, next.Repeat.To = n.Repeat.countedFrom(n.Starts, n.Ends, zone)
	}
	next.Starts, next.Ends, next.Created, next.Updated, next.Started, next.Over, next.Version = starts, ends, now, now, now, 0, 0
	if first := n.Updates[0]; !first.Body.Empty() {
		body = first.Body
	}
	next.Updates = []Update{{ID: NewID(), Stage: Scheduled, Body: body, Created: now, Updated: now, Shown: now, Automatic: true, Quiet: true}}
	next.Earlier, next.Expected, next.NextUpdate, next.Imported = nil, 0, 0, ""
	next.Settle()
	return next
}
