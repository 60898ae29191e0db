package browsertest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"

	"github.com/varselhub/varsel/internal/oracle"
)

// Accessible fails the test for what keeps people from using the page as it is now: what axe-core finds of WCAG 2.1 A
// and AA, and whatever makes a narrow page scroll sideways (1.4.10 Reflow).
func (p *Page) Accessible() {
	p.t.Helper()
	p.picture(os.Getenv("VARSEL_PICTURES"))
	for _, found := range p.barriers() {
		p.t.Error(found)
	}
}

// picture keeps the whole page as a PNG named for its test.
func (p *Page) picture(folder string) {
	p.t.Helper()
	if folder == "" {
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, limit)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, strings.ReplaceAll(p.t.Name(), "/", ", ")+".png"), picture, 0o600)
	}
	if err != nil {
		p.t.Errorf("no picture: %v", err)
	}
}

// verdict is what is asked of axe-core's results.
type verdict struct {
	Passes int      `json:"passes"` // rules that were looked at and kept
	Found  []string `json:"found"`
}

const runAxe = `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }).then((r) => ({
	passes: r.passes.length,
	found: r.violations.flatMap((v) => v.nodes.map((n) => v.id + " at " + n.target.join(" ") + ": " + n.failureSummary)),
}))`

func (p *Page) barriers() []string {
	p.t.Helper()
	if p.view.NoScript {
		// axe-core waits for timers of the page's, which a page without scripts need not serve. What the page has not run when it
		// came, it does not run now.
		p.scripts(true)
		defer p.scripts(false)
	}
	Evaluate[bool](p, string(oracle.File(p.t, "axe-core/axe.min.js"))+"\n;true")
	result := Evaluate[verdict](p, runAxe)
	if result.Passes == 0 {
		p.t.Fatal("axe-core has looked at nothing")
	}
	wide := Evaluate[int](p, `document.documentElement.scrollWidth`)
	if wide > p.view.Width {
		result.Found = append(result.Found, fmt.Sprintf("the page is %d pixels wide where %d are seen", wide, p.view.Width))
	}
	return result.Found
}
