package geo

import (
	"cmp"
	"math/big"
	"math/rand/v2"
	"testing"
)

// TestOrientationIsExact compares with rational numbers, where a lies within a few steps of floating point from the line.
func TestOrientationIsExact(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 3))
	signs := map[int]int{}
	for range 20_000 {
		// Kettner et al., "Classroom examples of robustness problems in geometric computations", 2008, section 3.
		a := Point{X: 0.5 + float64(random.IntN(256))*epsilon, Y: 0.5 + float64(random.IntN(256))*epsilon}
		b, c := Point{X: 12, Y: 12}, Point{X: 24, Y: 24}
		if random.IntN(2) == 0 {
			b, c = Point{X: 17.3, Y: 17.3}, Point{X: 24.00000000000005, Y: 24.0000000000000517765}
		}
		want := rationalOrientation(a, b, c)
		signs[want]++
		if got := orientation(a, b, c); cmp.Compare(got, 0) != want {
			t.Fatalf("%v %v %v: %v, by rational numbers %d", a, b, c, got, want)
		}
	}
	for _, line := range []Line{{{X: 0, Y: 0}, {X: 3, Y: 3}, {X: 7, Y: 7}}, {{X: 0.1, Y: 0.1}, {X: 0.2, Y: 0.2}, {X: 0.7, Y: 0.7}}} {
		if got := orientation(line[0], line[1], line[2]); got != 0 {
			t.Errorf("%v: %v, but they are on one line", line, got)
		}
	}
	if signs[-1] < 1000 || signs[1] < 1000 {
		t.Errorf("drawn: %v", signs)
	}
}

func rationalOrientation(a, b, c Point) int {
	minus := func(p, q float64) *big.Rat {
		return new(big.Rat).Sub(new(big.Rat).SetFloat64(p), new(big.Rat).SetFloat64(q))
	}
	left := new(big.Rat).Mul(minus(a.X, c.X), minus(b.Y, c.Y))
	right := new(big.Rat).Mul(minus(a.Y, c.Y), minus(b.X, c.X))
	return left.Cmp(right)
}
