package geo

import (
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
)

func mustParse(t testing.TB, text string) Geometry {
	t.Helper()
	g, err := Parse(text)
	if err != nil {
		t.Fatalf("%.80s: %v", text, err)
	}
	return g
}

func TestWKTIsReadAndWrittenAlike(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"POINT (1 2)":                         "",
		"POINT(725369.59 6166292.19)":         "POINT (725369.59 6166292.19)",
		"point (1 2)":                         "POINT (1 2)",
		" POINT\t(\n1e3   -.5 ) ":             "POINT (1000 -0.5)",
		"POINT (-0 0.1)":                      "POINT (0 0.1)",
		"POINT EMPTY":                         "",
		"POINT Z EMPTY":                       "",
		"POINT Z (1 2 3)":                     "",
		"POINTZ (1 2 3)":                      "POINT Z (1 2 3)",
		"POINT (1 2 3)":                       "POINT Z (1 2 3)",
		"LINESTRING (1 2, 3 4, 5 6)":          "",
		"LINESTRING EMPTY":                    "",
		"LINESTRING Z (1 2 3, 4 5 6)":         "",
		"POLYGON ((0 0, 4 0, 4 4, 0 0))":      "",
		"POLYGON EMPTY":                       "",
		"MULTIPOINT ((1 2), (3 4))":           "",
		"MULTIPOINT (1 2, 3 4)":               "MULTIPOINT ((1 2), (3 4))",
		"MULTIPOINT EMPTY":                    "",
		"MULTILINESTRING ((1 2, 3 4))":        "",
		"MULTILINESTRING (EMPTY, (1 2, 3 4))": "",
		"POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 2 1, 2 2, 1 1))":           "",
		"MULTIPOLYGON (((0 0, 4 0, 4 4, 0 0)), ((9 9, 8 9, 8 8, 9 9)))":       "",
		"MULTIPOLYGON(((0 0,4 0,4 4,0 0)))":                                   "MULTIPOLYGON (((0 0, 4 0, 4 4, 0 0)))",
		"MULTIPOLYGON (EMPTY, ((0 0, 4 0, 4 4, 0 0)))":                        "",
		"GEOMETRYCOLLECTION EMPTY":                                            "",
		"GEOMETRYCOLLECTION (POINT (1 2), GEOMETRYCOLLECTION (POINT EMPTY))":  "",
		"GEOMETRYCOLLECTION Z (POINT Z (1 2 3), LINESTRING Z (1 2 3, 4 5 6))": "",
		"GEOMETRYCOLLECTION (POINT (1 2 3))":                                  "GEOMETRYCOLLECTION Z (POINT Z (1 2 3))",
		"SRID=25832;POINT (1 2)":                                              "",
		"srid=4326; POINT (1 2)":                                              "SRID=4326;POINT (1 2)",
		"SRID=7416;POINT (1 2 3)":                                             "SRID=25832;POINT Z (1 2 3)",
		"POINT (123456789.123456789 0.000001)":                                "POINT (123456789.12345679 0.000001)",
	} {
		if want == "" {
			want = text
		}
		g := mustParse(t, text)
		if got := g.EWKT(); got != want {
			t.Errorf("%s is written as %s, want %s", text, got, want)
		}
		if again := mustParse(t, want).EWKT(); again != want {
			t.Errorf("%s is read and written as %s", want, again)
		}
	}
}

