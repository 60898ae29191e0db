package atlas

import (
	"math"
	"strconv"

	"github.com/varselhub/varsel/internal/geo"
)

// The sheet that is drawn on, in dots: a user unit of the SVG, about a pixel where there is room. It is as wide as Denmark is to
// its height.
const (
	sheetWidth  = 800.0
	sheetHeight = 640.0
)

// Denmark in EPSG:25832 with a margin, which is what zoom 0 shows. Each step shows half as much.
const (
	middleE      = 667_600.0
	middleN      = 6_226_500.0
	widestDot    = 608.0 // metres
	mostZoom     = 12
	focusZoom    = 7    // the closest that an event is shown from, unless somebody asks
	focusPart    = 0.55 // of the sheet that an event's place takes when it is selected
	farthest     = 2_000_000.0
	spreadMetres = 1.0 // a place without extent
)

// sheet is what of the world is on the map. A projection it has none of: eastings and northings are plane.
type sheet struct {
	e, n float64 // of its middle, in metres
	zoom int
}

func wholeSheet() sheet { return sheet{middleE, middleN, 0} }

// dot is how many metres a dot is.
func (s sheet) dot() float64 { return widestDot / float64(int64(1)<<s.zoom) }

// place is where a point is on the sheet, in dots from its upper left corner.
func (s sheet) place(p geo.Point) spot {
	d := s.dot()
	return spot{(p.X-s.e)/d + sheetWidth/2, (s.n-p.Y)/d + sheetHeight/2}
}

// moved is the sheet so many dots to the east and to the south.
func (s sheet) moved(east, south float64) sheet {
	s.e, s.n = s.e+east*s.dot(), s.n-south*s.dot()
	return s.kept()
}

func (s sheet) zoomed(steps int) sheet {
	s.zoom += steps
	return s.kept()
}

// kept is the nearest sheet there is.
func (s sheet) kept() sheet {
	s.zoom = min(max(s.zoom, 0), mostZoom)
	s.e = min(max(s.e, middleE-farthest), middleE+farthest)
	s.n = min(max(s.n, middleN-farthest), middleN+farthest)
	return s
}

// around is the sheet with a box in its middle, from as near as it is seen whole with something around it.
func around(b geo.Box) sheet {
	s := sheet{e: (b.MinX + b.MaxX) / 2, n: (b.MinY + b.MaxY) / 2}
	wide, high := max(b.MaxX-b.MinX, spreadMetres), max(b.MaxY-b.MinY, spreadMetres)
	fits := min(sheetWidth*focusPart/wide, sheetHeight*focusPart/high) // dots for a metre
	s.zoom = min(int(math.Floor(math.Log2(fits*widestDot))), focusZoom)
	return s.kept()
}

// at is the sheet's middle as an address has it.
func (s sheet) at() string {
	return strconv.FormatInt(int64(math.Round(s.e)), 10) + "," + strconv.FormatInt(int64(math.Round(s.n)), 10)
}

// bar is a scale bar: a round length of at most a fifth of the sheet.
type bar struct {
	Dots  float64
	Label string
}

func (s sheet) bar() bar {
	most := sheetWidth / 5 * s.dot()
	metres := math.Pow(10, math.Floor(math.Log10(most)))
	for _, times := range []float64{5, 2} {
		if metres*times <= most {
			metres *= times
			break
		}
	}
	label := strconv.FormatFloat(metres, 'f', -1, 64) + " m"
	if metres >= 1000 {
		label = strconv.FormatFloat(metres/1000, 'f', -1, 64) + " km"
	}
	return bar{round(metres / s.dot()), label}
}

// kilometres is how wide the sheet is, for people.
func (s sheet) kilometres() string {
	wide := sheetWidth * s.dot() / 1000
	if wide < 10 {
		return strconv.FormatFloat(wide, 'f', 1, 64)
	}
	return strconv.FormatFloat(wide, 'f', 0, 64)
}
