package geo

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
)

const (
	square     = "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))"
	holed      = "POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0), (4 4, 6 4, 6 6, 4 6, 4 4))"
	twoIslands = "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 4, 0 0)), ((6 6, 9 6, 9 9, 6 9, 6 6)))"
	notched    = "POLYGON ((0 0, 10 0, 10 10, 6 10, 5 5, 4 10, 0 10, 0 0))"
	// gap has four squares that touch at corners around the one in their middle.
	gap = "MULTIPOLYGON (((3 0, 6 0, 6 3, 3 3, 3 0)), ((0 3, 3 3, 3 6, 0 6, 0 3)), ((6 3, 9 3, 9 6, 6 6, 6 3)), ((3 6, 6 6, 6 9, 3 9, 3 6)))"
)

// TestGeographicLimit is the limit of a subscription (within, intersects), where the two differ and where borders are shared.
func TestGeographicLimit(t *testing.T) {
	t.Parallel()
	const neither, meets, both = 0, 1, 2
	for _, c := range []struct {
		g, limit string
		want     int
	}{
		{"POINT (5 5)", square, both},
		{"POINT (11 5)", square, neither},
		{"POINT (10 5)", square, meets},
		{"POINT (10 10)", square, meets},
		{"POINT (5 0.0000001)", square, both},
		{"POINT EMPTY", square, neither},
		{"POINT (5 5)", holed, neither},
		{"POINT (4 5)", holed, meets},
		{"POINT (3 5)", holed, both},
		{"POINT (7 7)", twoIslands, both},
		{"POINT (5 5)", twoIslands, neither},
		{"MULTIPOINT (1 1, 7 7)", twoIslands, both},
		{"MULTIPOINT (1 1, 5 5)", twoIslands, meets},
		{"MULTIPOINT (0 0, 5 5)", square, both},
		{"MULTIPOINT (0 0, 0 5)", square, meets},
		{"LINESTRING (1 1, 9 9)", square, both},
		{"LINESTRING (1 1, 9 9)", holed, meets},
		{"LINESTRING (-1 5, 11 5)", square, meets},
		{"LINESTRING (-1 -1, 11 -1)", square, neither},
		{"LINESTRING (0 0, 10 0)", square, meets},
		{"LINESTRING (0 0, 10 10)", square, both},
		{"LINESTRING (0 2, 0 5, 5 5)", square, both},
		{"LINESTRING (4 4, 6 4)", holed, meets},
		{"LINESTRING (0 4, 10 4)", holed, both},
		{"LINESTRING (0 10, 10 10)", notched, meets},
		{"LINESTRING (1 5, 9 5)", notched, both},
		{"LINESTRING (1 6, 9 6)", notched, meets},
		{"LINESTRING (1 1, 7 7)", twoIslands, meets},
		{"LINESTRING (-1 -1, 8 8)", "MULTIPOLYGON (((5 5, 4 10, 0 10, 0 0, 10 0, 10 10, 6 10, 5 5)), ((-5 -5, -4 -5, -4 -4, -5 -5)))", meets}, // through corners, the farther one first in the ring
		{"LINESTRING (5 5, 5 5)", square, both},
		{"LINESTRING (10 5, 10 5)", square, meets},
		{square, square, both},
		{holed, square, both},
		{square, holed, meets},
		{holed, holed, both},
		{"POLYGON ((4 4, 6 4, 6 6, 4 6, 4 4))", holed, meets},
		{"POLYGON ((4.5 4.5, 5 4.5, 5 5, 4.5 4.5))", holed, neither},
		{"POLYGON ((3 3, 7 3, 7 7, 3 7, 3 3), (4 4, 6 4, 6 6, 4 6, 4 4))", holed, both},
		{"POLYGON ((4 2, 8 2, 8 8, 4 8, 4 2))", holed, meets},
		{"POLYGON ((10 0, 20 0, 20 10, 10 10, 10 0))", square, meets},
		{"POLYGON ((11 0, 20 0, 20 10, 11 10, 11 0))", square, neither},
		{"POLYGON ((-5 -5, 15 -5, 15 15, -5 15, -5 -5))", square, meets},
		{"POLYGON ((-5 -5, 15 -5, 15 15, -5 15, -5 -5), (-1 -1, 11 -1, 11 11, -1 11, -1 -1))", square, neither},
		{"POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))", notched, meets},
		{notched, square, both},
		{twoIslands, twoIslands, both},
		{twoIslands, square, both},
		{square, twoIslands, meets},
		{"POLYGON ((3 3, 6 3, 6 6, 3 6, 3 3))", gap, meets},
		{"POLYGON ((3.5 3.5, 5 3.5, 5 5, 3.5 3.5))", gap, neither},
		{"POLYGON ((3 0, 6 0, 6 9, 3 9, 3 0))", gap, meets},
		{"GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (2 2, 3 3))", square, both},
		{"GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (20 2, 30 3))", square, meets},
		{"GEOMETRYCOLLECTION (POINT (11 1), LINESTRING (20 2, 30 3))", square, neither},
		{"POINT (5 5)", "GEOMETRYCOLLECTION (POLYGON ((0 0, 1 0, 1 1, 0 0)), " + square + ")", both},
	} {
		limit, err := NewLimit(mustParse(t, c.limit))
		if err != nil {
			t.Errorf("%s: %v", c.limit, err)
			continue
		}
		g := mustParse(t, c.g)
		got := neither
		if limit.Admits(Intersects, g) {
			got = meets
		}
		if limit.Admits(Within, g) {
			if got == neither {
				t.Errorf("%s is within %s and does not meet it", c.g, c.limit)
			}
			got = both
		}
		if got != c.want {
			t.Errorf("%s and %s: got %d, want %d (0 neither, 1 intersects, 2 within too)", c.g, c.limit, got, c.want)
		}
	}
}

