package admin

import (
	"net/url"
	"slices"
	"strconv"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/status"
)

// maxTitle is what the hub takes of a title, in characters.
const maxTitle = 255

// factsFields are the fields for the facts of a notice, as far as its kind has them.
type factsFields struct {
	Kind       status.Kind
	Starts     *field
	Ends       *field
	ByHand     *option
	Every      *choice
	Step       *field
	Until      *field
	Pause      *choice
	Started    *field
	Expected   *field
	NextUpdate *field
	Override   *choice
	Components *choice
	Sections   *choice
	Deadline   *field
	Audience   []tongue
}

// fillFacts writes what is said of a notice as a whole as it would be typed.
func (v *visit) fillFacts(kind status.Kind, is *manage.Facts) url.Values {
	values, zone := url.Values{}, v.zone()
	fillTexts(values, "title", is.Title)
	fillTexts(values, "audience", is.Audience)
	for name, at := range map[string]status.Time{
		"starts": is.Starts, "ends": is.Ends, "started": is.Started, "expected": is.Expected, "nextUpdate": is.NextUpdate, "deadline": is.Deadline,
	} {
		fillMoment(values, name, at, zone)
	}
	values.Set("override", string(is.Override))
	values["components"], values["sections"] = is.Components, is.Sections
	if is.ByHand {
		values.Set("byHand", "yes")
	}
	if kind == status.Planned {
		if v.reachesBeyond() {
			values["pause"] = is.Pause
		}
		if is.Repeat != nil {
			values.Set("repeat.every", is.Repeat.Every)
			values.Set("repeat.step", strconv.Itoa(max(1, is.Repeat.Step)))
			fillMoment(values, "repeat.until", is.Repeat.Until, zone)
		}
	}
	return values
}

// factsFields puts the facts of a notice on the page. whole has those too that are said with an update.
func (v *visit) factsFields(f *form, kind status.Kind, whole bool) *factsFields {
	fields := &factsFields{Kind: kind}
	moment := func(name, label, hint string) *field {
		one := f.field("datetime-local", name, f.Say(label))
		if one.Hint = f.Say("time in", v.site.Zone); hint != "" {
			one.Hint = f.Say(hint) + " " + one.Hint
		}
		return &one
	}
	switch kind {
	case status.Incident:
		fields.Started = moment("started", "began at", "began at hint")
		override := f.choice("override", f.Say("override"), v.impacts()...)
		override.Hint = f.Say("override hint")
		fields.Override = &override
	case status.Planned:
		fields.Starts, fields.Ends = moment("starts", "starts", ""), moment("ends", "ends", "")
		fields.Starts.Required, fields.Ends.Required = true, true
		byHand := f.box("byHand", f.Say("by hand"), f.Say("by hand hint"))
		fields.ByHand = &byHand
		v.repeatFields(f, fields)
	default:
		fields.Starts, fields.Ends = moment("starts", "shown from", "shown from hint"), moment("ends", "shown until", "")
		if kind == status.Action {
			fields.Deadline = moment("deadline", "deadline", "")
		}
		if kind != status.Bulletin {
			fields.Audience = f.tongues(worded{"audience", "text", f.Say("audience"), maxTitle, 0, false})
		}
	}
	if whole && (kind == status.Incident || kind == status.Planned) {
		fields.Expected, fields.NextUpdate = moment("expected", "expected", ""), moment("nextUpdate", "next update", "")
	}
	if kind != status.Bulletin {
		components := v.componentChoice(f)
		fields.Components = &components
	}
	if sections := v.sectionOptions(); kind != status.Bulletin && len(sections) > 1 {
		one := f.choice("sections", f.Say("about sections"), sections...)
		one.Many, one.Hint = true, f.Say("about sections hint")
		fields.Sections = &one
	}
	return fields
}

func (v *visit) repeatFields(f *form, fields *factsFields) {
	options := []option{{Value: "", Label: f.Say("repeat none")}}
	for _, every := range status.Repeats {
		options = append(options, option{Value: every, Label: f.Say("repeat " + every)})
	}
	every := f.choice("repeat.every", f.Say("repeat"), options...)
	step, until := f.field("number", "repeat.step", f.Say("repeat step")), f.field("datetime-local", "repeat.until", f.Say("repeat until"))
	until.Hint = f.Say("time in", v.site.Zone)
	step.Least, step.Most, step.Step, step.Narrow = "1", "366", "1", true
	fields.Every, fields.Step, fields.Until = &every, &step, &until
	if systems := v.Book.Systems(); v.reachesBeyond() && len(systems) > 0 {
		var list []option
		for _, system := range systems {
			list = append(list, option{Value: system.Name, Label: system.Name})
		}
		pause := f.choice("pause", f.Say("pause systems"), list...)
		pause.Many, pause.Hint = true, f.Say("pause systems hint")
		fields.Pause = &pause
	}
}

func (v *visit) impacts() []option {
	options := []option{{Value: "", Label: v.Say("override none")}}
	for _, impact := range []status.Impact{status.ImpactNone, status.ImpactMinor, status.ImpactMajor, status.ImpactCritical} {
		options = append(options, option{Value: string(impact), Label: v.Say("impact of " + string(impact))})
	}
	return options
}

func (v *visit) sectionOptions() []option {
	var options []option
	for i := range v.site.Sections {
		options = append(options, option{Value: v.site.Sections[i].Name, Label: v.text(v.site.Sections[i].Title).Text})
	}
	return options
}

