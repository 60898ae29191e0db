package account_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/account"
)

var update = flag.Bool("update", false, "write the table in docs/access.md anew")

const (
	accessPage = "../../docs/access.md"
	tableBegin = "<!-- the table of internal/account, written by make docs -->\n"
	tableEnd   = "<!-- end of the table -->\n"
)

// The table in docs/access.md is the one the server obeys.
func TestTheDocumentedRulesAreTheRules(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(accessPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), tableBegin)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !found || !ended {
		t.Fatalf("%s has no place for the table", accessPage)
	}
	want := before + tableBegin + table() + tableEnd + after
	if *update {
		if err := os.WriteFile(accessPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(page) {
		t.Errorf("%s is not what the rules say; run make docs", accessPage)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| Route |")
	for _, role := range account.Roles {
		b.WriteString(" " + string(role) + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(account.Roles)) + "\n")
	for _, rule := range account.Rules {
		b.WriteString("| `" + rule.Route + "` |")
		for _, reach := range rule.Reach {
			b.WriteString(" " + word(rule.Open, reach) + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

func word(open bool, reach account.Reach) string {
	switch {
	case open:
		return "anyone"
	case reach == account.All:
		return "yes"
	case reach == account.Own:
		return "own"
	}
	return ""
}

// payload are the routes that show what events hold.
var payload = []string{"GET /api/v1/pull/{subscription}", account.EventMessages, "GET /api/v1/registers/{register}/{type}", "POST /api/v1/registers/{register}/search", "GET /api/v1/extracts/{extract}/files/{file}",
	"GET /api/v1/registers/{register}/events", "GET /registers/{register}/map", "GET /registers/{register}/data/{type}"}

// DESIGN section 6: the operator may do everything; an auditor reads everything but payloads, and changes nothing.
func TestOperatorsDoAllAndAuditorsRead(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, rule := range account.Rules {
		if seen[rule.Route] {
			t.Errorf("%s is in the table twice", rule.Route)
		}
		seen[rule.Route] = true
		if rule.Open {
			continue
		}
		operator := &account.Principal{Roles: []account.Role{account.Operator}}
		auditor := &account.Principal{Roles: []account.Role{account.Auditor}}
		reads := (strings.HasPrefix(rule.Route, "GET ") || rule.Route == "POST /api/v1/events/search") && !slices.Contains(payload, rule.Route)
		if operator.Reach(rule) != account.All || (auditor.Reach(rule) == account.All) != reads || !reads && auditor.Reach(rule) != account.None {
			t.Errorf("%s: operator %d, auditor %d", rule.Route, operator.Reach(rule), auditor.Reach(rule))
		}
	}
}

// A site-editor reaches its own sites, by name or all of them; others as far as their role goes everywhere.
func TestSitesAreReachedByTheirEditors(t *testing.T) {
	t.Parallel()
	read, _ := account.RuleOf("GET /admin/{site}/looks")
	write, _ := account.RuleOf("POST /admin/{site}/looks")
	editor := []account.Role{account.SiteEditor}
	for name, c := range map[string]struct {
		roles          []account.Role
		sites          []string
		reads, writes  bool
		edits, foreign bool
	}{
		"its editor":            {editor, []string{"roads"}, true, true, true, false},
		"another's":             {editor, []string{"rails"}, false, false, false, false},
		"of all":                {editor, []string{"*"}, true, true, true, true},
		"of none":               {editor, nil, false, false, false, false},
		"sites without a role":  {[]account.Role{account.Source}, []string{"*"}, false, false, false, false},
		"operator":              {[]account.Role{account.Operator}, nil, true, true, false, false},
		"auditor":               {[]account.Role{account.Auditor}, nil, true, false, false, false},
		"auditor and an editor": {[]account.Role{account.Auditor, account.SiteEditor}, []string{"roads"}, true, true, true, false},
	} {
		p := (&account.Account{Roles: c.roles, Sites: c.sites}).Principal(account.ByPassword)
		if p.ReachesSite(read, "roads") != c.reads || p.ReachesSite(write, "roads") != c.writes || p.Edits("roads") != c.edits || p.Edits("other") != c.foreign {
			t.Errorf("%s: reads %v, writes %v, edits %v and others %v", name, p.ReachesSite(read, "roads"), p.ReachesSite(write, "roads"), p.Edits("roads"), p.Edits("other"))
		}
	}
}

func TestClaimsMeanWhatIsSaid(t *testing.T) {
	t.Parallel()
	c := account.Claims{
		Roles: "/realm/roles", Meaning: map[string]account.Role{"ops": account.Operator, "root": account.Operator, "web": account.SiteEditor},
		Systems: "/systems", Sources: "/a~1b", Sites: "/sites",
	}
	p := c.Principal("corp/eva", account.ByProvider, map[string]any{
		"realm":   map[string]any{"roles": []any{"ops", "root", "operator", 7, "web"}},
		"systems": "one two", "a/b": []any{"three"}, "sites": []any{"roads", nil},
	})
	if got := fmt.Sprintf("%s %s %v %v %v %v", p.Name, p.Method, p.Roles, p.Systems, p.Sources, p.Sites); got != "corp/eva provider [operator site-editor] [one two] [three] [roads]" {
		t.Error(got)
	}
	if p := c.Principal("corp/eva", account.ByProvider, map[string]any{"realm": "ops", "roles": "ops"}); len(p.Roles) != 0 {
		t.Errorf("roles from elsewhere: %v", p.Roles)
	}
}

func TestReachIsThatOfTheFurthestRole(t *testing.T) {
	t.Parallel()
	rule, _ := account.RuleOf("GET /api/v1/systems")
	for name, c := range map[string]struct {
		roles []account.Role
		want  account.Reach
	}{
		"nobody":               {nil, account.None},
		"unknown":              {[]account.Role{"root"}, account.None},
		"source":               {[]account.Role{account.Source}, account.None},
		"source, subscriber":   {[]account.Role{account.Source, account.Subscriber}, account.Own},
		"subscriber, auditor":  {[]account.Role{account.Subscriber, account.Auditor}, account.All},
		"site-editor":          {[]account.Role{account.SiteEditor}, account.None},
		"operator and auditor": {[]account.Role{account.Operator, account.Auditor}, account.All},
	} {
		if got := (&account.Principal{Roles: c.roles}).Reach(rule); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	unknown, found := account.RuleOf("GET /api/v1/none")
	if found || account.Anyone().Reach(unknown) != account.None {
		t.Error("a route without a rule lets someone in")
	}
}
