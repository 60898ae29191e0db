// Package haendelsesbesked renders events as the messages of Datafordeleren: the text of a Hændelsesbesked, in JSON or XML,
// which a channel or an answer wraps in its own way.
package haendelsesbesked

import (
	"github.com/varselhub/varsel/internal/envelope"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/grunddata"
)

// Form is what a message is written in.
type Form uint8

// The forms.
const (
	JSON Form = iota // as the real service answers: {"Grunddatabesked":{"Hændelsesbesked":{…}}}
	XML              // the element Haendelsesbesked, without a declaration
	Bare             // JSON as the documentation prints what is pushed: {"Hændelsesbesked":{…}}, with nulls
)

var forms = [...]struct {
	slot        int
	contentType string
	write       func(*grunddata.Message, []byte) ([]byte, error)
}{
	JSON: {envelope.SlotHaendelsesbeskedJSON, "application/json", always((*grunddata.Message).AppendJSON)},
	XML:  {envelope.SlotHaendelsesbeskedXML, "application/xml", (*grunddata.Message).AppendXML},
	Bare: {envelope.SlotHaendelsesbeskedBare, "application/json", always((*grunddata.Message).AppendBare)},
}

func always(write func(*grunddata.Message, []byte) []byte) func(*grunddata.Message, []byte) ([]byte, error) {
	return func(m *grunddata.Message, dst []byte) ([]byte, error) { return write(m, dst), nil }
}

// Envelope renders messages in one form. It is safe for concurrent use.
type Envelope struct {
	versions func(typeName, version string) *event.Compiled
	form     Form
}

// New returns the envelope of a form. versions finds the version of a type that an event was accepted under, in any state,
// or nil.
func New(versions func(typeName, version string) *event.Compiled, form Form) (*Envelope, error) {
	if int(form) >= len(forms) {
		return nil, fault.New(fault.Internal, "a Hændelsesbesked has no form %d", form)
	}
	return &Envelope{versions: versions, form: form}, nil
}

// Slot implements envelope.Envelope.
func (n *Envelope) Slot() int { return forms[n.form].slot }

// Render implements envelope.Envelope. A message that lacks what every one must say is not sent.
func (n *Envelope) Render(e *event.Event) *event.Rendering {
	body, err := n.render(e)
	if err != nil {
		return &event.Rendering{Err: err}
	}
	return &event.Rendering{ContentType: forms[n.form].contentType, Body: body}
}

func (n *Envelope) render(e *event.Event) ([]byte, error) {
	version := n.versions(e.Type, e.Version)
	if version == nil {
		return nil, fault.New(fault.InvalidMessage, "version %s of type %s is not known", e.Version, e.Type)
	}
	m, err := grunddata.FromEvent(version, e)
	if err != nil {
		return nil, err
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	const usual = 2048 // of a message without geometry
	return forms[n.form].write(m, make([]byte, 0, usual))
}
