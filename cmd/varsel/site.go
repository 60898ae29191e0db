package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/varselhub/varsel/client"
)

// siteCommand is for who keeps a status site, also at three in the morning: every answer says what happened, what it means
// and what to do next.
type siteCommand struct {
	List    siteListCommand    `cmd:"" help:"List the status sites, and what each says first."`
	Show    siteShowCommand    `cmd:"" help:"Show how a site stands: what is not as it should be, and what is said of it."`
	State   siteStateCommand   `cmd:"" help:"Say how a component does."`
	Open    siteOpenCommand    `cmd:"" help:"Open an incident, a maintenance, an action, an announcement or a bulletin."`
	Say     siteSayCommand     `cmd:"" help:"Say more of a notice, or that it is over."`
	Notices siteNoticesCommand `cmd:"" help:"List what is said on a site."`
	Get     siteGetCommand     `cmd:"" help:"Print what stands on a site, to be changed and put back."`
	Put     sitePutCommand     `cmd:"" help:"Make a site, or make it what a file says."`
	Export  siteExportCommand  `cmd:"" help:"Copy a site into a folder that any web server serves: a second host for when the first is gone."`
	Remove  siteRemoveCommand  `cmd:"" help:"Take a site away. What was said on it is kept."`
}

type siteListCommand struct {
	JSON bool `help:"Print JSON, one line for each, for programs."`
	hubFlags
}

// Run lists the sites.
func (c *siteListCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	table, none := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0), true
	for one, err := range hub.AllSites(ctx) {
		none = false
		switch {
		case err != nil:
			return err
		case c.JSON:
			err = printJSON(s.out, one)
		default:
			_, err = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", one.Name, one.Headline.Description, countOf(one.Open, "open notice"), countOf(one.Upcoming, "planned"), one.URL)
		}
		if err != nil {
			return err
		}
	}
	if none && !c.JSON {
		fmt.Fprintln(s.err, "There is no status site. Make one: varsel site put FILE; docs/api.md shows what such a file says.")
	}
	return table.Flush()
}

// countOf writes a number of things.
func countOf(n int, what string) string {
	if n != 1 && !strings.HasSuffix(what, "ed") {
		what += "s"
	}
	return fmt.Sprintf("%d %s", n, what)
}

type siteShowCommand struct {
	Site string `arg:"" help:"Name of the site."`
	JSON bool   `help:"Print JSON, for programs."`
	hubFlags
}

// Run shows how the site stands.
func (c *siteShowCommand) Run(ctx context.Context, s *streams) error {
	desk, err := c.desk(ctx, s, c.Site)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, desk.board)
	}
	desk.tellBoard(s.out)
	return nil
}

// tellBoard writes what matters of a site now.
func (d *siteDesk) tellBoard(out io.Writer) {
	b := d.board
	fmt.Fprintf(out, "%s: %s\n%s\n", d.say(b.Title), b.Headline.Description, b.URL)
	if b.Stale > 0 {
		fmt.Fprintf(out, "! What the hub knows is %s old.\n", (time.Duration(b.Stale) * time.Second).String())
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	well := 0
	for i := range b.Components {
		k := &b.Components[i]
		if k.State == client.Operational {
			well++
			continue
		}
		fmt.Fprintf(table, "  %s\t%s\tsince %s\t%s\t%s\n", d.say(k.Title), k.State, d.clock(k.Since), d.say(k.Reason), k.ID)
	}
	_ = table.Flush()
	fmt.Fprintf(out, "%s of %d operational.\n", countOf(well, "component"), len(b.Components))
	for _, group := range []struct {
		title string
		list  []client.Notice
	}{{"Open", b.Open}, {"Planned", b.Upcoming}} {
		if len(group.list) > 0 {
			fmt.Fprintf(out, "%s:\n", group.title)
			d.tellNotices(out, group.list)
		}
	}
	if len(b.Open) == 0 {
		fmt.Fprintf(out, "Nothing is open. To open an incident: varsel site open %s --kind incident --title \"…\" --component NAME=major_outage\n", b.Site)
	}
}

// tellNotices writes notices, one a line.
func (d *siteDesk) tellNotices(out io.Writer, list []client.Notice) {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i := range list {
		n := &list[i]
		when := "since " + d.clock(n.Started)
		switch {
		case n.Stage == client.StageScheduled || n.Stage == client.StageComing:
			when = "from " + d.clock(n.Starts)
		case !n.Resolved.IsZero():
			when = "over " + d.clock(n.Resolved)
		}
		late := ""
		if !n.NextUpdate.IsZero() && n.Resolved.IsZero() {
			late = "more promised by " + d.clock(n.NextUpdate)
			if n.NextUpdate.Before(time.Now()) {
				late = "! more was promised by " + d.clock(n.NextUpdate)
			}
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\t%s\t%s\t%s\n", n.ID, n.Kind, n.Stage, n.Impact, when, d.say(n.Title), late)
	}
	_ = table.Flush()
}

type siteGetCommand struct {
	Site string `arg:"" help:"Name of the site."`
	YAML bool   `help:"Print YAML in place of JSON."`
	hubFlags
}

// Run prints the document alone, so that it can go into a file.
func (c *siteGetCommand) Run(ctx context.Context, s *streams) error {
	hub, err := c.hub()
	if err != nil {
		return err
	}
	site, tag, err := hub.Site(ctx, c.Site)
	if err != nil {
		return err
	}
	text, err := siteText(&site, c.YAML)
	if err == nil {
		_, err = s.out.Write(text)
	}
	if err == nil && isTerminal(s.err) {
		fmt.Fprintf(s.err, "Change it and put it back: varsel site put FILE --if-match %s\n", strings.Trim(string(tag), `"`))
	}
	return err
}

type sitePutCommand struct {
	File    string `arg:"" help:"File with the whole site, JSON or YAML; - is standard input." type:"path" placeholder:"FILE"`
	IfMatch string `help:"Only if the site is in this state, as varsel site get tells it; else whatever it is." placeholder:"STATE"`
	JSON    bool   `help:"Print the site as it is then as JSON, for programs."`
	hubFlags
}

// Run puts the site, and says what of it is new and what is gone: people subscribe to components.
func (c *sitePutCommand) Run(ctx context.Context, s *streams) error {
	site, err := c.read(s)
	if err != nil {
		return err
	}
	hub, err := c.hub()
	if err != nil {
		return err
	}
	old, tag, err := hub.Site(ctx, site.Name)
	missing := client.Has(err, client.CodeNotFound)
	if err != nil && !missing {
		return err
	}
	match := tag
	if c.IfMatch != "" {
		match = client.ETag(`"` + strings.Trim(c.IfMatch, `"`) + `"`)
	}
	now, next, err := hub.PutSite(ctx, site, match)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, now)
	}
	switch {
	case missing:
		fmt.Fprintf(s.out, "The site %s is made, with %s. All are operational until somebody says otherwise.\n", now.Name, countOf(len(componentsOf(&now)), "component"))
	case next == tag:
		fmt.Fprintf(s.out, "The site %s is so already; nothing was changed.\n", now.Name)
	default:
		fmt.Fprintf(s.out, "The site %s is changed.\n", now.Name)
		tellDifference(s.out, &old, &now)
	}
	board, err := hub.Board(ctx, now.Name)
	if err == nil {
		fmt.Fprintf(s.out, "People see it at %s\n", board.URL)
	}
	return err
}

