package atlas

import (
	"math"
	"strconv"

	"github.com/varselhub/varsel/internal/geo"
)

// spot is a place on the sheet, in dots.
type spot struct{ x, y float64 }

// What is drawn, at most, and how finely.
const (
	bleed     = 16.0   // dots beyond the sheet's edge that lines are drawn to, so that where they are cut is not seen
	closest   = 0.5    // dots: nearer points are one
	slack     = 0.4    // dots that a line may lie beside where it should
	mostOfOne = 3_000  // points of one ring or line
	mostOfAll = 30_000 // points of a map
	mostParts = 20_000 // rings, lines and points of a map, each a step even where nothing is seen of it
)

// ink is what a map has left to draw with: however large what comes is, a page is of bounded size.
type ink struct{ points, parts int }

func newInk() *ink { return &ink{mostOfAll, mostParts} }

// Trace is a place as SVG paths (SVG 2, 9.3): its areas are filled, by the even-odd rule; its lines are not; and its points are lines of no
// length, which are seen by their round ends.
type Trace struct{ Areas, Lines, Dots string }

// Empty reports whether nothing of the place is seen.
func (t *Trace) Empty() bool { return *t == Trace{} }

// tracer writes places as paths.
type tracer struct {
	sheet              sheet
	ink                *ink
	areas, lines, dots []byte
}

// trace draws a geometry in EPSG:25832. What lies beside the sheet, or is too small to be seen, is not in it.
func (s sheet) trace(g geo.Geometry, with *ink) Trace {
	t := tracer{sheet: s, ink: with}
	t.geometry(g)
	return Trace{string(t.areas), string(t.lines), string(t.dots)}
}

func (t *tracer) geometry(g geo.Geometry) {
	for _, p := range g.Points {
		if at := t.sheet.place(p); t.spend() && at.seen() {
			t.dot(at)
		}
	}
	for _, line := range g.Lines {
		for _, piece := range cutLine(t.spots(line)) {
			t.lines = t.write(t.lines, thinned(piece))
		}
	}
	for _, polygon := range g.Polygons {
		for _, ring := range polygon {
			if ring := thinned(cutRing(t.spots(ring))); len(ring) > 2 && t.ink.points >= len(ring) {
				t.areas = append(t.write(t.areas, ring), 'Z')
			}
		}
	}
	for _, member := range g.Members {
		t.geometry(member)
	}
}

// spend takes one part.
func (t *tracer) spend() bool {
	t.ink.parts--
	return t.ink.parts >= 0
}

// seen reports whether a spot is on the sheet, or nearly.
func (s spot) seen() bool {
	return s.x >= -bleed && s.x <= sheetWidth+bleed && s.y >= -bleed && s.y <= sheetHeight+bleed
}

// farthestDots is how far from the sheet a point may lie: with larger numbers nothing can be reckoned.
const farthestDots = 1e12

// spots are a line on the sheet, without points that are no numbers, or that cannot be told from the one before.
func (t *tracer) spots(line geo.Line) []spot {
	if !t.spend() {
		return nil
	}
	list := make([]spot, 0, min(len(line), mostOfOne))
	for i, p := range line {
		s := t.sheet.place(p)
		if !(math.Abs(s.x) < farthestDots && math.Abs(s.y) < farthestDots) {
			continue
		}
		if n := len(list); n == 0 || i == len(line)-1 || !near(s, list[n-1], closest) {
			list = append(list, s)
		}
	}
	return list
}

func near(a, b spot, least float64) bool {
	return math.Abs(a.x-b.x) < least && math.Abs(a.y-b.y) < least
}

// few are at most mostOfOne of the points, evenly taken, with the last one.
func few(line []spot) []spot {
	if len(line) <= mostOfOne {
		return line
	}
	kept := make([]spot, 0, mostOfOne)
	for i := range mostOfOne {
		kept = append(kept, line[i*(len(line)-1)/(mostOfOne-1)])
	}
	return kept
}

// write appends a line to a path, if there is ink for it.
func (t *tracer) write(path []byte, list []spot) []byte {
	if len(list) < 2 || t.ink.points < len(list) {
		return path
	}
	t.ink.points -= len(list)
	letter := byte('M')
	for _, s := range list {
		path = s.append(append(path, letter))
		letter = 'L'
	}
	return path
}

