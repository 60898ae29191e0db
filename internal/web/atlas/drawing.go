package atlas

import (
	"math"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/geo"
	"github.com/varselhub/varsel/internal/register"
)

// Drawing is the map.
type Drawing struct {
	Width, Height int
	E, N          int64   // the middle, in metres, and
	Dot           float64 // how many metres a dot is: for the script
	Zoom, Most    int
	Land          string // a path
	Names         []Name
	Shapes        []Shape // the oldest first: the newest lies on top
	Bar           bar
}

// Shape is an event on the map.
type Shape struct {
	Position int64
	Action   string
	Title    string // who it is and what happened, for a pointer
	Link     string
	Trace    Trace // empty: it is too small to be seen by itself, or there is no ink left
	X, Y     float64
	Marked   bool // its symbol is on the sheet
	Selected bool
	Fresh    bool // the newest of all
	Right    bool // its name stands to the left of it, since it is near the right edge
	Name     string
}

// placed is an event with where it is, in EPSG:25832.
type placed struct {
	*register.Happening
	outline geo.Geometry
	box     geo.Box
	at      geo.Point
	ok      bool // it is somewhere that can be drawn
}

// place finds out where an event's object is.
func place(h *register.Happening) placed {
	p := placed{Happening: h}
	g, ok := deposit.PlaceOf(h)
	if !ok {
		return p
	}
	g, err := g.In(geo.UTM32)
	if err != nil {
		return p
	}
	p.outline, p.box = g, g.Box()
	p.at, p.ok = anchor(g)
	return p
}

// symbolHalf is half of a symbol, in dots.
const symbolHalf = 11.0

// draw draws events, the newest first, on a sheet over the ground.
func (g *ground) draw(s sheet, events []placed, of func(*placed) Shape) Drawing {
	d := Drawing{
		Width: sheetWidth, Height: sheetHeight, E: int64(math.Round(s.e)), N: int64(math.Round(s.n)), Dot: s.dot(), Zoom: s.zoom, Most: mostZoom,
		Land: g.land(s), Bar: s.bar(),
	}
	with := newInk()
	taken := []geo.Box{{MinX: 0, MinY: sheetHeight - 46, MaxX: 200, MaxY: sheetHeight}} // the scale bar's
	for i := range events {
		p := &events[i]
		if !p.ok || !s.meets(p.box) {
			continue
		}
		shape := of(p)
		shape.Trace = s.trace(p.outline, with)
		at := s.place(p.at)
		shape.X, shape.Y, shape.Marked = round(at.x), round(at.y), at.seen()
		if !shape.Marked && shape.Trace.Empty() {
			continue // nothing of it can be seen here
		}
		shape.Right = at.x > sheetWidth*0.7
		taken = append(taken, geo.Box{MinX: at.x - symbolHalf, MinY: at.y - symbolHalf, MaxX: at.x + symbolHalf, MaxY: at.y + symbolHalf})
		d.Shapes = append(d.Shapes, shape)
	}
	for i, j := 0, len(d.Shapes)-1; i < j; i, j = i+1, j-1 {
		d.Shapes[i], d.Shapes[j] = d.Shapes[j], d.Shapes[i]
	}
	d.Names = g.names(s, taken)
	return d
}

func round(v float64) float64 { return math.Round(v*10) / 10 }
