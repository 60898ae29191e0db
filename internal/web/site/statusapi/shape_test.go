package statusapi_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The keys of each object, in order, as the reference has them (2.1). They are written here from the reference, and not
// taken from what the hub writes.
var (
	pageKeys      = strings.Fields("id name url time_zone updated_at")
	statusKeys    = strings.Fields("indicator description")
	componentKeys = strings.Fields("id name status created_at updated_at position description showcase start_date group_id page_id group only_show_if_degraded")
	groupKeys     = append(slices.Clone(componentKeys), "components")
	incidentKeys  = strings.Fields("id name status created_at updated_at monitoring_at resolved_at impact shortlink started_at page_id incident_updates components")
	plannedKeys   = append(slices.Clone(incidentKeys), "scheduled_for", "scheduled_until")
	updateKeys    = strings.Fields("id status body incident_id created_at updated_at display_at affected_components deliver_notifications custom_tweet tweet_id")
	affectedKeys  = strings.Fields("code name old_status new_status")
)

// endpoints are the addresses that Statuspage documents, and the keys of their bodies.
var endpoints = []struct{ path, keys string }{
	{"/api/v2/summary.json", "page components incidents scheduled_maintenances status"},
	{"/api/v2/status.json", "page status"},
	{"/api/v2/components.json", "page components"},
	{"/api/v2/incidents.json", "page incidents"},
	{"/api/v2/incidents/unresolved.json", "page incidents"},
	{"/api/v2/scheduled-maintenances.json", "page scheduled_maintenances"},
	{"/api/v2/scheduled-maintenances/upcoming.json", "page scheduled_maintenances"},
	{"/api/v2/scheduled-maintenances/active.json", "page scheduled_maintenances"},
}

// The words of the reference.
var (
	stateWords       = strings.Fields("operational under_maintenance degraded_performance partial_outage major_outage")
	indicatorWords   = strings.Fields("none minor major critical maintenance")
	incidentStages   = strings.Fields("investigating identified monitoring resolved postmortem")
	plannedStages    = strings.Fields("scheduled in_progress verifying completed")
	descriptionWords = []string{
		"All Systems Operational", "Service Under Maintenance", "Partially Degraded Service", "Degraded System Service",
		"Minor Service Outage", "Partial System Outage", "Major System Outage",
	}
)

