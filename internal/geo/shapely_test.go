package geo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/oracle"
)

// compare answers for each line {"g": WKT, "area": WKT} what shapely (GEOS) says of the two. Areas whose inside does not
// hang together are set apart: NewLimit does not look for that, and GEOS says it before anything else that may be wrong.
const compare = `
import json, sys
from shapely import wkt
from shapely.validation import explain_validity
for line in sys.stdin:
    case = json.loads(line)
    g, area = wkt.loads(case["g"]), wkt.loads(case["area"])
    why = explain_validity(area)
    answer = {"valid": g.is_valid, "validArea": why == "Valid Geometry", "unlinked": why.startswith("Interior is disconnected"), "why": why}
    if answer["valid"] and answer["validArea"]:
        answer["within"], answer["intersects"] = g.within(area), g.intersects(area)
    print(json.dumps(answer))
`

type verdict struct {
	Valid, ValidArea, Unlinked, Within, Intersects bool
	Why                                            string
}

type pair struct {
	G    string `json:"g"`
	Area string `json:"area"`
}

func ask(t *testing.T, pairs []pair) []verdict {
	t.Helper()
	var in bytes.Buffer
	for _, p := range pairs {
		_ = json.NewEncoder(&in).Encode(p) // into memory
	}
	decoder := json.NewDecoder(bytes.NewReader(oracle.Python(t, "shapely", compare, in.Bytes())))
	verdicts := make([]verdict, len(pairs))
	for i := range verdicts {
		if err := decoder.Decode(&verdicts[i]); err != nil {
			t.Fatal(err)
		}
	}
	return verdicts
}

// TestLimitsAgreeWithShapely draws shapes on a coarse grid, where corners lie on each other and edges run along each other all the
// time, and shapes of any coordinates.
func TestLimitsAgreeWithShapely(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			d := drawer{rand.New(rand.NewPCG(seed, 6)), []float64{8, 9, 16, 0}[seed]}
			var pairs []pair
			for range 2000 {
				pairs = append(pairs, pair{d.geometry(), d.area()})
			}
			agree(t, pairs)
		})
	}
}

func agree(t *testing.T, pairs []pair) {
	t.Helper()
	var refused, within, meets, none int
	for i, v := range ask(t, pairs) {
		p := pairs[i]
		limit, err := NewLimit(mustParse(t, p.Area))
		if (err == nil) != v.ValidArea && !v.Unlinked {
			t.Errorf("%s: %v; by shapely: %s", p.Area, err, v.Why)
		}
		if err != nil {
			refused++
		}
		if err != nil || !v.Valid || !v.ValidArea {
			continue
		}
		g := mustParse(t, p.G)
		if got := limit.Admits(Within, g); got != v.Within {
			t.Errorf("%s within %s: %v, by shapely %v", p.G, p.Area, got, v.Within)
		}
		if got := limit.Admits(Intersects, g); got != v.Intersects {
			t.Errorf("%s intersects %s: %v, by shapely %v", p.G, p.Area, got, v.Intersects)
		}
		switch {
		case v.Within:
			within++
		case v.Intersects:
			meets++
		default:
			none++
		}
	}
	t.Logf("%d refused, %d within, %d meet, %d apart", refused, within, meets, none)
	if min(refused, within, meets, none) < len(pairs)/100 {
		t.Errorf("of %d pairs %d refused, %d within, %d meet, %d apart: too few of one kind to prove anything", len(pairs), refused, within, meets, none)
	}
}

// drawer draws shapes on a grid of so many lines; of none: anywhere; of 9: a grid that floating point does not hit.
type drawer struct {
	*rand.Rand
	grid float64
}

func (d drawer) value() float64 {
	switch d.grid {
	case 0:
		return d.Float64() * 8
	case 9: // as coordinates of a register are: what ought to lie on a line lies almost on it
		return 573_000.37 + float64(d.IntN(9))*0.1
	}
	return float64(d.IntN(int(d.grid)))
}

func (d drawer) point() Point { return Point{X: d.value(), Y: d.value()} }

func (d drawer) line(points int) Line {
	line := make(Line, points)
	for i := range line {
		line[i] = d.point()
	}
	return line
}

// ring is mostly a star around its middle, which crosses nothing, and now and then anything.
func (d drawer) ring() Line {
	ring := d.line(3 + d.IntN(6))
	if d.IntN(8) > 0 {
		var middle Point
		for _, p := range ring {
			middle.X, middle.Y = middle.X+p.X/float64(len(ring)), middle.Y+p.Y/float64(len(ring))
		}
		slices.SortFunc(ring, func(a, b Point) int {
			return int(math.Copysign(1, math.Atan2(a.Y-middle.Y, a.X-middle.X)-math.Atan2(b.Y-middle.Y, b.X-middle.X)))
		})
	}
	return append(ring, ring[0])
}

// rectangle is upright; many of them share borders.
func (d drawer) rectangle() Line {
	a, b := d.point(), d.point()
	return Line{a, {X: b.X, Y: a.Y}, b, {X: a.X, Y: b.Y}, a}
}