func (t *tracer) dot(s spot) {
	if t.ink.points > 0 {
		t.ink.points--
		t.dots = append(s.append(append(t.dots, 'M')), "h0"...)
	}
}

func (s spot) append(path []byte) []byte {
	path = strconv.AppendFloat(path, round(s.x), 'f', -1, 64)
	return strconv.AppendFloat(append(path, ' '), round(s.y), 'f', -1, 64)
}

// side is one edge of what is drawn on.
type side struct {
	inside func(spot) bool
	meet   func(a, b spot) spot // where a line from one side to the other crosses it
}

func upright(x float64, keep func(v, edge float64) bool) side {
	return side{
		func(s spot) bool { return keep(s.x, x) },
		func(a, b spot) spot { return spot{x, a.y + (b.y-a.y)*(x-a.x)/(b.x-a.x)} },
	}
}

func level(y float64, keep func(v, edge float64) bool) side {
	return side{
		func(s spot) bool { return keep(s.y, y) },
		func(a, b spot) spot { return spot{a.x + (b.x-a.x)*(y-a.y)/(b.y-a.y), y} },
	}
}

func atLeast(v, edge float64) bool { return v >= edge }
func atMost(v, edge float64) bool  { return v <= edge }

var sides = []side{upright(-bleed, atLeast), upright(sheetWidth+bleed, atMost), level(-bleed, atLeast), level(sheetHeight+bleed, atMost)}

// cutRing is what of a ring is on the sheet, side by side (Sutherland and Hodgman 1974). Where it leaves the sheet it goes along
// the edge, which lies beyond what is seen.
func cutRing(ring []spot) []spot {
	for _, s := range sides {
		if len(ring) == 0 {
			return nil
		}
		var kept []spot
		before := ring[len(ring)-1]
		for _, at := range ring {
			if s.inside(at) != s.inside(before) {
				kept = append(kept, s.meet(before, at))
			}
			if s.inside(at) {
				kept = append(kept, at)
			}
			before = at
		}
		ring = kept
	}
	return ring
}

// cutLine is what of a line is on the sheet, in pieces.
func cutLine(line []spot) (pieces [][]spot) {
	var piece []spot
	for i := 1; i < len(line); i++ {
		a, b, seen := cutStretch(line[i-1], line[i])
		if !seen {
			continue
		}
		if len(piece) == 0 || piece[len(piece)-1] != a {
			if len(piece) > 1 {
				pieces = append(pieces, piece)
			}
			piece = []spot{a}
		}
		piece = append(piece, b)
	}
	if len(piece) > 1 {
		pieces = append(pieces, piece)
	}
	return pieces
}

// cutStretch is what of a straight line is on the sheet.
func cutStretch(a, b spot) (from, to spot, seen bool) {
	for _, s := range sides {
		switch in, out := s.inside(a), s.inside(b); {
		case !in && !out:
			return a, b, false
		case !in:
			a = s.meet(a, b)
		case !out:
			b = s.meet(a, b)
		}
	}
	return a, b, true
}

// thinned is the line without the points that lie no farther than slack from it (Ramer 1972, Douglas and Peucker 1973).
func thinned(line []spot) []spot {
	line = few(line)
	if len(line) < 3 {
		return line
	}
	keep := make([]bool, len(line))
	keep[0], keep[len(line)-1] = true, true
	todo := [][2]int{{0, len(line) - 1}}
	for len(todo) > 0 {
		from, to := todo[len(todo)-1][0], todo[len(todo)-1][1]
		todo = todo[:len(todo)-1]
		at, far := 0, slack
		for i := from + 1; i < to; i++ {
			if d := beside(line[i], line[from], line[to]); d > far {
				at, far = i, d
			}
		}
		if at > 0 {
			keep[at] = true
			todo = append(todo, [2]int{from, at}, [2]int{at, to})
		}
	}
	kept := line[:0:0]
	for i, s := range line {
		if keep[i] {
			kept = append(kept, s)
		}
	}
	return kept
}

// beside is how far a spot is from the straight line between two others.
func beside(s, a, b spot) float64 {
	x, y := b.x-a.x, b.y-a.y
	along := 0.0
	if long := x*x + y*y; long > 0 {
		along = min(max(((s.x-a.x)*x+(s.y-a.y)*y)/long, 0), 1)
	}
	return math.Hypot(s.x-a.x-along*x, s.y-a.y-along*y)
}
