package client

import (
	"context"
	"encoding/json"
	"net/http"
)

// SiteImport is what came of an import of a status site.
type SiteImport struct {
	Created bool `json:"created"` // the site was not there before
	Notices int  `json:"notices"` // that are new
	Changes int  `json:"changes"` // of components' states
	Skipped int  `json:"skipped"` // that were there already
}

// ImportSite makes a status site with a past, or adds to the past of one: the document has members site, notices and
// changes, as the description of the API says. What is there already is skipped, so that it may be done again.
func (c *Client) ImportSite(ctx context.Context, site string, document json.RawMessage) (SiteImport, error) {
	var report SiteImport
	_, err := c.call(ctx, request{
		method: http.MethodPost, path: []string{"sites", site, "import"}, mediaType: "application/json", body: document, repeatable: true,
	}, &report)
	return report, err
}
