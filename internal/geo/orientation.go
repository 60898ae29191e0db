package geo

import "math"

// orientation is positive where c lies to the left of the line from a to b, negative to the right, 0 on it. It is exact:
// the sign of the determinant is computed in floating point where that is certain, and without rounding where it is not
// (J. R. Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates", 1997).
func orientation(a, b, c Point) float64 {
	left := float64((a.X - c.X) * (b.Y - c.Y)) // a conversion rounds: nothing may be fused with what follows
	right := float64((a.Y - c.Y) * (b.X - c.X))
	determinant := left - right
	const bound = (3 + 16*epsilon) * epsilon // ccwerrboundA
	if math.Abs(determinant) > bound*(math.Abs(left)+math.Abs(right)) {
		return determinant
	}
	return exactOrientation(a, b, c)
}

// epsilon is half the distance from 1 to the next number.
const epsilon = 1.0 / (1 << 53)

// exactOrientation is the determinant ax*by - ax*cy - cx*by - ay*bx + ay*cx + cy*bx, as a sum of numbers that loses nothing.
// Points that are the same are the common case of it.
func exactOrientation(a, b, c Point) float64 {
	if same(a, b) || same(b, c) || same(a, c) {
		return 0
	}
	var sum expansion
	sum.add(a.X, b.Y)
	sum.add(-a.X, c.Y)
	sum.add(-c.X, b.Y)
	sum.add(-a.Y, b.X)
	sum.add(a.Y, c.X)
	sum.add(c.Y, b.X)
	return sum.sign()
}

func same(a, b Point) bool { return a.X == b.X && a.Y == b.Y }

// expansion is a number as the sum of others that do not overlap, the smallest first.
type expansion struct {
	parts [12]float64
	count int
}

// add adds the product of two numbers, exactly: the rounded product, and what the rounding lost.
func (e *expansion) add(x, y float64) {
	product := float64(x * y)
	e.grow(math.FMA(x, y, -product))
	e.grow(product)
}

// grow is Shewchuk's Grow-Expansion.
func (e *expansion) grow(b float64) {
	for i := range e.count {
		sum := b + e.parts[i]
		virtual := sum - b
		e.parts[i] = (b - (sum - virtual)) + (e.parts[i] - virtual)
		b = sum
	}
	e.parts[e.count] = b
	e.count++
}

// sign returns the largest part that is not 0, which has the sign of the whole.
func (e *expansion) sign() float64 {
	for i := e.count - 1; i >= 0; i-- {
		if e.parts[i] != 0 {
			return e.parts[i]
		}
	}
	return 0
}

// meeting is how two edges meet.
type meeting uint8

const (
	apart   meeting = iota
	touch           // an end of one lies on the other, or they overlap on one line
	through         // each goes from one side of the other to the other side
)

// meet says how the edges ab and cd meet. An edge may be a single point.
func meet(a, b, c, d Point) meeting {
	if !boxOf(a, b).Meets(boxOf(c, d)) {
		return apart
	}
	c1, d1 := orientation(a, b, c), orientation(a, b, d)
	if c1 > 0 && d1 > 0 || c1 < 0 && d1 < 0 {
		return apart
	}
	a1, b1 := orientation(c, d, a), orientation(c, d, b)
	if a1 > 0 && b1 > 0 || a1 < 0 && b1 < 0 {
		return apart
	}
	if c1 != 0 && d1 != 0 && a1 != 0 && b1 != 0 {
		return through
	}
	if on(a, b, c) || on(a, b, d) || on(c, d, a) || on(c, d, b) {
		return touch
	}
	return apart
}

// on reports whether p lies on the edge ab.
func on(a, b, p Point) bool {
	return boxOf(a, b).has(p) && orientation(a, b, p) == 0
}

func boxOf(a, b Point) Box {
	return Box{min(a.X, b.X), min(a.Y, b.Y), max(a.X, b.X), max(a.Y, b.Y)}
}
