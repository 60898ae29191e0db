package deposit

import (
	"encoding/json"
	"strconv"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/grunddata"
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

// telling is what a register wants told of one entity.
type telling struct {
	place
	kind string // the event's type
	at   int64  // when it was registered
	data []byte

	update *register.Entity // the data is of the row that this ends:
	of     string           // of this entity type,
	row    register.Handle  // and with this handle

	message []byte // a ready message in place of all this (F2)

	persons []register.Naming // that the entity names
}

// derive makes the events of the batch, in the order of its entities. Whether each can be published is found out here, where
// the delivery can still be refused: no update without its event.
func (t *taking) derive() error {
	rows, err := t.ended()
	if err != nil {
		return err
	}
	var found []fault.Violation
	refuse := func(v fault.Violation) {
		if len(found) < mostViolations {
			found = append(found, v)
		}
	}
	for i := range t.telling {
		told := &t.telling[i]
		made, problem := t.draft(told, rows)
		if problem != nil {
			refuse(*problem)
		}
		if made == nil {
			continue
		}
		accepted, violations := t.Accepter.Accept(made.publishable(t.source))
		for _, v := range violations {
			refuse(told.refuse(v.Rule, "its event cannot be published: "+v.Pointer+": "+v.Message))
		}
		if accepted == nil {
			continue
		}
		persons, whole := t.persons(told, accepted)
		if !whole {
			refuse(told.refuse("personal", "its event would name a person and not be found by it: the event type must be personal, and its mapping name the fields of the personal columns"))
		}
		text, err := json.Marshal(made)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "an event cannot be written")
		}
		t.batch.Outgoing = append(t.batch.Outgoing, register.Outgoing{Draft: text, Persons: persons})
	}
	return fault.Invalid(fault.InvalidDocument, found)
}

// persons are whom an event names, by the mapping of its type. It is not whole when a column names somebody whom the mapping
// does not: once in the log, the event would be found by the mapping alone.
func (t *taking) persons(told *telling, e *event.Event) (list []register.Naming, whole bool) {
	if version := t.Directory.Version(e.Type, e.Version); version != nil {
		version.EachPerson(e, func(value string) {
			list = register.Also(list, register.Naming{Clue: register.PersonClue(t.Handles, value)})
		})
	}
	mapped := len(list)
	list = register.Also(list, told.persons...)
	return list, len(list) == mapped
}

// draft makes the event of one entity. Its id is the delivery's and its place in it: the same whenever it is made. There is
// none of a row that was erased: nothing could be told of it.
func (t *taking) draft(told *telling, rows map[register.Handle]*register.Row) (*draft, *fault.Violation) {
	made := &draft{ID: t.delivery.ID + "/" + strconv.FormatInt(told.number, 10), Type: told.kind, Time: told.at, Data: told.data}
	problem := func(rule, message string) *fault.Violation {
		v := told.refuse(rule, message)
		return &v
	}
	switch {
	case told.message != nil:
		message, err := grunddata.ReadXML(told.message)
		if err == nil {
			err = message.Check()
		}
		if err != nil {
			return nil, problem("message", fault.Of(err).Detail)
		}
		made.Type, made.Data = message.Beskedkuvert.Filtreringsdata.Beskedtype, message.AppendJSON(nil)
	case told.update != nil:
		row := rows[told.row]
		if row == nil {
			return nil, problem("exists", "there is no such row, so there is nothing to tell of it")
		}
		if row.Erased {
			return nil, nil
		}
		data, err := told.update.ToldOver(row.Data)
		if err == nil {
			var more []register.Naming
			more, err = t.maker.PersonsIn(told.update.Type, row)
			told.persons = register.Also(told.persons, more...)
		}
		if err != nil {
			return nil, problem("data", fault.Of(err).Detail)
		}
		made.Data = data
	}
	return made, nil
}

// ended reads the rows that the batch ends and tells of: from the batch itself, else from the store.
func (t *taking) ended() (map[register.Handle]*register.Row, error) {
	found, wanted := map[register.Handle]*register.Row{}, map[string][]register.Handle{} // by entity type
	for i := range t.telling {
		if told := &t.telling[i]; told.update != nil {
			wanted[told.of] = append(wanted[told.of], told.row)
		}
	}
	for name, handles := range wanted {
		rows, err := t.Store.RowsAt(t.ctx, t.register.Name, name, handles, t.delivery.Number)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			found[rows[i].ID] = &rows[i]
		}
	}
	if len(wanted) > 0 {
		for i := range t.batch.Rows {
			found[t.batch.Rows[i].ID] = &t.batch.Rows[i]
		}
	}
	return found, nil
}
