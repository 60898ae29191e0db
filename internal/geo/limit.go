package geo

import (
	"cmp"
	"math"
	"slices"

	"github.com/varselhub/varsel/internal/fault"
)

// Relation is how an event's geometry must lie to a limit.
type Relation uint8

// The relations, as OGC 06-103r4 (6.1.15) defines them.
const (
	Intersects Relation = iota // they have a point in common
	Within                     // no point of the geometry is outside the limit, and not all of it on the limit's border
)

// Limit is an area that geometries are compared with: compiled once, asked by many at once, never changed.
type Limit struct {
	system System
	box    Box
	areas  []*outline
}

// What a limit may be. Danish municipalities have up to some hundred islands.
const (
	maxLimitPoints = 200_000
	maxLimitRings  = 4_000
)

// NewLimit makes a limit of one or more areas: polygons, multipolygons, and collections of them. A geometry is within the
// limit when it is within one of them: where it crosses from one to its neighbour it is within neither. Those in different
// reference systems are brought into that of the first.
//
// It refuses what is no area, is empty, or whose rings cross, touch themselves or overlap, a hole that lies outside its
// polygon and polygons that lie in each other, with invalid-geometry; and with geometry-too-large what has more than
// 200,000 points, 4,000 rings or too many edges that lie close to be compared.
func NewLimit(areas ...Geometry) (*Limit, error) {
	l := &Limit{box: nowhere}
	for _, area := range areas {
		if l.system == Unsaid {
			l.system = area.System
		}
		area, err := area.In(l.system)
		if err != nil {
			return nil, err
		}
		if err := l.add(area); err != nil {
			return nil, err
		}
	}
	if len(l.areas) == 0 {
		return nil, invalid("the limit has no area")
	}
	return l, nil
}

func (l *Limit) add(g Geometry) error {
	if g.Kind == Collection {
		for _, member := range g.Members {
			if err := l.add(member); err != nil {
				return err
			}
		}
		return nil
	}
	if g.Kind != PolygonKind && g.Kind != MultiPolygon {
		return invalid("a limit is an area, of polygons; this has a %s", types[g.Kind])
	}
	if g.Empty() {
		return nil
	}
	if edgesOf(g.Polygons) > maxLimitPoints {
		return tooLarge("a limit has at most %d points", maxLimitPoints)
	}
	o := newOutline(g.Polygons...)
	if len(o.rings) > maxLimitRings {
		return tooLarge("a limit has at most %d rings", maxLimitRings)
	}
	if err := o.check(patience); err != nil {
		return err
	}
	l.areas = append(l.areas, o)
	l.box = l.box.union(o.box)
	return nil
}

// Box returns the smallest box that holds the limit, in its own reference system.
func (l *Limit) Box() Box { return l.box }

// Admits reports whether the geometry lies to the limit as the relation says. An empty one never does. A geometry in
// another reference system is converted first; one that cannot be, since it lies far from Denmark, lies outside.
//
// A geometry of a register is taken as it is: where its own rings cross, what is in an odd number of them counts as inside.
func (l *Limit) Admits(relation Relation, g Geometry) bool {
	if g.System != l.system && g.System != Unsaid && l.system != Unsaid {
		var err error
		if g, err = g.In(l.system); err != nil {
			return false
		}
	}
	box := g.Box()
	if !l.box.Meets(box) || relation == Within && !l.box.holds(box) {
		return false
	}
	for _, o := range l.areas {
		if relation == Intersects && o.meetsGeometry(&g) {
			return true
		}
		if relation == Within && o.box.holds(box) {
			if places := o.traceGeometry(&g); places&outside == 0 && places&inside != 0 {
				return true
			}
		}
	}
	return false
}

// Lies reports whether a geometry lies to an area as the relation says. Who asks more than once makes a Limit.
func Lies(g Geometry, relation Relation, area Geometry) (bool, error) {
	l, err := NewLimit(area)
	if err != nil {
		return false, err
	}
	return l.Admits(relation, g), nil
}

// String returns the relation's name.
func (r Relation) String() string {
	if r == Within {
		return "within"
	}
	return "intersects"
}

// ParseRelation reads "within" or "intersects".
func ParseRelation(name string) (Relation, error) {
	for _, r := range []Relation{Intersects, Within} {
		if r.String() == name {
			return r, nil
		}
	}
	return 0, fault.New(fault.InvalidGeometry, "a geographic limit is within or intersects")
}

func (o *outline) meetsGeometry(g *Geometry) bool {
	for _, p := range g.Points {
		if o.locate(p) != outside {
			return true
		}
	}
	for _, line := range g.Lines {
		if o.meetsLine(line) {
			return true
		}
	}
	for _, polygon := range g.Polygons {
		if o.meetsPolygon(polygon) {
			return true
		}
	}
	for i := range g.Members {
		if o.meetsGeometry(&g.Members[i]) {
			return true
		}
	}
	return false
}

