package geo

import (
	"slices"
	"strconv"
	"strings"
)

// The tags of WKT (OGC 06-103r4, 7.2), by kind.
var tags = [...]string{
	Collection:      "GEOMETRYCOLLECTION",
	PointKind:       "POINT",
	LineString:      "LINESTRING",
	PolygonKind:     "POLYGON",
	MultiPoint:      "MULTIPOINT",
	MultiLineString: "MULTILINESTRING",
	MultiPolygon:    "MULTIPOLYGON",
}

// wktReader reads one text from left to right. Beyond the standard it takes what is found in the wild: tags in any case,
// the Z stuck to the tag or left out, and points of a MULTIPOINT without parentheses of their own.
type wktReader struct {
	text   string
	at     int
	budget budget
}

func parseWKT(text string, b budget) (Geometry, error) {
	system := Unsaid
	if len(text) > 5 && strings.EqualFold(text[:5], "SRID=") {
		code, rest, ok := strings.Cut(text[5:], ";")
		if !ok {
			return Geometry{}, invalid("SRID= is not ended by a semicolon")
		}
		var err error
		if system, err = systemOfCode(strings.TrimSpace(code)); err != nil {
			return Geometry{}, err
		}
		text = rest
	}
	r := wktReader{text: text, budget: b}
	g, err := r.geometry(0)
	if err != nil {
		return Geometry{}, err
	}
	if r.space(); r.at != len(r.text) {
		return Geometry{}, r.unexpected("the end")
	}
	return g.described(system, r.budget.heights == 3), nil
}

// described returns the geometry with what is said of the whole of it said of its members too.
func (g Geometry) described(system System, heights bool) Geometry {
	g.System, g.Heights = system, heights
	g.Members = slices.Clone(g.Members)
	for i := range g.Members {
		g.Members[i] = g.Members[i].described(system, heights)
	}
	g.box = nil
	box := g.Box()
	g.box = &box
	return g
}

func (r *wktReader) geometry(depth int) (Geometry, error) {
	kind, err := r.tag()
	if err != nil {
		return Geometry{}, err
	}
	g := Geometry{Kind: kind}
	if r.word("EMPTY") {
		return g, r.budget.spend()
	}
	switch kind {
	case Collection:
		if depth == MaxDepth {
			return Geometry{}, tooLarge("collections are nested more than %d deep", MaxDepth)
		}
		g.Members, err = list(r, func() (Geometry, error) { return r.geometry(depth + 1) })
	case PointKind:
		g.Points, err = list(r, r.point)
		if err == nil && len(g.Points) != 1 {
			err = invalid("a POINT has %d points", len(g.Points))
		}
	case LineString:
		g.Lines = make([]Line, 1)
		g.Lines[0], err = r.line()
	case PolygonKind:
		g.Polygons = make([]Polygon, 1)
		g.Polygons[0], err = r.polygon()
	case MultiPoint:
		g.Points, err = list(r, r.pointOfMany)
	case MultiLineString:
		g.Lines, err = list(r, r.line)
	case MultiPolygon:
		g.Polygons, err = list(r, r.polygon)
	}
	return g, err
}

func (r *wktReader) tag() (Kind, error) {
	r.space()
	from := r.at
	for r.at < len(r.text) && letter(r.text[r.at]) {
		r.at++
	}
	tag := strings.ToUpper(r.text[from:r.at])
	if strings.HasSuffix(tag, "M") || r.word("M") || r.word("ZM") {
		return 0, invalid("measures (M) are not read; at byte %d", from)
	}
	for kind, name := range tags {
		if tag == name || tag == name+"Z" {
			if tag != name || r.word("Z") {
				return Kind(kind), r.budget.declareHeights()
			}
			return Kind(kind), nil
		}
	}
	r.at = from
	return 0, r.unexpected("the name of a geometry")
}

func (r *wktReader) polygon() (Polygon, error) {
	if err := r.budget.spend(); err != nil {
		return nil, err
	}
	return list(r, func() (Line, error) {
		ring, err := r.path()
		if err == nil {
			err = checkRing(ring)
		}
		return ring, err
	})
}

func (r *wktReader) line() (Line, error) {
	line, err := r.path()
	if err == nil {
		err = checkLine(line)
	}
	return line, err
}

func (r *wktReader) path() (Line, error) {
	if err := r.budget.spend(); err != nil {
		return nil, err
	}
	return list(r, r.point)
}

func (r *wktReader) pointOfMany() (Point, error) {
	if r.space(); r.at == len(r.text) || r.text[r.at] != '(' {
		return r.point()
	}
	r.at++
	p, err := r.point()
	if err == nil && !r.sign(')') {
		err = r.unexpected(")")
	}
	return p, err
}

func (r *wktReader) point() (Point, error) {
	var values [4]float64
	n := 0
	for n < len(values) {
		r.space()
		from := r.at
		for r.at < len(r.text) && numeric(r.text[r.at]) {
			r.at++
		}
		if r.at == from {
			break
		}
		v, err := number(r.text[from:r.at])
		if err != nil {
			r.at = from
			return Point{}, r.unexpected("a number")
		}
		values[n] = v
		n++
	}
	if n == 0 {
		return Point{}, r.unexpected("a number")
	}
	return r.budget.point(values[:n])
}

