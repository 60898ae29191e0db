package admin

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/status"
)

var placeholders = regexp.MustCompile(`\{[0-9]\}`)

// Every message is there in all four languages, tells the same things in each, and has as many forms as the language
// counts by.
func TestEveryMessageIsInEveryLanguage(t *testing.T) {
	t.Parallel()
	for key, message := range words {
		want := placeholders.FindAllString(message[0], -1)
		slices.Sort(want)
		want = slices.Compact(want)
		for i, tongue := range tongues {
			text := message[i]
			if strings.TrimSpace(text) == "" || text != strings.TrimSpace(text) {
				t.Errorf("%q is not in %s: %q", key, tongue, text)
			}
			got := placeholders.FindAllString(text, -1)
			slices.Sort(got)
			if got = slices.Compact(got); !slices.Equal(got, want) && !strings.Contains(text, "|") {
				t.Errorf("%q tells %v in %s, and %v in English", key, got, tongue, want)
			}
			forms := map[bool]int{true: 3, false: 2}[tongue == "pl"]
			if n := strings.Count(text, "|") + 1; strings.Contains(message[0], "|") && n != forms {
				t.Errorf("%q has %d forms in %s, want %d", key, n, tongue, forms)
			}
		}
	}
}

// spokenOf finds the messages that the code and the pages ask for; begun are those whose end is not written there.
func spokenOf(t *testing.T) (whole, begun map[string]bool) {
	t.Helper()
	whole, begun = map[string]bool{}, map[string]bool{}
	inCode, inPages := regexp.MustCompile(`\bSay\("([^"]+)"( ?\+)?`), regexp.MustCompile(`\bSay "([^"]+)"`)
	sources, err := fs.Glob(os.DirFS("."), "*.go")
	pages, errPages := fs.Glob(os.DirFS("."), "html/*.html")
	if err != nil || errPages != nil || len(pages) == 0 {
		t.Fatal(err, errPages)
	}
	for _, name := range append(sources, pages...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, found := range inCode.FindAllStringSubmatch(string(text), -1) {
			if found[2] == "" {
				whole[found[1]] = true
			} else {
				begun[found[1]] = true
			}
		}
		for _, found := range inPages.FindAllStringSubmatch(string(text), -1) {
			whole[found[1]] = true
		}
	}
	return whole, begun
}

// What the code and the pages say is in the table, whatever it is said of.
func TestEveryMessageThatIsSaidIsThere(t *testing.T) {
	t.Parallel()
	whole, begun := spokenOf(t)
	ends := map[string][]string{
		"tab ": {"overview", "notices", "components", "looks", "history"}, "symbol ": status.Symbols, "shape ": status.StateSymbols,
		"repeat ": status.Repeats, "repeats ": status.Repeats, "part ": {aSection, aGroup, aComponent}, "new ": {aSection, aGroup, aComponent},
		"done ": {"opened", "update", "state", "facts", "reworded", "account", "removed", "components", "part-removed", "looks", "founded"},
		"rule ": nil, "mend ": nil,
	}
	for _, kind := range status.Kinds {
		for _, begin := range []string{"kind ", "kind means ", "open "} {
			ends[begin] = append(ends[begin], string(kind))
		}
		for _, stage := range kind.Stages() {
			ends["stage "] = append(ends["stage "], string(stage))
			if stage != status.Postmortem {
				ends["hint "] = append(ends["hint "], string(stage))
			}
		}
	}
	for _, state := range status.States {
		ends["means "] = append(ends["means "], string(state))
	}
	for _, impact := range status.Impacts {
		ends["impact of "] = append(ends["impact of "], string(impact))
	}
	for _, act := range []audit.Act{audit.PutSite, audit.RemoveSite, audit.SetState, audit.OpenNotice, audit.UpdateNotice, audit.EditNotice, audit.RemoveNotice, audit.Acknowledge, audit.ImportSite} {
		ends["act "] = append(ends["act "], string(act))
	}
	for begin := range begun {
		if _, known := ends[begin]; !known && begin != "headline " {
			t.Errorf("%q is said with another end each time: name the ends here", begin)
		}
	}
	for begin, list := range ends {
		for _, end := range list {
			whole[begin+end] = true
		}
	}
	for _, h := range []status.Headline{
		status.AllOperational, status.UnderMaintenance, status.PartiallyDegraded, status.DegradedService, status.MinorOutage, status.PartialSystem, status.PartialOfMajor, status.MajorSystem, status.Disturbed, status.Unknown,
	} {
		whole["headline "+h.Description] = true
	}
	for key := range whole {
		if _, known := words[key]; !known {
			t.Errorf("%q is said and has no words", key)
		}
	}
	// And nothing is in the table that nobody says. What is said by a name that is put together elsewhere is named here.
	elsewhere := []string{
		"began", "starts", "ends", "window", "shown", "deadline", "audience", "expected", "next update", "began at", "began at hint", "shown from", "shown from hint", "shown until",
		"begins and ends", "about sections", "components concerned", "pause systems", "next none", "expected none", "sent to subscribers", "sent to nobody", "edits are not sent", "time beside",
	}
	for key := range words {
		family := slices.ContainsFunc([]string{"rule ", "problem ", "mend ", "impact "}, func(begin string) bool { return strings.HasPrefix(key, begin) })
		if !whole[key] && !family && !slices.Contains(elsewhere, key) {
			t.Errorf("%q is never said", key)
		}
	}
}
