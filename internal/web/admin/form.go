package admin

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
)

// form is what somebody has typed, or what there is to be changed, by the names of its fields, and what is wrong about it.
// A field is named after where in the document its value stands: /title/en is title.en.
type form struct {
	speech
	site   *status.Site
	values url.Values
	sent   bool

	wrong  []wrong
	others map[string][]string // by field: what somebody else has made of it meanwhile
	fields map[string]string   // the labels of those that are on the page
	notes  []string            // what there is to know of what was typed, although nothing is wrong
}

// wrong is one thing that is wrong.
type wrong struct{ Field, Text string }

// form is one filled with what there is; what is sent goes first.
func (v *visit) form(is url.Values) *form {
	f := &form{speech: v.speech, site: v.site, values: is, fields: map[string]string{}}
	if v.posted() {
		f.values, f.sent = v.r.PostForm, true
	}
	return f
}

// refuse notes what is wrong about a field, by a rule that has words.
func (f *form) refuse(field, rule string, args ...any) {
	f.wrong = append(f.wrong, wrong{field, f.Say("rule "+rule, args...)})
}

// numberIn is the bound that a rule's message tells.
var numberIn = regexp.MustCompile(`[0-9]+`)

// take notes what the hub has found wrong. field tells which field of the form a value of the document comes from. Any
// other error is returned.
func (f *form) take(err error, field func(pointer string) string) error {
	if !fault.Has(err, fault.InvalidDocument) {
		return err
	}
	mine := slices.Clone(f.wrong)
	for _, violation := range fault.Of(err).Violations {
		at := field(violation.Pointer)
		if slices.ContainsFunc(mine, func(w wrong) bool { return w.Field == at }) {
			continue // what could not be read is told already, and is missing for that
		}
		text := violation.Message
		if key := "rule " + violation.Rule; f.Knows(key) {
			text = f.Say(key, numberIn.FindString(violation.Message))
		}
		f.wrong = append(f.wrong, wrong{at, text})
	}
	return nil
}

// named turns a JSON Pointer (RFC 6901) into the name of a field.
func named(pointer string) string {
	return strings.NewReplacer("/", ".", "~1", "/", "~0", "~").Replace(strings.TrimPrefix(pointer, "/"))
}

// text is what was typed, with the line ends that documents have. Browsers send CR LF (HTML, "constructing the entry list").
func (f *form) text(name string) string {
	return strings.TrimSpace(strings.ReplaceAll(strings.ReplaceAll(f.values.Get(name), "\r\n", "\n"), "\r", "\n"))
}

// texts is what was typed in each of the site's languages; nil where nothing was.
func (f *form) texts(name string) status.Text {
	var t status.Text
	for _, language := range f.site.Languages {
		if text := f.text(name + "." + language); text != "" {
			if t == nil {
				t = status.Text{}
			}
			t[language] = text
		}
	}
	return t
}

// seen is the state, as a position in the log, that the form was filled with; -1 where it tells none.
func (f *form) seen() int64 {
	position, err := strconv.ParseInt(f.text("seen"), 10, 64)
	if err != nil {
		return -1 // it fits no state
	}
	return position
}

// ticked reports whether a box is ticked.
func (f *form) ticked(name string) bool { return f.values.Get(name) != "" }

// moment is a time of day in the site's zone; 0 where none was typed.
func (f *form) moment(name string) status.Time {
	text := f.text(name)
	if text == "" {
		return 0
	}
	at, clocks, ok := momentOf(text, f.site.Location())
	switch {
	case !ok:
		f.refuse(name, "moment")
		return 0
	case clocks == skipped:
		f.refuse(name, "gap", f.Moment(at))
		return 0
	case clocks == twice:
		f.notes = append(f.notes, f.Say("comes twice", f.Moment(at)))
	}
	return status.At(at)
}

// number is a number within bounds; 0 where none was typed.
func (f *form) number(name string, least, most float64) float64 {
	text := strings.Replace(f.text(name), ",", ".", 1)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n >= least && n <= most) {
		f.refuse(name, "range", f.Decimal(least, -1)+"–"+f.Decimal(most, -1))
		return 0
	}
	return n
}

// fillTexts and fillMoment write what there is as it would be typed.
func fillTexts(values url.Values, name string, t status.Text) {
	for language, text := range t {
		values.Set(name+"."+language, text)
	}
}

func fillMoment(values url.Values, name string, t status.Time, zone *time.Location) {
	if t != 0 {
		values.Set(name, t.In(zone).Format(wallClock))
	}
}

// field is one place to type in.
type field struct {
	ID, Name, Label, Hint, Value string
	Type                         string // of an input; "area"
	Lang                         string // that it is written in; "": the page's, or none
	Max, Rows                    int
	Least, Most, Step            string
	List                         string // of suggestions
	Required, Narrow             bool
	Problem                      string
	Other                        *string // what somebody else has made of it
	OtherWords                   string
}

func idOf(name string) string { return "f-" + strings.NewReplacer("/", "-", ".", "-").Replace(name) }