var (
	idForm   = regexp.MustCompile(`^[a-z0-9]{12}$`)
	timeForm = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}([+-]\d\d:\d\d|Z)$`)
)

// shape holds what the hub writes to the reference.
type shape struct {
	t    *testing.T
	at   string
	page *object
}

func (c *shape) fail(format string, args ...any) {
	c.t.Helper()
	c.t.Errorf("%s: %s", c.at, fmt.Sprintf(format, args...))
}

func (c *shape) keys(o *object, want []string) {
	c.t.Helper()
	if !slices.Equal(o.keys, want) {
		c.fail("keys %v, want %v", o.keys, want)
	}
}

func (c *shape) ids(o *object, keys ...string) {
	c.t.Helper()
	for _, key := range keys {
		if !idForm.MatchString(o.text(key)) {
			c.fail("%s is %v", key, o.of[key])
		}
	}
}

func (c *shape) word(what, word string, of []string) {
	c.t.Helper()
	if !slices.Contains(of, word) {
		c.fail("%s is %q", what, word)
	}
}

// times holds times to their form, and to the page's zone; those that may be null are named with a question mark.
func (c *shape) times(o *object, keys ...string) {
	c.t.Helper()
	for _, key := range keys {
		key, nullable := strings.CutSuffix(key, "?")
		if o.of[key] == nil && nullable {
			continue
		}
		text := o.text(key)
		if !timeForm.MatchString(text) || strings.HasSuffix(text, "Z") != (c.page.text("time_zone") == "Etc/UTC") {
			c.fail("%s is %v in %s", key, o.of[key], c.page.text("time_zone"))
		}
	}
}

// kinds holds members to the kinds that they may have: s text, b truth, n number, a list, and ? for null as well.
func (c *shape) kinds(o *object, kinds map[string]string) {
	c.t.Helper()
	for key, kind := range kinds {
		got := "?"
		switch o.of[key].(type) {
		case string:
			got = "s"
		case bool:
			got = "b"
		case float64:
			got = "n"
		case []any:
			got = "a"
		}
		if !strings.Contains(kind, got) {
			c.fail("%s is %v", key, o.of[key])
		}
	}
}

func (c *shape) whole(body *object, keys string) {
	c.keys(body, strings.Fields(keys))
	c.page = body.object("page")
	c.keys(c.page, pageKeys)
	c.ids(c.page, "id")
	c.times(c.page, "updated_at")
	if s, ok := body.of["status"].(*object); ok {
		c.keys(s, statusKeys)
		c.word("indicator", s.text("indicator"), indicatorWords)
		c.word("description", s.text("description"), descriptionWords)
	}
	if _, ok := body.of["components"]; ok {
		c.components(body.list("components"))
	}
	if _, ok := body.of["incidents"]; ok {
		c.incidents(body.list("incidents"), incidentKeys, incidentStages)
	}
	if _, ok := body.of["scheduled_maintenances"]; ok {
		c.incidents(body.list("scheduled_maintenances"), plannedKeys, plannedStages)
	}
}

// components holds the list to: groups name their own, positions count in each parent from 1, and rise over all.
func (c *shape) components(list []*object) {
	positions := map[any]float64{}
	members := map[string][]any{}
	last := 0.0
	for _, o := range list {
		c.component(o, o.of["group"] == true)
		parent, position := o.of["group_id"], o.of["position"].(float64)
		positions[parent]++
		if position != positions[parent] || position < last {
			c.fail("%s has position %v after %v, as number %v of its parent", o.text("name"), position, last, positions[parent])
		}
		last = position
		if parent != nil {
			members[parent.(string)] = append(members[parent.(string)], o.text("id"))
		}
	}
	for _, o := range list {
		if o.of["group"] != true {
			continue
		}
		if got, want := o.of["components"].([]any), members[o.text("id")]; len(want) == 0 || !slices.Equal(got, want) {
			c.fail("the group %s lists %v, and is named by %v", o.text("name"), got, want)
		}
		delete(members, o.text("id"))
		if o.of["showcase"] != false || o.of["group_id"] != nil || o.of["start_date"] != nil {
			c.fail("the group %s has what groups have not", o.text("name"))
		}
	}
	if len(members) > 0 {
		c.fail("groups that there are no rows of: %v", members)
	}
}

func (c *shape) component(o *object, group bool) {
	keys := componentKeys
	if group {
		keys = groupKeys
	}
	c.keys(o, keys)
	c.ids(o, "id", "page_id")
	c.times(o, "created_at", "updated_at")
	c.word("status", o.text("status"), stateWords)
	c.kinds(o, map[string]string{
		"name": "s", "position": "n", "description": "s?", "showcase": "b", "start_date": "s?", "group_id": "s?", "group": "b", "only_show_if_degraded": "b",
	})
	if o.text("page_id") != c.page.text("id") {
		c.fail("%s is on another page", o.text("name"))
	}
}

func (c *shape) incidents(list []*object, keys, stages []string) {
	created := "9"
	for _, o := range list {
		if at := o.text("created_at"); at > created {
			c.fail("%s stands after one that is older", o.text("name"))
		} else {
			created = at
		}
		c.keys(o, keys)
		c.ids(o, "id", "page_id")
		c.times(o, "created_at", "updated_at", "monitoring_at?", "resolved_at?", "started_at")
		c.word("status", o.text("status"), stages)
		c.word("impact", o.text("impact"), indicatorWords)
		if !strings.HasSuffix(o.text("shortlink"), "/notices/"+o.text("id")) || !strings.HasPrefix(o.text("shortlink"), c.page.text("url")) {
			c.fail("the shortlink is %v", o.of["shortlink"])
		}
		if slices.Contains(keys, "scheduled_for") {
			c.times(o, "scheduled_for", "scheduled_until")
			if o.text("impact") != "maintenance" {
				c.fail("the impact of a maintenance is %s", o.text("impact"))
			}
		}
		for _, component := range o.list("components") {
			c.component(component, false)
		}
		c.updates(o, stages)
	}
}

func (c *shape) updates(incident *object, stages []string) {
	created := "9"
	for _, o := range incident.list("incident_updates") {
		c.keys(o, updateKeys)
		c.ids(o, "id", "incident_id")
		c.times(o, "created_at", "updated_at", "display_at")
		c.word("status", o.text("status"), stages)
		c.kinds(o, map[string]string{"body": "s", "affected_components": "a?", "deliver_notifications": "b", "custom_tweet": "?", "tweet_id": "?"})
		if at := o.text("created_at"); at > created {
			c.fail("the update of %s stands after an older one", at)
		} else {
			created = at
		}
		if o.text("incident_id") != incident.text("id") {
			c.fail("an update is of another incident")
		}
		if o.of["affected_components"] == nil {
			continue
		}
		if len(o.of["affected_components"].([]any)) == 0 {
			c.fail("no affected component is null, and not an empty list")
		}
		for _, a := range o.list("affected_components") {
			c.keys(a, affectedKeys)
			c.ids(a, "code")
			c.word("old_status", a.text("old_status"), stateWords)
			c.word("new_status", a.text("new_status"), stateWords)
		}
	}
}

// TestC15EveryAddressHasExactlyStatuspagesShape is the reference's 2.1 over every story, and over all of them as one page.
func TestC15EveryAddressHasExactlyStatuspagesShape(t *testing.T) {
	t.Parallel()
	var all []*status.Board
	for i, story := range statustest.Stories() {
		t.Run(story.Name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, story.World.Board())
			for _, e := range endpoints {
				c := &shape{t: t, at: e.path}
				c.whole(s.tree("/"+story.World.Site.Name+e.path), e.keys)
			}
		})
		all = append(all, apart(t, statustest.Stories()[i].World, story.Name, i+1))
	}
	t.Run("all of them", func(t *testing.T) {
		t.Parallel()
		s := serve(t, all...)
		for _, e := range endpoints {
			c := &shape{t: t, at: e.path}
			c.whole(s.tree(e.path), e.keys)
		}
	})
}

// TestGolden shows what the busy story looks like at every address.
func TestGolden(t *testing.T) {
	t.Parallel()
	s := serve(t, statustest.Busy().Board())
	paths := []string{
		"/api/v2/incidents/" + statustest.ID("notice", 3) + ".json", "/api/v2/incidents/" + statustest.ID("notice", 4) + ".json",
		"/incidents/" + statustest.ID("notice", 1) + ".json", "/history.json", "/uptime/" + statustest.ID("comp", 3) + ".json",
	}
	for _, e := range endpoints {
		paths = append(paths, e.path)
	}
	for _, path := range paths {
		golden(t, strings.ReplaceAll(strings.TrimPrefix(path, "/"), "/", "-"), s.get("/prod"+path))
	}
	for _, e := range endpoints {
		golden(t, "root-"+strings.ReplaceAll(strings.TrimPrefix(e.path, "/"), "/", "-"), s.get(e.path))
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
	}
}

// The types of a client that refuses every field that it does not know, typed from the reference.
type (
	strictBody struct {
		Page         *strictPage         `json:"page"`
		Components   []strictComponent   `json:"components"`
		Incidents    []strictIncident    `json:"incidents"`
		Maintenances []strictMaintenance `json:"scheduled_maintenances"`
		Status       *struct {
			Indicator   string `json:"indicator"`
			Description string `json:"description"`
		} `json:"status"`
	}
	strictPage struct {
		ID        string `json:"id"`
		Name      string `json:"name"`
		URL       string `json:"url"`
		TimeZone  string `json:"time_zone"`
		UpdatedAt string `json:"updated_at"`
	}
	strictComponent struct {
		ID                 string   `json:"id"`
		Name               string   `json:"name"`
		Status             string   `json:"status"`
		CreatedAt          string   `json:"created_at"`
		UpdatedAt          string   `json:"updated_at"`
		Position           int      `json:"position"`
		Description        *string  `json:"description"`
		Showcase           bool     `json:"showcase"`
		StartDate          *string  `json:"start_date"`
		GroupID            *string  `json:"group_id"`
		PageID             string   `json:"page_id"`
		Group              bool     `json:"group"`
		OnlyShowIfDegraded bool     `json:"only_show_if_degraded"`
		Components         []string `json:"components"`
	}
	strictIncident struct {
		ID              string            `json:"id"`
		Name            string            `json:"name"`
		Status          string            `json:"status"`
		CreatedAt       string            `json:"created_at"`
		UpdatedAt       string            `json:"updated_at"`
		MonitoringAt    *string           `json:"monitoring_at"`
		ResolvedAt      *string           `json:"resolved_at"`
		Impact          string            `json:"impact"`
		Shortlink       string            `json:"shortlink"`
		StartedAt       string            `json:"started_at"`
		PageID          string            `json:"page_id"`
		IncidentUpdates []strictUpdate    `json:"incident_updates"`
		Components      []strictComponent `json:"components"`
	}
	strictMaintenance struct {
		strictIncident
		ScheduledFor   string `json:"scheduled_for"`
		ScheduledUntil string `json:"scheduled_until"`
	}
	strictUpdate struct {
		ID                   string           `json:"id"`
		Status               string           `json:"status"`
		Body                 string           `json:"body"`
		IncidentID           string           `json:"incident_id"`
		CreatedAt            string           `json:"created_at"`
		UpdatedAt            string           `json:"updated_at"`
		DisplayAt            string           `json:"display_at"`
		AffectedComponents   []strictAffected `json:"affected_components"`
		DeliverNotifications bool             `json:"deliver_notifications"`
		CustomTweet          *string          `json:"custom_tweet"`
		TweetID              *string          `json:"tweet_id"`
	}
	strictAffected struct {
		Code      string `json:"code"`
		Name      string `json:"name"`
		OldStatus string `json:"old_status"`
		NewStatus string `json:"new_status"`
	}
)

// TestAClientThatRefusesUnknownFieldsTakesEverything is what check-statuspage does (reference 2.1, "Strictness").
func TestAClientThatRefusesUnknownFieldsTakesEverything(t *testing.T) {
	t.Parallel()
	for _, story := range statustest.Stories() {
		s := serve(t, story.World.Board())
		for _, e := range endpoints {
			for _, base := range []string{"/" + story.World.Site.Name, ""} {
				d := json.NewDecoder(bytes.NewReader(s.get(base + e.path)))
				d.DisallowUnknownFields()
				if err := d.Decode(&strictBody{}); err != nil {
					t.Errorf("%s: %s%s: %v", story.Name, base, e.path, err)
				}
			}
		}
	}
}
