package geo

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// FromGML reads the geometry whose start element the decoder has just given, to its end element, which it takes too. It
// reads GML 3.2 (ISO 19136) and its forerunners as far as Danish register data uses them: Point, MultiPoint, LineString,
// Curve of LineStringSegment, MultiCurve, MultiLineString, Polygon, Surface of PolygonPatch, MultiSurface, MultiPolygon
// and MultiGeometry, with pos, posList and coordinates. What else belongs to GML, arcs above all, is refused by its name.
// What it refuses besides is what Parse does; MaxText is looked at between the tokens, so whoever reads from outside
// bounds the decoder's reader too.
func FromGML(decoder *xml.Decoder, start xml.StartElement) (Geometry, error) {
	return fromGML(decoder, start, newBudget())
}

func fromGML(decoder *xml.Decoder, start xml.StartElement, b budget) (Geometry, error) {
	r := gmlReader{decoder: decoder, from: decoder.InputOffset(), budget: b}
	g, err := r.geometry(start, axes{}, 0)
	if err != nil {
		return Geometry{}, err
	}
	return g.described(r.system, r.budget.heights == 3), nil
}

// gmlReader reads one geometry. The namespace is not looked at beyond "is it GML at all": 3.1 and 3.2 differ in it, and in
// nothing that is read here.
type gmlReader struct {
	decoder *xml.Decoder
	from    int64
	budget  budget
	system  System
	said    bool // whether a srsName was read
}

// axes is what a srsName and a srsDimension say of the coordinates below them.
type axes struct {
	latitudeFirst bool
	dimensions    int // 0: not said
}

// kinds of what GML calls a geometry, by its elements.
var gmlKinds = map[string]Kind{
	"Point": PointKind, "MultiPoint": MultiPoint,
	"LineString": LineString, "Curve": LineString, "MultiCurve": MultiLineString, "MultiLineString": MultiLineString,
	"Polygon": PolygonKind, "Surface": PolygonKind, "MultiSurface": MultiPolygon, "MultiPolygon": MultiPolygon,
	"MultiGeometry": Collection,
}

func (r *gmlReader) geometry(start xml.StartElement, above axes, depth int) (Geometry, error) {
	kind, ok := gmlKinds[start.Name.Local]
	if !ok || !gml(start.Name) {
		return Geometry{}, unread(start)
	}
	if depth > MaxDepth {
		return Geometry{}, tooLarge("geometries are nested more than %d deep", MaxDepth)
	}
	below, err := r.axes(start, above)
	if err != nil {
		return Geometry{}, err
	}
	if err := r.budget.spend(); err != nil {
		return Geometry{}, err
	}
	g := Geometry{Kind: kind}
	switch kind {
	case PointKind:
		g.Points, err = r.path(below)
		if err == nil && len(g.Points) > 1 {
			err = invalid("a Point has %d points", len(g.Points))
		}
	case LineString:
		g.Lines, err = r.curve(start.Name.Local, below)
	case PolygonKind:
		g.Polygons, err = r.surface(start.Name.Local, below)
	default:
		err = r.members(&g, below, depth)
	}
	return g, err
}

// members reads the parts of a Multi: elements of one geometry each (surfaceMember), or of many (surfaceMembers).
func (r *gmlReader) members(g *Geometry, above axes, depth int) error {
	return r.children(func(property xml.StartElement) error {
		name := strings.TrimSuffix(property.Name.Local, "s")
		if !strings.HasSuffix(name, "Member") {
			return unread(property)
		}
		return r.children(func(start xml.StartElement) error {
			member, err := r.geometry(start, above, depth+1)
			if err != nil {
				return err
			}
			return g.take(member, start)
		})
	})
}

// take makes a part of the whole: a Point of a MultiPoint.
func (g *Geometry) take(member Geometry, start xml.StartElement) error {
	switch {
	case g.Kind == Collection:
		g.Members = append(g.Members, member)
	case g.Kind == MultiPoint && member.Kind == PointKind:
		g.Points = append(g.Points, member.Points...)
	case g.Kind == MultiLineString && member.Kind == LineString:
		g.Lines = append(g.Lines, member.Lines...)
	case g.Kind == MultiPolygon && member.Kind == PolygonKind:
		g.Polygons = append(g.Polygons, member.Polygons...)
	default:
		return unread(start)
	}
	return nil
}

// curve reads a LineString, or a Curve of segments that follow on each other.
func (r *gmlReader) curve(name string, a axes) ([]Line, error) {
	var line Line
	var err error
	if name == "Curve" {
		line, err = r.segments(a)
	} else {
		line, err = r.path(a)
	}
	if err != nil || len(line) == 0 {
		return nil, err
	}
	return []Line{line}, checkLine(line)
}