func TestLimitOfSeveralAreas(t *testing.T) {
	t.Parallel()
	limit, err := NewLimit(mustParse(t, square), mustParse(t, "POLYGON ((10 0, 20 0, 20 10, 10 10, 10 0))"))
	if err != nil {
		t.Fatal(err)
	}
	if limit.Box() != (Box{0, 0, 20, 10}) {
		t.Errorf("its box is %v", limit.Box())
	}
	for text, want := range map[string][2]bool{ // intersects, within
		"POINT (5 5)": {true, true}, "POINT (15 5)": {true, true}, "LINESTRING (5 5, 15 5)": {true, false}, "POINT (21 5)": {false, false},
	} {
		g := mustParse(t, text)
		if got := [2]bool{limit.Admits(Intersects, g), limit.Admits(Within, g)}; got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// Registers give metres, and a limit may be drawn on a map in degrees.
func TestLimitInAnotherReferenceSystem(t *testing.T) {
	t.Parallel()
	limit, err := NewLimit(mustParse(t, `{"type":"Polygon","coordinates":[[[12,55],[13,55],[13,56],[12,56],[12,55]]]}`))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"SRID=25832;POINT (725369.59 6166292.19)": true, // at 12.57, 55.59
		"SRID=25832;POINT (573000 6224000)":       false,
		"SRID=25832;POINT (9000000 6224000)":      false, // cannot be converted
		"SRID=4326;POINT (12.5 55.5)":             true,
		"POINT (12.5 55.5)":                       true, // says nothing: as the limit
	} {
		if got := limit.Admits(Within, mustParse(t, text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	if got, err := Lies(mustParse(t, "SRID=25832;POINT (725369.59 6166292.19)"), Within, mustParse(t, "SRID=4326;POLYGON ((12 55, 13 55, 13 56, 12 56, 12 55))")); err != nil || !got {
		t.Errorf("Lies: %v, %v", got, err)
	}
	if _, err := NewLimit(mustParse(t, "SRID=25832;"+square), mustParse(t, "SRID=4326;POLYGON ((100 0, 101 0, 101 1, 100 0))")); !fault.Has(err, fault.InvalidGeometry) {
		t.Errorf("a limit far from the zone of the other: %v", err)
	}
}

func TestWhatIsNoLimitIsRefused(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"POINT (1 2)":                                                        "",
		"LINESTRING (1 2, 3 4)":                                              "",
		"POLYGON EMPTY":                                                      "",
		"GEOMETRYCOLLECTION EMPTY":                                           "",
		"GEOMETRYCOLLECTION (POINT (1 2))":                                   "",
		"POLYGON ((0 0, 0 0, 0 0, 0 0))":                                     whyFlat,
		"POLYGON ((0 0, 9 0, 0 0, 0 0))":                                     whyFlat,
		"POLYGON ((0 0, 9 0, 5 0, 0 0))":                                     whyTouch,
		"POLYGON ((0 0, 9 9, 9 0, 0 9, 0 0))":                                whyCross,
		"POLYGON ((0 0, 9 0, 9 9, 5 0, 0 9, 0 0))":                           whyTouch,
		"POLYGON ((0 0, 9 0, 9 9, 9 5, 12 5, 9 5, 0 9, 0 0))":                whyTouch,
		"POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (8 8, 12 8, 12 12, 8 12, 8 8))": whyCross,
		"POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (20 20, 22 20, 22 22, 20 20))":  whyNested,
		"POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 8 1, 8 8, 1 8, 1 1), (2 2, 3 2, 3 3, 2 2))": whyNested,
		"POLYGON ((2 2, 3 2, 3 3, 2 2), (0 0, 9 0, 9 9, 0 9, 0 0))":                            whyNested,
		"POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (0 0, 9 0, 9 9, 0 9, 0 0))":                       whyShare,
		"MULTIPOLYGON (((0 0, 9 0, 9 9, 0 9, 0 0)), ((1 1, 2 1, 2 2, 1 1)))":                   whyNested,
		"MULTIPOLYGON (((0 0, 9 0, 9 9, 0 9, 0 0)), ((9 0, 18 0, 18 9, 9 9, 9 0)))":            whyShare,
		"MULTIPOLYGON (((0 0, 9 0, 9 9, 0 9, 0 0)), ((-3 4, 0 0, 9 9, -3 4)))":                 whyCross,
		"MULTIPOLYGON (((0 0, 6 0, 6 6, 0 6, 0 0)), ((0 0, 6 6, 3 9, 0 0)))":                   whyCross,
		"MULTIPOLYGON (((0 0, 8 0, 8 2, 8 6, 8 8, 0 8, 0 0)), ((6 4, 8 2, 10 4, 8 6, 6 4)))":   whyNested, // crosses at corners
		"MULTIPOLYGON (((0 4, 4 0, 8 4, 4 8, 0 4)), ((2 2, 6 2, 6 6, 2 6, 2 2)))":              whyNested, // corner on edge, at four places
	} {
		_, err := NewLimit(mustParse(t, text))
		if !fault.Has(err, fault.InvalidGeometry) || want != "" && fault.Of(err).Detail != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := NewLimit(); !fault.Has(err, fault.InvalidGeometry) {
		t.Errorf("of nothing: %v", err)
	}
	if _, err := NewLimit(mustParse(t, islands(maxLimitRings+1))); !fault.Has(err, fault.GeometryTooLarge) {
		t.Errorf("more than %d rings: %v", maxLimitRings, err)
	}
}

func TestLimitsMadeToBeSlowAreRefused(t *testing.T) {
	t.Parallel()
	slow := newOutline(mustParse(t, comb(1000)).Polygons...)
	if err := slow.check(1_000_000); !fault.Has(err, fault.GeometryTooLarge) {
		t.Errorf("two thousand edges side by side: %v", err)
	}
	coast := newOutline(mustParse(t, circle(10_000)).Polygons...)
	if err := coast.check(100_000); err != nil {
		t.Errorf("a coast of ten thousand: %v", err)
	}
	huge := Geometry{Kind: PolygonKind, Polygons: []Polygon{{make(Line, maxLimitPoints+1)}}}
	if _, err := NewLimit(huge); !fault.Has(err, fault.GeometryTooLarge) {
		t.Errorf("more than %d points: %v", maxLimitPoints, err)
	}
}

// comb is a polygon whose teeth all lie askew, so that every edge's box meets every other's.
func comb(teeth int) string {
	var b strings.Builder
	b.WriteString("POLYGON ((0 0")
	for i := range teeth {
		fmt.Fprintf(&b, ", %d %d, %d %d", 4*i+1000000, 1000000-4*i, 4*i+2, -4*i-2)
	}
	b.WriteString(", -1000000 -1000000, 0 0))")
	return b.String()
}

// islands is triangles in a row.
func islands(rings int) string {
	var b strings.Builder
	b.WriteString("MULTIPOLYGON (")
	for i := range rings {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "((%d 0, %d 0, %d 1, %d 0))", 2*i, 2*i+1, 2*i, 2*i)
	}
	b.WriteString(")")
	return b.String()
}

// circle is a coast with bays, of so many points, around Aarhus.
func circle(points int) string {
	var b strings.Builder
	b.WriteString("SRID=25832;POLYGON ((")
	for i := range points {
		angle := 2 * math.Pi * float64(i) / float64(points)
		radius := 20_000 + 3_000*math.Sin(17*angle) + 200*math.Sin(211*angle)
		fmt.Fprintf(&b, "%.2f %.2f, ", 573_000+radius*math.Cos(angle), 6_224_000+radius*math.Sin(angle))
	}
	b.WriteString("596000 6224000))")
	text := b.String()
	first := text[len("SRID=25832;POLYGON (("):strings.IndexByte(text, ',')]
	return strings.TrimSuffix(text, "596000 6224000))") + first + "))"
}

func TestLimitIsAskedByManyAtOnce(t *testing.T) {
	t.Parallel()
	area := mustParse(t, circle(10_000))
	limit, err := NewLimit(area)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			inside := Geometry{Points: []Point{{X: 573_000 + float64(i), Y: 6_224_000}}, Kind: PointKind}
			if !limit.Admits(Within, inside) || !limit.Admits(Within, area) || !limit.Admits(Intersects, area) {
				t.Error("not within")
			}
		})
	}
	all.Wait()
}

