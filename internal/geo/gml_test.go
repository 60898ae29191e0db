package geo

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
)

const gmlSurface = `<gml:MultiSurface xmlns:gml="http://www.opengis.net/gml/3.2" gml:id="g.1" srsName="urn:ogc:def:crs:EPSG::25832" srsDimension="2">
  <gml:surfaceMember><gml:Polygon gml:id="g.1.1">
    <gml:exterior><gml:LinearRing><gml:posList>0 0 9 0 9 9 0 9 0 0</gml:posList></gml:LinearRing></gml:exterior>
    <gml:interior><gml:LinearRing><gml:posList>1 1 2 1 2 2 1 1</gml:posList></gml:LinearRing></gml:interior>
  </gml:Polygon></gml:surfaceMember>
  <gml:surfaceMember><gml:Surface><gml:patches><gml:PolygonPatch><gml:exterior><gml:LinearRing>
    <gml:pos>20 0</gml:pos><gml:pos>29 0</gml:pos><gml:pos>29 9</gml:pos><gml:pos>20 0</gml:pos>
  </gml:LinearRing></gml:exterior></gml:PolygonPatch></gml:patches></gml:Surface></gml:surfaceMember>
</gml:MultiSurface>`

const gmlRing = `<Polygon xmlns="http://www.opengis.net/gml/3.2" srsName="EPSG:25832"><exterior><Ring>
  <curveMember><LineString><posList>0 0 9 0 9 9</posList></LineString></curveMember>
  <curveMember><Curve><segments><LineStringSegment><posList>9 9 0 9</posList></LineStringSegment><LineStringSegment><posList>0 9 0 0</posList></LineStringSegment></segments></Curve></curveMember>
</Ring></exterior></Polygon>`

func TestGMLOfRegistersIsRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		gmlSurface: "SRID=25832;MULTIPOLYGON (((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 2 1, 2 2, 1 1)), ((20 0, 29 0, 29 9, 20 0)))",
		gmlRing:    "SRID=25832;POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0))",
		`<Point srsName="EPSG:25832"><pos>1 2</pos></Point>`:                                                                                          "SRID=25832;POINT (1 2)",
		`<Point srsName="http://www.opengis.net/def/crs/EPSG/0/25832"><pos>1 2</pos></Point>`:                                                         "SRID=25832;POINT (1 2)",
		`<Point srsName="http://www.opengis.net/gml/srs/epsg.xml#25832"><pos>1 2</pos></Point>`:                                                       "SRID=25832;POINT (1 2)",
		`<Point srsName="urn:ogc:def:crs:EPSG:9.8:25832"><pos>1 2</pos></Point>`:                                                                      "SRID=25832;POINT (1 2)",
		`<Point srsName="urn:ogc:def:crs:EPSG::7416"><pos>1 2 3</pos></Point>`:                                                                        "SRID=25832;POINT Z (1 2 3)",
		`<Point srsName="urn:ogc:def:crs:EPSG::4326"><pos>55 12</pos></Point>`:                                                                        "SRID=4326;POINT (12 55)",
		`<Point srsName="EPSG:4326"><pos>12 55</pos></Point>`:                                                                                         "SRID=4326;POINT (12 55)",
		`<Point srsName="urn:ogc:def:crs:OGC:1.3:CRS84"><pos>12 55</pos></Point>`:                                                                     "SRID=4326;POINT (12 55)",
		`<Point><pos srsName="EPSG:25832">1 2</pos></Point>`:                                                                                          "SRID=25832;POINT (1 2)",
		`<Point><pos>1 2 3</pos></Point>`:                                                                                                             "POINT Z (1 2 3)",
		`<Point/>`:                                                                                                                                    "POINT EMPTY",
		`<Point><coordinates>1,2</coordinates></Point>`:                                                                                               "POINT (1 2)",
		`<LineString><coordinates>1,2 3,4</coordinates></LineString>`:                                                                                 "LINESTRING (1 2, 3 4)",
		`<LineString><posList srsDimension="3">1 2 3 4 5 6</posList></LineString>`:                                                                    "LINESTRING Z (1 2 3, 4 5 6)",
		`<LineString><posList>1 2 3 4 5 6 7 8 9</posList></LineString>`:                                                                               "LINESTRING Z (1 2 3, 4 5 6, 7 8 9)",
		`<LineString><posList>1 2 3 4 5 6</posList></LineString>`:                                                                                     "LINESTRING (1 2, 3 4, 5 6)",
		`<LineString><name>of a road</name><posList>1 2 3 4</posList></LineString>`:                                                                   "LINESTRING (1 2, 3 4)",
		`<Curve><segments><LineStringSegment><posList>1 2 3 4</posList></LineStringSegment></segments></Curve>`:                                       "LINESTRING (1 2, 3 4)",
		`<MultiPoint><pointMember><Point><pos>1 2</pos></Point></pointMember><pointMembers><Point><pos>3 4</pos></Point></pointMembers></MultiPoint>`: "MULTIPOINT ((1 2), (3 4))",
		`<MultiCurve><curveMember><LineString><posList>1 2 3 4</posList></LineString></curveMember></MultiCurve>`:                                     "MULTILINESTRING ((1 2, 3 4))",
		`<MultiPolygon><polygonMember><Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 9,0 9,9 0,0</coordinates></LinearRing></outerBoundaryIs></Polygon></polygonMember></MultiPolygon>`: "MULTIPOLYGON (((0 0, 9 0, 9 9, 0 0)))",
		`<MultiGeometry><geometryMember><Point><pos>1 2</pos></Point></geometryMember></MultiGeometry>`:                                                                                         "GEOMETRYCOLLECTION (POINT (1 2))",
	} {
		g, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := g.EWKT(); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestWhatGMLHasBesidesIsRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("<MultiGeometry><geometryMember>", 20) + strings.Repeat("</geometryMember></MultiGeometry>", 20)
	for text, code := range map[string]fault.Code{
		`<`:                                     fault.InvalidGeometry,
		`<!-- nothing -->`:                      fault.InvalidGeometry,
		`<Point><pos>1 2</pos>`:                 fault.InvalidGeometry,
		`<Point><pos>1 2</pos></Point><Point/>`: fault.InvalidGeometry,
		`<Point xmlns="urn:other"><pos>1 2</pos></Point>`:                               fault.InvalidGeometry,
		`<Point>text<pos>1 2</pos></Point>`:                                             fault.InvalidGeometry,
		`<Point><pos>1 <b/>2</pos></Point>`:                                             fault.InvalidGeometry,
		`<Point><pos>1 2</pos><pos>1 2</pos></Point>`:                                   fault.InvalidGeometry,
		`<Point><pos>1 2 3 4</pos></Point>`:                                             fault.InvalidGeometry,
		`<Point><pos>1 NaN</pos></Point>`:                                               fault.InvalidGeometry,
		`<Point><pos>&other; 2</pos></Point>`:                                           fault.InvalidGeometry,
		`<Point srsName="EPSG:3857"><pos>1 2</pos></Point>`:                             fault.InvalidGeometry,
		`<Point srsName="EPSG:25832"><pos srsName="EPSG:4326">1 2</pos></Point>`:        fault.InvalidGeometry,
		`<Point srsDimension="4"><pos>1 2</pos></Point>`:                                fault.InvalidGeometry,
		`<Point><coordinates cs=";">1;2</coordinates></Point>`:                          fault.InvalidGeometry,
		`<Point><coordinates>1,2,3,4,5</coordinates></Point>`:                           fault.InvalidGeometry,
		`<LineString><posList>1 2 3 4 5</posList></LineString>`:                         fault.InvalidGeometry,
		`<LineString><posList>1 2</posList></LineString>`:                               fault.InvalidGeometry,
		`<LineString><pos>1 2</pos><pos>1 2 3</pos></LineString>`:                       fault.InvalidGeometry,
		`<Curve><segments><Arc><posList>1 2 3 4 5 6</posList></Arc></segments></Curve>`: fault.InvalidGeometry,
		`<Curve><segments><LineStringSegment><posList>1 2 3 4</posList></LineStringSegment><LineStringSegment><posList>5 6 7 8</posList></LineStringSegment></segments></Curve>`: fault.InvalidGeometry,
		`<Polygon><exterior><LinearRing><posList>0 0 9 0 9 9 0 9</posList></LinearRing></exterior></Polygon>`:                                                                    fault.InvalidGeometry,
		`<Polygon><interior><LinearRing><posList>0 0 9 0 9 9 0 0</posList></LinearRing></interior></Polygon>`:                                                                    fault.InvalidGeometry,
		`<MultiPoint><pointMember><LineString><posList>1 2 3 4</posList></LineString></pointMember></MultiPoint>`:                                                                fault.InvalidGeometry,
		`<Solid/>`: fault.InvalidGeometry,
		deep:       fault.GeometryTooLarge,
		`<Point><description>` + strings.Repeat("<a>", 1000) + `</description></Point>`: fault.GeometryTooLarge,
	} {
		if g, err := Parse(text); !fault.Has(err, code) {
			t.Errorf("%.90s: got %.90s, %v; want %s", text, g.WKT(), err, code)
		}
	}
}

