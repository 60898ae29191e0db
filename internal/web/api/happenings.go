package api

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/geo"
	"github.com/varselhub/varsel/internal/register"
)

// Pages of what has happened to the objects of a register: a place may be megabytes.
const (
	happeningsShown = 50
	happeningsMost  = 500
)

// HappeningView is an event of a register: what has happened to an object, and where the object is.
type HappeningView struct {
	Position int64             `json:"position"`
	ID       string            `json:"id"` // the message id
	Type     string            `json:"type"`
	Recorded string            `json:"recorded"`
	Time     string            `json:"time"` // when it was registered
	Entity   string            `json:"entityType"`
	Action   string            `json:"action"`             // create, update or delete
	Withheld bool              `json:"withheld,omitempty"` // its type names personal values: this is all that is told of it here
	Object   map[string]string `json:"object,omitempty"`   // the columns that tell the object apart
	Name     string            `json:"name,omitempty"`     // the object's navn, where its type has one
	Fields   []string          `json:"fields,omitempty"`   // that it is about, by its feltliste
	Geometry string            `json:"geometry,omitempty"` // where the object is, as WKT
}

var actions = map[register.EventKind]string{register.CreateEvent: "create", register.UpdateEvent: "update", register.DeleteEvent: "delete"}

// happeningFeature is a HappeningView as RFC 7946 section 3.2 has it.
type happeningFeature struct {
	Type       string          `json:"type"`
	ID         int64           `json:"id"`
	Geometry   json.RawMessage `json:"geometry"`
	Properties HappeningView   `json:"properties"`
}

// listHappenings answers with the recent events of a register.
func (a *api) listHappenings(w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r, paging("type", "bbox", "since", "format", "srs")...)
	at := q.place(happeningsShown, happeningsMost)
	told := q.placing(nil)
	question := deposit.Recently{
		Register: r.PathValue("register"), Type: q.text("type"), Within: q.box("bbox"), Below: q.numbered(at.after), Limit: at.limit,
		Above: q.within("since", 0, 1<<53-1, 0),
	}
	if err := q.err(); err != nil {
		return err
	}
	found, next, err := a.Registers.Recent(r.Context(), &question)
	if err != nil {
		return err
	}
	items := make([]json.RawMessage, len(found))
	for i, h := range found {
		if items[i], err = told.happening(h); err != nil {
			return fault.Wrap(fault.Internal, err, "the answer cannot be written")
		}
	}
	return told.respondItems(w, items, next)
}

// happening is an event as it is told. A place that cannot be read, or told in the system that is asked for, is left out: what
// is published by hand may say anything.
func (p *placing) happening(h *register.Happening) (json.RawMessage, error) {
	v := HappeningView{
		Position: h.Position, ID: h.ID.String(), Type: h.Type, Recorded: instant(h.Recorded), Time: instant(h.Time), Entity: h.Of.Name, Action: actions[h.Kind],
		Withheld: h.Withheld, Name: h.Name, Fields: h.Fields,
	}
	for _, value := range h.Object {
		if v.Object == nil {
			v.Object = map[string]string{}
		}
		v.Object[value.Column] = value.Text
	}
	g, placed := deposit.PlaceOf(h)
	if p.features {
		feature := happeningFeature{Type: "Feature", ID: h.Position, Geometry: json.RawMessage("null"), Properties: v}
		if text, err := g.GeoJSON(); placed && err == nil {
			feature.Geometry = json.RawMessage(text)
		}
		return json.Marshal(feature)
	}
	if placed && p.system == geo.Unsaid {
		v.Geometry = h.Place
	} else if g, err := g.In(p.system); placed && err == nil {
		v.Geometry = g.EWKT()
	}
	return json.Marshal(v)
}

// box reads west, south, east and north; nil where it is not there. A box across the antimeridian (RFC 7946 section 5.2) would be on
// the other side of the earth from what registers here keep.
func (q *query) box(name string) *geo.Box {
	text := q.text(name)
	if text == "" {
		return nil
	}
	var sides [4]float64
	parts := strings.Split(text, ",")
	ok := len(parts) == len(sides)
	for i := 0; ok && i < len(sides); i++ {
		var err error
		sides[i], err = strconv.ParseFloat(strings.TrimSpace(parts[i]), 64)
		ok = err == nil && !math.IsNaN(sides[i])
	}
	b := geo.Box{MinX: sides[0], MinY: sides[1], MaxX: sides[2], MaxY: sides[3]}
	if !ok || b.MinX > b.MaxX || b.MinY > b.MaxY || b.MinX < -180 || b.MaxX > 180 || b.MinY < -90 || b.MaxY > 90 {
		q.refuse("query:"+name, "box", "want west,south,east,north in degrees, such as 9.8,54.7,11.1,55.7")
	}
	return &b
}