func (r *gmlReader) segments(a axes) (Line, error) {
	var line Line
	err := r.within("segments", func() error {
		return r.children(func(segment xml.StartElement) error {
			if segment.Name.Local != "LineStringSegment" {
				return unread(segment)
			}
			next, err := r.path(a)
			if err != nil {
				return err
			}
			line, err = joined(line, next)
			return err
		})
	})
	return line, err
}

// joined adds a segment, which begins where the line ends.
func joined(line, next Line) (Line, error) {
	if len(line) == 0 || len(next) == 0 {
		return append(line, next...), nil
	}
	if line[len(line)-1] != next[0] {
		return nil, invalid("a segment does not begin where the one before it ends")
	}
	return append(line, next[1:]...), nil
}

// surface reads a Polygon, or a Surface, whose patches are polygons that together are one or more.
func (r *gmlReader) surface(name string, a axes) ([]Polygon, error) {
	if name == "Polygon" {
		return r.onePolygon(a)
	}
	var patches []Polygon
	err := r.within("patches", func() error {
		return r.children(func(patch xml.StartElement) error {
			if patch.Name.Local != "PolygonPatch" {
				return unread(patch)
			}
			one, err := r.onePolygon(a)
			patches = append(patches, one...)
			return err
		})
	})
	if err == nil && len(patches) > 1 {
		err = invalid("a Surface has %d patches; one is read", len(patches))
	}
	return patches, err
}

func (r *gmlReader) onePolygon(a axes) ([]Polygon, error) {
	var polygon Polygon
	err := r.children(func(property xml.StartElement) error {
		switch property.Name.Local {
		case "exterior", "outerBoundaryIs":
			if len(polygon) > 0 {
				return invalid("a polygon has its exterior twice, or after an interior")
			}
		case "interior", "innerBoundaryIs":
			if len(polygon) == 0 {
				return invalid("a polygon has an interior before its exterior")
			}
		default:
			return unread(property)
		}
		ring, err := r.ring(a)
		polygon = append(polygon, ring)
		return err
	})
	if err != nil || len(polygon) == 0 {
		return nil, err
	}
	return []Polygon{polygon}, nil
}

