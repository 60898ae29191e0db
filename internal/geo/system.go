package geo

import (
	"strings"
)

// System is a coordinate reference system, by its EPSG code.
type System int

// The systems that are known. ETRS89 stands still on the European plate, and WGS 84 does not; they are taken as one here,
// as in EPSG's own transformation between them (1149), which is good to a metre.
const (
	Unsaid System = 0
	WGS84  System = 4326  // longitude and latitude, in degrees; EPSG:4258 (ETRS89) and CRS84 are read as this
	UTM32  System = 25832 // ETRS89 / UTM zone 32N: easting and northing, in metres; EPSG:7416, with heights, is read as this
)

func systemOfCode(code string) (System, error) {
	switch code {
	case "25832", "7416":
		return UTM32, nil
	case "4326", "4258", "CRS84":
		return WGS84, nil
	}
	return Unsaid, invalid("the reference system is not one that is known: EPSG:25832, EPSG:4326")
}

// systemOfName reads the ways in which a system is named in GML and GeoJSON: EPSG:25832, urn:ogc:def:crs:EPSG::25832 (with
// or without a version), http://www.opengis.net/def/crs/EPSG/0/25832, http://www.opengis.net/gml/srs/epsg.xml#25832.
// latitudeFirst is true of the names that mean the order of axes that EPSG registered, which has latitude first in degrees.
func systemOfName(name string) (system System, latitudeFirst bool, err error) {
	name = strings.TrimSpace(name)
	at := strings.LastIndexAny(name, ":/#")
	authority, code := name[:at+1], strings.ToUpper(name[at+1:])
	switch prefix := strings.ToLower(authority); {
	case prefix == "epsg:", strings.HasSuffix(prefix, "/epsg.xml#"), prefix == "ogc:":
	case strings.HasPrefix(prefix, "urn:ogc:def:crs:epsg:"), strings.HasPrefix(prefix, "urn:x-ogc:def:crs:epsg:"),
		strings.HasPrefix(prefix, "http://www.opengis.net/def/crs/epsg/"), strings.HasPrefix(prefix, "https://www.opengis.net/def/crs/epsg/"):
		latitudeFirst = true
	case strings.HasPrefix(prefix, "urn:ogc:def:crs:ogc:"), strings.HasPrefix(prefix, "http://www.opengis.net/def/crs/ogc/"):
	default:
		code = ""
	}
	system, err = systemOfCode(code)
	return system, latitudeFirst && system == WGS84, err
}

// In returns the geometry in another reference system. One that does not say its own is taken to be in it already.
func (g Geometry) In(system System) (Geometry, error) {
	switch {
	case g.System == system || g.System == Unsaid || system == Unsaid:
		return g.described(system, g.Heights), nil
	case system == UTM32:
		return g.converted(system, func(p Point) (Point, error) { return toUTM32(p) })
	default:
		return g.converted(system, func(p Point) (Point, error) { return fromUTM32(p) })
	}
}

func (g Geometry) converted(system System, f func(Point) (Point, error)) (Geometry, error) {
	out, err := g.mapped(f)
	if err != nil {
		return Geometry{}, err
	}
	return out.described(system, g.Heights), nil
}
