package filter

import (
	"encoding/json"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/geo"
)

// Municipalities are outlines by the municipality's code.
type Municipalities map[string]string

// codeProperties are what the code is called in open data: DAGI and DAWA say kode or kommunekode.
var codeProperties = []string{"kode", "kommunekode", "code", "municipality"}

// ReadMunicipalities reads a GeoJSON FeatureCollection (RFC 7946) of municipalities, each with its code as a property.
// Error: InvalidDocument, or InvalidGeometry and GeometryTooLarge for an outline that is none.
func ReadMunicipalities(text []byte) (Municipalities, error) {
	var collection struct {
		Features []struct {
			Properties map[string]any  `json:"properties"`
			Geometry   json.RawMessage `json:"geometry"`
		} `json:"features"`
	}
	if err := json.Unmarshal(text, &collection); err != nil || len(collection.Features) == 0 {
		return nil, fault.New(fault.InvalidDocument, "is no GeoJSON collection of features")
	}
	all := Municipalities{}
	for i, feature := range collection.Features {
		code := ""
		for _, name := range codeProperties {
			if value, is := feature.Properties[name].(string); is && code == "" {
				code = strings.Repeat("0", max(0, 4-len(value))) + value
			}
		}
		if !IsMunicipality(code) || all[code] != "" {
			return nil, fault.New(fault.InvalidDocument, "feature %d has no code of four digits as property kode, or another one's", i)
		}
		shape, err := geo.Parse(string(feature.Geometry))
		if err != nil {
			return nil, fault.Wrap(fault.Of(err).Code, err, "the outline of %s: %s", code, fault.Of(err).Detail)
		}
		if _, err := geo.NewLimit(shape); err != nil {
			return nil, fault.Wrap(fault.Of(err).Code, err, "the outline of %s: %s", code, fault.Of(err).Detail)
		}
		all[code] = shape.EWKT()
	}
	return all, nil
}

// Outline is that of a municipality, as WKT.
func (m Municipalities) Outline(code string) (wkt string, found bool) {
	wkt, found = m[code]
	return wkt, found
}
