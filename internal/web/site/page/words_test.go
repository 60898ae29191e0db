package page

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template/parse"

	"github.com/varselhub/varsel/internal/status"
)

var placeholder = regexp.MustCompile(`\{\d\}`)

// Every message is there in all four languages, with the same arguments, and with as many forms as numbers need.
func TestEveryWordIsInFourLanguages(t *testing.T) {
	t.Parallel()
	for key, message := range words {
		forms := strings.Contains(message[0], "|")
		want := arguments(message[0])
		for at, lang := range tongues {
			text := message[at]
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s has no %s", key, lang)
			}
			need := 2
			if lang == "pl" {
				need = 3
			}
			if parts := strings.Split(text, "|"); forms != (len(parts) > 1) || forms && len(parts) != need {
				t.Errorf("%s in %s: %d forms of %q", key, lang, len(parts), text)
			}
			if got := arguments(text); !slices.Equal(got, want) {
				t.Errorf("%s in %s has the arguments %v, in English %v", key, lang, got, want)
			}
		}
	}
}

func arguments(text string) []string {
	found := placeholder.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// Whatever a site may be in has words: headlines, states, kinds, stages, impacts.
func TestEverythingThatASiteMayBeInHasWords(t *testing.T) {
	t.Parallel()
	has := func(key string) {
		if _, found := words[key]; !found {
			t.Errorf("no words for %q", key)
		}
	}
	hasText := func(what string, text status.Text) {
		for _, lang := range status.Languages {
			if text[lang] == "" {
				t.Errorf("no words for %q in %s", what, lang)
			}
		}
	}
	for _, h := range []status.Headline{
		status.AllOperational, status.UnderMaintenance, status.PartiallyDegraded, status.DegradedService, status.MinorOutage, status.PartialSystem,
		status.PartialOfMajor, status.MajorSystem, status.Disturbed, status.Unknown, status.NoneKnown,
	} {
		hasText(h.Description, h.Words())
	}
	for _, state := range append([]status.State{status.NoData}, status.States...) {
		has("means " + string(state))
	}
	for _, kind := range status.Kinds {
		hasText(string(kind), kind.Words())
		for _, stage := range kind.Stages() {
			hasText(string(stage), stage.Words())
		}
	}
	for _, every := range status.Repeats {
		has("repeats " + every)
	}
	for _, lang := range status.Languages {
		has("shown in " + lang)
		if nameOf[lang] == "" || !slices.Contains(tongues, lang) {
			t.Errorf("%s is no tongue of the pages", lang)
		}
	}
}

// letters is a word that somebody reads.
var letters = regexp.MustCompile(`\pL{2,}`)

// No template says anything by itself: what people read is in the table, in four languages.
func TestNoTemplateHasWordsOfItsOwn(t *testing.T) {
	t.Parallel()
	for name, text := range templates(t) {
		readable := spokenAttribute.ReplaceAllString(strings.Join(textOfTree(text), "\x00"), ">$1<")
		for _, part := range strings.Split(strip(readable), "\x00") {
			if word := letters.FindString(part); word != "" {
				t.Errorf("%s says %q by itself", name, word)
			}
		}
	}
}

// The sample of the API on the chooser is the same in every language.
var sample = regexp.MustCompile(`<code>PUT [^<]*</code>`)

var (
	spokenAttribute = regexp.MustCompile(`(?:title|alt|aria-label|placeholder)="([^"<>{}]*)"`)
	markup          = regexp.MustCompile(`<[^>]*>?`)
)

// strip leaves what is between the tags. Actions cut tags into pieces, which are joined by zeros.
func strip(text string) string {
	text = sample.ReplaceAllString(text, "")
	return markup.ReplaceAllString(strings.ReplaceAll(text, "\x00", ""), "\x00")
}

// templates are the trees of every template.
func templates(t *testing.T) map[string]*parse.ListNode {
	t.Helper()
	pages, err := made()
	if err != nil {
		t.Fatal(err)
	}
	trees := map[string]*parse.ListNode{}
	for _, one := range pages.by["en"].Templates() {
		if one.Tree != nil && one.Tree.Root != nil {
			trees[one.Name()] = one.Tree.Root
		}
	}
	return trees
}

func walk(node parse.Node, visit func(parse.Node)) {
	visit(node)
	list := func(l *parse.ListNode) {
		if l != nil {
			walk(l, visit)
		}
	}
	branch := func(b *parse.BranchNode) { walk(b.Pipe, visit); list(b.List); list(b.ElseList) }
	switch n := node.(type) {
	case *parse.ListNode:
		for _, one := range n.Nodes {
			walk(one, visit)
		}
	case *parse.ActionNode:
		walk(n.Pipe, visit)
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.PipeNode:
		for _, command := range n.Cmds {
			for i, arg := range command.Args {
				walk(arg, visit)
				if word, ok := arg.(*parse.IdentifierNode); ok && word.Ident == "t" && i == 0 {
					visit(command)
				}
			}
		}
	}
}

func textOfTree(root parse.Node) (texts []string) {
	walk(root, func(node parse.Node) {
		if text, ok := node.(*parse.TextNode); ok {
			texts = append(texts, string(text.Text))
		}
	})
	return texts
}

// built are the beginnings of keys that are put together when a page is made.
var built = []string{"means ", "impact minor", "impact major", "impact critical", "theme ", "repeats ", "shown in ", "outlook ", "widget "}

// Every message that is said is in the table, and every one in it is said.
func TestTheTableHasWhatIsSaidAndNothingElse(t *testing.T) {
	t.Parallel()
	said := map[string]bool{}
	for _, key := range inScript {
		said[key] = true
	}
	for name, tree := range templates(t) {
		walk(tree, func(node parse.Node) {
			if command, ok := node.(*parse.CommandNode); ok && len(command.Args) > 1 {
				if key, ok := command.Args[1].(*parse.StringNode); ok {
					said[key.Text] = true
					if _, found := words[key.Text]; !found {
						t.Errorf("%s says %q, which is not in the table", name, key.Text)
					}
				}
			}
		})
	}
	for _, key := range literals(t) {
		said[key] = true
	}
	for key := range words {
		if !said[key] && !slices.ContainsFunc(built, func(begin string) bool { return strings.HasPrefix(key, begin) }) {
			t.Errorf("nothing says %q", key)
		}
	}
	script, err := os.ReadFile("script.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`say\("([^"]+)"`).FindAllStringSubmatch(string(script), -1) {
		if !slices.Contains(inScript, found[1]) {
			t.Errorf("the script says %q, which it is not given", found[1])
		}
	}
}

// literals are the texts in the package's code, but for the table itself. What Say is given as it stands must be in it.
func literals(t *testing.T) (texts []string) {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if name == "words.go" || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.BasicLit:
				if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
					texts = append(texts, text)
				}
			case *ast.CallExpr:
				if fun, ok := n.Fun.(*ast.SelectorExpr); ok && fun.Sel.Name == "Say" && len(n.Args) > 0 {
					if lit, ok := n.Args[0].(*ast.BasicLit); ok {
						key, _ := strconv.Unquote(lit.Value)
						if _, found := words[key]; !found {
							t.Errorf("%s says %q, which is not in the table", name, key)
						}
					}
				}
			}
			return true
		})
	}
	return texts
}

func TestNumbersChooseTheirForms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		lang string
		n    int
		want string
	}{
		{"en", 0, "0 services"}, {"en", 1, "1 service"}, {"en", 2, "2 services"},
		{"da", 1, "1 tjeneste"}, {"da", 21, "21 tjenester"},
		{"fr", 0, "0 service"}, {"fr", 1, "1 service"}, {"fr", 2, "2 services"},
		{"pl", 1, "1 usługa"}, {"pl", 2, "2 usługi"}, {"pl", 4, "4 usługi"}, {"pl", 5, "5 usług"}, {"pl", 12, "12 usług"}, {"pl", 22, "22 usługi"}, {"pl", 112, "112 usług"}, {"pl", 0, "0 usług"},
	} {
		if got := speechOf(c.lang).Say("n components", c.n); got != c.want {
			t.Errorf("%s %d: %q, want %q", c.lang, c.n, got, c.want)
		}
	}
	if got := speechOf("en").Say("repeats week", 1); got != "every week" {
		t.Errorf("every 1 week is %q", got)
	}
}

// A text of a site that looks like one of ours is not taken for one.
func TestArgumentsAreTexts(t *testing.T) {
	t.Parallel()
	if got := speechOf("en").Say("notice of", "{1}", said{Text: "x"}); got != "{1}: x" {
		t.Errorf("%q", got)
	}
}
