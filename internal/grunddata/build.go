package grunddata

import (
	"bytes"
	"sync"
	"time"
	_ "time/tzdata" // the offset of Dannelsestidspunkt must not depend on the machine

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
)

// timeLayout is that of the service's answers: seven decimals and an offset.
const timeLayout = "2006-01-02T15:04:05.0000000-07:00"

var copenhagen = sync.OnceValues(func() (*time.Location, error) { return time.LoadLocation("Europe/Copenhagen") })

// FromEvent makes the message of an event: filled as the mapping of its version says, or read from the data where a
// register has put a ready one. Whether it says enough to be sent is told by Check. The error is a fault InvalidMessage and
// tells no value.
func FromEvent(version *event.Compiled, e *event.Event) (*Message, error) {
	if !version.MapsBesked() {
		return nil, fault.New(fault.InvalidMessage, "the mapping of version %s of type %s says nothing of a Hændelsesbesked", e.Version, e.Type)
	}
	if !event.IsJSON(e.MediaType) || len(e.Data) == 0 {
		return nil, fault.New(fault.InvalidMessage, "the data is not JSON, so it cannot become a Hændelsesbesked")
	}
	if v := event.Scan(e.Data); v != nil {
		return nil, fault.Invalid(fault.InvalidMessage, []fault.Violation{*v})
	}
	read := mapped
	if version.Maps(event.FieldBeskedMessage) {
		read = ready
	}
	m, err := read(version, e)
	if err != nil {
		return nil, err
	}
	m.BeskedID = e.ID.String() // what receipts and retries are known by
	info := &m.Beskedkuvert.Leveranceinformation
	if info.Dannelsestidspunkt == "" {
		if info.Dannelsestidspunkt, err = born(e); err != nil {
			return nil, err
		}
	}
	if info.Kildesystem == "" {
		info.Kildesystem = e.Source
	}
	return m, nil
}

// Unfit finds what keeps data with a ready message in it from becoming one. The pointers start at the data. What is filled
// field by field is held to its message by event.Compiled.Extract.
func Unfit(version *event.Compiled, data []byte) []fault.Violation {
	if !version.Maps(event.FieldBeskedMessage) {
		return nil
	}
	standIn := &event.Event{Type: version.Type.Name, Version: version.Version.Version, Source: version.Type.Name, MediaType: "application/json", Data: data}
	m, err := FromEvent(version, standIn)
	if err == nil {
		err = m.Check()
	}
	if err == nil {
		return nil
	}
	at, told := version.Place(event.FieldBeskedMessage), fault.Of(err)
	if len(told.Violations) == 0 {
		return []fault.Violation{{Pointer: at, Rule: "besked", Message: told.Detail}}
	}
	found := make([]fault.Violation, len(told.Violations))
	for i, v := range told.Violations {
		v.Pointer = at + v.Pointer
		found[i] = v
	}
	return found
}

// born says when the message was made: when its event was recorded, as Danish wall-clock time. A retry says the same.
func born(e *event.Event) (string, error) {
	zone, err := copenhagen()
	if err != nil {
		return "", fault.Wrap(fault.InvalidMessage, err, "the zone Europe/Copenhagen is not known")
	}
	return clock.FromMicros(made(e)).In(zone).Format(timeLayout), nil
}

func made(e *event.Event) (us int64) {
	if e.Recorded == 0 {
		return e.Time
	}
	return e.Recorded
}

// ready reads the message that a register has put into the data: as JSON there, or as a text of JSON or XML.
func ready(version *event.Compiled, e *event.Event) (*Message, error) {
	part, ok := version.Part(e.Data, event.FieldBeskedMessage)
	if !ok {
		return nil, fault.New(fault.InvalidMessage, "the data has nothing where the mapping says that the Hændelsesbesked stands")
	}
	if part[0] != '"' {
		return ReadJSON(part)
	}
	tree, v := event.Tree(part)
	written, _ := tree.(string)
	if v != nil {
		return nil, fault.Invalid(fault.InvalidMessage, []fault.Violation{*v})
	}
	text := bytes.TrimSpace([]byte(written))
	if bytes.HasPrefix(text, []byte("<")) {
		return ReadXML(text)
	}
	return ReadJSON(text)
}

// mapped fills a message of one registration with what the mapping finds in the data.
func mapped(version *event.Compiled, e *event.Event) (*Message, error) {
	tree, v := event.Tree(e.Data)
	if v != nil {
		return nil, fault.Invalid(fault.InvalidMessage, []fault.Violation{*v})
	}
	var found []fault.Violation
	m := fill(e.Type, func(field event.Field) string {
		value, v := version.Text(tree, field)
		if v != nil {
			found = append(found, *v)
		}
		return value
	})
	return m, fault.Invalid(fault.InvalidMessage, found)
}

// fill makes a message of one registration of what text says of each field.
func fill(beskedtype string, text func(event.Field) string) *Message {
	registration := Objektregistrering{
		Registreringsaktoer:   text(event.FieldBeskedRegistreringsaktoer),
		Registreringstid:      text(event.FieldBeskedRegistreringstid),
		Status:                text(event.FieldBeskedStatus),
		ObjektansvarligAktoer: text(event.FieldBeskedObjektansvarligAktoer),
		ObjektID:              text(event.FieldBeskedObjektID),
		Objekttype:            text(event.FieldBeskedObjekttype),
		Objekthandling:        text(event.FieldBeskedObjekthandling),
		Opgaveemne:            text(event.FieldBeskedOpgaveemne),
		RegistreringsID:       text(event.FieldBeskedRegistreringsID),
		Stedbestemmelse:       At(text(event.FieldBeskedStedbestemmelse)),
	}
	m := &Message{
		Beskedversion: Version,
		Beskedkuvert: Beskedkuvert{
			Filtreringsdata: Filtreringsdata{
				Beskedtype:            beskedtype,
				BeskedansvarligAktoer: text(event.FieldBeskedBeskedansvarligAktoer),
				Objektregistrering:    []Objektregistrering{registration},
				TvaergaaendeProces:    text(event.FieldBeskedTvaergaaendeProces),
			},
			Leveranceinformation: Leveranceinformation{
				TransaktionsID:           text(event.FieldBeskedTransaktionsID),
				Kildesystem:              text(event.FieldBeskedKildesystem),
				Sikkerhedsklassificering: text(event.FieldBeskedSikkerhedsklassificering),
			},
		},
		Beskeddata: []Beskeddata{{Objektreference: text(event.FieldBeskedObjektreference)}},
	}
	related := RelateretObjekt{text(event.FieldBeskedRelateretObjektID), text(event.FieldBeskedRelateretObjekttype)}
	if related.ObjektID != "" {
		m.Beskedkuvert.Filtreringsdata.RelateretObjekt = []RelateretObjekt{related}
	}
	handling := Modtagerhandling{text(event.FieldBeskedHandling), text(event.FieldBeskedResponsmodtager)}
	if handling != (Modtagerhandling{}) {
		m.Beskedkuvert.Modtagerhandling = &handling
	}
	if m.Beskeddata[0].Objektreference == "" {
		m.Beskeddata[0].Objektreference = registration.ObjektID
	}
	return m
}
