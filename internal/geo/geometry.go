// Package geo has the geometries of register data: it reads WKT, GeoJSON and the GML 3.2 that Danish registers deliver,
// writes WKT and GeoJSON, converts between EPSG:25832 and longitude and latitude, and says whether a geometry lies within
// an area or meets it: the geographic limit of a subscription. It does no I/O.
//
// What is refused: see Parse for what every reader refuses, and NewLimit for what an area must be besides.
package geo

// Kind is what a geometry consists of (OGC 06-103r4, 6.1).
type Kind uint8

// The kinds. The zero Geometry is an empty collection.
const (
	Collection Kind = iota
	PointKind
	LineString
	PolygonKind
	MultiPoint
	MultiLineString
	MultiPolygon
)

// Point is a place: easting and northing in metres, or longitude and latitude in degrees, always in that order.
// Z is the height, where the geometry has heights.
type Point struct{ X, Y, Z float64 }

// Line is a path from point to point. A ring is a line that ends where it begins.
type Line []Point

// Polygon is an outer ring and the rings of its holes.
type Polygon []Line

// Geometry is one geometry, never changed once it is made. One of its slices holds what it consists of, by its kind: a
// point and a line are held as the Multi of one, and an empty geometry as the Multi of none.
type Geometry struct {
	Kind     Kind
	System   System // of the coordinates; Unsaid where the text does not tell
	Heights  bool   // whether Z of its points means something
	Points   []Point
	Lines    []Line
	Polygons []Polygon
	Members  []Geometry // of a Collection

	box *Box // of what was read or converted; computed where it is not there
}

// Empty reports whether there is no point in it.
func (g Geometry) Empty() bool {
	for range g.points {
		return false
	}
	return true
}

// Box is an upright rectangle, its sides included.
type Box struct{ MinX, MinY, MaxX, MaxY float64 }

// Box returns the smallest box that holds the geometry. Of an empty geometry it is one that nothing lies in.
func (g Geometry) Box() Box {
	if g.box != nil {
		return *g.box
	}
	box := nowhere
	for p := range g.points {
		box = box.with(p)
	}
	return box
}

// Empty reports whether nothing lies in the box.
func (b Box) Empty() bool { return b.MinX > b.MaxX }

// points yields every point of the geometry; of a ring the last one too, which is the first again.
func (g Geometry) points(yield func(Point) bool) {
	g.eachPoint(yield)
}

func (g Geometry) eachPoint(yield func(Point) bool) bool {
	for _, p := range g.Points {
		if !yield(p) {
			return false
		}
	}
	for _, line := range g.Lines {
		for _, p := range line {
			if !yield(p) {
				return false
			}
		}
	}
	for _, polygon := range g.Polygons {
		for _, ring := range polygon {
			for _, p := range ring {
				if !yield(p) {
					return false
				}
			}
		}
	}
	for _, member := range g.Members {
		if !member.eachPoint(yield) {
			return false
		}
	}
	return true
}

// mapped returns a copy with every point put through f; the first error ends it.
func (g Geometry) mapped(f func(Point) (Point, error)) (Geometry, error) {
	out := g
	var err error
	if out.Points, err = mapPoints(g.Points, f); err != nil {
		return Geometry{}, err
	}
	if out.Lines, err = mapLines(g.Lines, f); err != nil {
		return Geometry{}, err
	}
	out.Polygons = make([]Polygon, len(g.Polygons))
	for i, polygon := range g.Polygons {
		if out.Polygons[i], err = mapLines(polygon, f); err != nil {
			return Geometry{}, err
		}
	}
	out.Members = make([]Geometry, len(g.Members))
	for i, member := range g.Members {
		if out.Members[i], err = member.mapped(f); err != nil {
			return Geometry{}, err
		}
	}
	return out, nil
}

func mapLines(lines []Line, f func(Point) (Point, error)) ([]Line, error) {
	out := make([]Line, len(lines))
	for i, line := range lines {
		var err error
		if out[i], err = mapPoints(line, f); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func mapPoints(points []Point, f func(Point) (Point, error)) ([]Point, error) {
	out := make([]Point, len(points))
	for i, p := range points {
		var err error
		if out[i], err = f(p); err != nil {
			return nil, err
		}
	}
	return out, nil
}
