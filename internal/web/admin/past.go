package admin

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
)

// change is one thing about a notice that is otherwise than it was.
type change struct {
	What          string
	Lang          string // of the texts, "" where they are the hub's words
	Before, After string
}

// changes are what makes one form of a notice another. before is nil for the first, after for its removal.
func (v *visit) changes(before, after *status.Notice) []change {
	switch {
	case before == nil && after == nil:
		return nil
	case before == nil:
		list := []change{{What: v.Say("change opened")}}
		for i := range after.Updates {
			list = append(list, v.newUpdate(&after.Updates[i])...)
		}
		return list
	case after == nil:
		return []change{{What: v.Say("change removed")}}
	}
	list := v.textChanges(v.Say("title"), before.Title, after.Title)
	for i := range after.Updates {
		u := &after.Updates[i]
		was := before.Update(u.ID)
		if was == nil {
			list = append(list, v.newUpdate(u)...)
			continue
		}
		list = append(list, v.textChanges(v.Say("change update", v.Moment(was.Shown.In(v.zone()))), was.Body, u.Body)...)
		list = append(list, v.momentChange("time beside", was.Shown, u.Shown)...)
	}
	list = append(list, v.factChanges(before, after)...)
	told, tells := status.Text(nil), status.Text(nil)
	if before.Postmortem != nil {
		told = before.Postmortem.Body
	}
	if after.Postmortem != nil {
		tells = after.Postmortem.Body
	}
	return append(list, v.textChanges(v.Say("postmortem"), told, tells)...)
}

func (v *visit) newUpdate(u *status.Update) []change {
	what := v.Say("change said", v.Say("stage "+string(u.Stage)))
	var list []change
	for _, text := range v.inTongues(u.Body) {
		list = append(list, change{What: what, Lang: text.Lang, After: text.Text})
	}
	for _, a := range u.Affected {
		list = append(list, change{What: a.Name, Before: v.mark(a.From).Word, After: v.mark(a.To).Word})
	}
	if len(list) == 0 {
		list = append(list, change{What: what})
	}
	return list
}

func (v *visit) textChanges(what string, before, after status.Text) []change {
	var list []change
	for _, language := range status.Languages {
		if before[language] != after[language] {
			list = append(list, change{what, language, before[language], after[language]})
		}
	}
	return list
}

func (v *visit) momentChange(label string, before, after status.Time) []change {
	if before == after {
		return nil
	}
	return []change{{What: v.Say(label), Before: v.momentText(before), After: v.momentText(after)}}
}

func (v *visit) momentText(t status.Time) string {
	if t == 0 {
		return v.Say("none")
	}
	return v.Moment(t.In(v.zone()))
}

func (v *visit) factChanges(before, after *status.Notice) []change {
	list := v.textChanges(v.Say("audience"), before.Audience, after.Audience)
	for _, m := range []struct {
		label         string
		before, after status.Time
	}{
		{"began", before.Started, after.Started}, {"starts", before.Starts, after.Starts}, {"ends", before.Ends, after.Ends},
		{"expected", before.Expected, after.Expected}, {"next update", before.NextUpdate, after.NextUpdate}, {"deadline", before.Deadline, after.Deadline},
	} {
		list = append(list, v.momentChange(m.label, m.before, m.after)...)
	}
	add := func(label, was, is string) {
		if was != is {
			list = append(list, change{What: v.Say(label), Before: was, After: is})
		}
	}
	impact := func(i status.Impact) string {
		if i == "" {
			return v.Say("override none")
		}
		return v.Say("impact of " + string(i))
	}
	add("override", impact(before.Override), impact(after.Override))
	if !slices.Equal(before.Components, after.Components) {
		add("components concerned", v.componentNames(before.Components), v.componentNames(after.Components))
	}
	add("about sections", v.sectionNames(before.Sections), v.sectionNames(after.Sections))
	add("pause systems", strings.Join(before.Pause, ", "), strings.Join(after.Pause, ", "))
	add("repeat", v.repeatText(before.Repeat), v.repeatText(after.Repeat))
	if before.ByHand != after.ByHand {
		list = append(list, change{What: v.Say("by hand"), Before: v.yesNo(before.ByHand), After: v.yesNo(after.ByHand)})
	}
	if told := len(after.Acknowledged) - len(before.Acknowledged); told > 0 {
		for _, a := range after.Acknowledged[len(before.Acknowledged):] {
			list = append(list, change{What: v.Say("change acknowledged"), After: a.By})
		}
	}
	return list
}

