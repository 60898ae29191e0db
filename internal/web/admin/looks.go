package admin

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/status"
)

type looksView struct {
	*sheet
	Texts     []tongue
	Languages choice
	First     choice
	Zone      field
	Hosts     *field
	Support   field
	Env       field
	Boxes     []option
	Weights   []field
	Accent    swatch
	States    []lookFields
	Seen      int64
	Zones     []string
}

// lookFields are the fields for how a state looks.
type lookFields struct {
	State  status.State
	Mark   *mark
	Own    bool // the site has something of its own here
	Names  []tongue
	Light  swatch
	Dark   swatch
	Symbol choice
}

// swatch is a colour, as it is typed and as it looks.
type swatch struct {
	Field    field
	Colour   string // as it is shown
	Page     string // what it stands on
	Symbol   string
	Contrast string
	Enough   bool
	Label    string
}

// zones are suggestions: where those who use the hub are. Any other zone can be typed.
var zones = []string{
	"Europe/Copenhagen", "Europe/Paris", "Europe/Warsaw", "Europe/London", "Europe/Berlin", "Europe/Stockholm", "Europe/Oslo", "Europe/Helsinki",
	"America/Montreal", "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "Atlantic/Faroe", "America/Nuuk", "Etc/UTC",
}

// looks edits the site itself: what it is called, in which languages, where it is reached, and how it looks.
func (v *visit) looks() error {
	s, f := v.sheet(v.Say("tab looks"), "looks"), v.form(v.fillLooks(v.site))
	s.Form = f
	if v.posted() {
		err := v.changeSite(s, f, func(next *status.Site) error { v.readLooks(f, next); return nil }, looksField)
		if err == nil && !s.Refused() {
			return v.done(v.to("/looks"), "looks")
		}
		if err := v.kept(s, err); err != nil {
			return err
		}
		if then := v.Book.SiteThen(v.site.Name, f.seen()); s.Clash != nil && then != nil {
			f.merge(v.fillLooks(then), v.fillLooks(v.site))
		}
	}
	view := &looksView{sheet: s, Seen: v.siteSeen(), Zones: zones}
	view.Texts = f.tongues(worded{"title", "text", f.Say("name of site"), maxTitle, 0, true}, worded{"description", "area", f.Say("description"), maxAbout, 3, false})
	v.siteFields(f, view)
	v.themeFields(f, view)
	return v.show("looks", s, view)
}

// siteFields are the fields of what a site is.
func (v *visit) siteFields(f *form, view *looksView) {
	view.Languages, view.First = v.languageChoices(f)
	view.Languages.Hint = f.Say("languages hint")
	view.Zone = f.field("text", "zone", f.Say("zone"))
	view.Zone.List, view.Zone.Required, view.Zone.Hint = "zones", true, f.Say("zone hint")
	if v.reachesBeyond() {
		hosts := f.field("area", "hosts", f.Say("hosts"))
		hosts.Rows, hosts.Hint, view.Hosts = 3, f.Say("hosts hint"), &hosts
	}
	view.Support = f.field("text", "supportUrl", f.Say("support address"))
	view.Support.Max, view.Support.Hint = 2000, f.Say("support address hint")
	view.Env = f.field("text", "environment", f.Say("environment"))
	view.Env.Max, view.Env.Hint = 40, f.Say("environment hint")
	view.Boxes = []option{
		f.box("private", f.Say("private"), f.Say("private hint")), f.box("subscribe", f.Say("subscribe"), f.Say("subscribe hint")),
		f.box("v2.messages", f.Say("v2 messages"), f.Say("v2 messages hint")),
	}
	for _, one := range [][2]string{{"maintenance", string(status.Maintenance)}, {"degraded", string(status.Degraded)}, {"partial", string(status.PartialOutage)}, {"major", string(status.MajorOutage)}} {
		weight := f.field("number", "weights."+one[0], v.mark(status.State(one[1])).Word)
		weight.Least, weight.Most, weight.Step, weight.Narrow = "0", "1", "0.05", true
		view.Weights = append(view.Weights, weight)
	}
}