// ring reads a LinearRing, or a Ring of curves that follow on each other.
func (r *gmlReader) ring(a axes) (Line, error) {
	var ring Line
	if err := r.budget.spend(); err != nil {
		return nil, err
	}
	err := r.children(func(start xml.StartElement) error {
		if ring != nil {
			return unread(start)
		}
		var err error
		switch start.Name.Local {
		case "LinearRing":
			ring, err = r.path(a)
		case "Ring":
			ring, err = r.ringOfCurves(a)
		default:
			return unread(start)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return ring, checkRing(ring)
}

func (r *gmlReader) ringOfCurves(a axes) (Line, error) {
	var ring Line
	err := r.children(func(property xml.StartElement) error {
		if property.Name.Local != "curveMember" {
			return unread(property)
		}
		return r.children(func(curve xml.StartElement) error {
			if gmlKinds[curve.Name.Local] != LineString {
				return unread(curve)
			}
			g, err := r.geometry(curve, a, MaxDepth)
			if err != nil || g.Empty() {
				return err
			}
			ring, err = joined(ring, g.Lines[0])
			return err
		})
	})
	return ring, err
}

// path reads points: pos, posList or coordinates.
func (r *gmlReader) path(a axes) (Line, error) {
	var line Line
	err := r.children(func(start xml.StartElement) error {
		below, err := r.axes(start, a)
		if err != nil {
			return err
		}
		text, err := r.text()
		if err != nil {
			return err
		}
		switch start.Name.Local {
		case "pos":
			below.dimensions = len(strings.Fields(text))
			line, err = r.positions(line, text, below)
		case "posList":
			line, err = r.positions(line, text, below)
		case "coordinates":
			line, err = r.tuples(line, text, start, below)
		default:
			err = unread(start)
		}
		return err
	})
	return line, err
}

// positions reads numbers with spaces between them, so many for each point.
func (r *gmlReader) positions(line Line, text string, a axes) (Line, error) {
	dimensions := a.dimensions
	if dimensions == 0 { // not said: two, unless only three fits, or the points before had three
		if count := len(strings.Fields(text)); r.budget.heights == 3 || count%2 != 0 && count%3 == 0 {
			dimensions = 3
		} else {
			dimensions = 2
		}
	}
	if dimensions != 2 && dimensions != 3 {
		return nil, invalid("points have %d dimensions; 2 or 3 are read", dimensions)
	}
	var values [3]float64
	n := 0
	for field := range strings.FieldsSeq(text) {
		v, err := number(field)
		if err != nil {
			return nil, invalid("a coordinate is not a number")
		}
		values[n] = v
		if n++; n < dimensions {
			continue
		}
		n = 0
		if line, err = r.add(line, values[:dimensions], a); err != nil {
			return nil, err
		}
	}
	if n != 0 {
		return nil, invalid("the numbers of a posList are not a multiple of %d", dimensions)
	}
	return line, nil
}

// tuples reads the coordinates of GML 2: "1,2 3,4", with signs of its own choice.
func (r *gmlReader) tuples(line Line, text string, start xml.StartElement, a axes) (Line, error) {
	for name, standard := range map[string]string{"decimal": ".", "cs": ",", "ts": " "} {
		if sign := attribute(start, name); sign != "" && sign != standard {
			return nil, invalid("coordinates with signs of their own are not read")
		}
	}
	for tuple := range strings.FieldsSeq(text) {
		var values [4]float64
		n := 0
		for field := range strings.SplitSeq(tuple, ",") {
			v, err := number(field)
			if err != nil || n == len(values) {
				return nil, invalid("a coordinate is not a number")
			}
			values[n] = v
			n++
		}
		var err error
		if line, err = r.add(line, values[:n], a); err != nil {
			return nil, err
		}
	}
	return line, nil
}

func (r *gmlReader) add(line Line, values []float64, a axes) (Line, error) {
	p, err := r.budget.point(values)
	if a.latitudeFirst {
		p.X, p.Y = p.Y, p.X
	}
	return append(line, p), err
}

// axes reads srsName and srsDimension, which hold for all below them too. There is one reference system in a geometry.
func (r *gmlReader) axes(start xml.StartElement, above axes) (axes, error) {
	if text := attribute(start, "srsDimension"); text != "" {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n != 2 && n != 3 {
			return above, invalid("srsDimension is neither 2 nor 3")
		}
		above.dimensions = n
	}
	name := attribute(start, "srsName")
	if name == "" {
		return above, nil
	}
	system, latitudeFirst, err := systemOfName(name)
	if err != nil {
		return above, err
	}
	if r.said && r.system != system {
		return above, invalid("there are two reference systems in one geometry")
	}
	r.system, r.said = system, true
	above.latitudeFirst = latitudeFirst
	return above, nil
}

// within reads one element of the given name, and what stands in it.
func (r *gmlReader) within(name string, inside func() error) error {
	return r.children(func(start xml.StartElement) error {
		if start.Name.Local != name {
			return unread(start)
		}
		return inside()
	})
}

// children calls each for every element that stands in the one begun, and takes its end. each takes its own element's end.
func (r *gmlReader) children(each func(xml.StartElement) error) error {
	for {
		token, err := r.token()
		if err != nil {
			return err
		}
		switch token := token.(type) {
		case xml.EndElement:
			return nil
		case xml.CharData:
			if strings.TrimSpace(string(token)) != "" {
				return invalid("the GML has text where an element belongs")
			}
		case xml.StartElement:
			if passedOver(token.Name) {
				err = r.skip()
			} else if !gml(token.Name) {
				err = unread(token)
			} else {
				err = each(token)
			}
			if err != nil {
				return err
			}
		}
	}
}

// passedOver are the properties that every object of GML can have and that do not say where it is.
func passedOver(name xml.Name) bool {
	switch name.Local {
	case "name", "description", "identifier", "metaDataProperty", "boundedBy", "descriptionReference":
		return gml(name)
	}
	return false
}

// skip passes over the rest of an element. xml.Decoder.Skip would do it without looking at any limit.
func (r *gmlReader) skip() error {
	for depth := 1; depth > 0; {
		if depth > MaxDepth {
			return tooLarge("elements are nested more than %d deep", MaxDepth)
		}
		token, err := r.token()
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		}
	}
	return nil
}

// text reads the text of an element that has nothing else, and takes its end.
func (r *gmlReader) text() (string, error) {
	var text []byte
	for {
		token, err := r.token()
		if err != nil {
			return "", err
		}
		switch token := token.(type) {
		case xml.EndElement:
			return string(text), nil
		case xml.CharData:
			text = append(text, token...)
		case xml.StartElement:
			return "", unread(token)
		}
	}
}

func (r *gmlReader) token() (xml.Token, error) {
	token, err := r.decoder.Token()
	if err != nil {
		return nil, notXML(err)
	}
	if r.decoder.InputOffset()-r.from > r.budget.text {
		return nil, tooLarge("the geometry has more than %d bytes", MaxText)
	}
	return token, nil
}

// gml says whether a name is one of GML's: of 3.2, of what was before, or of no namespace, as in fragments that lost it.
func gml(name xml.Name) bool {
	return name.Space == "" || strings.HasPrefix(name.Space, "http://www.opengis.net/gml")
}

func attribute(start xml.StartElement, name string) string {
	for _, a := range start.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// endOfDocument wants nothing more after the root.
func endOfDocument(decoder *xml.Decoder) error {
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return notXML(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			return unread(start)
		}
	}
}

func notXML(error) error { return invalid("the GML is not well formed") }

// unread refuses an element that does not belong where it stands. Its name is of the sender's schema, cut short.
func unread(start xml.StartElement) error {
	name := start.Name.Local
	if len(name) > 40 {
		name = name[:40]
	}
	return invalid("the GML has a %q where it is not read", name)
}
