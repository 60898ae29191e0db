package page

import (
	"html/template"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web"
)

// lines are drawn with a pen; the shapes of the states are web.Shape's. They are the kinds of notices, what components may be shown with, and what the page's own controls
// are marked with.
var lines = map[string]string{
	"kind-incident":     `<path d="M13 2.5 4.5 13.5H11l-1 8 8.5-11H12z"/>`,
	"kind-maintenance":  `<path d="M15.8 3.3a5.5 5.5 0 0 0-6.6 7.1l-6 6a2.5 2.5 0 0 0 3.6 3.6l6-6a5.5 5.5 0 0 0 7.1-6.6l-3.3 3.3-2.9-.8-.8-2.9z"/>`,
	"kind-action":       `<rect x="3.5" y="3.5" width="17" height="17" rx="4"/><path d="m8 12.3 2.8 2.8L16.2 9"/>`,
	"kind-announcement": `<path d="M3.5 9.5v5h3l8 4.5v-14l-8 4.5zM7.5 15l1.3 5.5M17.8 9a4.2 4.2 0 0 1 0 6"/>`,
	"kind-bulletin":     `<circle cx="12" cy="12" r="9"/><path d="M12 11v5.5M12 7.5v.2"/>`,

	"server":   `<rect x="3.5" y="3.5" width="17" height="7" rx="2"/><rect x="3.5" y="13.5" width="17" height="7" rx="2"/><path d="M7.5 7h.1M7.5 17h.1"/>`,
	"database": `<ellipse cx="12" cy="5.5" rx="8" ry="3"/><path d="M4 5.5v13c0 1.7 3.6 3 8 3s8-1.3 8-3v-13M4 12c0 1.7 3.6 3 8 3s8-1.3 8-3"/>`,
	"network":  `<circle cx="12" cy="5" r="2.5"/><circle cx="5" cy="19" r="2.5"/><circle cx="19" cy="19" r="2.5"/><path d="m10.8 7.2-4.6 9.6M13.2 7.2l4.6 9.6M7.5 19h9"/>`,
	"people":   `<circle cx="9" cy="8" r="3.5"/><path d="M2.5 20c.5-4 3-6 6.5-6s6 2 6.5 6M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14.4c2 .8 3.2 2.7 3.5 5.6"/>`,
	"mail":     `<rect x="3" y="5" width="18" height="14" rx="2.5"/><path d="m3.5 7 8.5 6.5L20.5 7"/>`,
	"file":     `<path d="M6.5 2.5h7l5 5v12a2 2 0 0 1-2 2h-10a2 2 0 0 1-2-2v-15a2 2 0 0 1 2-2zM13.5 2.5v5h5"/>`,
	"search":   `<circle cx="10.5" cy="10.5" r="6.5"/><path d="m15.5 15.5 5 5"/>`,
	"clock":    `<circle cx="12" cy="12" r="9"/><path d="M12 7v5.3l3.3 2"/>`,
	"key":      `<circle cx="8" cy="16" r="4.5"/><path d="m11.2 12.8 9-9M16.5 7.5l3 3"/>`,
	"tool":     `<path d="m14 6 4-3 3 3-3 4M12.8 8.2l3 3L6.5 20.5a2.1 2.1 0 0 1-3-3z"/>`,
	"phone":    `<rect x="6.5" y="2.5" width="11" height="19" rx="2.5"/><path d="M11 18.3h2"/>`,
	"api":      `<path d="M8.5 4H7a2 2 0 0 0-2 2v3.5L3 12l2 2.5V18a2 2 0 0 0 2 2h1.5M15.5 4H17a2 2 0 0 1 2 2v3.5l2 2.5-2 2.5V18a2 2 0 0 1-2 2h-1.5"/>`,
	"report":   `<path d="M4 3.5v15a2 2 0 0 0 2 2h14.5M8.5 16v-4M13 16V7M17.5 16v-6.5"/>`,
	"lock":     `<rect x="4.5" y="10.5" width="15" height="10.5" rx="2.5"/><path d="M8 10.5V7a4 4 0 0 1 8 0v3.5"/>`,
	"cloud":    `<path d="M7 19a4.5 4.5 0 0 1-.6-9 6 6 0 0 1 11.5 1.2A4 4 0 0 1 17.5 19z"/>`,
	"web":      `<circle cx="12" cy="12" r="9"/><path d="M3 12h18M12 3c5 5 5 13 0 18M12 3c-5 5-5 13 0 18"/>`,

	"globe":   `<circle cx="12" cy="12" r="9"/><path d="M3 12h18M12 3c4.5 5 4.5 13 0 18M12 3c-4.5 5-4.5 13 0 18"/>`,
	"theme":   `<circle cx="12" cy="12" r="8.5"/><path class="fill" d="M12 3.5a8.5 8.5 0 0 1 0 17z"/>`,
	"bell":    `<path d="M5 11.5a8 8 0 0 1 8 8M5 5.5a14 14 0 0 1 14 14"/><circle class="fill" cx="6.5" cy="18" r="1.5"/>`,
	"down":    `<path d="m6.5 9.5 5.5 5.5 5.5-5.5"/>`,
	"right":   `<path d="m9.5 6.5 5.5 5.5-5.5 5.5"/>`,
	"left":    `<path d="M14.5 6.5 9 12l5.5 5.5"/>`,
	"tick":    `<path d="m5 12.5 4.5 4.5L19 7"/>`,
	"days":    `<rect x="3.5" y="5" width="17" height="16" rx="2.5"/><path d="M3.5 10h17M8 2.5v4M16 2.5v4"/>`,
	"history": `<path d="M4.5 8.5A8.5 8.5 0 1 1 3.5 12M4 3.5v5h5M12 7.5v5l3.5 2"/>`,
}

// drawing is one icon of a page's sprite.
type drawing struct {
	Name  string
	Shape bool
	Body  template.HTML
}

// icon shows one of the page's drawings. Words stand beside it, so it is hidden from who listens.
func icon(name string) template.HTML {
	return template.HTML(`<svg class="i" width="20" height="20" aria-hidden="true"><use href="#i-` + name + `"/></svg>`)
}

// sprite has the drawings that a page uses, found in what it became: an icon's reference is written by icon alone, for
// texts have no quotes in them once they are escaped.
func sprite(html string) []drawing {
	var list []drawing
	add := func(drawn map[string]string, shape bool) {
		for name, body := range drawn {
			if strings.Contains(html, `"#i-`+name+`"`) {
				list = append(list, drawing{name, shape, template.HTML(body)})
			}
		}
	}
	shapes := map[string]string{}
	for _, symbol := range status.StateSymbols {
		shapes[symbol] = web.Shape(symbol)
	}
	add(shapes, true)
	add(lines, false)
	slices.SortFunc(list, func(a, b drawing) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// favicon is a state's shape in its colour. It has no style of its own: a policy that allows none holds for it too.
func favicon(look status.Look) string {
	body := strings.NewReplacer(
		`class="cut"`, `fill="none" stroke="`+status.LightPage+`" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"`,
		"currentColor", look.Light,
	).Replace(web.Shape(look.Symbol))
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="` + look.Light + `">` + body + `</svg>`
}
