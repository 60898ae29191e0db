package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/netguard"
	"github.com/varselhub/varsel/internal/siteimport"
	"github.com/varselhub/varsel/internal/status"
)

// importCommand takes over what stands elsewhere.
type importCommand struct {
	Delivery   importDeliveryCommand   `cmd:"" help:"Hand a register's deliveries over: files of DatafordelerDataDelivery, of any size."`
	Statuspage importStatuspageCommand `cmd:"" help:"Make a status site of a page of Statuspage, or of what has its API: components, incidents, maintenances and how everything did."`
}

type importStatuspageCommand struct {
	Page        string         `arg:"" help:"Address of the page, such as https://status.example.com."`
	Site        string         `help:"Name of the site here: it is made, or where it is there already what is new of the past is added to it." required:"" placeholder:"NAME"`
	Language    string         `help:"Language of the page's texts: da, en, fr or pl." enum:"da,en,fr,pl" default:"en"`
	NewIDs      bool           `name:"new-ids" help:"Give everything an id of its own, for a page that is a site here already."`
	DryRun      bool           `help:"Print what would be imported, as JSON, and import nothing."`
	JSON        bool           `help:"Print the result as JSON, for programs."`
	AllowEgress []netip.Prefix `help:"Ranges that may be called although they are not public, such as 10.1.0.0/16." placeholder:"CIDR"`
	AllowHTTP   bool           `help:"Allow a page without TLS."`
	EgressProxy string         `help:"HTTP proxy that the page is read through, such as http://proxy.example:3128." placeholder:"URL"`
	hubFlags
}

// The most that an import takes: the longest it reads, and the largest document that a hub takes at a time.
const (
	importTime = 15 * time.Minute
	importPart = 3 << 20
)

// Run reads the page and imports it.
func (c *importStatuspageCommand) Run(ctx context.Context, s *streams) error {
	document, err := c.read(ctx, s)
	if err != nil {
		return err
	}
	for _, what := range document.Left {
		fmt.Fprintln(s.err, "  "+what)
	}
	if c.DryRun {
		return printJSON(s.out, document)
	}
	hub, err := c.hub()
	if err != nil {
		return err
	}
	report, err := sendImport(ctx, hub, c.Site, document)
	switch {
	case err != nil:
		return err
	case c.JSON:
		return printJSON(s.out, report)
	case report.Created:
		fmt.Fprintf(s.out, "The site %s is made.\n", c.Site)
	}
	fmt.Fprintf(s.out, "%d notices and %d changes of components' states are new; %d were there already.\n", report.Notices, report.Changes, report.Skipped)
	return nil
}

// read reads the page and makes a document of it.
func (c *importStatuspageCommand) read(ctx context.Context, s *streams) (*siteimport.Document, error) {
	guard, err := netguard.New(netguard.Rules{Allow: c.AllowEgress, AllowHTTP: c.AllowHTTP, Proxy: c.EgressProxy}, nil)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, importTime)
	defer cancel()
	fmt.Fprintf(s.err, "Reading %s …\n", c.Page)
	found, err := siteimport.NewReader(guard).Read(ctx, c.Page)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(s.err, "%s: %d components and groups, %d incidents, %d maintenances.\n", found.Page.Name, len(found.Components), len(found.Incidents), len(found.Maintenances))
	return siteimport.Make(found, siteimport.Options{Name: c.Site, Language: c.Language, NewIDs: c.NewIDs, Now: status.At(time.Now())}), nil
}

// sendImport hands a document over, in as many parts as it needs. What an import that broke off has brought is skipped
// when it is done again.
func sendImport(ctx context.Context, hub *client.Client, site string, document *siteimport.Document) (whole client.SiteImport, err error) {
	parts, err := document.Parts(importPart)
	if err != nil {
		return whole, err
	}
	for i := range parts {
		text, err := json.Marshal(parts[i])
		if err != nil {
			return whole, err
		}
		report, err := hub.ImportSite(ctx, site, text)
		if err != nil && i > 0 {
			err = errors.Join(err, fmt.Errorf("%d of %d parts are imported; do it again, what is there is skipped", i, len(parts)))
		}
		if err != nil {
			return whole, err
		}
		whole.Created = whole.Created || report.Created
		whole.Notices += report.Notices
		whole.Changes += report.Changes
		whole.Skipped += report.Skipped
	}
	return whole, nil
}
