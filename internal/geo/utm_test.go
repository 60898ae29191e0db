package geo

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/oracle"
)

const millimetre = 0.001

// apartOnEarth is how far two places are from each other, in metres, near enough for small distances.
func apartOnEarth(a, b Point) float64 {
	const degree = 111_320
	return math.Hypot((a.X-b.X)*degree*math.Cos(a.Y*math.Pi/180), (a.Y-b.Y)*degree)
}

// TestUTM32AgreesWithPROJ compares both ways with PROJ's cs2cs, over Denmark with its sea and far beyond.
func TestUTM32AgreesWithPROJ(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(25832, 1))
	var lonLat []Point
	for range 1000 {
		lonLat = append(lonLat, Point{X: 3 + 14*random.Float64(), Y: 54 + 5*random.Float64()})
	}
	for range 200 {
		lonLat = append(lonLat, Point{X: -11 + 40*random.Float64(), Y: 84 * random.Float64()})
	}
	projected := cs2cs(t, "%.6f", lonLat, "EPSG:4258", "EPSG:25832")
	back := cs2cs(t, "%.12f", projected, "EPSG:25832", "EPSG:4258")
	for i, p := range lonLat {
		got, err := toUTM32(p)
		if err != nil {
			t.Fatalf("%v: %v", p, err)
		}
		if d := math.Hypot(got.X-projected[i].X, got.Y-projected[i].Y); !(d < millimetre/10) {
			t.Errorf("%v is at %v, by PROJ at %v", p, got, projected[i])
		}
		got, err = fromUTM32(projected[i])
		if err != nil {
			t.Fatalf("%v: %v", projected[i], err)
		}
		if d := apartOnEarth(got, back[i]); !(d < millimetre/10) {
			t.Errorf("%v is at %v, by PROJ at %v", projected[i], got, back[i])
		}
	}
}

// cs2cs converts with PROJ. Its geographic coordinates have latitude first.
func cs2cs(t *testing.T, format string, points []Point, from, to string) []Point {
	t.Helper()
	var in bytes.Buffer
	for _, p := range points {
		if from == "EPSG:4258" {
			p.X, p.Y = p.Y, p.X
		}
		fmt.Fprintf(&in, "%.12f %.12f\n", p.X, p.Y)
	}
	lines := bytes.Split(bytes.TrimSpace(oracle.Run(t, in.Bytes(), "cs2cs", "-f", format, from, to)), []byte("\n"))
	if len(lines) != len(points) {
		t.Fatalf("cs2cs answered %d lines for %d points", len(lines), len(points))
	}
	out := make([]Point, len(lines))
	for i, line := range lines {
		if _, err := fmt.Sscan(string(line), &out[i].X, &out[i].Y); err != nil {
			t.Fatalf("cs2cs answered %q: %v", line, err)
		}
		if to == "EPSG:4258" {
			out[i].X, out[i].Y = out[i].Y, out[i].X
		}
	}
	return out
}

// TestUTM32OfKnownPlaces has figures of PROJ 9.1.1 (cs2cs EPSG:4258 EPSG:25832), for where PROJ is not.
func TestUTM32OfKnownPlaces(t *testing.T) {
	t.Parallel()
	for _, place := range []struct {
		name           string
		lonLat, meters Point
	}{
		{"Rådhuspladsen, København", Point{X: 12.569, Y: 55.6759}, Point{X: 724397.0651, Y: 6175784.0453}},
		{"Skagen", Point{X: 10.5839, Y: 57.7209}, Point{X: 594345.2579, Y: 6398740.4095}},
		{"Gedser Odde", Point{X: 11.97, Y: 54.56}, Point{X: 692031.7577, Y: 6049886.9332}},
		{"Svaneke, Bornholm", Point{X: 15.143, Y: 55.136}, Point{X: 891367.7024, Y: 6127167.5412}},
		{"Blåvandshuk", Point{X: 8.083, Y: 55.558}, Point{X: 442158.6091, Y: 6157269.7013}},
		{"Aarhus Domkirke", Point{X: 10.2107, Y: 56.157}, Point{X: 575200.1985, Y: 6224213.4245}},
	} {
		got, err := toUTM32(place.lonLat)
		if err != nil || math.Hypot(got.X-place.meters.X, got.Y-place.meters.Y) > millimetre {
			t.Errorf("%s is at %v, %v; want %v", place.name, got, err, place.meters)
		}
		got, err = fromUTM32(place.meters)
		if err != nil || apartOnEarth(got, place.lonLat) > millimetre {
			t.Errorf("%s is at %v, %v; want %v", place.name, got, err, place.lonLat)
		}
	}
}

func TestWhatLiesFarFromTheZoneIsNotConverted(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"SRID=4326;POINT (-74 40.7)", "SRID=4326;POINT (9 -0.001)", "SRID=4326;POINT (9 85)", "SRID=4326;POINT (29.1 55)", "SRID=4326;POINT (725369 6166292)",
		"SRID=25832;POINT (500000 -1)", "SRID=25832;POINT (500000 9900000)", "SRID=25832;POINT (9000000 6000000)",
		"SRID=25832;GEOMETRYCOLLECTION (POINT (500000 6000000), LINESTRING (500000 6000000, 1000000000 0))",
	} {
		g := mustParse(t, text)
		to := WGS84 + UTM32 - g.System
		out, err := g.In(to)
		if !fault.Has(err, fault.InvalidGeometry) {
			t.Errorf("%s became %s, %v", text, out.EWKT(), err)
		}
	}
}

func TestInConvertsEveryPoint(t *testing.T) {
	t.Parallel()
	text := "SRID=4326;GEOMETRYCOLLECTION Z (POINT Z (12 55 1), LINESTRING Z (9 55 2, 10 56 3), POLYGON Z ((9 55 1, 10 55 1, 10 56 1, 9 55 1)))"
	g := mustParse(t, text)
	there, err := g.In(UTM32)
	if err != nil || there.System != UTM32 || there.Members[1].System != UTM32 || there.Members[0].Points[0].Z != 1 {
		t.Fatalf("got %s, %v", there.EWKT(), err)
	}
	if box := there.Box(); box.MinX < 499_999 || box.MaxX > 700_000 || box.MinY < 6_000_000 {
		t.Errorf("its box is %v", box)
	}
	if g.EWKT() != text {
		t.Errorf("converting changed the original to %s", g.EWKT())
	}
	back, err := there.In(WGS84)
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := back.GeoJSON(); got != `{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[12,55,1]},{"type":"LineString","coordinates":[[9,55,2],[10,56,3]]},{"type":"Polygon","coordinates":[[[9,55,1],[10,55,1],[10,56,1],[9,55,1]]]}]}` {
		t.Errorf("there and back it is %s", got)
	}
	unsaid, err := mustParse(t, "GEOMETRYCOLLECTION (POINT (1 2))").In(UTM32)
	if err != nil || unsaid.EWKT() != "SRID=25832;GEOMETRYCOLLECTION (POINT (1 2))" || unsaid.Members[0].System != UTM32 {
		t.Errorf("what says no system became %s, %v", unsaid.EWKT(), err)
	}
}