func (c *sitePutCommand) read(s *streams) (site client.Site, err error) {
	var text []byte
	if c.File == "-" {
		text, err = io.ReadAll(s.in)
	} else {
		text, err = os.ReadFile(c.File)
	}
	if err != nil {
		return site, err
	}
	if err = readSite(text, &site); err != nil {
		return site, fmt.Errorf("%s is no site: %w", c.File, err)
	}
	if site.Name == "" {
		return site, fmt.Errorf("%s does not say which site it is; give it a name", c.File)
	}
	return site, nil
}

// tellDifference writes which components came and went.
func tellDifference(out io.Writer, old, now *client.Site) {
	was, is := componentsOf(old), componentsOf(now)
	for _, id := range onlyIn(is, was) {
		fmt.Fprintf(out, "  + %s is new, with a past and subscribers of its own from now on\n", is[id])
	}
	for _, id := range onlyIn(was, is) {
		fmt.Fprintf(out, "  - %s is gone; it comes back with its past when it is put again with the id %s\n", was[id], id)
	}
}

// onlyIn are the ids in one that are not in the other, in order of title.
func onlyIn(one, other map[string]string) []string {
	ids := slices.DeleteFunc(slices.Collect(maps.Keys(one)), func(id string) bool { _, there := other[id]; return there })
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(cmp.Compare(one[a], one[b]), cmp.Compare(a, b)) })
	return ids
}

// componentsOf are the English titles of a site's components by id.
func componentsOf(site *client.Site) map[string]string {
	titles := map[string]string{}
	add := func(list []client.SiteComponent) {
		for i := range list {
			titles[list[i].ID] = textIn(list[i].Title, site.Languages)
		}
	}
	for i := range site.Sections {
		add(site.Sections[i].Components)
		for j := range site.Sections[i].Groups {
			add(site.Sections[i].Groups[j].Components)
		}
	}
	return titles
}

type siteRemoveCommand struct {
	Site string `arg:"" help:"Name of the site."`
	hubFlags
}

// Run takes the site away.
func (c *siteRemoveCommand) Run(ctx context.Context, s *streams) error {
	desk, err := c.desk(ctx, s, c.Site)
	if err != nil {
		return err
	}
	if err := desk.hub.DeleteSite(ctx, c.Site, client.AnyState); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "The site %s is gone: %s leads nowhere now.\n", c.Site, desk.board.URL)
	if n := len(desk.board.Open); n > 0 {
		fmt.Fprintf(s.out, "  %s went with it, unresolved.\n", countOf(n, "open notice"))
	}
	fmt.Fprintln(s.out, "  What was said on it is kept, and comes back when the site is put again under this name.")
	return nil
}

// siteDesk is where something is done on a site: the site as it stands, in whose zone and languages people write.
type siteDesk struct {
	hub   *client.Client
	board client.Board
	zone  *time.Location
	s     *streams
}

// desk reads how a site stands.
func (f *hubFlags) desk(ctx context.Context, s *streams, site string) (*siteDesk, error) {
	hub, err := f.hub()
	if err != nil {
		return nil, err
	}
	board, err := hub.Board(ctx, site)
	if client.Has(err, client.CodeNotFound) {
		return nil, errors.Join(err, errors.New("  varsel site list tells which there are"))
	}
	if err != nil {
		return nil, err
	}
	zone, err := time.LoadLocation(board.Zone)
	if err != nil {
		zone = time.UTC // this machine knows less than the hub
	}
	return &siteDesk{hub: hub, board: board, zone: zone, s: s}, nil
}

// say is a text as the person reads it: in English, else in the first language that there is.
func (d *siteDesk) say(t client.Text) string { return textIn(t, d.board.Languages) }

func textIn(t client.Text, languages []string) string {
	for _, language := range append([]string{"en"}, languages...) {
		if t[language] != "" {
			return t[language]
		}
	}
	return ""
}

// clock writes a moment in the site's zone.
func (d *siteDesk) clock(t time.Time) string {
	if t.IsZero() {
		return "?"
	}
	return t.In(d.zone).Format("2006-01-02 15:04 MST")
}
