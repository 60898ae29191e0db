package atlas

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/geo"
	"github.com/varselhub/varsel/internal/register"
)

func parsed(t testing.TB, wkt string) geo.Geometry {
	t.Helper()
	g, err := geo.Parse(wkt)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The plane coordinates are laid on the sheet without any projection: the middle in the middle, north up.
func TestF39WhereThingsAreOnTheSheet(t *testing.T) {
	t.Parallel()
	s := sheet{700000, 6200000, 3}
	dot := s.dot()
	if dot != widestDot/8 {
		t.Fatalf("a dot is %v m", dot)
	}
	for place, want := range map[geo.Point]spot{
		{X: 700000, Y: 6200000}:              {400, 320},
		{X: 700000 + 100*dot, Y: 6200000}:    {500, 320},
		{X: 700000, Y: 6200000 + 100*dot}:    {400, 220},
		{X: 700000 - 400*dot, Y: 6200000}:    {0, 320},
		{X: 700000, Y: 6200000 - 10*dot - 0}: {400, 330},
	} {
		if got := s.place(place); math.Abs(got.x-want.x) > 1e-6 || math.Abs(got.y-want.y) > 1e-6 {
			t.Errorf("%v is at %v, want %v", place, got, want)
		}
	}
	if got := s.moved(80, -40); got.e != 700000+80*dot || got.n != 6200000+40*dot {
		t.Errorf("moved to %v", got)
	}
}

func TestF39AnEventIsSeenWholeWhenItIsChosen(t *testing.T) {
	t.Parallel()
	for _, box := range []geo.Box{{MinX: 700000, MinY: 6100000, MaxX: 700000, MaxY: 6100000}, {MinX: 500000, MinY: 6000000, MaxX: 600000, MaxY: 6300000}, {MinX: 0, MinY: 0, MaxX: 1e9, MaxY: 1e9}, {MinX: 700000, MinY: 6100000, MaxX: 700500, MaxY: 6100100}} {
		s := around(box)
		if s.zoom < 0 || s.zoom > focusZoom {
			t.Errorf("%v: zoom %d", box, s.zoom)
		}
		a, b := s.place(geo.Point{X: box.MinX, Y: box.MaxY}), s.place(geo.Point{X: box.MaxX, Y: box.MinY})
		if box.MaxX < 1e8 && (a.x < 0 || a.y < 0 || b.x > sheetWidth || b.y > sheetHeight) {
			t.Errorf("%v: from %v to %v", box, a, b)
		}
	}
}

func TestF39TheScaleBarIsRound(t *testing.T) {
	t.Parallel()
	for zoom, want := range map[int]string{0: "50 km", 1: "20 km", 3: "10 km", 7: "500 m", 12: "20 m"} {
		b := sheet{middleE, middleN, zoom}.bar()
		if b.Label != want || b.Dots > sheetWidth/5 || b.Dots < sheetWidth/13 {
			t.Errorf("zoom %d: %+v, want %s", zoom, b, want)
		}
	}
}

// dotted is a sheet whose dots are metres of coordinates that begin at its upper left corner: 0 0 is there, 800 -640 at the other end.
func dotted() sheet {
	s := sheet{zoom: 0}
	s.e, s.n = sheetWidth/2*s.dot(), -sheetHeight/2*s.dot()
	return s
}

// at writes WKT coordinates of places on dotted.
func at(places ...float64) string {
	var parts []string
	for i := 0; i+1 < len(places); i += 2 {
		parts = append(parts, fmt.Sprintf("%f %f", places[i]*widestDot, -places[i+1]*widestDot))
	}
	return strings.Join(parts, ",")
}

func TestF39HowPlacesAreDrawn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ wkt, want string }{
		"a point":                  {"POINT(" + at(10, 20) + ")", "M10 20h0"},
		"points":                   {"MULTIPOINT((" + at(10, 20) + "),(" + at(30, 40) + "),(" + at(3000, 40) + "))", "M10 20h0M30 40h0"},
		"a line":                   {"LINESTRING(" + at(10, 20, 30, 40, 30, 80) + ")", "M10 20L30 40L30 80"},
		"a straight line":          {"LINESTRING(" + at(10, 20, 20, 20.1, 30, 20) + ")", "M10 20L30 20"},
		"a line across":            {"LINESTRING(" + at(-100, 20, 900, 20) + ")", "M-16 20L816 20"},
		"a line out and in":        {"LINESTRING(" + at(700, 20, 900, 20, 900, 40, 700, 40) + ")", "M700 20L816 20M816 40L700 40"},
		"a line beside":            {"LINESTRING(" + at(-100, 20, -100, 900) + ")", ""},
		"an area with a hole":      {"POLYGON((" + at(0, 0, 100, 0, 100, 100, 0, 100, 0, 0) + "),(" + at(20, 20, 40, 20, 40, 40, 20, 40, 20, 20) + "))", "M0 0L100 0L100 100L0 100L0 0ZM20 20L40 20L40 40L20 40L20 20Z"},
		"areas":                    {"MULTIPOLYGON(((" + at(0, 0, 10, 0, 10, 10, 0, 0) + ")),((" + at(50, 50, 60, 50, 60, 60, 50, 50) + ")))", "M0 0L10 0L10 10L0 0ZM50 50L60 50L60 60L50 50Z"},
		"a hole too small to see":  {"POLYGON((" + at(0, 0, 100, 0, 100, 100, 0, 0) + "),(" + at(50, 20, 50.1, 20, 50.1, 20.1, 50, 20) + "))", "M0 0L100 0L100 100L0 0Z"},
		"all of it is one dot":     {"POLYGON((" + at(50, 20, 50.1, 20, 50.1, 20.1, 50, 20) + "))", ""},
		"an area around the sheet": {"POLYGON((" + at(-900, -900, 1900, -900, 1900, 1900, -900, 1900, -900, -900) + "))", "M-16 -16L816 -16L816 656L-16 656Z"},
		"a collection":             {"GEOMETRYCOLLECTION(POINT(" + at(10, 20) + "),LINESTRING(" + at(1, 2, 3, 40) + "))", "M10 20h0M1 2L3 40"},
		"nothing":                  {"POINT EMPTY", ""},
	} {
		trace := dotted().trace(parsed(t, c.wkt), newInk())
		got := trace.Dots + trace.Lines + trace.Areas
		if name == "an area around the sheet" { // wherever the ring begins
			if strings.Count(got, "L") > 5 || !strings.Contains(got, "816 656") || !strings.Contains(got, "-16 -16") {
				t.Errorf("%s: %q", name, got)
			}
			continue
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

var numbers = regexp.MustCompile(`-?[0-9.]+`)

// Whatever comes, a map is of bounded size, lies on the sheet, and has numbers only.
func TestF39AHostilePlaceDoesNotHurt(t *testing.T) {
	t.Parallel()
	zigzag := make(geo.Line, 0, 100_001)
	for i := range 100_000 {
		zigzag = append(zigzag, geo.Point{X: middleE + float64(i%2)*300_000, Y: middleN + math.Sin(float64(i))*200_000})
	}
	zigzag = append(zigzag, zigzag[0])
	spiral := make(geo.Line, 0, 100_000)
	for i := range 100_000 {
		sin, cos := math.Sincos(float64(i) / 50)
		spiral = append(spiral, geo.Point{X: middleE + cos*float64(i)*2, Y: middleN + sin*float64(i)*2})
	}
	odd := geo.Line{{X: math.NaN(), Y: 1}, {X: middleE, Y: math.Inf(1)}, {X: math.Inf(-1), Y: middleN}, {X: 1e308, Y: -1e308}, {X: middleE, Y: middleN}, {X: -1e308, Y: 1e308}}
	points := make([]geo.Point, 200_000)
	for i := range points {
		points[i] = geo.Point{X: middleE + float64(i), Y: middleN}
	}
	many := make([]geo.Polygon, 100_000)
	for i := range many {
		x := middleE + float64(i%400)*1000 - 200_000
		y := middleN + float64(i/400)*1000 - 100_000
		many[i] = geo.Polygon{{{X: x, Y: y}, {X: x + 900, Y: y}, {X: x, Y: y + 900}, {X: x, Y: y}}}
	}
	for name, g := range map[string]geo.Geometry{
		"a ring of 100,000 points": {Kind: geo.PolygonKind, Polygons: []geo.Polygon{{zigzag}}}, "a line of 100,000": {Kind: geo.LineString, Lines: []geo.Line{zigzag}}, "a spiral": {Kind: geo.LineString, Lines: []geo.Line{spiral}},
		"no numbers": {Kind: geo.PolygonKind, Polygons: []geo.Polygon{{odd}}}, "a line of no numbers": {Kind: geo.LineString, Lines: []geo.Line{odd, {}, {{X: math.NaN()}}}}, "200,000 points": {Kind: geo.MultiPoint, Points: points},
		"100,000 areas": {Kind: geo.MultiPolygon, Polygons: many}, "empty rings": {Kind: geo.MultiPolygon, Polygons: []geo.Polygon{{}, {{}}, {{{X: 1}}}}},
	} {
		for _, zoom := range []int{0, 5, 12} {
			s := sheet{middleE, middleN, zoom}
			with := newInk()
			trace := s.trace(g, with)
			path := trace.Dots + trace.Lines + trace.Areas
			if len(path) > 16*mostOfAll || strings.Contains(path, "NaN") || strings.Contains(path, "Inf") || strings.Contains(path, "e") {
				t.Errorf("%s, zoom %d: %d bytes: %.100s", name, zoom, len(path), path)
			}
			if strings.Contains(name, "100,000 points") && zoom == 0 && (path == "" || strings.Count(path, "L") > mostOfOne) {
				t.Errorf("%s is drawn with %d points", name, strings.Count(path, "L"))
			}
			for _, text := range numbers.FindAllString(path, -1) {
				if v, err := strconv.ParseFloat(text, 64); err != nil || v < -bleed-1 || v > sheetWidth+bleed+1 {
					t.Fatalf("%s, zoom %d: %s is beside the sheet", name, zoom, text)
				}
			}
			if at, found := anchor(g); found && (math.IsNaN(at.X+at.Y) || math.IsInf(at.X+at.Y, 0)) {
				t.Errorf("%s: its symbol is at %v", name, at)
			}
		}
	}
}

// What has no ink left is not drawn, and has its symbol all the same.
func TestF39ThereIsInkForSoMuch(t *testing.T) {
	t.Parallel()
	g, err := newGround()
	if err != nil {
		t.Fatal(err)
	}
	line := make(geo.Line, 0, 2*mostOfOne)
	for i := range 2 * mostOfOne {
		line = append(line, geo.Point{X: middleE + float64(i%50-25)*6000, Y: middleN + float64(i/50-60)*3000*math.Cos(float64(i))})
	}
	outline := geo.Geometry{Kind: geo.LineString, Lines: []geo.Line{line}}
	events := make([]placed, 100)
	for i := range events {
		events[i] = placed{Happening: &register.Happening{}, outline: outline, box: outline.Box(), at: line[0], ok: true}
	}
	d := g.draw(wholeSheet(), events, func(*placed) Shape { return Shape{} })
	size, drawn := 0, 0
	for _, s := range d.Shapes {
		if size += len(s.Trace.Lines); !s.Trace.Empty() {
			drawn++
		}
	}
	if len(d.Shapes) != 100 || drawn == 0 || drawn == 100 || size > 16*mostOfAll {
		t.Errorf("%d shapes, %d drawn in %d bytes", len(d.Shapes), drawn, size)
	}
}

func TestF39WhereTheSymbolIs(t *testing.T) {
	t.Parallel()
	for wkt, want := range map[string]geo.Point{
		"POINT(3 4)":                         {X: 3, Y: 4},
		"MULTIPOINT((3 4),(5 6))":            {X: 3, Y: 4},
		"LINESTRING(0 0,10 0,10 30)":         {X: 10, Y: 10},
		"POLYGON((0 0,10 0,10 10,0 10,0 0))": {X: 5, Y: 5},
		"POLYGON((0 0,0 10,10 10,10 0,0 0))": {X: 5, Y: 5}, // the other way round
		"POLYGON((1e6 1e6,1000010 1e6,1000010 1000010,1e6 1000010,1e6 1e6))":                  {X: 1000005, Y: 1000005},
		"MULTIPOLYGON(((0 0,1 0,1 1,0 1,0 0)),((100 100,110 100,110 110,100 110,100 100)))":   {X: 105, Y: 105},
		"GEOMETRYCOLLECTION(POINT(1 1),LINESTRING(0 0,100 0),POLYGON((7 7,8 7,8 8,7 8,7 7)))": {X: 7.5, Y: 7.5},
		"POLYGON((5 5,5 5,5 5,5 5))": {X: 5, Y: 5},
	} {
		got, found := anchor(parsed(t, wkt))
		if !found || math.Abs(got.X-want.X) > 1e-6 || math.Abs(got.Y-want.Y) > 1e-6 {
			t.Errorf("%s: %v, want %v", wkt, got, want)
		}
	}
	if at, found := anchor(geo.Geometry{}); found {
		t.Errorf("nothing has its symbol at %v", at)
	}
}

// The land is there, in few enough points, at every zoom.
func TestF39TheLandBelow(t *testing.T) {
	t.Parallel()
	g, err := newGround()
	if err != nil {
		t.Fatal(err)
	}
	if len(g.parts) != 98 {
		t.Fatalf("%d municipalities", len(g.parts))
	}
	for zoom := range mostZoom + 1 {
		s := sheet{724181, 6175433, zoom}
		if path := g.land(s); len(path) == 0 || len(path) > 60_000 {
			t.Errorf("zoom %d: %d bytes", zoom, len(path))
		}
		for _, n := range g.names(s, nil) {
			if n.X < 0 || n.X > sheetWidth || n.Y < 0 || n.Y > sheetHeight || n.Text == "" {
				t.Errorf("zoom %d: %+v", zoom, n)
			}
		}
	}
	if names := g.names(wholeSheet(), nil); len(names) < 10 {
		t.Errorf("%d names", len(names))
	}
}

func BenchmarkDraw(b *testing.B) {
	g, err := newGround()
	if err != nil {
		b.Fatal(err)
	}
	events := make([]placed, shownEvents)
	for i := range events {
		p := &g.parts[i]
		events[i] = placed{Happening: &register.Happening{}, outline: p.outline, box: p.box, at: p.anchor, ok: true}
	}
	b.ReportAllocs()
	for b.Loop() {
		g.draw(wholeSheet(), events, func(*placed) Shape { return Shape{} })
	}
}

func FuzzTrace(f *testing.F) {
	f.Add("POLYGON((0 0,1 0,1 1,0 0))", 3, 667600.0, 6226500.0)
	f.Add("LINESTRING(667600 6226500,700000 6300000)", 12, 667600.0, 6226500.0)
	f.Fuzz(func(t *testing.T, wkt string, zoom int, e, n float64) {
		g, err := geo.Parse(wkt)
		if err != nil || len(wkt) > 1<<16 || math.IsNaN(e+n) || math.IsInf(e+n, 0) {
			return
		}
		trace := sheet{e, n, zoom}.kept().trace(g, newInk())
		if path := trace.Dots + trace.Lines + trace.Areas; strings.ContainsAny(path, "NIe") {
			t.Errorf("%q", path)
		}
	})
}
