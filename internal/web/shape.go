package web

// Shape draws a symbol of a state (status.StateSymbols) as SVG in a square of 24: each has an outline of its own, so that
// it is told without colour (D4, WCAG 1.4.1). It is in the current colour; what is cut out of it has the class cut, and is
// in the colour of what it stands on.
func Shape(symbol string) string { return shapes[symbol] }

var shapes = map[string]string{
	"check":    `<circle cx="12" cy="12" r="10"/><path class="cut" d="m7.5 12.4 3 3 6-6.6"/>`,
	"wrench":   `<rect x="2" y="2" width="20" height="20" rx="5"/><path class="cut" d="M14.9 6.6a4 4 0 0 0-4.6 5.3l-3.9 3.9 1.8 1.8 3.9-3.9a4 4 0 0 0 5.3-4.6l-2.3 2.3-1.9-.6-.6-1.9z"/>`,
	"minus":    `<path d="M10.2 1.9a2.6 2.6 0 0 1 3.6 0l8.3 8.3a2.6 2.6 0 0 1 0 3.6l-8.3 8.3a2.6 2.6 0 0 1-3.6 0l-8.3-8.3a2.6 2.6 0 0 1 0-3.6z"/><path class="cut" d="M7.5 12h9"/>`,
	"triangle": `<path d="M9.9 2.9a2.4 2.4 0 0 1 4.2 0l8.6 15.2a2.4 2.4 0 0 1-2.1 3.6H3.4a2.4 2.4 0 0 1-2.1-3.6z"/><path class="cut" d="M12 8.2v5.4M12 17.3v.2"/>`,
	"half":     `<circle cx="12" cy="12" r="9" fill="none" stroke="currentColor" stroke-width="2"/><path d="M12 3a9 9 0 0 0 0 18z"/>`,
	"cross":    `<path d="M8.3 1.5h7.4a2 2 0 0 1 1.4.6l4.8 4.8a2 2 0 0 1 .6 1.4v7.4a2 2 0 0 1-.6 1.4l-4.8 4.8a2 2 0 0 1-1.4.6H8.3a2 2 0 0 1-1.4-.6l-4.8-4.8a2 2 0 0 1-.6-1.4V8.3a2 2 0 0 1 .6-1.4l4.8-4.8a2 2 0 0 1 1.4-.6z"/><path class="cut" d="m8.2 8.2 7.6 7.6M15.8 8.2l-7.6 7.6"/>`,
	"dot":      `<circle cx="12" cy="12" r="6"/>`,
	"square":   `<rect x="3" y="3" width="18" height="18" rx="2"/>`,
	"question": `<circle cx="12" cy="12" r="9.5" fill="none" stroke="currentColor" stroke-width="2" stroke-dasharray="3.6 2.4"/><path fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" d="M9.3 9.4a2.7 2.7 0 1 1 3.6 2.6c-.7.3-.9.7-.9 1.5M12 16.8v.2"/>`,
}
