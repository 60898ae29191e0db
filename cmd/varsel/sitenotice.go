package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/varselhub/varsel/client"
)

// sayingFlags are what an update says, whether it is the first of a notice or another.
type sayingFlags struct {
	Stage      string   `help:"How far it is: of an incident investigating, identified, monitoring, resolved; of a maintenance scheduled, in_progress, verifying, completed; of the others planned, published, ended." placeholder:"STAGE"`
	Body       []string `help:"What is said: en=TEXT, once for each language; without a language it is the site's first." sep:"none" placeholder:"TEXT"`
	Component  []string `help:"NAME=STATE: how a component does from now on; NAME alone with open: it is affected. By id or English name." sep:"none" placeholder:"NAME=STATE"`
	Expected   string   `help:"When it should be over: a time, or how long from now, such as 2h." placeholder:"TIME"`
	NextUpdate string   `help:"When more is promised to be said: a time, or how long from now, such as 30m." placeholder:"TIME"`
	Quiet      bool     `help:"Send it to nobody; it stands on the page and in the feeds."`
	JSON       bool     `help:"Print the notice as JSON, for programs."`
	hubFlags
}

// components reads which components are named, and how those are said to do that are said to.
func (d *siteDesk) components(named []string) (ids []string, says map[string]client.ComponentState, err error) {
	for _, one := range named {
		name, word, said := one, "", false
		if at := strings.LastIndexByte(one, '='); at >= 0 {
			name, word, said = one[:at], one[at+1:], true
		}
		k, err := d.component(name)
		if err != nil {
			return nil, nil, err
		}
		ids = append(ids, k.ID)
		if !said {
			continue
		}
		state, err := stateNamed(word)
		if err != nil {
			return nil, nil, fmt.Errorf("--component %s: %w", one, err)
		}
		if says == nil {
			says = map[string]client.ComponentState{}
		}
		says[k.ID] = state
	}
	return ids, says, nil
}

type siteOpenCommand struct {
	Site     string   `arg:"" help:"Name of the site."`
	Kind     string   `help:"incident, maintenance, action, announcement or bulletin." enum:"incident,maintenance,action,announcement,bulletin" default:"incident"`
	Title    []string `help:"What it is called: en=TEXT, once for each language; without a language it is the site's first." sep:"none" required:"" placeholder:"TEXT"`
	Section  []string `help:"A section that it is about." placeholder:"NAME"`
	Started  string   `help:"When it began, where that was before now: a time, or how long ago, such as 20m." placeholder:"TIME"`
	Starts   string   `help:"When a maintenance begins, or what is not an incident is shown from." placeholder:"TIME"`
	Ends     string   `help:"And until when." placeholder:"TIME"`
	Every    string   `help:"A maintenance that comes again: each day, week or month." enum:",day,week,month" default:"" placeholder:"day"`
	ByHand   bool     `help:"A maintenance that does not begin and end by itself."`
	Pause    []string `help:"A system that nothing is delivered to while the maintenance is in progress." placeholder:"SYSTEM"`
	Deadline string   `help:"By when an action is to be done." placeholder:"TIME"`
	Audience []string `help:"Whom it is for: en=TEXT." sep:"none" placeholder:"TEXT"`
	Override string   `help:"The impact, in place of the one that follows from the components." enum:",none,maintenance,minor,major,critical" default:"" placeholder:"minor"`
	sayingFlags
}

// Run opens the notice, and says who sees what of it.
func (c *siteOpenCommand) Run(ctx context.Context, s *streams) error {
	desk, err := c.desk(ctx, s, c.Site)
	if err != nil {
		return err
	}
	document, err := c.document(desk)
	if err != nil {
		return err
	}
	n, _, err := desk.hub.OpenNotice(ctx, c.Site, *document)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, n)
	}
	fmt.Fprintf(s.out, "Opened: %s %q, %s\n", n.Kind, desk.say(n.Title), n.ID)
	return desk.tellDone(ctx, s.out, &n, c.Quiet)
}

