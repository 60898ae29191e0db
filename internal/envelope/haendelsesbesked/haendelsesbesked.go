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
type Form = grunddata.Form

// The forms.
const (
	JSON = grunddata.JSON
	XML  = grunddata.XML
	Bare = grunddata.Bare
)

var forms = [...]struct {
	slot        int
	contentType string
}{
	JSON: {envelope.SlotHaendelsesbeskedJSON, "application/json"},
	XML:  {envelope.SlotHaendelsesbeskedXML, "application/xml"},
	Bare: {envelope.SlotHaendelsesbeskedBare, "application/json"},
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
	const usual = 2048 // of a message without geometry
	body, err := n.Append(make([]byte, 0, usual), e)
	if err != nil {
		return &event.Rendering{Err: err}
	}
	return &event.Rendering{ContentType: forms[n.form].contentType, Body: body}
}

// Append appends what Render makes, for who keeps no message. Where it returns an error nothing was appended.
func (n *Envelope) Append(dst []byte, e *event.Event) ([]byte, error) {
	version := n.versions(e.Type, e.Version)
	if version == nil {
		return dst, fault.New(fault.InvalidMessage, "version %s of type %s is not known", e.Version, e.Type)
	}
	return grunddata.Append(dst, n.form, version, e)
}
