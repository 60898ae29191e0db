package client

import (
	"context"
	"net/http"
	"time"
)

// Filter narrows a subscription of the profile datafordeler to what its messages say: exactly one of All, Any, Field and
// Place.
type Filter struct {
	All []Filter `json:"all,omitempty"` // every one holds, in one registration of the message
	Any []Filter `json:"any,omitempty"` // at least one holds

	Field    string   `json:"field,omitempty"` // such as objekttype, spelled as in the message; with one of the three
	Equals   string   `json:"equals,omitempty"`
	AnyOf    []string `json:"anyOf,omitempty"`
	Contains string   `json:"contains,omitempty"`

	Place *FilterPlace `json:"place,omitempty"`
}

// FilterPlace is where the object must be: exactly one of the two.
type FilterPlace struct {
	Within     *FilterArea `json:"within,omitempty"`
	Intersects *FilterArea `json:"intersects,omitempty"`
}

// FilterArea is a municipality by its code, whose outline the hub fills in when the filter is saved, or any area.
type FilterArea struct {
	Municipality string `json:"municipality,omitempty"` // four digits
	WKT          string `json:"wkt,omitempty"`          // in EPSG:25832, or longitude and latitude
}

// FilterPreview is what a filter would have matched.
type FilterPreview struct {
	Looked   int             `json:"looked"`        // at so many events that the agreement grants
	Matched  int             `json:"matched"`       // of them
	From     time.Time       `json:"from,omitzero"` // when the oldest of them was recorded
	To       time.Time       `json:"to,omitzero"`   // and the newest
	Examples []FilterExample `json:"examples"`      // of what matched, newest first
}

// FilterExample is an event without its data.
type FilterExample struct {
	Position int64     `json:"position"`
	Type     string    `json:"type"`
	Recorded time.Time `json:"recorded"`
}

// PreviewFilter tells what a filter would have matched among the newest events, at most last (1 to 1000; 0: 1000), of some
// types, with nil of all, that the agreement of a system grants. Errors: CodeInvalidDocument, CodeNotFound.
func (c *Client) PreviewFilter(ctx context.Context, system string, f Filter, types []string, last int) (FilterPreview, error) {
	asked := struct {
		Filter Filter   `json:"filter"`
		Types  []string `json:"types,omitempty"`
		Last   int      `json:"last,omitempty"`
	}{f, types, last}
	var preview FilterPreview
	_, err := send(ctx, c, request{method: http.MethodPost, path: []string{"systems", system, "subscriptions", "preview"}, repeatable: true}, asked, &preview)
	return preview, err
}
