package grunddata

import (
	"strings"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// Form is what a message is written in.
type Form uint8

// The forms.
const (
	JSON Form = iota // as the real service answers: {"Grunddatabesked":{"Hændelsesbesked":{…}}}
	XML              // the element Haendelsesbesked, without a declaration
	Bare             // JSON as the documentation prints what is pushed: {"Hændelsesbesked":{…}}, with nulls

	forms
)

// Append appends the message of an event. Nearly every one is written by its version's template, in one walk over its data;
// where that says no, by way of the model, which makes the same bytes and knows what is wrong. Where it returns an error
// nothing was appended. The error is a fault InvalidMessage: a message that lacks what every one must say is not sent.
func Append(dst []byte, form Form, version *event.Compiled, e *event.Event) ([]byte, error) {
	if written, ok := templateOf(version).append(dst, form, e); ok {
		return written, nil
	}
	m, err := FromEvent(version, e)
	if err == nil {
		err = m.Check()
	}
	if err != nil {
		return dst, err
	}
	return m.append(dst, form)
}

func (m *Message) append(dst []byte, form Form) ([]byte, error) {
	switch form {
	case JSON:
		return m.AppendJSON(dst), nil
	case Bare:
		return m.AppendBare(dst), nil
	case XML:
		written, err := m.AppendXML(dst)
		if err != nil {
			return dst, err
		}
		return written, nil
	}
	return dst, fault.New(fault.Internal, "a Hændelsesbesked has no form %d", form)
}

// template is how the messages of a version are written: what is the same in all of them, with gaps for what an event says.
// It is made by walking one message that has marks where the gaps are, so that what a message is made of stands in one
// place, its walk methods.
type template struct {
	beskedtype string
	fields     []event.Field // that the mapping fills
	gatherer   *event.Gatherer
	scripts    [forms]script
}

// slot names a text of a message: a field of the mapping, from FieldBeskedMessage on, or one that the hub fills.
type slot uint8

const (
	slotBeskedID = slot(event.FieldBeskedResponsmodtager-event.FieldBeskedMessage) + 1 + iota
	slotDannelsestidspunkt
	slotReference // of Stedbestemmelse
	slotGeometri  // of Stedbestemmelse

	slots
)

func slotOf(field event.Field) slot { return slot(field - event.FieldBeskedMessage) }

const (
	slotObjektID        = slot(event.FieldBeskedObjektID - event.FieldBeskedMessage)
	slotObjektreference = slot(event.FieldBeskedObjektreference - event.FieldBeskedMessage)
	slotStedbestemmelse = slot(event.FieldBeskedStedbestemmelse - event.FieldBeskedMessage)
	slotKildesystem     = slot(event.FieldBeskedKildesystem - event.FieldBeskedMessage)
)

// brings says of the parts that a message need not have which texts bring them; compare fill.
var brings = map[string][]slot{
	"RelateretObjekt":  {slotOf(event.FieldBeskedRelateretObjektID)},
	"Stedbestemmelse":  {slotReference, slotGeometri},
	"Modtagerhandling": {slotOf(event.FieldBeskedHandling), slotOf(event.FieldBeskedResponsmodtager)},
}

// A mark stands in a message where a template has a gap. No text that means anything begins like that.
const mark = "\x00gap "

func marked(s slot) string { return mark + string(rune(s)) }

// gapAt is the slot whose mark a text is.
func gapAt(text string) (s slot, ok bool) {
	rest, ok := strings.CutPrefix(text, mark)
	if !ok {
		return 0, false
	}
	for _, r := range rest {
		s = slot(r)
	}
	return s, true
}

// none is the template of a version whose messages are made otherwise.
var none = &template{}

func templateOf(version *event.Compiled) *template {
	if kept, ok := version.Template().(*template); ok {
		return kept
	}
	t := makeTemplate(version)
	version.KeepTemplate(t)
	return t
}

// makeTemplate makes the template of a version whose mapping fills a message from the members of the data.
func makeTemplate(version *event.Compiled) *template {
	if version.Maps(event.FieldBeskedMessage) || !version.MapsBesked() {
		return none
	}
	t := &template{beskedtype: version.Type.Name}
	for field := event.FieldBeskedMessage; field <= event.FieldBeskedResponsmodtager; field++ {
		if !version.Maps(field) {
			continue
		}
		t.fields = append(t.fields, field)
		if text, constant := version.Constant(field); constant && strings.HasPrefix(text, mark) {
			return none
		}
	}
	if t.gatherer = version.Gatherer(t.fields); t.gatherer == nil {
		return none
	}
	m := outline(version)
	if m.Check() != nil {
		return none // no event makes it say what it must
	}
	if place := m.Beskedkuvert.Filtreringsdata.Objektregistrering[0].Stedbestemmelse; place != nil {
		*place = Stedbestemmelse{Reference: marked(slotReference), Geometri: marked(slotGeometri)} // which of them, the event says
	}
	t.scripts[JSON] = scriptJSON(m, false)
	t.scripts[Bare] = scriptJSON(m, true)
	t.scripts[XML] = scriptXML(m)
	return t
}

// outline is a message of a version that has marks where its events differ.
func outline(version *event.Compiled) *Message {
	m := fill(version.Type.Name, func(field event.Field) string {
		if text, constant := version.Constant(field); constant || !version.Maps(field) {
			return text
		}
		return marked(slotOf(field))
	})
	m.BeskedID = marked(slotBeskedID)
	info := &m.Beskedkuvert.Leveranceinformation
	info.Dannelsestidspunkt = marked(slotDannelsestidspunkt)
	if info.Kildesystem == "" {
		info.Kildesystem = marked(slotKildesystem)
	}
	return m
}
