package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// NoticeKind is what sort of notice it is.
type NoticeKind string

// The kinds.
const (
	KindIncident     NoticeKind = "incident"     // unforeseen
	KindMaintenance  NoticeKind = "maintenance"  // planned
	KindAction       NoticeKind = "action"       // what readers must do, by when
	KindAnnouncement NoticeKind = "announcement" // on changes, features, what is coming
	KindBulletin     NoticeKind = "bulletin"     // concerns the whole platform
)

// Stage is how far a notice is.
type Stage string

// The stages: five of an incident, four of a maintenance, three of the other kinds.
const (
	StageInvestigating Stage = "investigating"
	StageIdentified    Stage = "identified"
	StageMonitoring    Stage = "monitoring"
	StageResolved      Stage = "resolved"
	StagePostmortem    Stage = "postmortem" // by PutPostmortem

	StageScheduled  Stage = "scheduled"
	StageInProgress Stage = "in_progress"
	StageVerifying  Stage = "verifying"
	StageCompleted  Stage = "completed"

	StageComing    Stage = "planned" // not shown, and nobody is told of it
	StagePublished Stage = "published"
	StageEnded     Stage = "ended"
)

// Notice is what is said about one matter, from its beginning to its end.
type Notice struct {
	ID           string            `json:"id"`
	Site         string            `json:"site"`
	Kind         NoticeKind        `json:"kind"`
	Title        Text              `json:"title"`
	Stage        Stage             `json:"stage"`
	Impact       string            `json:"impact"`             // none, maintenance, minor, major or critical
	Override     string            `json:"override,omitempty"` // says the impact in its place
	Created      time.Time         `json:"created"`
	Updated      time.Time         `json:"updated"`
	Started      time.Time         `json:"started"`
	Monitoring   time.Time         `json:"monitoring,omitzero"`
	Resolved     time.Time         `json:"resolved,omitzero"` // when it was resolved, completed or ended
	Updates      []NoticeUpdate    `json:"updates"`           // oldest first
	Components   []string          `json:"components,omitempty"`
	Sections     []string          `json:"sections,omitempty"`
	Expected     time.Time         `json:"expected,omitzero"`
	NextUpdate   time.Time         `json:"nextUpdate,omitzero"`
	Starts       time.Time         `json:"starts,omitzero"`
	Ends         time.Time         `json:"ends,omitzero"`
	ByHand       bool              `json:"byHand,omitempty"`
	Pause        []string          `json:"pause,omitempty"`
	Repeat       *Repeat           `json:"repeat,omitempty"`
	Series       string            `json:"series,omitempty"` // id of the first of those that repeat
	Deadline     time.Time         `json:"deadline,omitzero"`
	Audience     Text              `json:"audience,omitempty"`
	Acknowledged []Acknowledgement `json:"acknowledged,omitempty"`
	Postmortem   *Postmortem       `json:"postmortem,omitempty"`
	Earlier      []Wording         `json:"earlier,omitempty"`  // titles it had before, oldest first
	Imported     string            `json:"imported,omitempty"` // address it was read from
	URL          string            `json:"url,omitempty"`      // of its page
}

// NoticeUpdate is one thing that was said.
type NoticeUpdate struct {
	ID        string     `json:"id"`
	Stage     Stage      `json:"stage"`
	Body      Text       `json:"body"`
	Created   time.Time  `json:"created"`
	Updated   time.Time  `json:"updated"`
	Shown     time.Time  `json:"shown"` // the time that stands beside it
	Affected  []Affected `json:"affected,omitempty"`
	Quiet     bool       `json:"quiet,omitempty"`     // nobody was sent it
	Automatic bool       `json:"automatic,omitempty"` // the hub said it
	Author    string     `json:"author,omitempty"`
	Earlier   []Wording  `json:"earlier,omitempty"` // what it said before, oldest first
}

// Affected is what an update says of one component.
type Affected struct {
	Component string         `json:"component"`
	Name      string         `json:"name"` // as it was called, with its group
	From      ComponentState `json:"from"`
	To        ComponentState `json:"to"`
}

// Wording is how something was put before it was edited.
type Wording struct {
	Text  Text      `json:"text"`
	Until time.Time `json:"until"`
}

