package arch

import (
	"strings"
	"testing"
)

// TestEachRuleCanFail gives every rule something that keeps it and something that breaks it.
func TestEachRuleCanFail(t *testing.T) {
	t.Parallel()
	imports := func(exceptions ...exception) func([]Package) []string {
		return func(packages []Package) []string { return importRule(layers, exceptions, packages) }
	}
	file := func(name, source string) []Package {
		parsed, err := inspect(name, []byte("package p\n"+source))
		if err != nil {
			t.Fatal(err)
		}
		return []Package{{Path: "internal/event", Files: []File{parsed}}}
	}
	edge := func(from, to string) []Package { return []Package{{Path: from, Imports: []string{to}}} }
	outside := func(from, path string) []Package { return []Package{{Path: from, Outside: []string{path}}} }
	panicker := func(packages []Package) []string {
		return panicRule([]panicking{{"internal/event", "must", "in this test"}}, packages)
	}

	for name, c := range map[string]struct {
		rule func([]Package) []string
		in   []Package
		want string // part of the one complaint; empty: none
	}{
		"a verb uses a noun":                {imports(), edge("internal/publish", "internal/event"), ""},
		"a noun uses a verb":                {imports(), edge("internal/event", "internal/publish"), "internal/event (noun) imports internal/publish (verb)"},
		"a foundation uses a noun":          {imports(), edge("internal/fault", "internal/event"), "imports internal/event (noun)"},
		"a noun uses the log":               {imports(), edge("internal/event", "internal/eventlog"), "(log)"},
		"a verb uses the log":               {imports(), edge("internal/delivery", "internal/eventlog"), ""},
		"a verb uses a verb":                {imports(), edge("internal/delivery", "internal/publish"), "imports internal/publish"},
		"a verb uses its own part":          {imports(), edge("internal/delivery", "internal/delivery/lane"), ""},
		"a verb uses the port":              {imports(), edge("internal/delivery", "internal/channel"), ""},
		"a verb uses an adapter":            {imports(), edge("internal/delivery", "internal/channel/webhook"), "(adapter)"},
		"an adapter uses an adapter":        {imports(), edge("internal/channel/webhook", "internal/channel/mail"), "imports internal/channel/mail"},
		"an adapter uses another family":    {imports(), edge("internal/web/api", "internal/store/sqlite"), "imports internal/store/sqlite"},
		"an adapter uses its family's port": {imports(), edge("internal/channel/mail", "internal/channel"), ""},
		"an adapter uses its parent":        {imports(), edge("internal/web/api", "internal/web"), ""},
		"an adapter uses app":               {imports(), edge("internal/web/api", "internal/app"), "(app)"},
		"app uses everything":               {imports(), edge("internal/app", "internal/store/sqlite"), ""},
		"app uses the command":              {imports(), edge("internal/app", "cmd/varsel"), "(command)"},
		"the public client uses a verb":     {imports(), edge("client", "internal/publish"), "(verb)"},
		"the product uses test support":     {imports(), edge("internal/app", "internal/oracle"), "(test)"},
		"a package in no layer":             {imports(), []Package{{Path: "internal/zebra"}}, "in no layer"},
		"an exception":                      {imports(exception{"internal/event", "internal/publish", ""}), edge("internal/event", "internal/publish"), ""},
		"an exception nobody needs":         {imports(exception{"internal/event", "internal/publish", ""}), edge("internal/publish", "internal/event"), "not needed"},

		"a telling name":  {nameRule, []Package{{Path: "internal/event", Name: "event"}}, ""},
		"an empty folder": {nameRule, []Package{{Path: "internal/util/text", Name: "text"}}, `"util"`},
		"an empty name":   {nameRule, []Package{{Path: "internal/x", Name: "helpers"}}, "package helpers"},

		"a package comment":    {docRule, []Package{{Path: "internal/x", Doc: "Package x is."}}, ""},
		"no package comment":   {docRule, []Package{{Path: "internal/x"}}, "no package comment"},
		"a function init":      {initRule, file("a.go", "func init() {}"), "func init"},
		"a test's init":        {initRule, file("a_test.go", "func init() {}"), "func init"},
		"a method called init": {initRule, file("a.go", "type t int\nfunc (t) init() {}"), ""},

		"a panic":               {panicker, file("a.go", "func must() { panic(1) }\nfunc f() { if true { panic(1) } }"), "f panics"},
		"a panic in a variable": {panicker, file("a.go", "func must() { panic(1) }\nvar v = func() int { panic(1) }()"), "declaration panics"},
		"an allowed panic":      {panicker, file("a.go", "func must() { panic(1) }"), ""},
		"a panic that went":     {panicker, file("a.go", "func must() {}"), "does not panic any more"},
		"a test's panic":        {panicker, append(file("a.go", "func must() { panic(1) }"), file("a_test.go", "func f() { panic(1) }")...), ""},

		"SQL in a store":        {sqlRule, outside("internal/store/sqlite", "zombiezen.com/go/sqlite/sqlitex"), ""},
		"SQLite in a verb":      {sqlRule, outside("internal/publish", "zombiezen.com/go/sqlite/sqlitex"), "SQL lives"},
		"PostgreSQL in web":     {sqlRule, outside("internal/web/api", "github.com/jackc/pgx/v5"), "SQL lives"},
		"database/sql in app":   {sqlRule, outside("internal/app", "database/sql"), "SQL lives"},
		"a file of 600 lines":   {lengthRule, file("a.go", strings.Repeat("\n", 599)), ""},
		"a file of 601 lines":   {lengthRule, file("a.go", strings.Repeat("\n", 600)), "601 lines"},
		"a test of 601 lines":   {lengthRule, file("a_test.go", strings.Repeat("\n", 600)), "601 lines"},
		"nothing breaks no law": {imports(), nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expect(t, c.rule(c.in), c.want)
		})
	}
}

func TestTheDependencyRuleCanFail(t *testing.T) {
	t.Parallel()
	page := []byte("| Module | Why |\n|---|---|\n| `example.org/a` | does a |\n| `example.org/b` |  |\n")
	for name, c := range map[string]struct {
		direct []string
		want   string
	}{
		"no reason written":  {[]string{"example.org/a", "example.org/b"}, "example.org/b is required"},
		"not in the table":   {[]string{"example.org/a", "example.org/b", "example.org/c"}, "example.org/c is required"},
		"gone from go.mod":   {[]string{"example.org/b"}, "lists example.org/a"},
		"gone, empty or not": {[]string{"example.org/a"}, "lists example.org/b"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := dependencyRule(c.direct, reasons(page))
			if !strings.Contains(strings.Join(broken, "\n"), c.want) {
				t.Errorf("want %q among %q", c.want, broken)
			}
		})
	}
	if broken := dependencyRule([]string{"example.org/a"}, map[string]string{"example.org/a": "does a"}); len(broken) > 0 {
		t.Errorf("a reason for each is enough, got %q", broken)
	}
}

func expect(t *testing.T, broken []string, want string) {
	t.Helper()
	switch {
	case want == "" && len(broken) > 0:
		t.Errorf("complains: %q", broken)
	case want != "" && (len(broken) != 1 || !strings.Contains(broken[0], want)):
		t.Errorf("want one complaint with %q, got %q", want, broken)
	}
}
