// Package statuspage renders the events of status sites as the webhooks that Statuspage sends (reference 2.5): one body
// for a component whose state has changed, and one for an incident or a maintenance, which always holds all its updates.
//
// Statuspage neither signs its webhooks nor gives them ids. Ours have the headers of Standard Webhooks around the same
// body, and a retry is the same, byte for byte.
package statuspage

import (
	"bytes"
	"encoding/json"
	"time"
	_ "time/tzdata" // the offset of times must not depend on the machine

	"github.com/varselhub/varsel/internal/envelope"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/wire"
)

// ContentType is that of every message.
const ContentType = "application/json"

// Documentation is where receivers read what the messages are.
const Documentation = "https://github.com/varselhub/varsel/blob/main/docs/statuspage.md"

// Envelope renders events. It keeps nothing.
type Envelope struct{}

// Slot implements envelope.Envelope.
func (Envelope) Slot() int { return envelope.SlotStatuspage }

// Render implements envelope.Envelope.
func (Envelope) Render(e *event.Event) *event.Rendering {
	body, err := body(e)
	if err != nil {
		return &event.Rendering{Err: err}
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(body); err != nil {
		return &event.Rendering{Err: fault.Wrap(fault.InvalidMessage, err, "the message cannot be written as JSON")}
	}
	return &event.Rendering{ContentType: ContentType, Body: bytes.TrimSuffix(text.Bytes(), []byte("\n"))}
}

func body(e *event.Event) (any, error) {
	switch e.Type {
	case status.ComponentChanged:
		var told status.ComponentTold
		if err := read(e, &told); err != nil {
			return nil, err
		}
		return componentBody(e, &told)
	case status.NoticeChanged, status.MessageChanged:
		var told status.NoticeTold
		if err := read(e, &told); err != nil {
			return nil, err
		}
		return incidentBody(e, &told)
	}
	return nil, fault.New(fault.InvalidMessage, "Statuspage has no webhook for events of the type %s", e.Type)
}

// read takes the data apart. What is wrong with it is not told: it may be anyone's.
func read(e *event.Event, told any) error {
	if !event.IsJSON(e.MediaType) {
		return fault.New(fault.InvalidMessage, "the data is not JSON")
	}
	if err := json.Unmarshal(e.Data, told); err != nil {
		return fault.New(fault.InvalidMessage, "the data is not that of an event of a status site")
	}
	return nil
}

// head is what both bodies begin with.
type head struct {
	Meta meta `json:"meta"`
	Page page `json:"page"`
}

type meta struct {
	Unsubscribe   string `json:"unsubscribe"`
	Documentation string `json:"documentation"`
	GeneratedAt   string `json:"generated_at"`
}

type page struct {
	ID          string           `json:"id"`
	Indicator   status.Indicator `json:"status_indicator"`
	Description string           `json:"status_description"`
}

// begin writes what both bodies begin with, and finds the pen for the rest. A message is generated when its event was
// recorded: a retry must be the same.
func begin(e *event.Event, p *status.PageOf) (head, *wire.Pen, error) {
	zone, err := time.LoadLocation(p.Zone)
	if err != nil || !status.IsID(p.ID) {
		return head{}, nil, fault.New(fault.InvalidMessage, "the data is not that of an event of a status site: its page has no id or no zone")
	}
	pen := &wire.Pen{Page: p.ID, Zone: zone, Languages: p.Languages}
	at := e.Recorded
	if at == 0 {
		at = e.Time
	}
	return head{
		Meta: meta{Unsubscribe: p.URL + "/follow", Documentation: Documentation, GeneratedAt: pen.Time(status.Time(at))},
		Page: page{p.ID, p.Headline.Indicator, p.Headline.Description},
	}, pen, nil
}
