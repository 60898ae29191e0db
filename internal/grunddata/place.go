package grunddata

import "strings"

// At makes a Stedbestemmelse of what a register says of where an object is: geometry as WKT, or a reference; nil of
// nothing.
func At(place string) *Stedbestemmelse {
	place = strings.TrimSpace(place)
	if place == "" {
		return nil
	}
	s := &Stedbestemmelse{Reference: place}
	s.settle()
	return s
}

// settle moves geometry that stands as a reference, as in the documentation's sample, to where geometry belongs.
func (s *Stedbestemmelse) settle() {
	if s.Geometri == "" && IsWKT(s.Reference) {
		s.Reference, s.Geometri = "", s.Reference
	}
}

var geometries = []string{
	"POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION",
	"CIRCULARSTRING", "COMPOUNDCURVE", "CURVEPOLYGON", "MULTICURVE", "MULTISURFACE", "TRIANGLE", "TIN", "POLYHEDRALSURFACE",
}

// srid is what may stand before the geometry: SRID=25832;
const srid = "SRID="

// IsWKT reports whether a text is geometry in well-known text by its first word, with or without an SRID in front.
// Whether the rest of it is, is for those to say who compute with it.
func IsWKT(place string) bool {
	if len(place) > len(srid) && strings.EqualFold(place[:len(srid)], srid) {
		_, place, _ = strings.Cut(place, ";")
	}
	place = strings.TrimLeft(place, " \t\r\n")
	end := strings.IndexAny(place, " (\t\r\n")
	if end < 0 {
		return false
	}
	for _, name := range geometries {
		if len(name) == end && strings.EqualFold(place[:end], name) {
			return true
		}
	}
	return false
}
