package api

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/geo"
	"github.com/varselhub/varsel/internal/register"
)

// The forms in which rows are told, and the reference systems of what lies somewhere in them.
const (
	formJSON    = "json"
	formGeoJSON = "geojson"

	srsUTM32 = "25832"
	srsWGS84 = "4326"

	geoJSON = "application/geo+json" // RFC 7946 section 12
)

// placing is how what lies somewhere is told of.
type placing struct {
	of       *register.EntityType
	system   geo.System // WKT in this one; Unsaid: as it was delivered
	features bool       // as GeoJSON
}

func (q *query) placing(of *register.EntityType) placing {
	p := placing{of: of, features: q.oneOf("format", formJSON, formGeoJSON) == formGeoJSON}
	switch q.oneOf("srs", srsUTM32, srsWGS84) {
	case srsUTM32:
		if p.system = geo.UTM32; p.features {
			q.refuse("query:srs", "geojson", "GeoJSON is in longitude and latitude (RFC 7946 section 4); leave it out, or take format=json")
		}
	case srsWGS84:
		p.system = geo.WGS84
	}
	return p
}

// isPlace reports whether a column holds where something lies.
func (p *placing) isPlace(column string) bool {
	c, ok := p.of.Column(column)
	return ok && c.Type == register.Geometry
}

// respond answers with rows, each a JSON object of its columns. next: the number to go on behind; 0: that was all.
func (p *placing) respond(w http.ResponseWriter, rows []json.RawMessage, next int64) error {
	items := make([]json.RawMessage, len(rows))
	for i, row := range rows {
		item, err := p.item(row)
		if err != nil {
			return err
		}
		items[i] = item
	}
	cursor := ""
	if next > 0 {
		cursor = cursorOf(strconv.FormatInt(next, 10))
	}
	if !p.features {
		return respond(w, http.StatusOK, page[json.RawMessage]{Items: items, Next: cursor})
	}
	return collection{Features: items, Next: cursor}.respond(w)
}

// collection is a FeatureCollection (RFC 7946 section 3.3) with foreign members (section 6.1).
type collection struct {
	Type     string            `json:"type"`
	Features []json.RawMessage `json:"features"`
	Next     string            `json:"next,omitempty"`
	UpTo     int64             `json:"upTo,omitempty"`
}

func (c collection) respond(w http.ResponseWriter) error {
	c.Type = "FeatureCollection"
	text, err := json.Marshal(c)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "the answer cannot be written")
	}
	w.Header().Set("Content-Type", geoJSON)
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(text) // a client that left needs no answer
	return nil
}

// item is a row as it is told: as it stands, with its places in another system, or as a feature with the first of its places.
func (p *placing) item(row json.RawMessage) (json.RawMessage, error) {
	if p.system == geo.Unsaid && !p.features {
		return row, nil
	}
	var columns bytes.Buffer
	place := json.RawMessage("null")
	decoder, encoder := jsontext.NewDecoder(bytes.NewReader(row)), jsontext.NewEncoder(&columns)
	if _, err := decoder.ReadToken(); err != nil {
		return nil, unreadable(err)
	}
	_ = encoder.WriteToken(jsontext.BeginObject) // into memory, as all that follows
	for placed := false; decoder.PeekKind() == '"'; {
		name, err := decoder.ReadToken()
		if err != nil {
			return nil, unreadable(err)
		}
		column := name.String()
		value, err := decoder.ReadValue()
		if err != nil {
			return nil, unreadable(err)
		}
		if p.isPlace(column) && value.Kind() == '"' {
			if p.features && !placed {
				placed = true
				if place, err = feature(value); err != nil {
					return nil, err
				}
				continue
			}
			if value, err = p.converted(value); err != nil {
				return nil, err
			}
		}
		_ = encoder.WriteToken(jsontext.String(column))
		_ = encoder.WriteValue(value)
	}
	_ = encoder.WriteToken(jsontext.EndObject)
	told := bytes.TrimSpace(columns.Bytes())
	if !p.features {
		return told, nil
	}
	return json.Marshal(struct {
		Type       string          `json:"type"`
		Geometry   json.RawMessage `json:"geometry"`
		Properties json.RawMessage `json:"properties"`
	}{"Feature", place, told})
}

func unreadable(err error) error { return fault.Wrap(fault.Internal, err, "a row cannot be read") }

// placeOf reads where something lies. What does not say its system is in that of Danish registers.
func placeOf(value jsontext.Value) (g geo.Geometry, empty bool, err error) {
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return g, false, unreadable(err)
	}
	if text == "" {
		return g, true, nil
	}
	if g, err = geo.Parse(text); err == nil && g.System == geo.Unsaid {
		g.System = geo.UTM32
	}
	return g, false, err
}

func feature(value jsontext.Value) (json.RawMessage, error) {
	g, empty, err := placeOf(value)
	if err != nil || empty {
		return json.RawMessage("null"), err
	}
	text, err := g.GeoJSON()
	return json.RawMessage(text), err
}

func (p *placing) converted(value jsontext.Value) (jsontext.Value, error) {
	g, empty, err := placeOf(value)
	if err != nil || empty || p.system == geo.Unsaid {
		return value, err
	}
	if g, err = g.In(p.system); err != nil {
		return nil, err
	}
	text, err := jsontext.AppendQuote(nil, g.EWKT())
	return jsontext.Value(text), err
}
