package main

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"math"
	"strings"
)

// The colours of no change and of ever more, each lighter than the one behind it, so that they differ in print and for who does not
// tell red from green.
var colours = []string{"#f4f4f0", "#fdd49e", "#fc8d59", "#d7301f", "#7f0000"}

const (
	width  = 900.0 // of the picture, in its units
	margin = 20.0
	legend = 40.0
)

// frame places longitude and latitude on the picture: a degree of longitude is as much shorter as it is at the map's middle.
type frame struct {
	west, north, scale, squeeze float64
	height                      float64
}

func frameOf(areas []area) frame {
	west, south, east, north := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, a := range areas {
		for _, ring := range a.rings {
			for _, p := range ring {
				west, east, south, north = min(west, p[0]), max(east, p[0]), min(south, p[1]), max(north, p[1])
			}
		}
	}
	if west >= east || south >= north {
		return frame{height: 2*margin + legend}
	}
	squeeze := math.Cos((south + north) / 2 * math.Pi / 180)
	scale := (width - 2*margin) / ((east - west) * squeeze)
	return frame{west: west, north: north, scale: scale, squeeze: squeeze, height: (north-south)*scale + 2*margin + legend}
}

func (f *frame) path(rings [][][2]float64) string {
	var b strings.Builder
	for _, ring := range rings {
		for i, p := range ring {
			letter := 'L'
			if i == 0 {
				letter = 'M'
			}
			fmt.Fprintf(&b, "%c%.1f %.1f", letter, margin+(p[0]-f.west)*f.squeeze*f.scale, margin+(f.north-p[1])*f.scale)
		}
		b.WriteByte('Z')
	}
	return b.String()
}

// step is how hot a count is among counts up to most: none, and then four steps, each of twice as many as the one before or so.
func step(count, most int) int {
	if count == 0 {
		return 0
	}
	steps := len(colours) - 1
	return min(steps, 1+int(float64(steps)*math.Log(float64(count))/math.Log(float64(most+1))))
}

// draw writes the picture. Each outline has its name and count as a title, which is read aloud and shown when it is pointed at.
func draw(to io.Writer, areas []area) error {
	most, all := 0, 0
	for _, a := range areas {
		most, all = max(most, a.count), all+a.count
	}
	f, w := frameOf(areas), bufio.NewWriter(to)
	fmt.Fprintf(w, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" role="img" aria-labelledby="title">`+"\n", width, f.height)
	fmt.Fprintf(w, "<title id=\"title\">%d changes in %d areas</title>\n<g stroke=\"#555\" stroke-width=\"0.4\" fill-rule=\"evenodd\">\n", all, len(areas))
	for _, a := range areas {
		fmt.Fprintf(w, `<path fill="%s" d="%s"><title>%s: %d</title></path>`+"\n", colours[step(a.count, most)], f.path(a.rings), escaped(a.name), a.count)
	}
	fmt.Fprint(w, "</g>\n<g font-family=\"sans-serif\" font-size=\"14\">\n")
	for i, colour := range colours {
		x, y := margin+float64(i)*120, f.height-legend
		fmt.Fprintf(w, `<rect x="%.0f" y="%.0f" width="20" height="20" fill="%s" stroke="#555"/><text x="%.0f" y="%.0f">%s</text>`+"\n", x, y, colour, x+26, y+15, label(i, most))
	}
	fmt.Fprint(w, "</g>\n</svg>\n")
	return w.Flush()
}

// label says which counts a colour is of.
func label(of, most int) string {
	first, last := 0, 0
	for count := 1; count <= most; count++ {
		if step(count, most) == of {
			if first == 0 {
				first = count
			}
			last = count
		}
	}
	switch {
	case of == 0:
		return "0"
	case first == 0:
		return "–"
	case first == last:
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d–%d", first, last)
}

func escaped(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // into memory
	return b.String()
}