// number reads a decimal number. ParseFloat alone would take infinities, NaN and hexadecimal too, and what lies between.
func number(text string) (float64, error) {
	for i := range len(text) {
		if !numeric(text[i]) {
			return 0, strconv.ErrSyntax
		}
	}
	return strconv.ParseFloat(text, 64)
}

func numeric(c byte) bool {
	return '0' <= c && c <= '9' || c == '.' || c == '-' || c == '+' || c|0x20 == 'e'
}

// list reads items between parentheses, with commas between them; or EMPTY.
func list[T any](r *wktReader, item func() (T, error)) ([]T, error) {
	if r.word("EMPTY") {
		return nil, nil
	}
	if !r.sign('(') {
		return nil, r.unexpected("(")
	}
	var items []T
	for {
		next, err := item()
		if err != nil {
			return nil, err
		}
		items = append(items, next)
		if !r.sign(',') {
			break
		}
	}
	if !r.sign(')') {
		return nil, r.unexpected(") or a comma")
	}
	return items, nil
}

// word takes a word, in any case, when it comes next.
func (r *wktReader) word(word string) bool {
	r.space()
	end := r.at + len(word)
	if end > len(r.text) || !strings.EqualFold(r.text[r.at:end], word) || end < len(r.text) && letter(r.text[end]) {
		return false
	}
	r.at = end
	return true
}

func (r *wktReader) sign(sign byte) bool {
	if r.space(); r.at == len(r.text) || r.text[r.at] != sign {
		return false
	}
	r.at++
	return true
}

func (r *wktReader) space() {
	for r.at < len(r.text) && (r.text[r.at] == ' ' || '\t' <= r.text[r.at] && r.text[r.at] <= '\r') {
		r.at++
	}
}

func (r *wktReader) unexpected(wanted string) error {
	return invalid("the WKT is not well formed: %s is missing at byte %d", wanted, r.at)
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// WKT writes the geometry, without its reference system: POINT (1 2), POINT Z (1 2 3), POINT EMPTY.
func (g Geometry) WKT() string { return string(g.AppendWKT(nil)) }

// EWKT writes the geometry with the reference system before it, where it is said: SRID=25832;POINT (1 2).
func (g Geometry) EWKT() string {
	if g.System == Unsaid {
		return g.WKT()
	}
	return "SRID=" + strconv.Itoa(int(g.System)) + ";" + g.WKT()
}

// AppendWKT appends what WKT returns.
func (g Geometry) AppendWKT(to []byte) []byte {
	to = append(to, tags[g.Kind]...)
	if g.Heights {
		to = append(to, " Z"...)
	}
	if len(g.Points)+len(g.Lines)+len(g.Polygons)+len(g.Members) == 0 {
		return append(to, " EMPTY"...)
	}
	to = append(to, ' ')
	switch g.Kind {
	case PointKind, MultiPoint:
		return g.appendPath(to, g.Points, g.Kind == MultiPoint)
	case LineString:
		return g.appendPath(to, g.Lines[0], false)
	case MultiLineString:
		return g.appendLines(to, g.Lines)
	case PolygonKind:
		return g.appendLines(to, g.Polygons[0])
	case MultiPolygon:
		return appendList(to, g.Polygons, func(to []byte, p Polygon) []byte { return g.appendLines(to, p) })
	default:
		return appendList(to, g.Members, func(to []byte, m Geometry) []byte { return m.AppendWKT(to) })
	}
}

func (g Geometry) appendLines(to []byte, lines []Line) []byte {
	return appendList(to, lines, func(to []byte, line Line) []byte { return g.appendPath(to, line, false) })
}

// appendPath writes points; wrapped has each in parentheses, as in a MULTIPOINT.
func (g Geometry) appendPath(to []byte, points []Point, wrapped bool) []byte {
	return appendList(to, points, func(to []byte, p Point) []byte {
		if wrapped {
			to = append(to, '(')
		}
		to = append(appendNumber(to, p.X), ' ')
		to = appendNumber(to, p.Y)
		if g.Heights {
			to = appendNumber(append(to, ' '), p.Z)
		}
		if wrapped {
			to = append(to, ')')
		}
		return to
	})
}

func appendList[T any](to []byte, items []T, item func([]byte, T) []byte) []byte {
	if len(items) == 0 {
		return append(to, "EMPTY"...)
	}
	for i, it := range items {
		to = append(to, "(,"[min(i, 1)])
		if i > 0 {
			to = append(to, ' ')
		}
		to = item(to, it)
	}
	return append(to, ')')
}

// appendNumber writes the shortest decimal number that reads back as the same, never with an exponent.
func appendNumber(to []byte, v float64) []byte {
	if v == 0 {
		v = 0 // -0 is nothing to tell anyone
	}
	return strconv.AppendFloat(to, v, 'f', -1, 64)
}
