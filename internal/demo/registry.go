package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/varselhub/varsel/examples/registers/municipalities"
	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/geo"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/register"
)

// The sample register: the municipalities of Denmark, as the register of administrative divisions would deliver them.
const (
	dagi         = "dagi"
	divisionsNS  = "http://data.gov.dk/dagi"
	municipality = "Kommuneinddeling"
	district     = "Afstemningsomraade"
)

// divisions is the register while the demo runs.
type divisions struct {
	hub  *app.Hub
	all  []outline
	rows []string // the row of each that is known now
	made int      // rows
}

// putDivisions sets the register up and has it deliver: every municipality, of which nobody is told; a correction of one outline,
// which is one event (F14b); and polling districts that are new, changed or given up.
func putDivisions(ctx context.Context, hub *app.Hub, now time.Time) (*divisions, error) {
	by := manage.By{Author: author}
	for _, name := range []string{municipality, district} {
		for _, kind := range register.EventKinds {
			if err := putDivisionType(ctx, hub.Manager, name, (&register.EntityType{Name: name}).EventType(kind), by); err != nil {
				return nil, err
			}
		}
	}
	if _, err := hub.Manager.PutSource(ctx, event.Source{Name: dagi, URI: divisionsNS, Title: "Administrative divisions", Types: []string{"*"}}, by); err != nil {
		return nil, err
	}
	_, err := hub.Manager.PutRegister(ctx, register.Register{
		Name: dagi, Title: "Administrative divisions of Denmark", Source: dagi, Types: []register.EntityType{{
			Name: municipality, Namespace: divisionsNS, Row: "objectid", Object: []string{"id_lokalId"}, Columns: []register.Column{
				{Name: "objectid", Required: true}, {Name: "id_lokalId", Required: true}, {Name: "kommunekode"}, {Name: "navn"}, {Name: "regionskode"},
				{Name: "geometri", Type: register.Geometry}, {Name: "feltliste", EventOnly: true},
			},
		}, {
			Name: district, Namespace: divisionsNS, Row: "objectid", Object: []string{"id_lokalId"}, Columns: []register.Column{
				{Name: "objectid", Required: true}, {Name: "id_lokalId", Required: true}, {Name: "kommunekode"}, {Name: "navn"},
				{Name: "geometri", Type: register.Geometry}, {Name: "feltliste", EventOnly: true},
			},
		}},
	}, by)
	if err != nil {
		return nil, err
	}
	d := &divisions{hub: hub}
	if err := json.Unmarshal(municipalities.JSON, &d.all); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the example municipalities cannot be read")
	}
	year := now.AddDate(-1, 0, 0)
	var first bytes.Buffer
	for i := range d.all {
		d.rows = append(d.rows, fmt.Sprint(1000+i))
		first.WriteString(d.all[i].row(d.rows[i], year, register.NoEvent, ""))
	}
	districts, err := d.districts(now)
	if err != nil {
		return nil, err
	}
	for _, taken := range []struct{ id, entities string }{{"all", first.String()}, {"correction", d.corrected(0, "geometri", now)}, {"districts", districts}} {
		if err := d.deliver(ctx, taken.id, taken.entities); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *divisions) deliver(ctx context.Context, id, entities string) error {
	if _, err := d.hub.Deposits.Take(ctx, dagi, id, bytes.NewBufferString(delivered(entities)), nil); err != nil {
		return fmt.Errorf("the delivery %s: %w", id, err)
	}
	return nil
}

// corrected is a new row of a municipality in the place of the one that was known.
func (d *divisions) corrected(which int, fields string, now time.Time) string {
	d.made++
	before := d.rows[which]
	d.rows[which] = fmt.Sprint(1999 + d.made)
	return d.all[which].row(d.rows[which], now, register.UpdateEvent, fields) +
		entity(municipality, "Update", register.NoEvent, column("objectid", before)+column("registreringTil", stamp(now)))
}

// How often a municipality is corrected while the demo runs, and what about it.
const correctEvery = 12 * time.Second

var corrections = []string{"geometri", "geometri, navn", "regionskode"}

