package geo

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// The types of GeoJSON (RFC 7946, 1.4), by kind.
var types = [...]string{
	Collection:      "GeometryCollection",
	PointKind:       "Point",
	LineString:      "LineString",
	PolygonKind:     "Polygon",
	MultiPoint:      "MultiPoint",
	MultiLineString: "MultiLineString",
	MultiPolygon:    "MultiPolygon",
}

// parseGeoJSON reads a geometry object. RFC 7946 has WGS 84 only; the member crs of its forerunner of 2008 is read, since
// Danish data in EPSG:25832 is handed around with it.
func parseGeoJSON(text string, b budget) (Geometry, error) {
	r := jsonReader{budget: b, system: WGS84}
	g, err := r.geometry([]byte(text), 0)
	if err != nil {
		return Geometry{}, err
	}
	return g.described(r.system, r.budget.heights == 3), nil
}

type jsonReader struct {
	budget budget
	system System
}

// members are those of an object that matter, as they stand in the text.
type members struct{ kind, coordinates, geometries, crs jsontext.Value }

func (r *jsonReader) geometry(object jsontext.Value, depth int) (Geometry, error) {
	m, err := read(object)
	if err != nil {
		return Geometry{}, err
	}
	if len(m.crs) > 0 && depth == 0 {
		if err := r.crs(m.crs); err != nil {
			return Geometry{}, err
		}
	}
	kind, err := kindOf(m.kind)
	if err != nil {
		return Geometry{}, err
	}
	if err := r.budget.spend(); err != nil {
		return Geometry{}, err
	}
	if kind == Collection {
		return r.collection(m.geometries, depth)
	}
	if m.coordinates.Kind() != '[' {
		return Geometry{}, notGeoJSON("there are no coordinates")
	}
	dec := jsontext.NewDecoder(bytes.NewReader(m.coordinates))
	g := Geometry{Kind: kind}
	switch kind {
	case PointKind:
		g.Points, err = r.one(dec)
	case LineString:
		g.Lines, err = oneOf(r.line(dec))
	case PolygonKind:
		g.Polygons, err = oneOf(r.polygon(dec))
	case MultiPoint:
		g.Points, err = array(dec, r.point)
	case MultiLineString:
		g.Lines, err = array(dec, r.line)
	default:
		g.Polygons, err = array(dec, r.polygon)
	}
	return g, err
}

func (r *jsonReader) collection(geometries jsontext.Value, depth int) (Geometry, error) {
	if depth == MaxDepth {
		return Geometry{}, tooLarge("collections are nested more than %d deep", MaxDepth)
	}
	if geometries.Kind() != '[' {
		return Geometry{}, notGeoJSON("a GeometryCollection has no geometries")
	}
	var err error
	g := Geometry{Kind: Collection}
	g.Members, err = array(jsontext.NewDecoder(bytes.NewReader(geometries)), func(dec *jsontext.Decoder) (Geometry, error) {
		object, err := dec.ReadValue()
		if err != nil {
			return Geometry{}, notGeoJSON("it is not JSON")
		}
		return r.geometry(object.Clone(), depth+1)
	})
	return g, err
}