func (v *visit) languageChoices(f *form) (all, first choice) {
	var list, again []option
	for _, language := range status.Languages {
		list = append(list, option{Value: language, Label: f.Tongue(language)})
		again = append(again, option{Value: language, Label: f.Tongue(language)})
	}
	all, first = f.choice("languages", f.Say("languages"), list...), f.choice("first", f.Say("first language"), again...)
	all.Many = true
	first.Hint = f.Say("first language hint")
	return all, first
}

func (v *visit) themeFields(f *form, view *looksView) {
	view.Accent = v.swatch(f, "theme.accent", f.Say("accent"), "", status.LightPage, "square")
	view.Accent.Field.Hint = f.Say("accent hint")
	for _, state := range slices.Concat(status.States, []status.State{status.NoData}) {
		at, own, is := "theme.states."+string(state), v.site.Theme.States[state], (&status.Site{}).Look(state)
		fields := lookFields{State: state, Mark: v.mark(state), Own: !own.Name.Empty() || own.Light != "" || own.Dark != "" || own.Symbol != ""}
		fields.Names = f.tongues(worded{at + ".name", "text", f.Say("state called"), 80, 0, false})
		symbol := f.values.Get(at + ".symbol")
		if symbol == "" {
			symbol = is.Symbol
		}
		fields.Light = v.swatch(f, at+".light", f.Say("colour light"), is.Light, status.LightPage, symbol)
		fields.Dark = v.swatch(f, at+".dark", f.Say("colour dark"), is.Dark, status.DarkPage, symbol)
		options := []option{{Value: "", Label: f.Say("hub's own"), Symbol: is.Symbol}}
		for _, symbol := range status.StateSymbols {
			options = append(options, option{Value: symbol, Label: f.Say("shape " + symbol), Symbol: symbol})
		}
		fields.Symbol = f.choice(at+".symbol", f.Say("shape"), options...)
		view.States = append(view.States, fields)
	}
}

// swatch puts a colour on the page. What is no colour is shown as the hub's own.
func (v *visit) swatch(f *form, name, label, own, page, symbol string) swatch {
	s := swatch{Field: f.field("text", name, label), Page: page, Symbol: symbol, Label: f.Say("contrast")}
	s.Field.Max, s.Field.Narrow, s.Field.Hint = 7, true, own
	if own != "" {
		s.Field.Hint = f.Say("empty is", own)
	}
	if s.Colour = s.Field.Value; !isColour(s.Colour) {
		s.Colour = own
	}
	if s.Colour != "" {
		ratio := status.Contrast(s.Colour, page)
		s.Contrast, s.Enough = f.Decimal(float64(int(ratio*10))/10, 1)+" : 1", ratio >= status.LeastContrast
	}
	return s
}

func isColour(text string) bool {
	var r, g, b uint8
	n, err := fmt.Sscanf(text, "#%02x%02x%02x", &r, &g, &b)
	return err == nil && n == 3 && len(text) == 7
}

// fillLooks writes what a site is as it would be typed.
func (v *visit) fillLooks(site *status.Site) url.Values {
	values := url.Values{"languages": site.Languages, "first": {site.Languages[0]}}
	if v.reachesBeyond() {
		values.Set("hosts", strings.Join(site.Hosts, "\n"))
	}
	fillTexts(values, "title", site.Title)
	fillTexts(values, "description", site.Description)
	for name, text := range map[string]string{"zone": site.Zone, "supportUrl": site.SupportURL, "environment": site.Environment, "theme.accent": site.Theme.Accent} {
		values.Set(name, text)
	}
	for name, is := range map[string]bool{"private": site.Private, "subscribe": site.Subscribe, "v2.messages": site.V2.Messages} {
		if is {
			values.Set(name, "yes")
		}
	}
	weights := site.Uptime()
	for name, weight := range map[string]float64{"maintenance": weights.Maintenance, "degraded": weights.Degraded, "partial": weights.Partial, "major": weights.Major} {
		values.Set("weights."+name, strconv.FormatFloat(weight, 'f', -1, 64))
	}
	for state, look := range site.Theme.States {
		at := "theme.states." + string(state)
		fillTexts(values, at+".name", look.Name)
		values.Set(at+".light", look.Light)
		values.Set(at+".dark", look.Dark)
		values.Set(at+".symbol", look.Symbol)
	}
	return values
}

