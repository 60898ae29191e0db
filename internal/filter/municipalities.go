package filter

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/geo"
)

// Municipalities are outlines by the municipality's code.
type Municipalities map[string]string

// codeProperties are what the code is called in open data: DAGI and DAWA say kode or kommunekode.
var codeProperties = []string{"kode", "kommunekode", "code", "municipality"}

// ReadMunicipalities reads a GeoJSON FeatureCollection (RFC 7946) of municipalities, each with its code as a property, or
// a JSON list of rows of a register: objects with kommunekode and geometri, as WKT in EPSG:25832.
// Error: InvalidDocument, or InvalidGeometry and GeometryTooLarge for an outline that is none.
func ReadMunicipalities(text []byte) (Municipalities, error) {
	all := Municipalities{}
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) {
		var rows []struct {
			Kommunekode string `json:"kommunekode"`
			Geometri    string `json:"geometri"`
		}
		if err := json.Unmarshal(text, &rows); err != nil {
			return nil, fault.New(fault.InvalidDocument, "is no list of rows with kommunekode and geometri")
		}
		for i, row := range rows {
			if err := all.add(i, row.Kommunekode, row.Geometri); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	var collection struct {
		Features []struct {
			Properties map[string]any  `json:"properties"`
			Geometry   json.RawMessage `json:"geometry"`
		} `json:"features"`
	}
	if err := json.Unmarshal(text, &collection); err != nil || len(collection.Features) == 0 {
		return nil, fault.New(fault.InvalidDocument, "is no GeoJSON collection of features")
	}
	for i, feature := range collection.Features {
		code := ""
		for _, name := range codeProperties {
			if value, is := feature.Properties[name].(string); is && code == "" {
				code = value
			}
		}
		if err := all.add(i, code, string(feature.Geometry)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// add takes in the i-th municipality.
func (m Municipalities) add(i int, code, geometry string) error {
	code = strings.Repeat("0", max(0, 4-len(code))) + code
	if code == "0000" || !IsMunicipality(code) || m[code] != "" {
		return fault.New(fault.InvalidDocument, "number %d has no code of four digits as kode or kommunekode, or another one's", i)
	}
	shape, err := read(geometry)
	if err == nil {
		_, err = geo.NewLimit(shape)
	}
	if err != nil {
		return fault.Wrap(fault.Of(err).Code, err, "the outline of %s: %s", code, fault.Of(err).Detail)
	}
	m[code] = shape.EWKT()
	return nil
}

// Outline is that of a municipality, as WKT.
func (m Municipalities) Outline(code string) (wkt string, found bool) {
	wkt, found = m[code]
	return wkt, found
}
