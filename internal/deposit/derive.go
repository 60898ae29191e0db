package deposit

import (
	"encoding/json"
	"strconv"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// draft is a derived event as it waits to be published.
type draft struct {
	ID   string          `json:"id"`
	Type string          `json:"type"`
	Time int64           `json:"time,omitempty"` // µs UTC, when what it is about was registered (F14)
	Data json.RawMessage `json:"data"`
}

// publishable is the draft as it is handed in.
func (d *draft) publishable(source *event.Source) event.Draft {
	e := event.Draft{
		SpecVersion: event.SpecVersion, ID: d.ID, Source: source.URI, Type: d.Type, MediaType: "application/json", Data: d.Data,
	}
	if d.Time != 0 {
		e.Time = string(event.AppendTime(nil, d.Time))
	}
	return e
}

// derive makes the events of the batch, in the order of its entities. Whether each can be published is found out here, where
// the delivery can still be refused: no update without its event.
func (t *taking) derive() error {
	stored, err := t.stored()
	if err != nil {
		return err
	}
	var found []fault.Violation
	for i := range t.pending {
		p := &t.pending[i]
		made, violations := t.draft(p, stored)
		if len(violations) == 0 {
			_, violations = t.Accepter.Accept(made.publishable(t.source))
		}
		for _, v := range violations {
			if len(found) < mostViolations {
				found = append(found, fault.Violation{Pointer: p.entry.Where, Line: p.entry.Line, Rule: v.Rule, Message: "its event cannot be published: " + v.Pointer + ": " + v.Message})
			}
		}
		if len(found) > 0 {
			continue
		}
		text, err := json.Marshal(made)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "an event cannot be written")
		}
		t.batch.Outgoing = append(t.batch.Outgoing, register.Outgoing{Draft: text})
	}
	return fault.Invalid(fault.InvalidDocument, found)
}

// draft makes the event of one entity. Its id is the delivery's and its place in it: the same whenever it is made.
func (t *taking) draft(p *pending, stored map[register.Handle][]byte) (*draft, []fault.Violation) {
	made := &draft{ID: t.delivery.ID + "/" + strconv.FormatInt(p.number, 10)}
	e := &p.entry
	if e.Message != nil {
		made.Type, made.Data = e.Message.Type, e.Message.Data
		return made, nil
	}
	made.Type = e.Type.EventType(e.Event)
	var before []byte
	if e.Row != nil {
		made.Time = e.Row.Registration.From
	} else {
		made.Time = e.Closing.At
		if before = stored[p.handle]; before == nil {
			return nil, []fault.Violation{{Rule: "exists", Message: "there is no such row"}}
		}
	}
	data, err := e.Data(before)
	if err != nil {
		return nil, []fault.Violation{{Rule: "data", Message: fault.Of(err).Detail}}
	}
	made.Data = data
	return made, nil
}

// stored reads the data of the rows that events of closings are about: from this batch, else from the store.
func (t *taking) stored() (map[register.Handle][]byte, error) {
	found := map[register.Handle][]byte{}
	wanted := map[string][]register.Handle{} // by entity type
	for i := range t.pending {
		p := &t.pending[i]
		if p.handle != (register.Handle{}) {
			wanted[p.entry.Type.Name] = append(wanted[p.entry.Type.Name], p.handle)
			found[p.handle] = nil
		}
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	for i := range t.batch.Rows {
		if row := &t.batch.Rows[i]; found[row.ID] == nil {
			if _, asked := found[row.ID]; asked {
				found[row.ID] = row.Data
			}
		}
	}
	for name, handles := range wanted {
		rows, err := t.Store.RowsAt(t.ctx, t.register.Name, name, handles, t.delivery.Number)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			found[rows[i].ID] = rows[i].Data
		}
	}
	return found, nil
}