func TestRelationsHaveNames(t *testing.T) {
	t.Parallel()
	for _, r := range []Relation{Within, Intersects} {
		if got, err := ParseRelation(r.String()); err != nil || got != r {
			t.Errorf("%s: %v, %v", r, got, err)
		}
	}
	if _, err := ParseRelation("near"); !fault.Has(err, fault.InvalidGeometry) {
		t.Errorf("near: %v", err)
	}
}

func BenchmarkParse(b *testing.B) {
	area := mustParse(b, circle(10_000))
	geoJSON, err := area.GeoJSON()
	if err != nil {
		b.Fatal(err)
	}
	list := strings.NewReplacer(", ", " ", "SRID=25832;POLYGON ((", "", "))", "").Replace(circle(10_000))
	for name, text := range map[string]string{
		"WKT":     circle(10_000),
		"GeoJSON": geoJSON,
		"GML":     `<Polygon srsName="EPSG:25832"><exterior><LinearRing><posList>` + list + `</posList></LinearRing></exterior></Polygon>`,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				mustParse(b, text)
			}
		})
	}
}

func BenchmarkNewLimit(b *testing.B) {
	area := mustParse(b, circle(10_000))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewLimit(area); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAdmits(b *testing.B) {
	area := mustParse(b, circle(10_000))
	limit, err := NewLimit(area)
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{
		"far point":   "POINT (725369 6166292)",
		"inner point": "POINT (573100 6224100)",
		"coast point": "POINT (573000 6244000)",
		"parcel":      "POLYGON ((573000 6224000, 573080 6224000, 573080 6224040, 573000 6224040, 573000 6224000))",
		"itself":      circle(10_000),
	} {
		g := mustParse(b, text)
		for _, relation := range []Relation{Within, Intersects} {
			b.Run(name+"/"+relation.String(), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					limit.Admits(relation, g)
				}
			})
		}
	}
}