func (c *siteOpenCommand) document(d *siteDesk) (*client.NewNotice, error) {
	n := &client.NewNotice{Kind: client.NoticeKind(c.Kind), Stage: client.Stage(c.Stage), Quiet: c.Quiet}
	n.Override, n.Sections, n.Pause, n.ByHand = c.Override, c.Section, c.Pause, c.ByHand
	if c.Every != "" {
		n.Repeat = &client.Repeat{Every: c.Every}
	}
	var errs []error
	text := func(flag string, values []string, into *client.Text) {
		t, err := d.text(flag, values)
		*into = t
		errs = append(errs, err)
	}
	moment := func(flag, value string, way int, into *time.Time) {
		t, err := d.moment(flag, value, way)
		*into = t
		errs = append(errs, err)
	}
	text("--title", c.Title, &n.Title)
	text("--body", c.Body, &n.Body)
	text("--audience", c.Audience, &n.Audience)
	moment("--started", c.Started, past, &n.Started)
	moment("--starts", c.Starts, future, &n.Starts)
	moment("--ends", c.Ends, future, &n.Ends)
	moment("--deadline", c.Deadline, future, &n.Deadline)
	moment("--expected", c.Expected, future, &n.Expected)
	moment("--next-update", c.NextUpdate, future, &n.NextUpdate)
	ids, says, err := d.components(c.Component)
	n.Components, n.Affected = ids, says
	return n, errors.Join(append(errs, err)...)
}

type siteSayCommand struct {
	Site   string `arg:"" help:"Name of the site."`
	Notice string `arg:"" optional:"" help:"Id of the notice; where one incident or maintenance is open it may be left out."`
	sayingFlags
}

// Run says more of the notice.
func (c *siteSayCommand) Run(ctx context.Context, s *streams) error {
	desk, err := c.desk(ctx, s, c.Site)
	if err != nil {
		return err
	}
	if c.Notice == "" {
		if c.Notice, err = desk.theOpen(); err != nil {
			return err
		}
	}
	u := client.NewUpdate{Stage: client.Stage(c.Stage), Quiet: c.Quiet}
	if u.Body, err = desk.text("--body", c.Body); err != nil {
		return err
	}
	if _, u.Affected, err = desk.components(c.Component); err != nil {
		return err
	}
	for _, at := range []struct {
		flag, text string
		into       **time.Time
	}{{"--expected", c.Expected, &u.Expected}, {"--next-update", c.NextUpdate, &u.NextUpdate}} {
		t, err := desk.moment(at.flag, at.text, future)
		if err != nil {
			return err
		}
		if !t.IsZero() {
			*at.into = &t
		}
	}
	n, _, err := desk.hub.Say(ctx, c.Site, c.Notice, u, "")
	if client.Has(err, client.CodeNotFound) {
		return errors.Join(err, fmt.Errorf("  varsel site notices %s tells which there are", c.Site))
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, n)
	}
	fmt.Fprintf(s.out, "Said of %s %q: %s\n", n.Kind, desk.say(n.Title), n.Stage)
	return desk.tellDone(ctx, s.out, &n, c.Quiet)
}

// theOpen is the one incident or maintenance that is open.
func (d *siteDesk) theOpen() (string, error) {
	var open []client.Notice
	for _, n := range d.board.Open {
		if n.Kind == client.KindIncident || n.Kind == client.KindMaintenance {
			open = append(open, n)
		}
	}
	if len(open) == 1 {
		return open[0].ID, nil
	}
	if len(open) == 0 {
		return "", fmt.Errorf("nothing is open on the site %s; give the id of a notice, as varsel site notices %s --all lists it", d.board.Site, d.board.Site)
	}
	var list strings.Builder
	d.tellNotices(&list, open)
	return "", fmt.Errorf("several are open on the site %s; give the id of one:\n%s", d.board.Site, strings.TrimRight(list.String(), "\n"))
}

