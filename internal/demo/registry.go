package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"time"

	"github.com/varselhub/varsel/examples/registers/municipalities"
	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/register"
)

// The sample register: the municipalities of Denmark, as the register of administrative divisions would deliver them.
const (
	divisions    = "dagi"
	divisionsNS  = "http://data.gov.dk/dagi"
	municipality = "Kommuneinddeling"
)

// putDivisions sets the register up and has it deliver twice: every municipality, of which nobody is told, and a correction of one
// outline, which is one event (F14b).
func putDivisions(ctx context.Context, hub *app.Hub, now time.Time) error {
	by := manage.By{Author: author}
	for _, kind := range register.EventKinds {
		if err := putDivisionType(ctx, hub.Manager, (&register.EntityType{Name: municipality}).EventType(kind), by); err != nil {
			return err
		}
	}
	if _, err := hub.Manager.PutSource(ctx, event.Source{Name: divisions, URI: divisionsNS, Title: "Administrative divisions", Types: []string{"*"}}, by); err != nil {
		return err
	}
	_, err := hub.Manager.PutRegister(ctx, register.Register{
		Name: divisions, Title: "Municipalities of Denmark", Source: divisions, Types: []register.EntityType{{
			Name: municipality, Namespace: divisionsNS, Row: "objectid", Object: []string{"id_lokalId"}, Columns: []register.Column{
				{Name: "objectid", Required: true}, {Name: "id_lokalId", Required: true}, {Name: "kommunekode"}, {Name: "navn"}, {Name: "regionskode"},
				{Name: "geometri", Type: register.Geometry}, {Name: "feltliste", EventOnly: true},
			},
		}},
	}, by)
	if err != nil {
		return err
	}
	var all []outline
	if err := json.Unmarshal(municipalities.JSON, &all); err != nil {
		return fault.Wrap(fault.Internal, err, "the example municipalities cannot be read")
	}
	year := now.AddDate(-1, 0, 0)
	var first bytes.Buffer
	for i := range all {
		first.WriteString(all[i].row(fmt.Sprint(1000+i), year, register.NoEvent, ""))
	}
	corrected := all[0].row(fmt.Sprint(2000), now, register.UpdateEvent, "geometri") +
		entity("Update", register.NoEvent, column("objectid", "1000")+column("registreringTil", stamp(now)))
	for _, d := range []struct{ id, entities string }{{"all", first.String()}, {"correction", corrected}} {
		if _, err := hub.Deposits.Take(ctx, divisions, d.id, bytes.NewBufferString(delivered(d.entities)), nil); err != nil {
			return fmt.Errorf("the delivery %s: %w", d.id, err)
		}
	}
	return nil
}

func putDivisionType(ctx context.Context, m *manage.Manager, name string, by manage.By) error {
	if _, err := m.PutType(ctx, event.Type{Name: name, Title: name, Order: event.OrderKey, Retention: "P60D"}, by); err != nil {
		return err
	}
	_, err := m.PutVersion(ctx, event.Version{
		Type: name, Version: "v1", State: event.StateActive,
		Sample: json.RawMessage(`{"objectid":"1","id_lokalId":"389103","navn":"Sample","registreringFra":"2026-01-01T00:00:00.000000"}`),
		Mapping: event.Mapping{Fields: map[string]string{
			"key": "Load(id_lokalId)", "besked.objektID": "Load(objectid)", "besked.objekttype": "Constant(" + municipality + ")",
			"besked.registreringstid": "Load(registreringFra)", "besked.registreringsID": `Load(id_lokalId) + "," + Load(registreringFra)`,
			"besked.objekthandling": "Load(feltliste)", "besked.stedbestemmelse": "Load(geometri)", "besked.opgaveemne": "Constant(52.20.10.15)",
			"besked.sikkerhedsklassificering": "Constant(http://data.gov.dk/vocabulary/security/confidentiality#NonConfidential)",
		}},
	}, by)
	return err
}

// outline is a municipality as examples/registers has it.
type outline struct {
	Code     string `json:"kommunekode"`
	Name     string `json:"navn"`
	Region   string `json:"regionskode"`
	Geometry string `json:"geometri"`
}

func (o *outline) row(id string, registered time.Time, kind register.EventKind, changed string) string {
	text := column("objectid", id) + column("id_lokalId", "38910"+o.Code) + column("kommunekode", o.Code) + column("navn", o.Name) + column("regionskode", o.Region) +
		column("geometri", o.Geometry) + column("status", "gældende") + column("registreringFra", stamp(registered)) + column("virkningFra", "2007-01-01T00:00:00.000000+01:00")
	if changed != "" {
		text += column("feltliste", changed)
	}
	return entity("Create", kind, text)
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000Z") }

func column(name, value string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(value)) // into memory
	return "<d:" + name + ">" + b.String() + "</d:" + name + ">"
}

func entity(action string, kind register.EventKind, columns string) string {
	return fmt.Sprintf("<c:DataEntity><c:Action>%s</c:Action><c:CreateEvent>%s</c:CreateEvent><d:%s>%s</d:%[3]s></c:DataEntity>", action, kind, municipality, columns)
}

func delivered(entities string) string {
	return `<c:DatafordelerDataDelivery xmlns:c="urn:varsel:demo" xmlns:d="` + divisionsNS + `"><c:Data>` + entities + `</c:Data></c:DatafordelerDataDelivery>`
}