// readLooks writes what is typed into a site. What is written in a language that the site is no longer in goes.
func (v *visit) readLooks(f *form, site *status.Site) {
	readLanguages(f, site)
	// Texts are read in the languages that there were fields for; those that are gone are left out below.
	site.Title, site.Description = f.texts("title"), f.texts("description")
	site.Zone, site.SupportURL, site.Environment = f.text("zone"), f.text("supportUrl"), f.text("environment")
	if v.reachesBeyond() {
		site.Hosts = strings.Fields(strings.NewReplacer(",", " ", ";", " ").Replace(strings.ToLower(f.text("hosts"))))
	}
	site.Private, site.Subscribe, site.V2.Messages = f.ticked("private"), f.ticked("subscribe"), f.ticked("v2.messages")
	weights := status.Weights{
		Maintenance: f.number("weights.maintenance", 0, 1), Degraded: f.number("weights.degraded", 0, 1), Partial: f.number("weights.partial", 0, 1), Major: f.number("weights.major", 0, 1),
	}
	if site.Weights = &weights; weights == status.DefaultWeights {
		site.Weights = nil
	}
	site.Theme = status.Theme{Accent: f.text("theme.accent")}
	for _, state := range slices.Concat(status.States, []status.State{status.NoData}) {
		at := "theme.states." + string(state)
		look := status.Look{Name: f.texts(at + ".name"), Light: f.text(at + ".light"), Dark: f.text(at + ".dark"), Symbol: f.text(at + ".symbol")}
		if !look.Name.Empty() || look.Light != "" || look.Dark != "" || look.Symbol != "" {
			if site.Theme.States == nil {
				site.Theme.States = map[status.State]status.Look{}
			}
			site.Theme.States[state] = look
		}
	}
	inOwnLanguages(site)
}

// readLanguages puts the languages that are ticked in order, the one that is shown to who asks for none first.
func readLanguages(f *form, site *status.Site) {
	languages := slices.Clone(f.values["languages"])
	if len(languages) == 0 {
		f.refuse("languages", "required")
		return
	}
	first := f.text("first")
	if !slices.Contains(languages, first) {
		f.refuse("first", "first language")
		return
	}
	kept := slices.DeleteFunc(slices.Clone(site.Languages), func(l string) bool { return !slices.Contains(languages, l) })
	for _, language := range languages {
		if !slices.Contains(kept, language) {
			kept = append(kept, language)
		}
	}
	at := slices.Index(kept, first)
	site.Languages = append([]string{first}, slices.Delete(kept, at, at+1)...)
}

// inOwnLanguages leaves of every text what is in a language of the site.
func inOwnLanguages(site *status.Site) {
	own := func(texts ...*status.Text) {
		for _, t := range texts {
			if *t = site.Own(*t); t.Empty() {
				*t = nil
			}
		}
	}
	own(&site.Title, &site.Description)
	for i := range site.Sections {
		section := &site.Sections[i]
		own(&section.Title, &section.Description)
		for j := range section.Groups {
			own(&section.Groups[j].Title, &section.Groups[j].Description)
		}
	}
	eachList(site, func(_ spot, list *[]status.Component) {
		for k := range *list {
			c := &(*list)[k]
			own(&c.Title, &c.Description, &c.Impact)
		}
	})
	for state, look := range site.Theme.States {
		own(&look.Name)
		site.Theme.States[state] = look
	}
}

// looksField is the field that a value of the site's document is typed in: host names share one.
func looksField(_ *status.Site, pointer string) string {
	for _, list := range []string{"/hosts/", "/languages/"} {
		if strings.HasPrefix(pointer, list) {
			return strings.Trim(list, "/")
		}
	}
	return named(pointer)
}
