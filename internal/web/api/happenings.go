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

// HappeningsView is a page of them.
type HappeningsView struct {
	Items []HappeningView `json:"items"`
	Next  string          `json:"next,omitempty"` // give it as after to get what follows; none: there is no more for now
	UpTo  int64           `json:"upTo"`           // the position up to which the log was looked at: as since it asks for what comes later
}

var actions = map[register.EventKind]string{register.CreateEvent: "create", register.UpdateEvent: "update", register.DeleteEvent: "delete"}

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
	upTo := a.Registers.Seen() // before it is looked at: what comes meanwhile is told twice rather than never
	found, next, err := a.Registers.Recent(r.Context(), &question)
	if err != nil {
		return err
	}
	p := HappeningsView{Items: make([]HappeningView, len(found)), UpTo: upTo}
	if next > 0 {
		p.Next = cursorOf(strconv.FormatInt(next, 10))
	}
	features := make([]json.RawMessage, len(found))
	for i, h := range found {
		p.Items[i] = viewHappening(h)
		if !told.features {
			p.Items[i].Geometry = told.place(h)
			continue
		}
		if features[i], err = featureOf(h, p.Items[i]); err != nil {
			return fault.Wrap(fault.Internal, err, "the answer cannot be written")
		}
	}
	if told.features {
		return collection{Features: features, Next: p.Next, UpTo: p.UpTo}.respond(w)
	}
	return respond(w, http.StatusOK, p)
}

// viewHappening is an event as it is told, but for its place.
func viewHappening(h *register.Happening) HappeningView {
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
	return v
}

// place is where an object is, in the system that is asked for. What cannot be read, or told in it, is left out: what is published by
// hand may say anything.
func (p *placing) place(h *register.Happening) string {
	g, placed := deposit.PlaceOf(h)
	switch in, err := g.In(p.system); {
	case !placed || err != nil:
		return ""
	case p.system == geo.Unsaid:
		return h.Place
	default:
		return in.EWKT()
	}
}

// featureOf is an event as RFC 7946 section 3.2 has it, with its place as place has it.
func featureOf(h *register.Happening, v HappeningView) (json.RawMessage, error) {
	feature := struct {
		Type       string          `json:"type"`
		ID         int64           `json:"id"`
		Geometry   json.RawMessage `json:"geometry"`
		Properties HappeningView   `json:"properties"`
	}{"Feature", h.Position, json.RawMessage("null"), v}
	if g, placed := deposit.PlaceOf(h); placed {
		if text, err := g.GeoJSON(); err == nil {
			feature.Geometry = json.RawMessage(text)
		}
	}
	return json.Marshal(feature)
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
