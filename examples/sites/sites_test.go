package sites_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/varselhub/varsel/examples/sites"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
)

// TestD11D12D13EveryServiceHasItsTexts: fifteen services of the CRM and twenty-two of the ERP, each with what it is and what
// is lost, in French and English; two of the same name in different sections are two.
func TestD11D12D13EveryServiceHasItsTexts(t *testing.T) {
	t.Parallel()
	decoder := json.NewDecoder(bytes.NewReader(sites.CRMAndERP))
	decoder.DisallowUnknownFields()
	var site status.Site
	if err := decoder.Decode(&site); err != nil {
		t.Fatal(err)
	}
	if err := fault.Invalid(fault.InvalidDocument, site.Check()); err != nil {
		t.Fatal(err)
	}
	count, odata := map[string]int{}, 0
	site.Each(func(section *status.Section, _ *status.Group, c *status.Component) {
		count[section.Name]++
		for _, language := range []string{"fr", "en"} {
			if c.Title[language] == "" || c.Description[language] == "" || c.Impact[language] == "" {
				t.Errorf("%s lacks a text in %s", c.Title["fr"], language)
			}
		}
		if c.Title["fr"] == "Service OData" {
			odata++
		}
	})
	if count["crm"] != 15 || count["erp"] != 22 || odata != 2 {
		t.Errorf("%v, and %d of OData", count, odata)
	}
}
