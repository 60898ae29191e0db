package status

import (
	"encoding/hex"
	"math"
	"slices"
	"strings"
)

// The pages' own backgrounds, which a theme's colours are held against.
const (
	LightPage = "#ffffff"
	DarkPage  = "#14171c"
)

// LeastContrast is what a shape needs against what is around it (WCAG 1.4.11).
const LeastContrast = 3

func (c *siteCheck) theme() {
	t := &c.site.Theme
	c.colour("/theme/accent", t.Accent, LightPage)
	for _, state := range slices.Sorted(func(yield func(State) bool) {
		for s := range t.States {
			if !yield(s) {
				return
			}
		}
	}) {
		look, at := t.States[state], "/theme/states/"+escape(string(state))
		if !state.Known() {
			c.refuse(at, "enum", "is no state")
			continue
		}
		c.words(at+"/name", look.Name, 80, false)
		c.colour(at+"/light", look.Light, LightPage)
		c.colour(at+"/dark", look.Dark, DarkPage)
		if look.Symbol != "" && !slices.Contains(StateSymbols, look.Symbol) {
			c.refuse(at+"/symbol", "enum", "use one of "+strings.Join(StateSymbols, ", "))
		}
	}
}

// colour holds a colour to what it must stand out from.
func (c *siteCheck) colour(at, colour, page string) {
	switch {
	case colour == "":
	case !isColour(colour):
		c.refuse(at, "colour", "want #rrggbb")
	case Contrast(colour, page) < LeastContrast:
		c.refuse(at, "contrast", "is too close to the page's "+page+": people need 3:1 to tell it (WCAG 1.4.11)")
	}
}

func isColour(text string) bool {
	return len(text) == 7 && text[0] == '#' && strings.Trim(text[1:], "0123456789abcdefABCDEF") == ""
}

// Contrast is the ratio of two colours' luminances, 1 to 21 (WCAG 2.1, "contrast ratio").
func Contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is WCAG 2.1's relative luminance of #rrggbb.
func luminance(colour string) float64 {
	rgb, err := hex.DecodeString(strings.TrimPrefix(colour, "#"))
	if err != nil || len(rgb) != 3 {
		return 0
	}
	linear := func(b byte) float64 {
		v := float64(b) / 255
		if v <= 0.03928 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(rgb[0]) + 0.7152*linear(rgb[1]) + 0.0722*linear(rgb[2])
}

// defaultLooks are the hub's own: Statuspage's order of colours, each with a shape of its own, and at least 3:1 on its
// page.
var defaultLooks = map[State]Look{
	Operational:   {Light: "#1a7f4b", Dark: "#3fb97f", Symbol: "check", Name: Text{"en": "Operational", "da": "I drift", "fr": "Opérationnel", "pl": "Działa"}},
	Maintenance:   {Light: "#2563c9", Dark: "#6ea8fe", Symbol: "wrench", Name: Text{"en": "Under maintenance", "da": "Under vedligeholdelse", "fr": "Maintenance", "pl": "Konserwacja"}},
	Degraded:      {Light: "#9a6700", Dark: "#e3b341", Symbol: "minus", Name: Text{"en": "Degraded performance", "da": "Nedsat ydelse", "fr": "Perturbation mineure", "pl": "Obniżona wydajność"}},
	PartialOutage: {Light: "#c2410c", Dark: "#ff9a57", Symbol: "triangle", Name: Text{"en": "Partial outage", "da": "Delvist nede", "fr": "Perturbation majeure", "pl": "Częściowa awaria"}},
	MajorOutage:   {Light: "#b42318", Dark: "#ff7b72", Symbol: "cross", Name: Text{"en": "Major outage", "da": "Nede", "fr": "Non opérationnel", "pl": "Poważna awaria"}},
	NoData:        {Light: "#667085", Dark: "#98a2b3", Symbol: "question", Name: Text{"en": "No data", "da": "Ingen data", "fr": "Pas de données", "pl": "Brak danych"}},
}

// Look is how a state looks on the site: the theme's, and where it says nothing the hub's own.
func (s *Site) Look(state State) Look {
	look, own := defaultLooks[state], s.Theme.States[state]
	if !own.Name.Empty() {
		name := Text{}
		for language, word := range look.Name {
			name[language] = word
		}
		for language, word := range own.Name {
			name[language] = word
		}
		look.Name = name
	}
	if own.Light != "" {
		look.Light = own.Light
	}
	if own.Dark != "" {
		look.Dark = own.Dark
	}
	if own.Symbol != "" {
		look.Symbol = own.Symbol
	}
	return look
}