func (d drawer) polygon() Polygon {
	switch d.IntN(9) {
	case 0:
		return Polygon{d.rectangle()}
	case 1:
		outer := d.rectangle()
		return Polygon{outer, d.hole(outer)}
	case 2:
		outer := d.rectangle()
		return Polygon{outer, d.hole(outer), d.hole(outer)}
	case 3:
		return Polygon{d.ring(), d.ring()}
	}
	return Polygon{d.ring()}
}

// hole lies in the box of a ring.
func (d drawer) hole(outer Line) Line {
	box := boxOfLine(outer)
	hole := d.ring()
	for i, p := range hole {
		hole[i] = Point{X: min(max(p.X, box.MinX), box.MaxX), Y: min(max(p.Y, box.MinY), box.MaxY)}
	}
	return hole
}

func (d drawer) area() string {
	g := Geometry{Kind: MultiPolygon}
	for range []int{1, 1, 1, 1, 1, 1, 2, 3}[d.IntN(8)] {
		g.Polygons = append(g.Polygons, d.polygon())
	}
	return g.WKT()
}

func (d drawer) geometry() string {
	switch d.IntN(8) {
	case 0:
		return Geometry{Kind: PointKind, Points: d.line(1)}.WKT()
	case 1:
		return Geometry{Kind: MultiPoint, Points: d.line(2)}.WKT()
	case 2:
		return Geometry{Kind: LineString, Lines: []Line{d.line(2)}}.WKT()
	case 3:
		return Geometry{Kind: MultiLineString, Lines: []Line{d.line(3), d.line(2)}}.WKT()
	case 4:
		return d.area()
	default:
		return Geometry{Kind: PolygonKind, Polygons: []Polygon{d.polygon()}}.WKT()
	}
}

// TestCoastsAgreeWithShapely compares shapes of many points with a coast of three thousand.
func TestCoastsAgreeWithShapely(t *testing.T) {
	t.Parallel()
	coast := strings.TrimPrefix(circle(3_000), "SRID=25832;")
	random := rand.New(rand.NewPCG(1, 1))
	var pairs []pair
	for range 120 {
		angle, radius := 2*math.Pi*random.Float64(), 24_000*random.Float64()
		x, y := 573_000+radius*math.Cos(angle), 6_224_000+radius*math.Sin(angle)
		size := 10 * math.Pow(1000, random.Float64())
		ring := make([]string, 0, 100)
		for i := range 99 {
			turn, r := 2*math.Pi*float64(i)/99, size*(0.5+0.5*random.Float64())
			ring = append(ring, fmt.Sprintf("%.2f %.2f", x+r*math.Cos(turn), y+r*math.Sin(turn)))
		}
		pairs = append(pairs, pair{"POLYGON ((" + strings.Join(append(ring, ring[0]), ", ") + "))", coast})
	}
	pairs = append(pairs, pair{coast, coast}, pair{"POINT (573000 6224000)", "POLYGON ((0 0, 9 9, 9 0, 0 9, 0 0))"}, pair{"POINT (0 0)", "POLYGON ((0 0, 9 9, 9 0, 0 9, 0 0))"})
	agree(t, pairs)
}

// TestTextsAgreeWithShapely has shapely read what is written here, and write what is read here.
func TestTextsAgreeWithShapely(t *testing.T) {
	t.Parallel()
	d := drawer{rand.New(rand.NewPCG(9, 9)), 0}
	var in bytes.Buffer
	var want []Geometry
	for range 300 {
		g := mustParse(t, "SRID=4326;"+d.geometry())
		text, err := g.GeoJSON()
		if err != nil {
			t.Fatal(err)
		}
		line, _ := json.Marshal([]string{g.WKT(), text})
		in.Write(append(line, '\n'))
		want = append(want, g)
	}
	out := oracle.Python(t, "shapely", `
import json, sys
from shapely import wkt
from shapely.geometry import mapping, shape
for line in sys.stdin:
    a, b = json.loads(line)
    g, h = wkt.loads(a), shape(json.loads(b))
    print(json.dumps([g.wkt, json.dumps(mapping(g)), g.equals_exact(h, 1e-9) or g.is_empty and h.is_empty, list(g.envelope.bounds) if g.is_valid else None]))
`, in.Bytes())
	decoder := json.NewDecoder(bytes.NewReader(out))
	for _, g := range want {
		var answer [4]json.RawMessage
		if err := decoder.Decode(&answer); err != nil {
			t.Fatal(err)
		}
		var wkt, geoJSON string
		var same bool
		var bounds []float64 // of what is valid: GEOS does not look at holes that reach out of their polygon
		for i, to := range []any{&wkt, &geoJSON, &same, &bounds} {
			if err := json.Unmarshal(answer[i], to); err != nil {
				t.Fatal(err)
			}
		}
		if got := mustParse(t, geoJSON).WKT(); got != g.WKT() {
			t.Errorf("shapely's GeoJSON of %s is read as %s", g.WKT(), got)
		}
		if !same {
			t.Errorf("shapely reads something else in the GeoJSON of %s", g.WKT())
		}
		if box := mustParse(t, wkt).Box(); bounds != nil && math.Abs(box.MinX-bounds[0])+math.Abs(box.MaxY-bounds[3]) > 1e-9 {
			t.Errorf("the box of %s is %v, by shapely %v", wkt, box, bounds)
		}
	}
}