// read takes an object apart. Its members come in any order, and coordinates mean nothing before the type is known.
func read(object jsontext.Value) (members, error) {
	var m members
	dec := jsontext.NewDecoder(bytes.NewReader(object))
	if token, err := dec.ReadToken(); err != nil || token.Kind() != '{' {
		return m, notGeoJSON("a geometry is not an object")
	}
	for dec.PeekKind() == '"' {
		token, err := dec.ReadToken()
		if err != nil {
			return m, notGeoJSON("it is not JSON")
		}
		name := token.String()
		value, err := dec.ReadValue()
		if err != nil {
			return m, notGeoJSON("it is not JSON")
		}
		switch name {
		case "type":
			m.kind = value.Clone()
		case "coordinates":
			m.coordinates = value.Clone()
		case "geometries":
			m.geometries = value.Clone()
		case "crs":
			m.crs = value.Clone()
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return m, notGeoJSON("it is not JSON")
	}
	if _, err := dec.ReadToken(); !errors.Is(err, io.EOF) {
		return m, notGeoJSON("there is more after it")
	}
	return m, nil
}

func kindOf(value jsontext.Value) (Kind, error) {
	name, err := jsontext.AppendUnquote(nil, value)
	if err != nil {
		return 0, notGeoJSON("there is no type")
	}
	for kind, known := range types {
		if string(name) == known {
			return Kind(kind), nil
		}
	}
	return 0, notGeoJSON("the type is not that of a geometry; of a Feature give the geometry")
}

// crs reads {"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::25832"}}. GeoJSON has longitude first whatever the
// name says.
func (r *jsonReader) crs(value jsontext.Value) error {
	dec := jsontext.NewDecoder(bytes.NewReader(value))
	for {
		token, err := dec.ReadToken()
		if err != nil {
			return notGeoJSON("crs names no reference system")
		}
		if dec.StackDepth() == 2 && token.Kind() == '"' && token.String() == "name" && dec.PeekKind() == '"' {
			if token, err = dec.ReadToken(); err != nil {
				return notGeoJSON("crs names no reference system")
			}
			r.system, _, err = systemOfName(token.String())
			return err
		}
	}
}

// one reads a Point: an empty array is an empty one.
func (r *jsonReader) one(dec *jsontext.Decoder) ([]Point, error) {
	numbers, err := array(dec, readNumber)
	if err != nil || len(numbers) == 0 {
		return nil, err
	}
	return oneOf(r.budget.point(numbers))
}

func (r *jsonReader) polygon(dec *jsontext.Decoder) (Polygon, error) {
	if err := r.budget.spend(); err != nil {
		return nil, err
	}
	return array(dec, func(dec *jsontext.Decoder) (Line, error) {
		ring, err := r.path(dec)
		if err == nil {
			err = checkRing(ring)
		}
		return ring, err
	})
}

func (r *jsonReader) line(dec *jsontext.Decoder) (Line, error) {
	line, err := r.path(dec)
	if err == nil {
		err = checkLine(line)
	}
	return line, err
}

func (r *jsonReader) path(dec *jsontext.Decoder) (Line, error) {
	if err := r.budget.spend(); err != nil {
		return nil, err
	}
	return array(dec, r.point)
}

// point reads a position. RFC 7946 (3.1.1) lets a reader pass over what comes after the height.
func (r *jsonReader) point(dec *jsontext.Decoder) (Point, error) {
	var values [3]float64
	n := 0
	err := eachOf(dec, func() error {
		v, err := readNumber(dec)
		if err == nil && n < len(values) {
			values[n] = v
			n++
		}
		return err
	})
	if err != nil {
		return Point{}, err
	}
	return r.budget.point(values[:n])
}

func readNumber(dec *jsontext.Decoder) (float64, error) {
	token, err := dec.ReadToken()
	if err != nil || token.Kind() != '0' {
		return 0, notGeoJSON("a coordinate is not a number")
	}
	v, err := token.Float()
	if err != nil {
		return 0, notGeoJSON("a coordinate is not a number on the earth")
	}
	return v, nil
}

func array[T any](dec *jsontext.Decoder, item func(*jsontext.Decoder) (T, error)) ([]T, error) {
	var items []T
	err := eachOf(dec, func() error {
		next, err := item(dec)
		if err == nil {
			items = append(items, next)
		}
		return err
	})
	return items, err
}

// eachOf calls item for each item of the array that comes next.
func eachOf(dec *jsontext.Decoder, item func() error) error {
	if token, err := dec.ReadToken(); err != nil || token.Kind() != '[' {
		return notGeoJSON("the coordinates are not nested as the type has them")
	}
	for dec.PeekKind() != ']' {
		if err := item(); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// oneOf is the slice of one, with the error of making it.
func oneOf[T any](item T, err error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	return []T{item}, nil
}

func notGeoJSON(detail string) error { return invalid("the GeoJSON cannot be read: %s", detail) }

// GeoJSON writes the geometry as RFC 7946 has it: in longitude and latitude, with at most nine decimals, a tenth of a
// millimetre. A geometry in EPSG:25832 is converted; one that lies outside the zone is refused.
func (g Geometry) GeoJSON() (string, error) {
	g, err := g.In(WGS84)
	if err != nil {
		return "", err
	}
	return string(g.appendGeoJSON(nil)), nil
}

func (g Geometry) appendGeoJSON(to []byte) []byte {
	to = append(append(append(to, `{"type":"`...), types[g.Kind]...), '"')
	if g.Kind == Collection {
		to = append(to, `,"geometries":`...)
		to = appendArray(to, g.Members, func(to []byte, m Geometry) []byte { return m.appendGeoJSON(to) })
		return append(to, '}')
	}
	to = append(to, `,"coordinates":`...)
	switch {
	case g.Kind == PointKind && len(g.Points) == 1:
		to = g.appendPosition(to, g.Points[0])
	case g.Kind == LineString && len(g.Lines) == 1:
		to = appendArray(to, g.Lines[0], g.appendPosition)
	case g.Kind == PolygonKind && len(g.Polygons) == 1:
		to = g.appendRings(to, g.Polygons[0])
	case g.Kind == MultiLineString:
		to = g.appendRings(to, g.Lines)
	case g.Kind == MultiPolygon:
		to = appendArray(to, g.Polygons, func(to []byte, p Polygon) []byte { return g.appendRings(to, p) })
	default: // points, and what is empty
		to = appendArray(to, g.Points, g.appendPosition)
	}
	return append(to, '}')
}

func (g Geometry) appendRings(to []byte, lines []Line) []byte {
	return appendArray(to, lines, func(to []byte, line Line) []byte { return appendArray(to, line, g.appendPosition) })
}

func (g Geometry) appendPosition(to []byte, p Point) []byte {
	to = appendRounded(append(to, '['), p.X, 9)
	to = appendRounded(append(to, ','), p.Y, 9)
	if g.Heights {
		to = appendRounded(append(to, ','), p.Z, 4)
	}
	return append(to, ']')
}

func appendArray[T any](to []byte, items []T, item func([]byte, T) []byte) []byte {
	to = append(to, '[')
	for i, it := range items {
		if i > 0 {
			to = append(to, ',')
		}
		to = item(to, it)
	}
	return append(to, ']')
}

// appendRounded writes a number with at most so many decimals, and no zeros after the last that tells.
func appendRounded(to []byte, v float64, decimals int) []byte {
	text := strings.TrimSuffix(strings.TrimRight(strconv.FormatFloat(v, 'f', decimals, 64), "0"), ".")
	if text == "-0" {
		text = "0"
	}
	return append(to, text...)
}