// field puts a field on the page.
func (f *form) field(kind, name, label string) field {
	f.fields[name] = label
	one := field{ID: idOf(name), Name: name, Label: label, Value: f.values.Get(name), Type: kind, Problem: f.problem(name), OtherWords: f.Say("now it says")}
	if other, found := f.others[name]; found {
		text := strings.Join(other, ", ")
		one.Other = &text
	}
	return one
}

// problem is what is wrong about a field, or about a part of it that has none of its own.
func (f *form) problem(name string) string {
	var texts []string
	for _, w := range f.wrong {
		rest, below := strings.CutPrefix(w.Field, name)
		if below && (rest == "" || rest[0] == '.' && f.fields[w.Field] == "") && !slices.Contains(texts, w.Text) {
			texts = append(texts, w.Text)
		}
	}
	return strings.Join(texts, " ")
}

// tongue is what is written in one language.
type tongue struct {
	Lang, Name string
	Open       bool
	Written    string // that there is something, or that there is nothing yet
	Fields     []field
}

// worded is a text that is written in every language.
type worded struct {
	name, kind, label string
	max, rows         int
	required          bool
}

// tongues puts texts on the page, each in every language of the site: the first one is open, and those that something
// is wrong about.
func (f *form) tongues(texts ...worded) []tongue {
	var list []tongue
	for i, language := range f.site.Languages {
		one := tongue{Lang: language, Name: f.Tongue(language), Open: i == 0, Written: f.Say("nothing yet")}
		for _, text := range texts {
			label := text.label
			if len(f.site.Languages) > 1 {
				label = f.Say("in language", label, one.Name)
			}
			name := text.name + "." + language
			if i == 0 { // what is wrong about a text as a whole is mended where people begin
				for j := range f.wrong {
					if f.wrong[j].Field == text.name {
						f.wrong[j].Field = name
					}
				}
			}
			field := f.field(text.kind, name, label)
			field.Lang, field.Max, field.Rows, field.Required = language, text.max, text.rows, text.required && i == 0 && len(f.site.Languages) == 1
			if field.Problem != "" || field.Other != nil {
				one.Open = true
			}
			if field.Value != "" {
				one.Written = f.Say("written")
			}
			one.Fields = append(one.Fields, field)
		}
		list = append(list, one)
	}
	return list
}

// option is one of several to choose from.
type option struct {
	ID, Value, Label, Hint string
	Chosen                 bool
	Mark                   *mark
	Symbol                 string
}

// choice is several options, of which one is chosen, or with Many any number.
type choice struct {
	ID, Name, Legend, Hint, Problem string
	Many                            bool
	Options                         []option
	Groups                          []optionGroup // in place of Options
	Other                           *string
	OtherWords                      string
}

// optionGroup is options that are read together.
type optionGroup struct {
	Label, Lang string
	Open        bool
	Options     []option
}

// choice puts a choice on the page.
func (f *form) choice(name, legend string, options ...option) choice {
	f.fields[name] = legend
	one := choice{ID: idOf(name), Name: name, Legend: legend, Problem: f.problem(name), OtherWords: f.Say("now it says")}
	for i := range options {
		options[i].ID = one.ID + "-" + strconv.Itoa(i)
		options[i].Chosen = slices.Contains(f.values[name], options[i].Value)
	}
	if one.Options = options; len(options) > 0 && !slices.ContainsFunc(options, func(o option) bool { return o.Chosen }) && len(f.values[name]) == 0 && !f.sent {
		one.Options[0].Chosen = options[0].Value == ""
	}
	if other, found := f.others[name]; found {
		one.other(other)
	}
	return one
}

// other tells what somebody else has chosen meanwhile.
func (c *choice) other(values []string) {
	var labels []string
	options := slices.Clone(c.Options)
	for _, group := range c.Groups {
		options = append(options, group.Options...)
	}
	for _, o := range options {
		if slices.Contains(values, o.Value) || len(values) == 0 && o.Value == "" {
			labels = append(labels, o.Label)
		}
	}
	text := strings.Join(labels, ", ")
	c.Other = &text
}

// box puts one box to tick on the page.
func (f *form) box(name, label, hint string) option {
	f.fields[name] = label
	return option{ID: idOf(name), Value: name, Label: label, Hint: hint, Chosen: f.ticked(name)}
}

// complaint is what stands above a form that something is wrong with.
type complaint struct {
	Title string
	Items []complained
}

type complained struct{ Field, Label, Text string }

// Complaint is what is wrong with the form, or nil. Ask when every field is on the page.
func (f *form) Complaint() *complaint {
	if len(f.wrong) == 0 {
		return nil
	}
	c := &complaint{Title: f.Say("n wrong", len(f.wrong))}
	for _, w := range f.wrong {
		item := complained{Text: w.Text}
		for name := w.Field; name != ""; name, _, _ = cutLast(name, ".") {
			if label := f.fields[name]; label != "" {
				item.Field, item.Label = idOf(name), label
				break
			}
			if !strings.Contains(name, ".") {
				break
			}
		}
		if item.Label == "" {
			item.Label = w.Field
		}
		if !slices.Contains(c.Items, item) {
			c.Items = append(c.Items, item)
		}
	}
	return c
}
