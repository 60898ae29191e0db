package statuspage

import (
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/wire"
)

// aboutIncident tells all of an incident or a maintenance.
type aboutIncident struct {
	head
	Incident incident `json:"incident"`
}

// incident is one with the fields that it has in webhooks, which are more than those of the API.
type incident struct {
	Name                          string           `json:"name"`
	Status                        string           `json:"status"`
	CreatedAt                     string           `json:"created_at"`
	UpdatedAt                     string           `json:"updated_at"`
	MonitoringAt                  *string          `json:"monitoring_at"`
	ResolvedAt                    *string          `json:"resolved_at"`
	Impact                        status.Impact    `json:"impact"`
	Shortlink                     string           `json:"shortlink"`
	PostmortemIgnored             bool             `json:"postmortem_ignored"`
	PostmortemBody                *string          `json:"postmortem_body"`
	PostmortemBodyLastUpdatedAt   *string          `json:"postmortem_body_last_updated_at"`
	PostmortemPublishedAt         *string          `json:"postmortem_published_at"`
	PostmortemNotifiedSubscribers bool             `json:"postmortem_notified_subscribers"`
	PostmortemNotifiedTwitter     bool             `json:"postmortem_notified_twitter"`
	Backfilled                    bool             `json:"backfilled"`
	ScheduledFor                  *string          `json:"scheduled_for"`
	ScheduledUntil                *string          `json:"scheduled_until"`
	ScheduledRemindPrior          bool             `json:"scheduled_remind_prior"`
	ScheduledRemindedAt           *string          `json:"scheduled_reminded_at"`
	ImpactOverride                *status.Impact   `json:"impact_override"`
	ScheduledAutoInProgress       bool             `json:"scheduled_auto_in_progress"`
	ScheduledAutoCompleted        bool             `json:"scheduled_auto_completed"`
	ID                            string           `json:"id"`
	PageID                        string           `json:"page_id"`
	IncidentUpdates               []incidentUpdate `json:"incident_updates"`
	Components                    []wire.Component `json:"components"`
}

// incidentUpdate is one with the fields that it has in webhooks.
type incidentUpdate struct {
	Status               string          `json:"status"`
	Body                 string          `json:"body"`
	CreatedAt            string          `json:"created_at"`
	WantsTwitterUpdate   bool            `json:"wants_twitter_update"`
	TwitterUpdatedAt     *string         `json:"twitter_updated_at"`
	UpdatedAt            string          `json:"updated_at"`
	DisplayAt            string          `json:"display_at"`
	AffectedComponents   []wire.Affected `json:"affected_components"`
	CustomTweet          *string         `json:"custom_tweet"`
	DeliverNotifications bool            `json:"deliver_notifications"`
	TweetID              *string         `json:"tweet_id"`
	ID                   string          `json:"id"`
	IncidentID           string          `json:"incident_id"`
}

func incidentBody(e *event.Event, told *status.NoticeTold) (*aboutIncident, error) {
	head, pen, err := begin(e, &told.Page)
	if err != nil {
		return nil, err
	}
	n := &told.Notice
	if told.Change == status.Removed && !n.Stage.Over() {
		end(n, told.Page.Updated)
	}
	w := pen.Incident(n, told.Components, told.URL)
	written := incident{
		Name: w.Name, Status: w.Status, CreatedAt: w.CreatedAt, UpdatedAt: w.UpdatedAt, MonitoringAt: w.MonitoringAt, ResolvedAt: w.ResolvedAt,
		Impact: w.Impact, Shortlink: w.Shortlink, Backfilled: backfilled(n), ID: w.ID, PageID: w.PageID,
		IncidentUpdates: updates(w.IncidentUpdates), Components: w.Components,
	}
	if n.Override != "" && !n.Message() {
		written.ImpactOverride = &n.Override
	}
	if n.Kind == status.Planned || n.Stage == status.Coming {
		written.ScheduledFor, written.ScheduledUntil = pen.Moment(n.Starts), pen.Moment(n.Ends)
		written.ScheduledAutoInProgress, written.ScheduledAutoCompleted = !n.ByHand, !n.ByHand
	}
	if p := n.Postmortem; p != nil {
		body := pen.English(p.Body)
		written.PostmortemBody, written.PostmortemBodyLastUpdatedAt, written.PostmortemPublishedAt = &body, pen.Moment(p.Updated), pen.Moment(p.Published)
		written.PostmortemNotifiedSubscribers = true
	}
	return &aboutIncident{head, written}, nil
}

// end ends what was taken off the site while it was current. Statuspage has no word for that, and a receiver would wait
// for its end for ever.
func end(n *status.Notice, at status.Time) {
	n.Stage, n.Over, n.Updated = status.Resolved, at, at
	if n.Kind == status.Planned {
		n.Stage = status.Completed
	}
}

// backfilled reports whether it was written when it was over.
func backfilled(n *status.Notice) bool {
	return n.Imported != "" || len(n.Updates) > 0 && n.Updates[0].Stage.Over()
}

func updates(list []wire.Update) []incidentUpdate {
	written := make([]incidentUpdate, 0, len(list))
	for i := range list {
		u := &list[i]
		written = append(written, incidentUpdate{
			Status: u.Status, Body: u.Body, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt, DisplayAt: u.DisplayAt,
			AffectedComponents: u.AffectedComponents, DeliverNotifications: u.DeliverNotifications, ID: u.ID, IncidentID: u.IncidentID,
		})
	}
	return written
}
