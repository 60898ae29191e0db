package status

import "time"

// The event types of status sites. A site is a source like any other: what changes on it is an event, and who is told of
// it is told by the one delivery engine.
const (
	ComponentChanged = "varsel.status.component" // a component's state has changed
	NoticeChanged    = "varsel.status.notice"    // an incident or a maintenance was opened, updated, edited or removed
	MessageChanged   = "varsel.status.message"   // the same of an action, announcement or bulletin, which Statuspage has no word for
	SiteChanged      = "varsel.status.site"      // the site was made, changed or removed
)

// Webhooked are the types of the events that Statuspage has webhooks for: all but those of the site itself, which nobody
// is told of there.
var Webhooked = []string{ComponentChanged, NoticeChanged, MessageChanged}

// PageOf is what every event says of the site that it is from.
type PageOf struct {
	ID        string   `json:"id"`
	Site      string   `json:"site"` // its name
	Name      string   `json:"name"`
	URL       string   `json:"url"`
	Zone      string   `json:"zone"`
	Updated   Time     `json:"updated"`
	Headline  Headline `json:"headline"`
	Languages []string `json:"languages"`
}

// ComponentTold is the data of a ComponentChanged.
type ComponentTold struct {
	Page      PageOf      `json:"page"`
	Component ComponentAs `json:"component"`
	From      State       `json:"from"`
	To        State       `json:"to"`
	LastKnown State       `json:"lastKnown"` // the last state that was known before the change: From, unless that is no_data
	At        Time        `json:"at"`
	Change    string      `json:"change"` // an id of this change
	Reason    Text        `json:"reason,omitempty"`
	Cause     Cause       `json:"cause"`
	Notice    string      `json:"notice,omitempty"`
}

// ComponentAs is a component as an event has it: all that a receiver needs of it.
type ComponentAs struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	Title          Text   `json:"title"`
	Description    Text   `json:"description,omitempty"`
	Impact         Text   `json:"impact,omitempty"`
	Section        string `json:"section"`
	Group          string `json:"group,omitempty"` // its id, where there is one level of groups: see Board.GroupID
	GroupName      string `json:"groupName,omitempty"`
	State          State  `json:"state"`
	LastKnown      State  `json:"lastKnown"` // its state, or where that is no_data what it was before; no_data: nothing ever was
	Position       int    `json:"position"`
	Showcase       bool   `json:"showcase"`
	StartDate      string `json:"startDate,omitempty"`
	OnlyIfDegraded bool   `json:"onlyShowIfDegraded"`
	Created        Time   `json:"created"`
	Updated        Time   `json:"updated"`
}

// The changes of a NoticeChanged.
const (
	Opened      = "opened"
	Said        = "updated"      // something was said
	Edited      = "edited"       // something that was said, or the notice, is put otherwise
	Removed     = "removed"      // it is on the site no more
	Acked       = "acknowledged" // someone has done what an action asks for
	AccountTold = "postmortem"
)

// NoticeTold is the data of a NoticeChanged: the whole notice, and the components that it affects as they are.
type NoticeTold struct {
	Page       PageOf        `json:"page"`
	Change     string        `json:"change"`
	Update     string        `json:"update,omitempty"` // the id of the one that is new or edited
	Quiet      bool          `json:"quiet,omitempty"`  // people are not sent it
	Notice     Notice        `json:"notice"`
	Components []ComponentAs `json:"components"`
	URL        string        `json:"url"` // of the notice's page
}

// SiteTold is the data of a SiteChanged. The document itself is not in it: it may be large, and is read by the API.
type SiteTold struct {
	Page      PageOf `json:"page"`
	Change    string `json:"change"` // "created", "changed", "imported", "removed"; "reason" where a component's state was explained otherwise; "planned" where what is not shown yet was written
	Component string `json:"component,omitempty"`
}

// Type is the event type that tells of a notice.
func (n *Notice) Type() string {
	if n.Message() {
		return MessageChanged
	}
	return NoticeChanged
}

// Public is the notice as everyone may read it: without who wrote it, who has done what it asks for, and what of the hub it
// stops.
func (n *Notice) Public() *Notice {
	public := n.Clone()
	public.Pause, public.Acknowledged = nil, nil
	for i := range public.Updates {
		public.Updates[i].Author = ""
	}
	return public
}

// Page is the site as the events of this board tell it. url is where it is served, without a slash at its end.
func (b *Board) Page(url string) PageOf {
	name, _ := b.Site.Say(b.Site.Title, English)
	return PageOf{
		ID: b.Site.ID, Site: b.Site.Name, Name: name, URL: url, Zone: b.Site.Zone, Updated: b.Updated,
		Headline: b.Headline(""), Languages: b.Site.Languages,
	}
}

// English is the language of what machines match on.
const English = "en"

// As is a component as an event has it.
func (b *Board) As(s *Standing) ComponentAs {
	name, _ := b.Site.Say(s.Title, English)
	as := ComponentAs{
		ID: s.ID, Name: name, Title: s.Title, Description: s.Description, Impact: s.Impact, Section: s.Section.Name, State: s.State, LastKnown: s.Last,
		Position: s.Position, Showcase: s.Showcase, StartDate: s.StartDate, OnlyIfDegraded: s.OnlyIfDegraded, Created: s.Created, Updated: s.Changed,
	}
	as.Group, as.GroupName = b.GroupID(s), b.GroupName(s)
	return as
}

// GroupName is what the group of a component is called where there is one level of groups: with its section, where the
// site has several (reference 2.8). A component of no group is in its section's, where there are several; else "".
func (b *Board) GroupName(s *Standing) string {
	section, _ := b.Site.Say(s.Section.Title, English)
	switch {
	case s.Group == nil && len(b.Site.Sections) > 1:
		return section
	case s.Group == nil:
		return ""
	}
	group, _ := b.Site.Say(s.Group.Title, English)
	if len(b.Site.Sections) > 1 {
		return section + " – " + group
	}
	return group
}

// FullName is "Group - Component", as affected components are called in the Statuspage API (reference 2.1).
func (b *Board) FullName(s *Standing) string {
	name, _ := b.Site.Say(s.Title, English)
	if group := b.GroupName(s); group != "" {
		return group + " - " + name
	}
	return name
}

// LocalTime writes a moment for people: in the site's zone, with the year and the zone.
func (s *Site) LocalTime(t Time) string { return t.In(s.Location()).Format("2006-01-02 15:04 MST") }

// Millis is RFC 3339 with three decimals in a zone: how the Statuspage API writes time (reference 2.1). Z is UTC's alone:
// London's winter is +00:00.
func Millis(t Time, zone *time.Location) string {
	at := t.In(zone)
	if name, _ := at.Zone(); name == "UTC" {
		return at.Format("2006-01-02T15:04:05.000Z07:00")
	}
	return at.Format("2006-01-02T15:04:05.000-07:00")
}
