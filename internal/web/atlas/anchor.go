package atlas

import (
	"math"

	"github.com/varselhub/varsel/internal/geo"
)

// anchor is one point that stands for a place: where its symbol and its name are put. Of an area it is the centre of gravity of the
// largest part, of a line the middle of the longest, of points the first.
func anchor(g geo.Geometry) (at geo.Point, found bool) {
	most := -1.0
	weigh(g, func(p geo.Point, weight float64) {
		if weight > most && !math.IsNaN(p.X+p.Y) && !math.IsInf(p.X+p.Y, 0) {
			at, most, found = p, weight, true
		}
	})
	return at, found
}

// areaFirst has any area outweigh any line, and any line any point.
const areaFirst = 1e12

// weigh tells a point of each part of a geometry and how much it is.
func weigh(g geo.Geometry, tell func(p geo.Point, weight float64)) {
	for _, p := range g.Points {
		tell(p, 0)
	}
	for _, line := range g.Lines {
		if p, long := halfway(line); len(line) > 0 {
			tell(p, long)
		}
	}
	for _, polygon := range g.Polygons {
		if len(polygon) > 0 && len(polygon[0]) > 0 {
			p, size := gravity(polygon[0])
			tell(p, areaFirst+size)
		}
	}
	for _, member := range g.Members {
		weigh(member, tell)
	}
}

// gravity is the centre of gravity of a ring and the area in it. It reckons from the ring's first point: far from it, the products would
// be less exact than the ring is large.
func gravity(ring geo.Line) (at geo.Point, area float64) {
	from := ring[0]
	var x, y float64
	for i := 1; i < len(ring); i++ {
		a, b := ring[i-1], ring[i]
		cross := (a.X-from.X)*(b.Y-from.Y) - (b.X-from.X)*(a.Y-from.Y)
		area += cross
		x += cross * (a.X + b.X - 2*from.X)
		y += cross * (a.Y + b.Y - 2*from.Y)
	}
	if area == 0 {
		return from, 0
	}
	return geo.Point{X: from.X + x/(3*area), Y: from.Y + y/(3*area)}, math.Abs(area) / 2
}

// halfway is the middle of a line and its length.
func halfway(line geo.Line) (at geo.Point, long float64) {
	for i := 1; i < len(line); i++ {
		long += math.Hypot(line[i].X-line[i-1].X, line[i].Y-line[i-1].Y)
	}
	left := long / 2
	for i := 1; i < len(line); i++ {
		step := math.Hypot(line[i].X-line[i-1].X, line[i].Y-line[i-1].Y)
		if step > 0 && left <= step {
			part := left / step
			return geo.Point{X: line[i-1].X + part*(line[i].X-line[i-1].X), Y: line[i-1].Y + part*(line[i].Y-line[i-1].Y)}, long
		}
		left -= step
	}
	if len(line) > 0 {
		at = line[0]
	}
	return at, long
}