// tellDone says what has become of a notice, what it means, and what comes next.
func (d *siteDesk) tellDone(ctx context.Context, out io.Writer, n *client.Notice, quiet bool) error {
	before := d.board
	if err := d.again(ctx); err != nil {
		return err
	}
	for i := range d.board.Components {
		k := &d.board.Components[i]
		at := slices.IndexFunc(before.Components, func(was client.BoardComponent) bool { return was.ID == k.ID })
		if at >= 0 && before.Components[at].State != k.State {
			fmt.Fprintf(out, "  %s is %s; it was %s.\n", d.say(k.Title), k.State, before.Components[at].State)
		}
	}
	switch {
	case n.Stage == client.StageComing:
		fmt.Fprintf(out, "  It is shown from %s; until then nobody is told.\n", d.clock(n.Starts))
	case quiet:
		fmt.Fprintln(out, "  It is on the page and in the feeds, and sent to nobody.")
	default:
		fmt.Fprintln(out, "  It is on the page, and on its way to those who follow it.")
	}
	if missing := d.unsaid(n); len(missing) > 0 {
		fmt.Fprintf(out, "  Not all of it is said in %s: who reads that sees another language.\n", strings.Join(missing, ", "))
	}
	fmt.Fprintf(out, "  The page says: %s  %s\n", d.board.Headline.Description, d.board.URL)
	if n.URL != "" && n.Stage != client.StageComing {
		fmt.Fprintf(out, "  Its own page: %s\n", n.URL)
	}
	fmt.Fprintf(out, "  Next: %s\n", d.next(n))
	return nil
}

// unsaid are the languages of the site that the title or the newest words are not in.
func (d *siteDesk) unsaid(n *client.Notice) (missing []string) {
	for _, language := range d.board.Languages {
		last := n.Updates[len(n.Updates)-1].Body
		if n.Title[language] == "" || len(last) > 0 && last[language] == "" {
			missing = append(missing, language)
		}
	}
	return missing
}

// next is what is to be done, and by when.
func (d *siteDesk) next(n *client.Notice) string {
	more := fmt.Sprintf("varsel site say %s %s", d.board.Site, n.ID)
	switch {
	case n.Kind == client.KindIncident && !n.Resolved.IsZero():
		return fmt.Sprintf("tell of it afterwards: PUT /api/v1/sites/%s/notices/%s/postmortem", d.board.Site, n.ID)
	case !n.Resolved.IsZero():
		return "nothing; it is over."
	case n.Kind == client.KindIncident && !n.NextUpdate.IsZero():
		return fmt.Sprintf("you have promised more by %s: %s --body \"…\"", d.clock(n.NextUpdate), more)
	case n.Kind == client.KindIncident:
		return more + " --stage resolved --body \"…\" when it is over; --next-update 30m tells people when they hear more"
	case n.Kind == client.KindMaintenance && n.ByHand:
		return more + " --stage in_progress when it begins"
	case n.Kind == client.KindMaintenance && n.Stage == client.StageScheduled:
		return fmt.Sprintf("nothing; it begins by itself at %s and ends at %s", d.clock(n.Starts), d.clock(n.Ends))
	case n.Kind == client.KindMaintenance:
		return fmt.Sprintf("nothing; it ends by itself at %s, or before: %s --stage completed", d.clock(n.Ends), more)
	case n.Stage == client.StageComing && n.Starts.IsZero():
		return more + " --stage published when it is to be shown"
	case !n.Ends.IsZero():
		return fmt.Sprintf("nothing; it is taken down by itself at %s", d.clock(n.Ends))
	}
	return more + " --stage ended when it applies no more"
}

type siteNoticesCommand struct {
	Site string `arg:"" help:"Name of the site."`
	Kind string `help:"Of this kind only: incident, maintenance, action, announcement or bulletin." enum:",incident,maintenance,action,announcement,bulletin" default:"" placeholder:"KIND"`
	All  bool   `help:"Those that are over as well."`
	JSON bool   `help:"Print JSON, one line for each, for programs."`
	hubFlags
}

// Run lists the notices.
func (c *siteNoticesCommand) Run(ctx context.Context, s *streams) error {
	desk, err := c.desk(ctx, s, c.Site)
	if err != nil {
		return err
	}
	var list []client.Notice
	for n, err := range desk.hub.AllNotices(ctx, c.Site, client.NoticeFilter{Kind: client.NoticeKind(c.Kind)}) {
		switch {
		case err != nil:
			return err
		case !c.All && !n.Resolved.IsZero():
			continue
		case c.JSON:
			if err := printJSON(s.out, n); err != nil {
				return err
			}
		}
		list = append(list, n)
	}
	if c.JSON {
		return nil
	}
	if len(list) == 0 {
		fmt.Fprintln(s.err, "Nothing is said now; --all lists what is over.")
	}
	desk.tellNotices(s.out, list)
	return nil
}
