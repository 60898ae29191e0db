package page

import (
	"testing"

	"github.com/varselhub/varsel/internal/browsertest"
)

// looks are the addresses that are looked at: every page once where everything goes on, and what else a page can look like.
var looks = []struct{ name, path string }{
	{"overview", "/busy/"},
	{"section", "/busy/da/crm"},
	{"searched", "/busy/?q=s&only=affected"},
	{"notice", "/busy/notices/notice000003"},
	{"notice with an account", "/busy/fr/notices/notice000001"},
	{"maintenance", "/busy/pl/notices/notice000004"},
	{"action", "/busy/notices/notice000006"},
	{"component", "/busy/components/comp00000004"},
	{"history", "/busy/history"},
	{"month", "/busy/fr/history/2026-02"},
	{"calendar", "/busy/calendar"},
	{"follow", "/busy/pl/follow"},
	{"nothing", "/busy/nothing"},
	{"chooser", "/"},
	{"well", "/well/"},
	{"out", "/out/"},
	{"degraded", "/degraded/fr/"},
	{"unknown", "/unknown/pl/"},
	{"empty", "/empty/"},
	{"hostile", "/hostile/"},
	{"divalto", "/divalto/"},
}

// Every page can be used by everyone, in both themes, on a desk and on a phone (WCAG 2.1 A and AA).
func TestWCAG21EveryPageOfTheStorybook(t *testing.T) {
	t.Parallel()
	browser := browsertest.Start(t)
	b := stories()
	b.add("divalto", divalto())
	url := live(t, b)
	for _, look := range looks {
		for _, view := range browsertest.Views {
			t.Run(look.name+"/"+view.String(), func(t *testing.T) {
				t.Parallel()
				page := browser.Open(t, url+look.path, view)
				page.Accessible()
				if look.name == "nothing" {
					page.Forgive("404") // that it is not found is no news
				}
			})
		}
	}
}
