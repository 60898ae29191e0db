package geo

// patience is how many pairs of edges are compared before a limit is refused as too large: a municipality takes about
// three for each of its edges, and only what is made to be slow takes thousands.
const patience = 20_000_000

// Why an area is none.
const (
	whyCross  = "the rings of an area cross each other or themselves"
	whyTouch  = "a ring of an area touches itself"
	whyShare  = "two rings of an area run along each other"
	whyNested = "a hole lies outside its polygon, or polygons overlap"
	whyFlat   = "a ring of an area encloses nothing"
	whySlow   = "too many edges of the area lie close to each other"
)

// check refuses an outline that is not that of an area (OGC 06-103r4, 6.1.11.1 and 6.1.14). It does not look whether the
// inside of each polygon hangs together, which no comparison depends on. left is how many pairs may be compared.
func (o *outline) check(left int) error {
	for _, r := range o.rings {
		if r.end-r.first < 3 {
			return invalid(whyFlat)
		}
	}
	suspects := make([]int, 0, len(o.rings)) // edges of which a point tells how rings lie to each other
	for _, r := range o.rings {
		suspects = append(suspects, r.first)
	}
	for i, e := range o.edges {
		for w := (walk{o: o, box: boxOf(e.a, e.b), at: i + 1}); ; {
			k := w.next()
			if k < 0 {
				break
			}
			if left--; left < 0 {
				return tooLarge(whySlow)
			}
			other := o.edges[k]
			switch meet(e.a, e.b, other.a, other.b) {
			case through:
				return invalid(whyCross)
			case touch:
				if err := o.touching(i, k); err != nil {
					return err
				}
				if e.ring != other.ring {
					suspects = append(suspects, i, k)
				}
			}
		}
	}
	return o.checkNesting(suspects, left)
}

// touching says whether two edges that touch may.
func (o *outline) touching(i, k int) error {
	e, other := o.edges[i], o.edges[k]
	if e.ring == other.ring && !o.neighbours(i, k) {
		return invalid(whyTouch)
	}
	if e.overlaps(other) {
		if e.ring == other.ring {
			return invalid(whyTouch)
		}
		return invalid(whyShare)
	}
	return nil
}

// neighbours reports whether two edges of one ring follow on each other.
func (o *outline) neighbours(i, k int) bool {
	r := o.rings[o.edges[i].ring]
	return k == i+1 || i == r.first && k == r.end-1
}

// overlaps reports whether two edges have more than a point in common: two different points, of the four ends, on both.
func (e edge) overlaps(o edge) bool {
	var first Point
	found := false
	for _, p := range [...]Point{e.a, e.b, o.a, o.b} {
		if !on(e.a, e.b, p) || !on(o.a, o.b, p) {
			continue
		}
		if found && !same(first, p) {
			return true
		}
		first, found = p, true
	}
	return false
}

// checkNesting looks how each ring lies to the others, at a point of some of its edges: outside every other polygon; of
// its own, a hole lies in the outer ring and in no other hole.
func (o *outline) checkNesting(suspects []int, left int) error {
	around := make([]bool, len(o.rings))
	for _, i := range suspects {
		for _, share := range [...]float64{1. / 2, 1. / 3, 4. / 5} {
			sure, spent := o.ringsAround(i, share, around)
			if left -= spent + len(o.rings); left < 0 {
				return tooLarge(whySlow)
			}
			if sure && !o.nested(o.edges[i].ring, around) {
				return invalid(whyNested)
			}
			if sure {
				break
			}
		}
	}
	return nil
}

// ringsAround marks the other rings that enclose the point that has so much of an edge before it. It is not sure where
// that lies on one of them.
func (o *outline) ringsAround(i int, share float64, around []bool) (sure bool, spent int) {
	clear(around)
	own, p := o.edges[i].ring, between(o.edges[i].a, o.edges[i].b, share)
	for w := (walk{o: o, box: ray(p)}); ; spent++ {
		k := w.next()
		if k < 0 {
			return true, spent
		}
		e := &o.edges[k]
		if e.ring == own {
			continue
		}
		if on(e.a, e.b, p) {
			return false, spent
		}
		if e.crosses(p) {
			around[e.ring] = !around[e.ring]
		}
	}
}

// nested says whether a ring may have those around it.
func (o *outline) nested(own int, around []bool) bool {
	mine := o.rings[own]
	for first := 0; first < len(o.rings); {
		polygon, end, inHole := o.rings[first].polygon, first+1, false
		for ; end < len(o.rings) && o.rings[end].polygon == polygon; end++ {
			inHole = inHole || around[end]
		}
		inOuter := around[first]
		switch {
		case polygon == mine.polygon && (inHole || mine.hole && !inOuter):
			return false
		case polygon != mine.polygon && inOuter && !inHole:
			return false
		}
		first = end
	}
	return true
}