// A delivery is read as a stream: after the geometry the decoder stands behind it.
func TestFromGMLTakesTheElementAndNoMore(t *testing.T) {
	t.Parallel()
	decoder := xml.NewDecoder(strings.NewReader(`<row xmlns:gml="http://www.opengis.net/gml/3.2"><geometri>` +
		`<gml:Point srsName="EPSG:25832"><gml:pos>1 2</gml:pos></gml:Point></geometri><status>Gældende</status></row>`))
	for {
		token, err := decoder.Token()
		if err != nil {
			t.Fatal(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "Point" {
			continue
		}
		g, err := FromGML(decoder, start)
		if err != nil || g.EWKT() != "SRID=25832;POINT (1 2)" {
			t.Fatalf("got %s, %v", g.EWKT(), err)
		}
		break
	}
	if token, err := decoder.Token(); err != nil || token.(xml.EndElement).Name.Local != "geometri" {
		t.Fatalf("behind it stands %v, %v", token, err)
	}
}

func TestFromGMLBoundsTheText(t *testing.T) {
	t.Parallel()
	few := newBudget()
	few.text = 1000
	for count, want := range map[int]bool{4: false, 5: true} {
		piece := "<description>" + strings.Repeat(" ", 200) + "</description>"
		_, err := parseGML("<Point>"+strings.Repeat(piece, count)+"</Point>", few)
		if fault.Has(err, fault.GeometryTooLarge) != want {
			t.Errorf("%d bytes: %v", count*len(piece), err)
		}
	}
}

func FuzzFromGML(f *testing.F) {
	f.Add(gmlSurface)
	f.Add(gmlRing)
	f.Add(`<MultiPoint><pointMember><Point><pos>1 2</pos></Point></pointMember></MultiPoint>`)
	f.Fuzz(func(t *testing.T, text string) {
		decoder := xml.NewDecoder(strings.NewReader(text))
		token, err := decoder.Token()
		start, ok := token.(xml.StartElement)
		if err != nil || !ok {
			return
		}
		g, err := FromGML(decoder, start)
		if err != nil {
			if !fault.Known(err) {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		mustParse(t, g.EWKT())
	})
}