func TestWhatIsNoGeometryIsRefused(t *testing.T) {
	t.Parallel()
	for text, code := range map[string]fault.Code{
		"":                               fault.InvalidGeometry,
		"POINT":                          fault.InvalidGeometry,
		"POINT (1)":                      fault.InvalidGeometry,
		"POINT (1 2":                     fault.InvalidGeometry,
		"POINT (1 2) x":                  fault.InvalidGeometry,
		"POINT (1 2, 3 4)":               fault.InvalidGeometry,
		"POINT (1 2 3 4)":                fault.InvalidGeometry,
		"POINT M (1 2 3)":                fault.InvalidGeometry,
		"POINT ZM (1 2 3 4)":             fault.InvalidGeometry,
		"POINTZM (1 2 3 4)":              fault.InvalidGeometry,
		"POINT Z (1 2)":                  fault.InvalidGeometry,
		"POINT (NaN 2)":                  fault.InvalidGeometry,
		"POINT (Inf 2)":                  fault.InvalidGeometry,
		"POINT (1e999 2)":                fault.InvalidGeometry,
		"POINT (1e10 2)":                 fault.InvalidGeometry,
		"POINT (0x10 2)":                 fault.InvalidGeometry,
		"POINT (1_0 2)":                  fault.InvalidGeometry,
		"CIRCLE (1 2)":                   fault.InvalidGeometry,
		"CURVEPOLYGON ((1 2))":           fault.InvalidGeometry,
		"LINESTRING (1 2)":               fault.InvalidGeometry,
		"LINESTRING (1 2, 3 4 5)":        fault.InvalidGeometry,
		"POLYGON (0 0, 1 1, 1 0, 0 0)":   fault.InvalidGeometry,
		"POLYGON ((0 0, 1 1, 0 0))":      fault.InvalidGeometry,
		"POLYGON ((0 0, 1 1, 1 0))":      fault.InvalidGeometry,
		"POLYGON ((0 0, 1 1, 1 0, 0 1))": fault.InvalidGeometry,
		"POLYGON (EMPTY)":                fault.InvalidGeometry,
		"SRID=25832 POINT (1 2)":         fault.InvalidGeometry,
		"SRID=3857;POINT (1 2)":          fault.InvalidGeometry,
		"GEOMETRYCOLLECTION (POINT (1 2), POINT (1 2 3))":                                              fault.InvalidGeometry,
		`{"type":"Feature","geometry":null}`:                                                           fault.InvalidGeometry,
		`{"type":"Point"}`:                                                                             fault.InvalidGeometry,
		`{"type":"Point","coordinates":[1]}`:                                                           fault.InvalidGeometry,
		`{"type":"Point","coordinates":[1,2]} x`:                                                       fault.InvalidGeometry,
		`{"type":"Point","coordinates":[1,"2"]}`:                                                       fault.InvalidGeometry,
		`{"type":"Point","coordinates":[1,1e999]}`:                                                     fault.InvalidGeometry,
		`{"type":"Point","coordinates":[[1,2]]}`:                                                       fault.InvalidGeometry,
		`{"type":"Point","coordinates":[1,2`:                                                           fault.InvalidGeometry,
		`{"type":"Point","coordinates":{}}`:                                                            fault.InvalidGeometry,
		`{"type":"LineString","coordinates":[[1,2]]}`:                                                  fault.InvalidGeometry,
		`{"type":"LineString","coordinates":[1,2]}`:                                                    fault.InvalidGeometry,
		`{"type":"GeometryCollection"}`:                                                                fault.InvalidGeometry,
		`{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1]]]}`:                                 fault.InvalidGeometry,
		`{"type":"Point","coordinates":[1,2],"crs":null}`:                                              fault.InvalidGeometry,
		`{"type":"Point","coordinates":[1,2],"crs":{"type":"name","properties":{"name":"EPSG:3857"}}}`: fault.InvalidGeometry,
		strings.Repeat("GEOMETRYCOLLECTION (", 1_000_000):                                              fault.GeometryTooLarge,
		"POINT (1 2)" + strings.Repeat(" ", MaxText):                                                   fault.GeometryTooLarge,
		strings.Repeat(`{"type":"GeometryCollection","geometries":[`, 20) + strings.Repeat("]}", 20):   fault.GeometryTooLarge,
	} {
		if g, err := Parse(text); !fault.Has(err, code) {
			t.Errorf("%.70s: got %.70s, %v; want %s", text, g.WKT(), err, code)
		}
	}
}

