package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/varselhub/varsel/client"
)

type siteStateCommand struct {
	Site      string   `arg:"" help:"Name of the site."`
	Component string   `arg:"" help:"The component: its id, or its English name; GROUP/NAME or SECTION/NAME where there are several."`
	State     string   `arg:"" help:"operational, under_maintenance, degraded_performance, partial_outage, major_outage or no_data; or up, maintenance, degraded, partial, down, unknown."`
	Reason    []string `help:"Why, for people: en=TEXT, once for each language; without a language it is the site's first." sep:"none" placeholder:"TEXT"`
	Since     string   `help:"Since when it is so; else now. RFC 3339, a time in the site's zone such as \"2026-03-01 02:40\" or 02:40, or how long ago: 20m." placeholder:"TIME"`
	JSON      bool     `help:"Print JSON, for programs."`
	hubFlags
}

// Run sets the state, and says what that means for the page.
func (c *siteStateCommand) Run(ctx context.Context, s *streams) error {
	desk, err := c.desk(ctx, s, c.Site)
	if err != nil {
		return err
	}
	component, err := desk.component(c.Component)
	if err != nil {
		return err
	}
	set := client.StateSetting{}
	if set.State, err = stateNamed(c.State); err == nil {
		set.Reason, err = desk.text("--reason", c.Reason)
	}
	if err == nil {
		set.At, err = desk.moment("--since", c.Since, past)
	}
	if err != nil {
		return err
	}
	now, tag, err := desk.hub.SetComponentState(ctx, c.Site, component.ID, set, "")
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, now)
	}
	name := desk.say(component.Title)
	switch {
	case tag == component.Version && tag != "":
		fmt.Fprintf(s.out, "%s is %s already, since %s; nothing was changed.\n", name, now.State, desk.clock(now.Since))
	case component.State == now.State:
		fmt.Fprintf(s.out, "%s is %s as before, since %s; what is said of it is changed.\n", name, now.State, desk.clock(now.Since))
	default:
		fmt.Fprintf(s.out, "%s is %s; it was %s.\n", name, now.State, component.State)
	}
	if err := desk.again(ctx); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "  The page says: %s  %s\n", desk.board.Headline.Description, desk.board.URL)
	if now.State != client.Operational && !slices.ContainsFunc(desk.board.Open, func(n client.Notice) bool { return slices.Contains(n.Components, component.ID) }) {
		fmt.Fprintf(s.out, "  A state alone is sent to no person. If people should know: varsel site open %s --kind incident --title \"…\" --component %s=%s\n", c.Site, component.ID, now.State)
	}
	return nil
}

// again reads how the site stands now.
func (d *siteDesk) again(ctx context.Context) error {
	board, err := d.hub.Board(ctx, d.board.Site)
	if err == nil {
		d.board = board
	}
	return err
}

// stateWords are what people call the states in a hurry.
var stateWords = map[string]client.ComponentState{
	"up": client.Operational, "ok": client.Operational, "operational": client.Operational,
	"maintenance": client.UnderMaintenance, "under_maintenance": client.UnderMaintenance,
	"degraded": client.DegradedPerformance, "degraded_performance": client.DegradedPerformance,
	"partial": client.PartialOutage, "partial_outage": client.PartialOutage,
	"down": client.MajorOutage, "major": client.MajorOutage, "major_outage": client.MajorOutage,
	"unknown": client.NoData, "no_data": client.NoData,
}

func stateNamed(word string) (client.ComponentState, error) {
	if state, known := stateWords[strings.ReplaceAll(strings.ToLower(word), "-", "_")]; known {
		return state, nil
	}
	return "", fmt.Errorf("%q is no state; use one of operational, under_maintenance, degraded_performance, partial_outage, major_outage, no_data, or up, maintenance, degraded, partial, down, unknown", word)
}

// component finds a component by its id or its name, and tells which there are where that is no or more than one.
func (d *siteDesk) component(named string) (*client.BoardComponent, error) {
	var found []*client.BoardComponent
	for i := range d.board.Components {
		k := &d.board.Components[i]
		if k.ID == named {
			return k, nil
		}
		name := d.say(k.Title)
		for _, called := range []string{name, d.say(k.GroupTitle) + "/" + name, k.Section + "/" + name, d.say(d.section(k.Section)) + "/" + name} {
			if strings.EqualFold(called, named) {
				found = append(found, k)
				break
			}
		}
	}
	if len(found) == 1 {
		return found[0], nil
	}
	var list strings.Builder
	among := found
	if len(found) == 0 {
		for i := range d.board.Components {
			among = append(among, &d.board.Components[i])
		}
	}
	const most = 30
	for i, k := range among {
		if i == most {
			fmt.Fprintf(&list, "\n  and %d more: varsel site show %s --json", len(among)-most, d.board.Site)
			break
		}
		place := d.say(d.section(k.Section))
		if group := d.say(k.GroupTitle); group != "" {
			place += ", " + group
		}
		fmt.Fprintf(&list, "\n  %s  %s (%s)", k.ID, d.say(k.Title), place)
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("the site %s has no component %q; it has:%s", d.board.Site, named, list.String())
	}
	return nil, fmt.Errorf("several components of the site %s are called %q; give the id:%s", d.board.Site, named, list.String())
}

func (d *siteDesk) section(name string) client.Text {
	for _, section := range d.board.Sections {
		if section.Name == name {
			return section.Title
		}
	}
	return nil
}

// text reads a text in several languages: en=TEXT, or without a language in the site's first.
func (d *siteDesk) text(flag string, values []string) (client.Text, error) {
	if len(values) == 0 {
		return nil, nil //nolint:nilnil // no text is none
	}
	t := client.Text{}
	for _, value := range values {
		language, text, tagged := strings.Cut(value, "=")
		if !tagged || !slices.Contains(d.board.Languages, language) {
			if tagged && len(language) == 2 && strings.ToLower(language) == language {
				return nil, fmt.Errorf("%s is in %q, and the site %s has %s", flag, language, d.board.Site, strings.Join(d.board.Languages, ", "))
			}
			language, text = d.board.Languages[0], value
		}
		if _, twice := t[language]; twice {
			return nil, fmt.Errorf("%s is there twice in %q; for another language write xx=TEXT", flag, language)
		}
		t[language] = text
	}
	return t, nil
}

// momentForms are how people write a time in the site's zone.
var momentForms = []string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05"}

// Which way from now a time lies that says no day: 20m, or 02:40.
const (
	past   = -1
	future = 1
)

// moment reads a time: RFC 3339, or in the site's zone, or the last or the next time that the clock shows it, or so long
// from now. "" is none.
func (d *siteDesk) moment(flag, text string, way int) (time.Time, error) {
	now := time.Now()
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	if span, err := time.ParseDuration(strings.TrimLeft(text, "+-")); err == nil {
		return now.Add(time.Duration(way) * span).Truncate(time.Second), nil
	}
	for _, form := range momentForms {
		if t, err := time.ParseInLocation(form, text, d.zone); err == nil {
			return t, nil
		}
	}
	if t, err := time.ParseInLocation("15:04", text, d.zone); err == nil {
		today := now.In(d.zone)
		at := time.Date(today.Year(), today.Month(), today.Day(), t.Hour(), t.Minute(), 0, 0, d.zone)
		if at.After(now) != (way == future) {
			at = at.AddDate(0, 0, way)
		}
		return at, nil
	}
	return time.Time{}, fmt.Errorf("%s %q is no time; write 2026-03-01T02:40:00+01:00, \"2026-03-01 02:40\" or 02:40 in %s, or how long from now: 30m", flag, text, d.zone)
}