// componentChoice has every component of the site, by group.
func (v *visit) componentChoice(f *form) choice {
	one := f.choice("components", f.Say("components concerned"))
	one.Many = true
	n := 0
	v.eachGroup(func(label said, components []*status.Standing) {
		group := optionGroup{Label: label.Text, Lang: label.Lang}
		for _, standing := range components {
			o := option{
				ID: one.ID + "-" + strconv.Itoa(n), Value: standing.ID, Label: v.text(standing.Title).Text, Mark: v.mark(standing.State),
				Chosen: slices.Contains(f.values["components"], standing.ID),
			}
			n++
			group.Open = group.Open || o.Chosen
			group.Options = append(group.Options, o)
		}
		one.Groups = append(one.Groups, group)
	})
	if n <= fewComponents {
		for i := range one.Groups {
			one.Groups[i].Open = true
		}
	}
	if other, found := f.others["components"]; found {
		one.other(other)
	}
	return one
}

// fewComponents are so few that all are shown at once.
const fewComponents = 12

// eachGroup visits the components of the site, those together that are read together.
func (v *visit) eachGroup(visit func(label said, components []*status.Standing)) {
	for i := range v.site.Sections {
		section := &v.site.Sections[i]
		title := v.text(section.Title)
		if list := v.standings(section.Components); len(list) > 0 {
			visit(title, list)
		}
		for j := range section.Groups {
			group := v.text(section.Groups[j].Title)
			if len(v.site.Sections) > 1 {
				group.Text = title.Text + " – " + group.Text
			}
			visit(group, v.standings(section.Groups[j].Components))
		}
	}
}

func (v *visit) standings(components []status.Component) []*status.Standing {
	var list []*status.Standing
	for i := range components {
		list = append(list, v.board.Component(components[i].ID))
	}
	return list
}

// readFacts is what is typed of a notice's facts. What the kind or the page has no field for stays as it was.
func (v *visit) readFacts(f *form, kind status.Kind, was manage.Facts, whole bool) manage.Facts {
	facts := was
	facts.Title = f.texts("title")
	switch kind {
	case status.Incident:
		facts.Started, facts.Override = f.momentOr("started", was.Started), status.Impact(f.text("override"))
	case status.Planned:
		facts.Starts, facts.Ends, facts.ByHand = f.momentOr("starts", was.Starts), f.momentOr("ends", was.Ends), f.ticked("byHand")
		facts.Repeat = v.readRepeat(f, was.Repeat)
		if v.reachesBeyond() {
			facts.Pause = f.chosen("pause", was.Pause)
		}
	default:
		facts.Starts, facts.Ends = f.momentOr("starts", was.Starts), f.momentOr("ends", was.Ends)
		if kind == status.Action {
			facts.Deadline = f.momentOr("deadline", was.Deadline)
		}
		if kind != status.Bulletin {
			facts.Audience = f.texts("audience")
		}
	}
	if whole && (kind == status.Incident || kind == status.Planned) {
		facts.Expected, facts.NextUpdate = f.momentOr("expected", was.Expected), f.momentOr("nextUpdate", was.NextUpdate)
	}
	if kind != status.Bulletin {
		facts.Components, facts.Sections = f.chosen("components", was.Components), f.chosen("sections", was.Sections)
	}
	return facts
}

// chosen is what is chosen of several. What is the same, in whatever order the page has it, is what it was.
func (f *form) chosen(name string, was []string) []string {
	list := f.values[name]
	if slices.Equal(slices.Sorted(slices.Values(list)), slices.Sorted(slices.Values(was))) {
		return was
	}
	return list
}

func (v *visit) readRepeat(f *form, was *status.Repeat) *status.Repeat {
	every := f.text("repeat.every")
	if every == "" {
		return nil
	}
	repeat := &status.Repeat{}
	if was != nil {
		*repeat = *was
	}
	if step := int(f.number("repeat.step", 1, 366)); step != max(1, repeat.Step) {
		repeat.Step = step
	}
	repeat.Every, repeat.Until = every, f.momentOr("repeat.until", repeat.Until)
	return repeat
}

// momentOr is a time that was typed; one that reads as it did is what it was, to the microsecond.
func (f *form) momentOr(name string, was status.Time) status.Time {
	if was != 0 && f.text(name) == was.In(f.site.Location()).Format(wallClock) {
		return was
	}
	return f.moment(name)
}

type factsView struct {
	*sheet
	Notice  card
	Titles  []tongue
	Facts   *factsFields
	Seen    int64
	Preview *preview
	Back    string
}

// facts edits what is said of a notice as a whole.
func (v *visit) facts() error {
	return v.editing(v.Say("edit facts"), func(e *edit) error {
		kind, is := e.notice.Kind, manage.FactsOf(e.notice)
		e.fill = func(n *status.Notice) url.Values {
			facts := manage.FactsOf(n)
			return v.fillFacts(kind, &facts)
		}
		e.change = func(f *form) func(*manage.Manager) error {
			facts := v.readFacts(f, kind, is, true)
			return func(m *manage.Manager) error {
				_, err := m.EditNotice(v.r.Context(), v.site.Name, e.notice.ID, facts, v.by(f))
				return err
			}
		}
		e.shown, e.did = shownFacts, "facts"
		e.view = func(s *sheet, f *form, p *preview) error {
			return v.show("facts", s, &factsView{
				sheet: s, Notice: v.card(e.notice), Seen: e.notice.Version, Back: v.to("/notices/" + e.notice.ID), Preview: p,
				Titles: f.tongues(worded{"title", "text", f.Say("title"), maxTitle, 0, true}), Facts: v.factsFields(f, kind, true),
			})
		}
		return nil
	})
}
