package atlas

import (
	"cmp"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// shownEvents is how many events are on a page.
const shownEvents = 40

// asked is what an address asks for.
type asked struct {
	kind   string  // entity type or event type
	event  int64   // that is selected; 0: none
	before int64   // events below this position; 0: the newest
	trail  []int64 // before of the pages that lead here from the newest one, the last of them last
	sheet  *sheet  // nil: what suits
}

// Page is a map.
type Page struct {
	speech
	Style, Code string // stamps
	Register    *register.Register
	Title       string
	Drawing     Drawing
	Says        string // what is seen on the map
	Items       []Item
	Empty       string
	Selected    *Item
	Kinds       []Option
	Kind        string // that is shown
	At          string // of the sheet, where one is asked for
	Zoom        string
	Older       string // links; "": there are none
	Newer       string
	Newest      string
	Moves       []Move
	Feed        string // what the script asks for news
	Seen        int64  // the position up to which events were looked for
	GeoJSON     string
	API         string
	Languages   []Option
	SignedIn    bool
}

// Actions are what happens to objects, in the order of the legend.
func (*Page) Actions() []string { return []string{"create", "update", "delete"} }

// BarY is where the scale bar is.
func (*Page) BarY() int { return sheetHeight - 22 }

// Item is an event in the list.
type Item struct {
	Position   int64
	Action     string
	Word       string // what happened
	Who        string // the object
	Entity     string
	Fields     string
	Note       string // why it is not on the map, where it is not
	Time, When string // recorded: for machines and for people
	Registered string
	Link       string
	Close      string
	Selected   bool
	Type, ID   string
	Object     []register.Value
	History    string
}

// Option is something to choose.
type Option struct {
	Value, Label string
	Chosen       bool
}

// Move is a link that shows another part of the world.
type Move struct{ ID, Sign, Label, Link string }

// read reads an address. What it does not know is refused, as the API does.
func read(r *http.Request) (*asked, error) {
	a := &asked{}
	var wrong []fault.Violation
	refuse := func(name, rule, message string) {
		wrong = append(wrong, fault.Violation{Pointer: "query:" + name, Rule: rule, Message: message})
	}
	query := r.URL.Query()
	for name := range query {
		if !slices.Contains([]string{"type", "event", "before", "trail", "at", "zoom", "lang"}, name) {
			refuse("*", "unknown", "this page knows only type, event, before, trail, at, zoom and lang")
		}
	}
	position := func(name, text string) int64 {
		n, err := strconv.ParseInt(cmp.Or(text, "0"), 10, 64)
		if err != nil || n < 0 || n == math.MaxInt64 {
			refuse(name, "type", "want a position, a whole number")
		}
		return n
	}
	a.kind, a.event, a.before = query.Get("type"), position("event", query.Get("event")), position("before", query.Get("before"))
	if trail := query.Get("trail"); trail != "" {
		for _, step := range strings.SplitN(trail, ".", mostTrail+1) {
			a.trail = append(a.trail, position("trail", step))
		}
	}
	if query.Get("at") != "" || query.Get("zoom") != "" {
		s := wholeSheet()
		var err error
		if s.zoom, err = strconv.Atoi(cmp.Or(query.Get("zoom"), "0")); err != nil || s.zoom < 0 || s.zoom > mostZoom {
			refuse("zoom", "range", "want 0 to "+strconv.Itoa(mostZoom))
			s.zoom = 0
		}
		if text := query.Get("at"); text != "" {
			e, n, _ := strings.Cut(text, ",")
			var errN error
			s.e, err = strconv.ParseFloat(e, 64)
			s.n, errN = strconv.ParseFloat(n, 64)
			if err != nil || errN != nil || math.IsNaN(s.e+s.n) || math.IsInf(s.e+s.n, 0) {
				refuse("at", "type", "want easting and northing in metres, such as 723621,6172514")
				s.e, s.n = middleE, middleN
			}
		}
		kept := s.kept()
		a.sheet = &kept
	}
	return a, fault.Invalid(fault.BadRequest, wrong)
}

// mostTrail is how many pages back to the newest one an address remembers; from farther off one goes there at once.
const mostTrail = 30

// further is the trail to the page behind this one. The newest page is in none: it has a way of its own.
func (a *asked) further() []int64 {
	if a.before == 0 {
		return nil
	}
	trail := append(slices.Clone(a.trail), a.before)
	return trail[max(0, len(trail)-mostTrail):]
}

// link is an address like this one, with something else in it.
func (a asked) link(change func(*asked)) string {
	change(&a)
	query := url.Values{}
	set := func(name, value string) {
		if value != "" && value != "0" {
			query.Set(name, value)
		}
	}
	set("type", a.kind)
	set("event", strconv.FormatInt(a.event, 10))
	set("before", strconv.FormatInt(a.before, 10))
	var steps []string
	for _, step := range a.trail {
		steps = append(steps, strconv.FormatInt(step, 10))
	}
	set("trail", strings.Join(steps, "."))
	if a.sheet != nil {
		query.Set("at", a.sheet.at())
		query.Set("zoom", strconv.Itoa(a.sheet.zoom))
	}
	if len(query) == 0 {
		return "map"
	}
	return "map?" + strings.ReplaceAll(query.Encode(), "%2C", ",")
}

// found is what there is to show.
type found struct {
	list     []placed // the newest first
	selected *placed  // in the list or elsewhere; nil: none
	next     int64    // the position that older ones are below; 0: there are none
	seen     int64    // the position up to which they were looked for
}

// all are the events that are drawn.
func (f *found) all() []placed {
	if f.selected == nil || slices.ContainsFunc(f.list, func(p placed) bool { return p.Position == f.selected.Position }) {
		return f.list
	}
	return append([]placed{*f.selected}, f.list...)
}

// show answers with the map of a register.
func (a *atlas) show(v *visit) error {
	want, err := read(v.r)
	if err != nil {
		return err
	}
	f, err := a.look(v, want)
	if err != nil {
		return err
	}
	return a.answer(v, "map", a.made(v, want, f))
}

// look reads what is asked for.
func (a *atlas) look(v *visit, want *asked) (*found, error) {
	f := &found{seen: a.Events.Seen()}
	events, next, err := a.Events.Recent(v.r.Context(), &deposit.Recently{Register: v.reg.Name, Type: want.kind, Below: want.before, Limit: shownEvents})
	if err != nil {
		return nil, err
	}
	f.next = next
	for _, h := range events {
		f.list = append(f.list, place(h))
	}
	f.selected, err = a.selected(v, want, f.list)
	return f, err
}

// made is the page of what was found.
func (a *atlas) made(v *visit, want *asked, f *found) *Page {
	s, drawn := want.onto(f.selected), f.all()
	p := &Page{
		speech: v.speech, Style: a.style.stamp, Code: a.code.stamp, Register: v.reg, Title: cmp.Or(v.reg.Title, v.reg.Name), Kind: want.kind,
		Kinds: v.kinds(want.kind), Moves: v.moves(want, s), Languages: v.languages(), SignedIn: v.who.Method != account.Unasked,
		Feed: "data/events", Seen: f.seen, API: "/api/v1/registers/" + v.reg.Name + "/events", GeoJSON: "data/events?" + url.Values{"format": {"geojson"}}.Encode(),
		Drawing: a.ground.draw(s, drawn, func(p *placed) Shape { return a.shape(v, want, p, f.list) }),
	}
	if want.kind != "" {
		p.GeoJSON += "&" + url.Values{"type": {want.kind}}.Encode()
	}
	if want.sheet != nil {
		p.At, p.Zoom = want.sheet.at(), strconv.Itoa(want.sheet.zoom)
	}
	a.fill(v, p, want, f.list, f.next)
	p.Says = v.Say("says", strconv.Itoa(len(p.Drawing.Shapes)), strconv.Itoa(len(drawn)), s.kilometres())
	if f.selected != nil {
		item := a.item(v, want, f.selected)
		p.Selected = &item
		p.Says += " " + v.Say("selected", item.Word+" "+item.Who)
	}
	return p
}

// selected is the event that is asked for, on this page of the list or elsewhere.
func (a *atlas) selected(v *visit, want *asked, list []placed) (*placed, error) {
	if want.event == 0 {
		return nil, nil //nolint:nilnil // none is asked for
	}
	if at := slices.IndexFunc(list, func(p placed) bool { return p.Position == want.event }); at >= 0 {
		return &list[at], nil
	}
	h, err := a.Events.Happened(v.r.Context(), v.reg.Name, want.event)
	if err != nil {
		return nil, err
	}
	p := place(h)
	return &p, nil
}

// onto is the sheet that is shown: the one that is asked for, else what is selected, else all.
func (a *asked) onto(selected *placed) sheet {
	switch {
	case a.sheet != nil:
		return *a.sheet
	case selected != nil && selected.ok:
		return around(selected.box)
	}
	return wholeSheet()
}

func (a *atlas) shape(v *visit, want *asked, p *placed, list []placed) Shape {
	who := whoOf(p.Happening)
	return Shape{
		Position: p.Position, Action: actions[p.Kind], Title: v.Say(actions[p.Kind]) + ": " + who, Name: who,
		Link: want.link(func(a *asked) { a.event, a.sheet = p.Position, nil }), Selected: p.Position == want.event,
		Fresh: want.before == 0 && len(list) > 0 && p.Position == list[0].Position,
	}
}

// fill has the page list its events.
func (a *atlas) fill(v *visit, p *Page, want *asked, list []placed, next int64) {
	for i := range list {
		p.Items = append(p.Items, a.item(v, want, &list[i]))
	}
	if next > 0 {
		p.Older = want.link(func(a *asked) { a.before, a.trail, a.event = next, a.further(), 0 })
	}
	if want.before > 0 {
		p.Newest = want.link(func(a *asked) { a.before, a.trail, a.event = 0, nil, 0 })
	}
	if last := len(want.trail) - 1; last >= 0 {
		p.Newer = want.link(func(a *asked) { a.before, a.trail, a.event = a.trail[last], a.trail[:last], 0 })
	}
	p.Empty = v.Say("none")
	if next > 0 {
		p.Empty = v.Say("none walked")
	}
}

var actions = map[register.EventKind]string{register.CreateEvent: "create", register.UpdateEvent: "update", register.DeleteEvent: "delete"}

// whoOf is what an object is called: by its name, or by what tells it apart.
func whoOf(h *register.Happening) string {
	if h.Withheld {
		return h.Of.Name
	}
	values := make([]string, len(h.Object))
	for i, value := range h.Object {
		values[i] = value.Text
	}
	return cmp.Or(h.Name, strings.Join(values, " "), h.Of.Name)
}

func (a *atlas) item(v *visit, want *asked, p *placed) Item {
	recorded := clock.FromMicros(p.Recorded).In(a.Zone)
	item := Item{
		Position: p.Position, Action: actions[p.Kind], Word: v.Say(actions[p.Kind]), Who: whoOf(p.Happening), Entity: p.Of.Name, Fields: strings.Join(p.Fields, ", "),
		Time: string(event.AppendTime(nil, p.Recorded)), When: recorded.Format("2006-01-02 15:04:05"), Registered: clock.FromMicros(p.Happening.Time).In(a.Zone).Format("2006-01-02 15:04:05"),
		Link: want.link(func(a *asked) { a.event, a.sheet = p.Position, nil }), Close: want.link(func(a *asked) { a.event = 0 }),
		Selected: p.Position == want.event, Type: p.Type, ID: p.ID.String(), Object: p.Object,
	}
	switch {
	case p.Withheld:
		item.Note = v.Say("withheld")
	case p.Place == "":
		item.Note = v.Say("nowhere")
	case !p.ok:
		item.Note = v.Say("not drawn")
	}
	if len(p.Object) == len(p.Of.Object) {
		query := url.Values{"history": {"true"}}
		for _, value := range p.Object {
			query.Add("object", value.Text)
		}
		item.History = "data/" + url.PathEscape(p.Of.Name) + "?" + query.Encode()
	}
	return item
}

// kinds are what the list can be narrowed to: each entity type, and what happens to its objects.
func (v *visit) kinds(chosen string) []Option {
	options := []Option{{"", v.Say("all"), chosen == ""}}
	for i := range v.reg.Types {
		t := &v.reg.Types[i]
		options = append(options, Option{t.Name, v.Say("all of type", t.Name), chosen == t.Name})
		for _, kind := range register.EventKinds {
			options = append(options, Option{t.EventType(kind), v.Say("of type", t.Name, strings.ToLower(v.Say(actions[kind]))), chosen == t.EventType(kind)})
		}
	}
	return options
}

// step is how far a link moves the map: a third of it.
const step = 1.0 / 3

// moves are the ways from a sheet to others.
func (v *visit) moves(want *asked, s sheet) []Move {
	to := func(id, sign string, other sheet) Move {
		return Move{id, sign, v.Say(id), want.link(func(a *asked) { a.sheet = &other })}
	}
	return []Move{
		to("in", "+", s.zoomed(1)), to("out", "−", s.zoomed(-1)),
		{"whole", "⌂", v.Say("whole"), want.link(func(a *asked) { whole := wholeSheet(); a.sheet = &whole })},
		to("west", "←", s.moved(-sheetWidth*step, 0)), to("north", "↑", s.moved(0, -sheetHeight*step)),
		to("south", "↓", s.moved(0, sheetHeight*step)), to("east", "→", s.moved(sheetWidth*step, 0)),
	}
}

func (v *visit) languages() (options []Option) {
	for _, tongue := range tongues {
		query := v.r.URL.Query()
		query.Set("lang", tongue)
		options = append(options, Option{"?" + query.Encode(), tongueNames[tongue], tongue == v.Lang})
	}
	return options
}

// Code is the language of an option's label, by its name.
func (o Option) Code() string {
	for code, name := range tongueNames {
		if name == o.Label {
			return code
		}
	}
	return ""
}

// Index is the list of maps.
type Index struct {
	speech
	Style     string
	Registers []*register.Register
	Languages []Option
	SignedIn  bool
}

// list answers with the registers whose maps somebody may see.
func (a *atlas) list(v *visit) error {
	rule, _ := account.RuleOf(mapRoute)
	index := &Index{speech: v.speech, Style: a.style.stamp, Languages: v.languages(), SignedIn: v.who.Method != account.Unasked}
	for _, reg := range a.Book.Registers() {
		switch reach := v.who.Reach(rule); {
		case reach == account.All, reach == account.Own && a.Book.ReadsRegister(v.who, reg):
			index.Registers = append(index.Registers, reg)
		}
	}
	return a.answer(v, "registers", index)
}