// Postmortem is what is told of an incident afterwards.
type Postmortem struct {
	Body      Text      `json:"body"`
	Published time.Time `json:"published"`
	Updated   time.Time `json:"updated"`
	Earlier   []Wording `json:"earlier,omitempty"`
}

// Acknowledgement is someone's word that an action is done.
type Acknowledgement struct {
	By string    `json:"by"` // the system's name
	At time.Time `json:"at"`
}

// Repeat says when a maintenance comes again: the clock on the wall of the site's zone stands.
type Repeat struct {
	Every string    `json:"every"`          // day, week or month
	Step  int       `json:"step,omitempty"` // every so many; 0: 1
	Until time.Time `json:"until,omitzero"` // none begins after; zero: for ever
	From  time.Time `json:"from,omitzero"`  // the hub's
	To    time.Time `json:"to,omitzero"`    // the hub's
}

// NoticeFacts are what is said of a notice as a whole, apart from its updates.
type NoticeFacts struct {
	Title      Text      `json:"title"`
	Override   string    `json:"override,omitempty"`   // the impact, in place of the one that follows from what is affected
	Components []string  `json:"components,omitempty"` // ids of what it affects
	Sections   []string  `json:"sections,omitempty"`   // that it is about; neither: the whole site
	Started    time.Time `json:"started,omitzero"`     // when it began; zero: when it was opened
	Expected   time.Time `json:"expected,omitzero"`    // when it should be over
	NextUpdate time.Time `json:"nextUpdate,omitzero"`  // when more is promised to be said
	Starts     time.Time `json:"starts,omitzero"`      // of a maintenance its window; of what is not an incident when it is shown from
	Ends       time.Time `json:"ends,omitzero"`        // and until
	ByHand     bool      `json:"byHand,omitempty"`     // a maintenance that does not begin and end by itself
	Pause      []string  `json:"pause,omitempty"`      // systems that nothing is delivered to while a maintenance is in progress
	Repeat     *Repeat   `json:"repeat,omitempty"`     // a maintenance that comes again
	Deadline   time.Time `json:"deadline,omitzero"`    // by when an action is to be done
	Audience   Text      `json:"audience,omitempty"`   // whom it is for
}

// Facts are those of a notice as it is, to be changed and put.
func (n *Notice) Facts() NoticeFacts {
	return NoticeFacts{
		Title: n.Title, Override: n.Override, Components: n.Components, Sections: n.Sections, Started: n.Started, Expected: n.Expected,
		NextUpdate: n.NextUpdate, Starts: n.Starts, Ends: n.Ends, ByHand: n.ByHand, Pause: n.Pause, Repeat: n.Repeat, Deadline: n.Deadline, Audience: n.Audience,
	}
}

// NewNotice is a notice that is to be opened, with its first update.
type NewNotice struct {
	Kind NoticeKind `json:"kind"`
	NoticeFacts
	Stage    Stage                     `json:"stage,omitempty"`   // "": the kind's first; of what is shown from now on, StagePublished
	Body     Text                      `json:"body,omitempty"`    // what is said first
	Affected map[string]ComponentState `json:"affected,omitzero"` // how components do from now on, by their ids
	Quiet    bool                      `json:"quiet,omitempty"`   // nobody is sent it
}

// NewUpdate is more to be said of a notice.
type NewUpdate struct {
	Stage      Stage                     `json:"stage,omitempty"`      // "": as it was
	Body       Text                      `json:"body,omitempty"`       // nil: the stage, the components or the times say it
	Affected   map[string]ComponentState `json:"affected,omitzero"`    // how components do from now on, by their ids; nil, where the notice is over by this: what it had set goes back
	Quiet      bool                      `json:"quiet,omitempty"`      // nobody is sent it
	Expected   *time.Time                `json:"expected,omitempty"`   // when it should be over; nil: as it was
	NextUpdate *time.Time                `json:"nextUpdate,omitempty"` // when more is promised to be said; nil: nothing is promised any more
}

// NoticeFilter selects notices. Zero fields do not narrow it.
type NoticeFilter struct {
	Kind  NoticeKind
	Open  *bool // whether it is current
	Limit int   // of a page, at most 200; 0: 50
}

