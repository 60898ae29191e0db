package manage

import (
	"encoding/json"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
)

// telling makes the data of one event from the board as it will be, and says what type it has and what it is about.
type telling func(then *status.Board, url string) (kind, subject string, data any)

// tell adds the events to a plan: they are in the log exactly when its revisions are. from is the site's source where the
// plan makes it.
func (m *Manager) tell(p *plan, from *event.Source, then *status.Board, tellings ...telling) error {
	if m.opts.Accept == nil {
		return fault.New(fault.Internal, "this hub has no status sites")
	}
	url := m.opts.SiteURL(then.Site)
	for _, telling := range tellings {
		kind, subject, data := telling(then, url)
		text, err := json.Marshal(data)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "what happened on the site cannot be written")
		}
		if len(text) > MostTold {
			return fault.Invalid(fault.InvalidDocument, []fault.Violation{{Rule: "size", Message: "more is said than can be told at once; close this notice and open another"}})
		}
		e, err := m.opts.Accept(from, event.Draft{
			ID: status.NewID(), Source: status.SourceURI(then.Site.Name), SpecVersion: event.SpecVersion,
			Type: kind, Subject: subject, MediaType: "application/json", Data: text,
		})
		if err != nil {
			return err
		}
		p.events = append(p.events, e)
	}
	return nil
}

// MostTold bounds what an event of a site holds, in bytes: its notices are told whole, with everything that they affect. The
// hub accepts a little more, for the event's attributes.
const MostTold = 16 << 20

func siteTold(change, component string) telling {
	return func(then *status.Board, url string) (string, string, any) {
		return status.SiteChanged, then.Site.Name, status.SiteTold{Page: then.Page(url), Change: change, Component: component}
	}
}

// changeTold tells of a component that was in one state until now; known is the last that was known of it.
func changeTold(ch *status.Change, from, known status.State) telling {
	return func(then *status.Board, url string) (string, string, any) {
		return status.ComponentChanged, ch.Component, status.ComponentTold{
			Page: then.Page(url), Component: then.As(then.Component(ch.Component)), From: from, To: ch.State, LastKnown: known, At: ch.At,
			Change: status.NewID(), Reason: ch.Reason, Cause: ch.Cause, Notice: ch.Notice,
		}
	}
}

func noticeTold(n *status.Notice, change, update string, quiet bool) telling {
	return func(then *status.Board, url string) (string, string, any) {
		return n.Type(), n.ID, status.NoticeTold{
			Page: then.Page(url), Change: change, Update: update, Quiet: quiet, Notice: *n.Public(),
			Components: then.AffectedBy(n), URL: url + "/notices/" + n.ID,
		}
	}
}

// RegisterSites is the configuration that makes the hub know the events of status sites.
func RegisterSites() []revision.Revision {
	var revisions []revision.Revision
	for _, k := range siteTypes() {
		revisions = append(revisions,
			revision.Of(hub, revision.Type, k.name, event.Type{Name: k.name, Title: k.title, Description: k.meaning, Order: event.OrderKey, Retention: "P2Y"}),
			revision.Of(hub, revision.Version, k.name+"/v1", event.Version{
				Type: k.name, Version: "v1", State: event.StateActive, Sample: k.sample, Mapping: event.Mapping{Fields: map[string]string{"key": k.key}},
			}))
	}
	return revisions
}

// SitesRegistered reports whether a hub knows them.
func SitesRegistered(book *revision.Book) bool {
	for _, name := range []string{status.ComponentChanged, status.NoticeChanged, status.MessageChanged, status.SiteChanged} {
		if t, _ := book.Type(name); t == nil {
			return false
		}
	}
	return true
}

type siteType struct {
	name, title, meaning, key string
	sample                    json.RawMessage
}

func siteTypes() []siteType {
	sample := func(told telling) json.RawMessage {
		board := status.Example()
		_, _, data := told(board, "https://status.example/"+board.Site.Name)
		text, err := json.Marshal(data)
		if err != nil {
			return nil // a version in use has a sample: the hub says so when it starts
		}
		return text
	}
	incident, message := status.Example().Notices[0], status.Example().Notices[1]
	ch := &status.Change{Component: incident.Components[0], State: status.Degraded, At: incident.Started, Cause: status.ByHand}
	return []siteType{
		{status.ComponentChanged, "A component's state has changed", "A part of a status site is better or worse than it was.", "/component/id",
			sample(changeTold(ch, status.Operational, status.Operational))},
		{status.NoticeChanged, "An incident or a maintenance", "It was opened, updated, edited or removed on a status site. The data is the whole of it.", "/notice/id",
			sample(noticeTold(incident, status.Opened, incident.Last().ID, false))},
		{status.MessageChanged, "An action, announcement or bulletin", "It was opened, updated, edited or removed on a status site. The data is the whole of it.", "/notice/id",
			sample(noticeTold(message, status.Opened, message.Last().ID, false))},
		{status.SiteChanged, "A status site has changed", "What stands on it or how it looks. The document is read by the API.", "/page/site",
			sample(siteTold("changed", ""))},
	}
}
