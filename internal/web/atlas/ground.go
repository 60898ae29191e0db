package atlas

import (
	"cmp"
	"encoding/json"
	"slices"
	"unicode/utf8"

	"github.com/varselhub/varsel/examples/registers/municipalities"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/geo"
)

// ground is what lies below the events: the land, as the outlines of its municipalities, which the program brings along.
type ground struct{ parts []part }

// part is a municipality.
type part struct {
	name    string
	outline geo.Geometry
	box     geo.Box
	anchor  geo.Point
	area    float64
}

// newGround reads the outlines, the largest first.
// Error: fault.Internal; the program is built with others than it was tested with.
func newGround() (*ground, error) {
	var rows []struct {
		Name     string `json:"navn"`
		Geometry string `json:"geometri"`
	}
	if err := json.Unmarshal(municipalities.JSON, &rows); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the outlines of municipalities cannot be read")
	}
	g := &ground{}
	for _, row := range rows {
		outline, err := geo.Parse(row.Geometry)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "the outline of a municipality cannot be read")
		}
		p := part{name: row.Name, outline: outline, box: outline.Box()}
		weigh(outline, func(at geo.Point, weight float64) {
			if weight > p.area {
				p.anchor, p.area = at, weight
			}
		})
		g.parts = append(g.parts, p)
	}
	slices.SortStableFunc(g.parts, func(a, b part) int { return cmp.Compare(b.area, a.area) })
	return g, nil
}

// land is the land on a sheet, as one path.
func (g *ground) land(s sheet) string {
	with := newInk()
	t := tracer{sheet: s, ink: with}
	for i := range g.parts {
		if s.meets(g.parts[i].box) {
			t.geometry(g.parts[i].outline)
		}
	}
	return string(t.areas)
}

// meets reports whether something of a box may be on the sheet.
func (s sheet) meets(b geo.Box) bool {
	wide, high := (sheetWidth/2+bleed)*s.dot(), (sheetHeight/2+bleed)*s.dot()
	return b.Meets(geo.Box{MinX: s.e - wide, MinY: s.n - high, MaxX: s.e + wide, MaxY: s.n + high})
}

// Name is something's name on the sheet.
type Name struct {
	Text string
	X, Y float64
}

// How much room a name takes, in dots, and how many are put on a sheet.
const (
	letterWide = 6.6
	letterHigh = 15.0
	mostNames  = 24
)

// names are those of municipalities that fit on what is seen of them, beside each other and beside what is there: the larger the sooner.
func (g *ground) names(s sheet, taken []geo.Box) (names []Name) {
	for i := range g.parts {
		p := &g.parts[i]
		if len(names) == mostNames {
			break
		}
		at := s.place(p.anchor)
		wide := float64(utf8.RuneCountInString(p.name)) * letterWide
		box := geo.Box{MinX: at.x - wide/2, MinY: at.y - letterHigh/2, MaxX: at.x + wide/2, MaxY: at.y + letterHigh/2}
		fits := wide < 1.15*(p.box.MaxX-p.box.MinX)/s.dot() && box.MinX > 0 && box.MaxX < sheetWidth && box.MinY > 0 && box.MaxY < sheetHeight
		if !fits || slices.ContainsFunc(taken, box.Meets) {
			continue
		}
		taken = append(taken, box)
		names = append(names, Name{p.name, round(at.x), round(at.y)})
	}
	return names
}
