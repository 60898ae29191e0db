package geo

import "math"

// outline is the rings of an area, with a tree of boxes over their edges: neighbours on a ring are neighbours on the map,
// so the edges stay in their order and each box holds the eight below it. It never changes, and many may ask it at once.
type outline struct {
	box   Box
	edges []edge
	rings []ring
	tree  [][]Box // tree[0] has a box for each eight edges, tree[1] one for each eight of those
}

type edge struct {
	a, b Point
	ring int
}

// ring is the edges from first to end.
type ring struct {
	first, end int
	box        Box
	polygon    int
	hole       bool
}

const (
	fanOut = 8
	shift  = 3 // fanOut as a power of two
)

// newOutline takes the rings of polygons; points that repeat the one before are left out.
func newOutline(polygons ...Polygon) *outline {
	o := &outline{box: nowhere, edges: make([]edge, 0, edgesOf(polygons))}
	for number, polygon := range polygons {
		for i, line := range polygon {
			r := ring{first: len(o.edges), box: nowhere, polygon: number, hole: i > 0}
			for k := 1; k < len(line); k++ {
				if !same(line[k-1], line[k]) {
					o.edges = append(o.edges, edge{line[k-1], line[k], len(o.rings)})
					r.box = r.box.with(line[k])
				}
			}
			r.end = len(o.edges)
			o.rings = append(o.rings, r)
			o.box = o.box.union(r.box)
		}
	}
	o.plant()
	return o
}

func edgesOf(polygons []Polygon) int {
	count := 0
	for _, polygon := range polygons {
		for _, line := range polygon {
			count += len(line)
		}
	}
	return count
}

// plant makes the tree.
func (o *outline) plant() {
	level := make([]Box, (len(o.edges)+fanOut-1)/fanOut)
	for i := range level {
		level[i] = nowhere
		for _, e := range o.edges[i*fanOut : min((i+1)*fanOut, len(o.edges))] {
			level[i] = level[i].union(boxOf(e.a, e.b))
		}
	}
	o.tree = append(o.tree, level)
	for len(level) > 1 {
		above := make([]Box, (len(level)+fanOut-1)/fanOut)
		for i := range above {
			above[i] = nowhere
			for _, b := range level[i*fanOut : min((i+1)*fanOut, len(level))] {
				above[i] = above[i].union(b)
			}
		}
		o.tree = append(o.tree, above)
		level = above
	}
}

// walk goes over the edges whose boxes meet one box, in their order.
type walk struct {
	o   *outline
	box Box
	at  int
}

// next returns the number of the next edge; there is none below 0.
func (w *walk) next() int {
	for w.at < len(w.o.edges) {
		if w.at%fanOut == 0 && w.leap() {
			continue
		}
		i := w.at
		w.at++
		if e := &w.o.edges[i]; boxOf(e.a, e.b).Meets(w.box) {
			return i
		}
	}
	return -1
}

// leap passes over the largest branch that begins here and does not meet the box.
func (w *walk) leap() bool {
	for level := len(w.o.tree) - 1; level >= 0; level-- {
		span := fanOut << (shift * level)
		if w.at%span == 0 && !w.o.tree[level][w.at/span].Meets(w.box) {
			w.at += span
			return true
		}
	}
	return false
}

// place is where a point, or part of an edge, lies; places are several of them.
type place uint8

const (
	outside place = 1 << iota
	border
	inside
)

// locate says where a point lies, by the number of edges that a ray to the east crosses.
func (o *outline) locate(p Point) place {
	if !o.box.has(p) {
		return outside
	}
	odd := false
	for w := (walk{o: o, box: ray(p)}); ; {
		i := w.next()
		if i < 0 {
			break
		}
		e := &o.edges[i]
		if on(e.a, e.b, p) {
			return border
		}
		if e.crosses(p) {
			odd = !odd
		}
	}
	if odd {
		return inside
	}
	return outside
}

func ray(p Point) Box { return Box{p.X, p.Y, math.Inf(1), p.Y} }

// crosses reports whether the ray from p to the east crosses the edge. Of an edge's two ends the lower one belongs to it,
// so that a ray through a corner crosses once where the ring goes on, and twice or never where it turns back.
func (e *edge) crosses(p Point) bool {
	if (e.a.Y > p.Y) == (e.b.Y > p.Y) {
		return false
	}
	if e.a.Y > e.b.Y {
		return orientation(e.b, e.a, p) > 0
	}
	return orientation(e.a, e.b, p) > 0
}

// meets reports whether the path ab has a point in the area or on its border, given that its start is outside.
func (o *outline) meets(a, b Point) bool {
	for w := (walk{o: o, box: boxOf(a, b)}); ; {
		i := w.next()
		if i < 0 {
			return false
		}
		if e := &o.edges[i]; meet(a, b, e.a, e.b) != apart {
			return true
		}
	}
}

// trace says which places the path ab goes through. known is what the path that led to a went through, or 0: where ab
// does not touch the border it goes on in the same place.
//
// It is cut where a corner of the outline lies on it, so that no piece changes its place: a piece runs along an edge, or
// its middle tells.
func (o *outline) trace(a, b Point, known place) place {
	var few [14]Point
	cuts := append(few[:0], a)
	touched := false
	for w := (walk{o: o, box: boxOf(a, b)}); ; {
		i := w.next()
		if i < 0 {
			break
		}
		e := &o.edges[i]
		switch meet(a, b, e.a, e.b) {
		case through:
			return inside | outside
		case touch:
			touched = true
			if on(a, b, e.a) { // and e.b is the next edge's a
				cuts = append(cuts, e.a)
			}
		}
	}
	if !touched {
		if known != 0 {
			return known
		}
		return o.locate(a)
	}
	cuts = append(cuts, b)
	sortAlong(cuts, a, b)
	var places place
	for i := 1; i < len(cuts); i++ {
		if !same(cuts[i-1], cuts[i]) {
			places |= o.piece(cuts[i-1], cuts[i])
		}
	}
	return places
}

// piece says where a path lies that meets no corner between its ends.
func (o *outline) piece(a, b Point) place {
	for w := (walk{o: o, box: boxOf(a, b)}); ; {
		i := w.next()
		if i < 0 {
			break
		}
		if e := &o.edges[i]; on(e.a, e.b, a) && on(e.a, e.b, b) {
			return border
		}
	}
	return o.locate(between(a, b, 1./2))
}

// between is the point of the path ab that has so much of it before it.
func between(a, b Point, share float64) Point {
	return Point{X: a.X + share*(b.X-a.X), Y: a.Y + share*(b.Y-a.Y)}
}
