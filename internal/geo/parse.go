package geo

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
)

// What a reader takes. The largest Danish municipality has some hundred thousand points at the scale 1:10,000.
const (
	MaxText   = 32 << 20 // bytes
	MaxPoints = 500_000  // of one geometry, with all that it consists of; a ring or a member counts as one more
	MaxDepth  = 8        // collections within collections
	maxValue  = 1e9      // no coordinate of the earth is larger, in metres or degrees
)

// Parse reads a geometry from WKT (with the prefix SRID=25832; of EWKT too), GeoJSON or GML, whichever it is.
//
// It refuses with invalid-geometry what is not well formed: a coordinate that is not a finite number of at most 1e9, one
// without its other half, heights in a part of the geometry only, measures (M), curves that are not straight, a line of
// one point, a ring of fewer than four points or one that does not end where it begins, a reference system that is none of
// System; and with geometry-too-large more than MaxText, MaxPoints or MaxDepth. It does not look for rings that cross
// themselves, which takes longer: NewLimit does.
func Parse(text string) (Geometry, error) {
	if len(text) > MaxText {
		return Geometry{}, tooLarge("the text has more than %d bytes", MaxText)
	}
	return parse(text, newBudget())
}

func parse(text string, b budget) (Geometry, error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	switch {
	case text == "":
		return Geometry{}, invalid("there is no geometry")
	case text[0] == '{':
		return parseGeoJSON(text, b)
	case text[0] == '<':
		return parseGML(text, b)
	}
	return parseWKT(text, b)
}

// parseGML reads a document whose root is a geometry.
func parseGML(text string, b budget) (Geometry, error) {
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return Geometry{}, invalid("the document has no element")
		}
		if err != nil {
			return Geometry{}, notXML(err)
		}
		if start, ok := token.(xml.StartElement); ok {
			g, err := fromGML(decoder, start, b)
			if err != nil {
				return Geometry{}, err
			}
			return g, endOfDocument(decoder)
		}
	}
}

const whyMixed = "some points have heights and some have none"

// budget counts what a geometry consists of while it is read.
type budget struct {
	text    int64 // bytes that it may have, where they are not all there yet
	left    int
	heights int // 0 not known, 2 none, 3 with heights: dimensions of the first point
}

func newBudget() budget { return budget{text: MaxText, left: MaxPoints} }

// spend takes one point, ring or member.
func (b *budget) spend() error {
	if b.left--; b.left < 0 {
		return tooLarge("the geometry has more than %d points", MaxPoints)
	}
	return nil
}

// declareHeights takes the word of a tag that every point has a height.
func (b *budget) declareHeights() error {
	if b.heights == 2 {
		return invalid(whyMixed)
	}
	b.heights = 3
	return nil
}

// point makes a point of two or three numbers.
func (b *budget) point(values []float64) (Point, error) {
	if err := b.spend(); err != nil {
		return Point{}, err
	}
	dimensions := len(values)
	if dimensions != 2 && dimensions != 3 {
		return Point{}, invalid("a point has %d numbers; it needs two, or three with a height", dimensions)
	}
	if b.heights == 0 {
		b.heights = dimensions
	}
	if b.heights != dimensions {
		return Point{}, invalid(whyMixed)
	}
	for _, v := range values {
		if math.IsNaN(v) || math.Abs(v) > maxValue {
			return Point{}, invalid("a coordinate is not a number on the earth")
		}
	}
	p := Point{X: values[0], Y: values[1]}
	if dimensions == 3 {
		p.Z = values[2]
	}
	return p, nil
}

// checkLine refuses what no path is.
func checkLine(line Line) error {
	if len(line) == 1 {
		return invalid("a line has one point; it needs two")
	}
	return nil
}

// checkRing refuses what encloses nothing (OGC 06-103r4, 6.1.11).
func checkRing(ring Line) error {
	switch {
	case len(ring) < 4:
		return invalid("a ring has %d points; it needs four, the last as the first", len(ring))
	case ring[0].X != ring[len(ring)-1].X || ring[0].Y != ring[len(ring)-1].Y:
		return invalid("a ring does not end where it begins")
	}
	return nil
}

// invalid makes the fault of a geometry that cannot be used. What it says never repeats a coordinate: one may be where a
// person lives.
func invalid(detail string, args ...any) error {
	return fault.New(fault.InvalidGeometry, detail, args...)
}

func tooLarge(detail string, args ...any) error {
	return fault.New(fault.GeometryTooLarge, detail, args...)
}
