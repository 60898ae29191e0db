package manage_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

// jobnet is a hub with a source, two types and one receiving system of that name.
func jobnet(t *testing.T, p profile.Name) *managetest.World {
	t.Helper()
	w := managetest.New(t)
	w.Seed()
	w.System("jobnet", p)
	return w
}

var ctx = context.Background()

// tell writes an error as "code pointer rule; pointer rule", "" for none.
func tell(err error) string {
	if err == nil {
		return ""
	}
	f := fault.Of(err)
	var rules []string
	for _, v := range f.Violations {
		rules = append(rules, v.Pointer+" "+v.Rule)
	}
	return strings.TrimSpace(string(f.Code) + " " + strings.Join(rules, "; "))
}

// creating is a change without a condition, seen one that was made for a state, anyState one for whatever it is.
func creating() manage.By { return manage.By{Author: "test"} }

func seen(position int64) manage.By {
	return manage.By{Author: "test", Condition: manage.Condition{Seen: []int64{position}}}
}

func anyState() manage.By {
	return manage.By{Author: "test", Condition: manage.Condition{Present: true}}
}

type sub = subscription.Subscription

var (
	kommune  = event.Organisation{Type: "5", Code: "101"}
	jobcentr = event.Organisation{Type: "5", Code: "751"}
	foreign  = event.Organisation{Type: "9", Code: "1"}
)

// options are a condition, and the count that may be dropped; dry is the same without doing it.
func options(by manage.By, drop ...int64) manage.SetOptions {
	o := manage.SetOptions{By: by}
	if len(drop) > 0 {
		o.Drop = &drop[0]
	}
	return o
}

func dry(by manage.By) manage.SetOptions { return manage.SetOptions{By: by, DryRun: true} }

// outline writes a report as "+created ~changed -removed =unchanged ?pending test".
func outline(r *manage.Report) string {
	if r == nil {
		return ""
	}
	var words []string
	for sign, entries := range map[string][]manage.Entry{"+": r.Created, "~": r.Changed, "-": r.Removed, "=": r.Unchanged} {
		for _, e := range entries {
			words = append(words, sign+e.Name)
		}
	}
	for _, p := range r.Tests {
		words = append(words, "?"+p.Name+p.Path)
	}
	if r.Drop > 0 {
		words = append(words, fmt.Sprintf("!%d", r.Drop))
	}
	sign := func(word string) int { return strings.IndexByte("+~-=?!", word[0]) }
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(cmp.Compare(sign(a), sign(b)), cmp.Compare(a, b)) })
	return strings.Join(words, " ")
}