func (o *outline) meetsLine(line Line) bool {
	if len(line) == 0 || !o.box.Meets(boxOfLine(line)) {
		return false
	}
	if o.locate(line[0]) != outside {
		return true
	}
	for i := 1; i < len(line); i++ {
		if o.meets(line[i-1], line[i]) {
			return true
		}
	}
	return false
}

// meetsPolygon: where no ring of one touches a ring of the other, they have something in common only if one lies in the
// other.
func (o *outline) meetsPolygon(polygon Polygon) bool {
	for _, ring := range polygon {
		if o.meetsLine(ring) {
			return true
		}
	}
	if len(polygon) == 0 {
		return false
	}
	var own *outline // made when it is needed
	box := boxOfLine(polygon[0])
	for _, r := range o.rings {
		if r.hole || !box.holds(r.box) {
			continue
		}
		if own == nil {
			own = newOutline(polygon)
		}
		if own.locate(o.edges[r.first].a) == inside {
			return true
		}
	}
	return false
}

func boxOfLine(line Line) Box {
	box := nowhere
	for _, p := range line {
		box = box.with(p)
	}
	return box
}

// traceGeometry says which places the geometry goes through. It stops at the first that is outside.
func (o *outline) traceGeometry(g *Geometry) place {
	var places place
	for _, p := range g.Points {
		if places |= o.locate(p); places&outside != 0 {
			return places
		}
	}
	for _, line := range g.Lines {
		if places |= o.traceLine(line); places&outside != 0 {
			return places
		}
	}
	for _, polygon := range g.Polygons {
		if places |= o.tracePolygon(polygon); places&outside != 0 {
			return places
		}
	}
	for i := range g.Members {
		if places |= o.traceGeometry(&g.Members[i]); places&outside != 0 {
			return places
		}
	}
	return places
}

func (o *outline) traceLine(line Line) place {
	var places, known place
	length := 0
	for i := 1; i < len(line) && places&outside == 0; i++ {
		if same(line[i-1], line[i]) {
			continue
		}
		length++
		known = o.trace(line[i-1], line[i], known)
		places |= known
	}
	if length == 0 && len(line) > 0 { // all of it is one point
		return o.locate(line[0])
	}
	return places
}

// tracePolygon says which places the polygon's rings and what they enclose go through. Given that no ring goes outside,
// what they enclose does where a ring of the outline lies in it: there is outside on one side of every ring. Otherwise all
// of it is in one place, and one point of it tells.
func (o *outline) tracePolygon(polygon Polygon) place {
	var places place
	for _, ring := range polygon {
		if places |= o.traceLine(ring); places&outside != 0 {
			return places
		}
	}
	if len(polygon) == 0 {
		return 0
	}
	var own *outline // made when it is needed: most limits have no ring that could lie in the polygon
	box := boxOfLine(polygon[0])
	for i := range o.rings {
		if !box.holds(o.rings[i].box) {
			continue
		}
		if own == nil {
			own = newOutline(polygon)
		}
		if own.encloses(o, o.rings[i]) {
			return places | outside
		}
	}
	if places&inside != 0 {
		return places
	}
	if own == nil {
		own = newOutline(polygon)
	}
	return places | o.locate(own.somewhereInside())
}

// encloses reports whether part of a ring of another outline lies inside. The first of its edges that is not on the border
// tells of all.
func (o *outline) encloses(other *outline, r ring) bool {
	for _, e := range other.edges[r.first:r.end] {
		if places := o.trace(e.a, e.b, 0); places&^border != 0 {
			return places&inside != 0
		}
	}
	return false
}

// somewhereInside returns a point that is inside: the middle of the widest part of a line across, between the corners.
func (o *outline) somewhereInside() Point {
	half := o.box.MinY/2 + o.box.MaxY/2
	below, above := math.Inf(-1), math.Inf(1)
	for _, e := range o.edges {
		if e.a.Y <= half {
			below = max(below, e.a.Y)
		} else {
			above = min(above, e.a.Y)
		}
	}
	y := below/2 + above/2
	var xs []float64
	for _, e := range o.edges {
		if (e.a.Y > y) != (e.b.Y > y) {
			xs = append(xs, e.a.X+(y-e.a.Y)/(e.b.Y-e.a.Y)*(e.b.X-e.a.X))
		}
	}
	slices.Sort(xs)
	x, widest := o.box.MinX, -1.0
	for i := 1; i < len(xs); i += 2 {
		if width := xs[i] - xs[i-1]; width > widest {
			x, widest = xs[i-1]+width/2, width
		}
	}
	return Point{X: x, Y: y}
}

// sortAlong sorts points of the path ab by their distance from a. They lie on it, so the longer axis tells.
func sortAlong(points []Point, a, b Point) {
	key := func(p Point) float64 { return (p.X - a.X) * sign(b.X-a.X) }
	if math.Abs(b.Y-a.Y) > math.Abs(b.X-a.X) {
		key = func(p Point) float64 { return (p.Y - a.Y) * sign(b.Y-a.Y) }
	}
	slices.SortFunc(points, func(p, q Point) int { return cmp.Compare(key(p), key(q)) })
}

func sign(v float64) float64 { return math.Copysign(1, v) }