// AllNotices goes through those of a site, newest first, page by page. The first error ends it.
func (c *Client) AllNotices(ctx context.Context, site string, f NoticeFilter) iter.Seq2[Notice, error] {
	open := ""
	if f.Open != nil {
		open = map[bool]string{true: "true", false: "false"}[*f.Open]
	}
	return all[Notice](ctx, c, withLimit(given("kind", string(f.Kind), "open", open), f.Limit), "sites", site, "notices")
}

// Notice reads one. Error: CodeNotFound.
func (c *Client) Notice(ctx context.Context, site, notice string) (Notice, ETag, error) {
	return fetch[Notice](ctx, c, nil, "sites", site, "notices", notice)
}

// OpenNotice opens one. It is not repeated by the client: after a lost answer, look at AllNotices before opening another.
func (c *Client) OpenNotice(ctx context.Context, site string, n NewNotice) (now Notice, tag ETag, err error) {
	tag, err = send(ctx, c, request{method: http.MethodPost, path: []string{"sites", site, "notices"}}, n, &now)
	return now, tag, err
}

// PutNotice changes what is said of a notice as a whole.
func (c *Client) PutNotice(ctx context.Context, site, notice string, f NoticeFacts, match ETag) (Notice, ETag, error) {
	return c.changeNotice(ctx, f, match, "sites", site, "notices", notice)
}

// changeNotice puts a document and reads the notice as it stands then.
func (c *Client) changeNotice(ctx context.Context, document any, match ETag, path ...string) (now Notice, tag ETag, err error) {
	tag, err = send(ctx, c, request{method: http.MethodPut, path: path, match: match, repeatable: true}, document, &now)
	return now, tag, err
}

// DeleteNotice takes a notice off its site. What it had set of components goes back.
//
// Errors: CodeNotFound, CodePrecondition, CodeNeedsIfMatch. A repeat after a lost answer finds CodeNotFound.
func (c *Client) DeleteNotice(ctx context.Context, site, notice string, match ETag) error {
	_, err := c.call(ctx, request{method: http.MethodDelete, path: []string{"sites", site, "notices", notice}, match: match}, nil)
	return err
}

// Say says more of a notice, or that it is over. An empty match says it whatever was said meanwhile. It is not repeated by
// the client: after a lost answer, read the notice before saying it again.
func (c *Client) Say(ctx context.Context, site, notice string, u NewUpdate, match ETag) (now Notice, tag ETag, err error) {
	tag, err = send(ctx, c, request{method: http.MethodPost, path: []string{"sites", site, "notices", notice, "updates"}, match: match}, u, &now)
	return now, tag, err
}

// PutUpdate puts an update otherwise; shown is the time beside it, the zero time leaves it. The ETag is the notice's.
func (c *Client) PutUpdate(ctx context.Context, site, notice, update string, body Text, shown time.Time, match ETag) (Notice, ETag, error) {
	return c.changeNotice(ctx, struct {
		Body  Text      `json:"body"`
		Shown time.Time `json:"shown,omitzero"`
	}{body, shown}, match, "sites", site, "notices", notice, "updates", update)
}

// PutPostmortem tells of an incident when it is over. The ETag is the notice's.
func (c *Client) PutPostmortem(ctx context.Context, site, notice string, body Text, match ETag) (Notice, ETag, error) {
	return c.changeNotice(ctx, map[string]Text{"body": body}, match, "sites", site, "notices", notice, "postmortem")
}

// AcknowledgeNotice says that a system has done what an action asks for. Twice is once.
func (c *Client) AcknowledgeNotice(ctx context.Context, site, notice, system string) (now Notice, err error) {
	_, err = send(ctx, c, request{
		method: http.MethodPost, path: []string{"sites", site, "notices", notice, "acknowledgements"}, repeatable: true,
	}, map[string]string{"system": system}, &now)
	return now, err
}

// NoticeThen is a notice as it was from one of its changes to the next.
type NoticeThen struct {
	Position int64     `json:"position"` // of the change, in the log
	At       time.Time `json:"at"`
	Author   string    `json:"author"`
	Notice   *Notice   `json:"notice,omitempty"` // nil: it was removed
}

// NoticeHistory goes through every form a notice had, oldest first, page by page. The first error ends it.
func (c *Client) NoticeHistory(ctx context.Context, site, notice string) iter.Seq2[NoticeThen, error] {
	return all[NoticeThen](ctx, c, nil, "sites", site, "notices", notice, "history")
}
