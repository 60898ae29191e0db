package embed

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web"
	"github.com/varselhub/varsel/internal/web/site"
)

func badgeOfSection(l *site.Look) (*site.Made, error) {
	s, err := summaryOf(l)
	if err != nil {
		return nil, err
	}
	return badge(l, s.Name.Text, s.Headline, s.Look), nil
}

func badgeOfComponent(l *site.Look) (*site.Made, error) {
	s := l.Board.Component(l.Arg("id"))
	if s == nil {
		return nil, site.Nothing()
	}
	look := l.Site().Look(s.State)
	return badge(l, say(l, s.Title).Text, say(l, look.Name).Text, look), nil
}

// The measures of a badge, in its own pixels.
const (
	badgeHeight = 24
	badgeText   = 12 // size of letters
	badgePad    = 8
	badgeShape  = 14
	mostLetters = 60 // of each of its two texts; all of them are in its title
)

// badge draws what is called so, and how it is: by colour, by shape and by a word (WCAG 1.4.1), on grounds of its own, since
// nobody knows what it stands on (1.4.3, 1.4.11).
func badge(l *site.Look, name, state string, look status.Look) *site.Made {
	style := badgeStyle(l.Query("theme"), look)
	label := escape(name + ": " + state)
	name, state = short(name), short(state)
	left, right := widthOf(name), widthOf(state)
	split := badgePad + left + badgePad
	whole := split + badgePad + badgeShape + 6 + right + badgePad
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" xml:lang="%s" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="%s">`,
		escape(l.Language), whole, badgeHeight, whole, badgeHeight, label)
	fmt.Fprintf(&b, `<title>%s</title><style>%s</style>`, label, style)
	fmt.Fprintf(&b, `<rect class="r" x=".5" y=".5" width="%d" height="%d" rx="5"/>`, whole-1, badgeHeight-1)
	fmt.Fprintf(&b, `<path class="l" d="M5.5 1H%dv%dH5.5A4.5 4.5 0 0 1 1 %d.5v-%dA4.5 4.5 0 0 1 5.5 1z"/>`, split, badgeHeight-2, badgeHeight-6, badgeHeight-12)
	fmt.Fprintf(&b, `<text x="%d" y="16" textLength="%d" lengthAdjust="spacingAndGlyphs">%s</text>`, badgePad, left, escape(name))
	fmt.Fprintf(&b, `<svg class="s" x="%d" y="%d" width="%d" height="%d" viewBox="0 0 24 24">%s</svg>`, split+badgePad, (badgeHeight-badgeShape)/2, badgeShape, badgeShape, web.Shape(look.Symbol))
	fmt.Fprintf(&b, `<text x="%d" y="16" textLength="%d" lengthAdjust="spacingAndGlyphs">%s</text></svg>`, split+badgePad+badgeShape+6, right, escape(state))
	return &site.Made{
		ContentType: "image/svg+xml", Body: []byte(b.String()),
		Policy: "default-src 'none'; style-src " + hashOf(style),
	}
}

// badgeStyle colours a badge for a light page, a dark one, or whichever the reader's machine is set to.
func badgeStyle(theme string, look status.Look) string {
	const letters = "text{font:12px Verdana,'DejaVu Sans',Geneva,sans-serif}.cut{fill:none;stroke-width:2.4;stroke-linecap:round;stroke-linejoin:round}"
	light := "text{fill:#1b222c}.l{fill:#e9edf2}.r{fill:" + status.LightPage + ";stroke:#6b7686}.s{color:" + look.Light + ";fill:currentColor}.cut{stroke:" + status.LightPage + "}"
	dark := "text{fill:#eef1f5}.l{fill:#2a313b}.r{fill:" + status.DarkPage + ";stroke:#7d8794}.s{color:" + look.Dark + ";fill:currentColor}.cut{stroke:" + status.DarkPage + "}"
	switch themes[max(0, slices.Index(themes, theme))] {
	case "dark":
		return letters + dark
	case "auto":
		return letters + light + "@media(prefers-color-scheme:dark){" + dark + "}"
	}
	return letters + light
}

// short cuts a text that is too long for a badge.
func short(text string) string {
	if letters := []rune(text); len(letters) > mostLetters {
		return string(letters[:mostLetters-1]) + "…"
	}
	return text
}

// widthOf is about how wide a text is in Verdana. Whatever letters a reader's machine has, textLength makes them fit.
func widthOf(text string) int {
	width := 0.0
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Mn, r):
		case strings.ContainsRune("ijl.,:;'|!()[]I ", r):
			width += 0.40
		case strings.ContainsRune("mwMW@%", r):
			width += 0.95
		case r >= 0x1100:
			width++
		case unicode.IsUpper(r):
			width += 0.70
		default:
			width += 0.61
		}
	}
	return max(1, int(width*badgeText+0.5))
}

// escape is a text within XML; what XML cannot say becomes U+FFFD.
func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a Builder takes everything
	return b.String()
}