func (v *visit) repeatText(r *status.Repeat) string {
	if r == nil {
		return v.Say("repeat none")
	}
	text := v.Say("repeats "+r.Every, max(1, r.Step))
	if r.Until != 0 {
		text += ", " + v.Say("until", v.Moment(r.Until.In(v.zone())))
	}
	return text
}

func (v *visit) yesNo(is bool) string {
	if is {
		return v.Say("yes")
	}
	return v.Say("no")
}

// deed is one form that a notice had, and how it came to it.
type deed struct {
	Who  string // "" where it is not known
	Hub  bool   // the hub itself did it
	At   *stamp
	What []change
}

type noticePastView struct {
	*sheet
	Notice card
	Deeds  []deed
	Back   string
}

// noticePast tells every form that a notice had, the newest first: who made it, when, and what it was before.
func (v *visit) noticePast() error {
	n, err := v.noticeHere()
	if err != nil {
		return err
	}
	entries, err := v.Audit.Audit(v.r.Context(), audit.Query{Subject: "notice/" + v.site.Name + "/" + n.ID})
	if err != nil {
		return err
	}
	view := &noticePastView{sheet: v.sheet(v.Say("history of", v.text(n.Title).Text), "notices"), Notice: v.card(n), Back: v.to("/notices/" + n.ID)}
	forms := v.Book.NoticeHistory(v.site.Name, n.ID)
	for i := len(forms) - 1; i >= 0; i-- {
		var before *status.Notice
		if i > 0 {
			before = forms[i-1].Notice
		}
		next := int64(0)
		if i+1 < len(forms) {
			next = forms[i+1].Position
		}
		one := deed{What: v.changes(before, forms[i].Notice)}
		if forms[i].Notice != nil {
			one.At = v.stamp(forms[i].Notice.Updated)
		}
		if e := entryOf(entries, forms[i], next); e != nil {
			one.Who, one.Hub, one.At = e.Actor, e.Actor == audit.Hub, v.stamp(status.Time(e.At))
		} else {
			one.Hub = true // it came with an act of something else: the next of a series
		}
		view.Deeds = append(view.Deeds, one)
	}
	return v.show("notice-past", view.sheet, view)
}

// entryOf finds the entry in the audit log of one form of a notice: an entry names the last revision that its act made.
// next is the position of the form after it, 0 for none.
func entryOf(entries []audit.Entry, form revision.NoticeThen, next int64) *audit.Entry {
	at := slices.IndexFunc(entries, func(e audit.Entry) bool { return e.Position >= form.Position && (next == 0 || e.Position < next) })
	if at < 0 {
		return nil
	}
	return &entries[at]
}

// act is what somebody has done, as the history of a site has it.
type act struct {
	Who  string
	Hub  bool
	At   *stamp
	What string
	Of   said
	To   string
	Mark *mark
}

type pastView struct {
	*sheet
	Acts  []act
	Older string
}

const actsShown = 50

// past tells what was done to the site, and by whom.
func (v *visit) past() error {
	after, _ := strconv.ParseInt(v.r.URL.Query().Get("before"), 10, 64)
	entries, err := v.Audit.Audit(v.r.Context(), audit.Query{Site: v.site.Name, Newest: true, After: max(0, after), Limit: actsShown + 1})
	if err != nil {
		return err
	}
	view := &pastView{sheet: v.sheet(v.Say("tab history"), "history")}
	if len(entries) > actsShown {
		entries = entries[:actsShown]
		view.Older = v.to("/history?before=" + strconv.FormatInt(entries[actsShown-1].Number, 10))
	}
	for i := range entries {
		view.Acts = append(view.Acts, v.act(&entries[i]))
	}
	return v.show("past", view.sheet, view)
}

func (v *visit) act(e *audit.Entry) act {
	one := act{Who: e.Actor, Hub: e.Actor == audit.Hub, At: v.stamp(status.Time(e.At)), What: v.Say("act " + string(e.Act))}
	kind, rest, _ := strings.Cut(e.Subject, "/")
	_, id, _ := strings.Cut(rest, "/")
	switch kind {
	case "notice":
		one.Of = said{Text: v.Say("removed notice")}
		if n := v.board.Notice(id); n != nil {
			one.Of, one.To = v.text(n.Title), v.to("/notices/"+id+"/history")
		}
	case "component":
		one.Of = said{Text: v.Say("removed component")}
		if c := v.board.Component(id); c != nil {
			one.Of = v.text(c.Title)
		}
		var detail audit.Detail
		if json.Unmarshal(e.Detail, &detail) == nil && status.State(detail.Kind).Known() {
			one.Mark = v.mark(status.State(detail.Kind))
		}
	}
	return one
}
