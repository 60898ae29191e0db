package admin

import (
	"html/template"
	"slices"
	"strings"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web"
)

// lines are drawn with a pen: the kinds of notices, what components may be shown with, and what the pages' own controls are
// marked with. They and the shapes (web.Shape) are those of the public pages.
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

	"up":      `<path d="m6.5 14.5 5.5-5.5 5.5 5.5"/>`,
	"plus":    `<path d="M12 5v14M5 12h14"/>`,
	"pen":     `<path d="m4 20 1-4.5L16.5 4a2.1 2.1 0 0 1 3 3L8 18.9zM14.5 6l3 3"/>`,
	"away":    `<path d="M9.5 5H6a1.5 1.5 0 0 0-1.5 1.5V18A1.5 1.5 0 0 0 6 19.5h11.5A1.5 1.5 0 0 0 19 18v-3.5M13.5 4.5h6v6M19 5l-8.5 8.5"/>`,
	"eye":     `<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="2.8"/>`,
	"bin":     `<path d="M4.5 6.5h15M9.5 6.5V4h5v2.5M6.5 6.5l1 14h9l1-14M10 10.5v6M14 10.5v6"/>`,
	"down":    `<path d="m6.5 9.5 5.5 5.5 5.5-5.5"/>`,
	"history": `<path d="M4.5 8.5A8.5 8.5 0 1 1 3.5 12M4 3.5v5h5M12 7.5v5l3.5 2"/>`,
}

// icon is one drawing. Words stand beside it, so it is hidden from who listens.
func icon(name string) template.HTML {
	class, body := "i", lines[name]
	if shape := web.Shape(name); shape != "" {
		class, body = "i solid", shape
	}
	return template.HTML(`<svg class="` + class + `" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">` + body + `</svg>`)
}

// mark is a state as people are told it: by a word, a shape and a colour (D4, WCAG 1.4.1).
type mark struct {
	State status.State
	Word  string
	Lang  string // of the word, where it is not the page's
	Shape string
}

// markOf is a state as a site has it.
func (s speech) markOf(site *status.Site, state status.State) *mark {
	look := site.Look(state)
	word, in := look.Name.In(s.Lang, status.English)
	if in == s.Lang {
		in = ""
	}
	return &mark{state, word, in, look.Symbol}
}

// mark is a state as the site of the path has it.
func (v *visit) mark(state status.State) *mark { return v.markOf(v.site, state) }

// coloursOf is the part of the style that a site chooses.
func coloursOf(site *status.Site) string {
	light, dark := "", ""
	for _, state := range slices.Concat(status.States, []status.State{status.NoData}) {
		look := site.Look(state)
		light += "--" + string(state) + ":" + look.Light + ";"
		dark += "--" + string(state) + ":" + look.Dark + ";"
	}
	return ":root{" + light + "}\n@media(prefers-color-scheme:dark){:root:not([data-theme=light]){" + dark + "}}\n:root[data-theme=dark]{" + dark + "}\n"
}

// drawing is a shape as it looks in a colour, on a page of a colour: for showing colours that are no part of the style.
func drawing(symbol, page string) template.HTML {
	if !isColour(page) {
		return ""
	}
	return template.HTML(strings.ReplaceAll(web.Shape(symbol), `class="cut"`, `fill="none" stroke="`+page+`" stroke-width="2.4" stroke-linecap="round" stroke-linejoin="round"`))
}

// dict hands several things to a part of a page.
func dict(pairs ...any) map[string]any {
	all := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if name, ok := pairs[i].(string); ok {
			all[name] = pairs[i+1]
		}
	}
	return all
}