// run has the register deliver a correction now and then until ctx ends: of one municipality after the other, up and down the country.
func (d *divisions) run(ctx context.Context) error {
	ticker := time.NewTicker(correctEvery)
	defer ticker.Stop()
	for n := 1; ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			which := n * 37 % len(d.all)
			if err := d.deliver(context.WithoutCancel(ctx), fmt.Sprintf("correction-%d", n), d.corrected(which, corrections[n%len(corrections)], now)); err != nil {
				return err
			}
		}
	}
}

// districtsOf are the municipalities that change their polling districts, and what becomes of one of them.
var districtsOf = []struct {
	code   string
	kind   register.EventKind
	fields string
}{
	{"0860", register.CreateEvent, ""}, {"0787", register.DeleteEvent, ""}, {"0661", register.UpdateEvent, "geometri"}, {"0751", register.CreateEvent, ""}, {"0561", register.UpdateEvent, "navn"},
	{"0461", register.CreateEvent, ""}, {"0510", register.DeleteEvent, ""}, {"0376", register.UpdateEvent, "geometri, navn"}, {"0330", register.CreateEvent, ""}, {"0219", register.DeleteEvent, ""},
	{"0400", register.CreateEvent, ""},
}

// districts are changes of polling districts, each around the middle of its municipality.
func (d *divisions) districts(now time.Time) (entities string, err error) {
	for i, of := range districtsOf {
		at := slices.IndexFunc(d.all, func(o outline) bool { return o.Code == of.code })
		if at < 0 {
			return "", fault.New(fault.Internal, "there is no municipality %s", of.code)
		}
		place, err := around(d.all[at].Geometry)
		if err != nil {
			return "", err
		}
		text := column("objectid", fmt.Sprint(5000+i)) + column("id_lokalId", fmt.Sprint("70"+of.code, i)) + column("kommunekode", of.code) + column("navn", d.all[at].Name+", 1. kreds") +
			column("geometri", place) + column("status", "gældende") + column("registreringFra", stamp(now)) + column("virkningFra", stamp(now))
		if of.fields != "" {
			text += column("feltliste", of.fields)
		}
		entities += entity(district, "Create", of.kind, text)
	}
	return entities, nil
}

// around is an eight-cornered district with a hole in it, in the middle of an outline.
func around(outline string) (string, error) {
	g, err := geo.Parse(outline)
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "the outline of a municipality cannot be read")
	}
	box := g.Box()
	ring := func(metres float64) string {
		var corners []string
		for corner := range 9 {
			sin, cos := math.Sincos(float64(corner%8) * math.Pi / 4)
			corners = append(corners, fmt.Sprintf("%.0f %.0f", (box.MinX+box.MaxX)/2+metres*cos, (box.MinY+box.MaxY)/2+metres*sin))
		}
		return "(" + strings.Join(corners, ",") + ")"
	}
	return "POLYGON(" + ring(9000) + "," + ring(3500) + ")", nil
}

func putDivisionType(ctx context.Context, m *manage.Manager, entityType, name string, by manage.By) error {
	if _, err := m.PutType(ctx, event.Type{Name: name, Title: name, Order: event.OrderKey, Retention: "P60D"}, by); err != nil {
		return err
	}
	_, err := m.PutVersion(ctx, event.Version{
		Type: name, Version: "v1", State: event.StateActive,
		Sample: json.RawMessage(`{"objectid":"1","id_lokalId":"389103","navn":"Sample","registreringFra":"2026-01-01T00:00:00.000000"}`),
		Mapping: event.Mapping{Fields: map[string]string{
			"key": "Load(id_lokalId)", "besked.objektID": "Load(objectid)", "besked.objekttype": "Constant(" + entityType + ")",
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
	return entity(municipality, "Create", kind, text)
}

func stamp(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000000Z") }

func column(name, value string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(value)) // into memory
	return "<d:" + name + ">" + b.String() + "</d:" + name + ">"
}

func entity(entityType, action string, kind register.EventKind, columns string) string {
	return fmt.Sprintf("<c:DataEntity><c:Action>%s</c:Action><c:CreateEvent>%s</c:CreateEvent><d:%s>%s</d:%[3]s></c:DataEntity>", action, kind, entityType, columns)
}

func delivered(entities string) string {
	return `<c:DatafordelerDataDelivery xmlns:c="urn:varsel:demo" xmlns:d="` + divisionsNS + `"><c:Data>` + entities + `</c:Data></c:DatafordelerDataDelivery>`
}
