package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/export"
)

type siteExportCommand struct {
	Name string `arg:"" help:"The site."`
	To   string `help:"The folder. What an earlier copy left there and the site has no more is removed; what else is there stays." required:"" type:"path" placeholder:"DIR"`
	URL  string `help:"The hub." default:"http://127.0.0.1:8080" env:"VARSEL_URL"`
	Host string `help:"The site's own host name, where the copy is to be served at that name's root, and not at /NAME/." placeholder:"NAME"`
	JSON bool   `help:"Print one JSON object, for programs."`
}

// Run copies the site. Nobody needs to be anybody for it: it is what everyone sees.
func (c *siteExportCommand) Run(ctx context.Context, s *streams) error {
	o := export.Options{From: strings.TrimSuffix(c.URL, "/") + "/" + c.Name, To: c.To}
	if c.Host != "" {
		o.From, o.Host = c.URL, c.Host
	}
	progress := &progress{w: s.err, doing: "copying", unit: "addresses", repaint: isTerminal(s.err)}
	o.Told = func(done, known int) { progress.tell(int64(done), int64(known)) }
	report, err := export.Site(ctx, o)
	progress.end()
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, report)
	}
	fmt.Fprintf(s.out, "%s is a copy of the site %s as it was on %s: %d files. Serve it at %s/\n",
		filepath.Clean(c.To), c.Name, report.Made.Local().Format(time.DateTime), report.Files, report.Base)
	for _, address := range report.Lost {
		fmt.Fprintln(s.err, "a page links to what is not there:", report.Base+address)
	}
	return nil
}