// The bounds on points are looked at with smaller ones, and once as they are.
func TestTooManyPointsAreRefused(t *testing.T) {
	t.Parallel()
	few := newBudget()
	few.left = 100
	for _, text := range []string{
		"LINESTRING (" + strings.Repeat("1 2, ", 100) + "1 2)",
		"MULTILINESTRING (" + strings.Repeat("EMPTY, ", 100) + "EMPTY)",
		"MULTIPOLYGON (" + strings.Repeat("EMPTY, ", 100) + "EMPTY)",
		"GEOMETRYCOLLECTION (" + strings.Repeat("POINT EMPTY, ", 100) + "POINT EMPTY)",
		`{"type":"LineString","coordinates":[` + strings.Repeat("[1,2],", 100) + `[1,2]]}`,
		`{"type":"MultiLineString","coordinates":[` + strings.Repeat("[],", 100) + `[]]}`,
		`<LineString><posList>` + strings.Repeat("1 2 ", 101) + `</posList></LineString>`,
		`<MultiCurve><curveMember>` + strings.Repeat("<LineString/>", 100) + `</curveMember></MultiCurve>`,
	} {
		if g, err := parse(text, few); !fault.Has(err, fault.GeometryTooLarge) {
			t.Errorf("%.70s: got %.70s, %v", text, g.WKT(), err)
		}
		if _, err := Parse(text); err != nil {
			t.Errorf("%.70s: %v", text, err)
		}
	}
	if _, err := Parse("LINESTRING (" + strings.Repeat("1 2, ", MaxPoints) + "1 2)"); !fault.Has(err, fault.GeometryTooLarge) {
		t.Errorf("more than %d points: %v", MaxPoints, err)
	}
}

// A place can be where a person lives: what is refused is not repeated.
func TestFaultsDoNotRepeatCoordinates(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"POINT (731254.77 61x)", "POLYGON ((731254.77 1, 2 3, 4 5, 6 7))", `{"type":"Point","coordinates":[731254.77,"x"]}`,
		`<Point xmlns="http://www.opengis.net/gml/3.2"><pos>731254.77 x</pos></Point>`} {
		if _, err := Parse(text); err == nil || strings.Contains(err.Error(), "731254") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestBoxHoldsAllPoints(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Box{
		"POINT (1 2)": {1, 2, 1, 2},
		"GEOMETRYCOLLECTION (POINT (1 2), LINESTRING (5 -1, 0 0), POLYGON ((3 3, 9 3, 3 8, 3 3)))": {0, -1, 9, 8},
	} {
		g := mustParse(t, text)
		if got := g.Box(); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
		g.box = nil // as if made by hand
		if got := g.Box(); got != want {
			t.Errorf("%s by hand: %v, want %v", text, got, want)
		}
	}
	if !mustParse(t, "POINT EMPTY").Box().Empty() {
		t.Error("the box of nothing is not empty")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"SRID=25832;GEOMETRYCOLLECTION Z (POINT Z (1 2 3), MULTILINESTRING Z ((1 2 3, 4 5 6)), POLYGON EMPTY)",
		"MULTIPOLYGON (((0 0, 4 0, 4 4, 0 0)), ((9 9, 8 9, 8 8, 9 9)))",
		`{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[12.5,55.6,3]},{"type":"MultiPolygon","coordinates":[[[[0,0],[1,0],[1,1],[0,0]]]]}]}`,
		`{"crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::25832"}},"type":"LineString","coordinates":[[1,2],[3,4]]}`,
		gmlSurface, gmlRing,
		`<gml:Point xmlns:gml="http://www.opengis.net/gml" srsName="EPSG:4326"><gml:coordinates>12.5,55.6</gml:coordinates></gml:Point>`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		g, err := Parse(text)
		if err != nil {
			if !fault.Has(err, fault.InvalidGeometry) && !fault.Has(err, fault.GeometryTooLarge) {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		written := g.EWKT()
		if again := mustParse(t, written).EWKT(); again != written {
			t.Fatalf("%s is read and written as %s", written, again)
		}
		if text, err := g.GeoJSON(); err == nil {
			mustParse(t, text)
		}
		if limit, err := NewLimit(g); err == nil {
			limit.Admits(Within, g)
			limit.Admits(Intersects, g)
		}
	})
}
