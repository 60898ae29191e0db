package api

import (
	"encoding/json"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/oracle"
	"github.com/varselhub/varsel/internal/web/api/openapi"
)

var update = flag.Bool("update", false, "write words.json anew")

func TestEveryRouteIsDescribed(t *testing.T) {
	t.Parallel()
	all := described()
	ids := map[string]string{}
	for _, route := range new(api).routes() {
		a, known := all[route.pattern]
		delete(all, route.pattern)
		switch {
		case !known:
			t.Errorf("%s is not described.\n"+
				"Add it to described in internal/web/api/described.go: its id, tag and summary; query, what the body asks for and what is given by status; "+
				"tagged and edits where it has an ETag; the problems that are its own.", route.pattern)
		case a.id == "" || a.summary == "" || ids[a.id] != "":
			t.Errorf("%s wants a summary, and an id of its own (%q is that of %q)", route.pattern, a.id, ids[a.id])
		case len(a.gives) == 0:
			t.Errorf("%s gives nothing", route.pattern)
		}
		ids[a.id] = route.pattern
	}
	for pattern := range all {
		t.Errorf("%s is described, and is no route", pattern)
	}
}

const lint = `
const path = require("path"), fs = require("fs"), { pathToFileURL } = require("url");
import(pathToFileURL(path.join(process.env.NODE_PATH, "@redocly/openapi-core/lib/index.js"))).then(async (core) => {
	const rules = {};
	for (const rule of ["struct", "no-unresolved-refs", "no-unused-components", "security-defined", "path-parameters-defined", "path-declaration-must-exist",
		"no-identical-paths", "no-ambiguous-paths", "operation-operationId", "operation-operationId-unique", "operation-operationId-url-safe", "operation-parameters-unique",
		"operation-summary", "operation-2xx-response", "operation-tag-defined", "no-enum-type-mismatch", "no-schema-type-mismatch", "tag-description",
		"no-invalid-media-type-examples", "no-invalid-parameter-examples", "no-invalid-schema-examples", "no-required-schema-properties-undefined", "spec-strict-refs",
		"no-path-trailing-slash", "path-not-include-query", "no-empty-servers", "info-license", "info-license-strict", "parameter-description"]) rules[rule] = "error";
	const config = await core.createConfig({ rules });
	const found = [];
	for (const source of JSON.parse(fs.readFileSync(0, "utf8"))) {
		const problems = await core.lintFromString({ source, absoluteRef: "openapi.json", config });
		found.push(problems.map((p) => p.ruleId + ": " + p.message + " at " + p.location[0].pointer).join("\n"));
	}
	process.stdout.write(JSON.stringify(found));
}).catch((error) => { console.error(error); process.exit(1); });`

// The document is OpenAPI 3.1 by Redocly's engine, its references lead somewhere, and its examples are what it says.
func TestTheDocumentIsOpenAPI(t *testing.T) {
	t.Parallel()
	m, err := new(api).makeManual()
	if err != nil {
		t.Fatal(err)
	}
	whole := string(m.document.text)
	forbidden := []string{"", "no-unresolved-refs", "struct", "no-invalid-media-type-examples", "operation-operationId-unique", "path-parameters-defined"}
	documents := []string{
		whole,
		strings.Replace(whole, `"#/components/schemas/Source"`, `"#/components/schemas/Sauce"`, 1),
		strings.Replace(whole, `"operationId": "publish"`, `"operationid": "publish"`, 1),
		strings.Replace(whole, `"order": "key"`, `"order": "odd"`, 1),
		strings.Replace(whole, `"operationId": "getSource"`, `"operationId": "putSource"`, 1),
		strings.Replace(whole, `"/sources/{name}"`, `"/sources/{number}"`, 1),
	}
	in, err := json.Marshal(documents)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	if err := json.Unmarshal(oracle.Node(t, lint, in), &found); err != nil {
		t.Fatal(err)
	}
	if found[0] != "" {
		t.Errorf("%s", found[0])
	}
	for i, rule := range forbidden[1:] {
		if documents[i+1] == whole || !strings.Contains(found[i+1], rule) {
			t.Errorf("what %s forbids is not found: %s", rule, found[i+1])
		}
	}
}

// What the document says of members is what stands beside the fields in the source.
func TestTheWordsAreTheComments(t *testing.T) {
	t.Parallel()
	words := map[string]string{}
	parsed := map[string]map[string]*ast.StructType{}
	reflector := &openapi.Reflector{Rules: rulesOfTypes()}
	reflector.Rules.About = func(of reflect.Type, field string) string {
		if parsed[of.PkgPath()] == nil {
			parsed[of.PkgPath()] = structs(t, of.PkgPath())
		}
		name, _, _ := strings.Cut(of.Name(), "[")
		if text := comment(parsed[of.PkgPath()][name], field); text != "" {
			words[wordKey(of, field)] = text
		}
		return ""
	}
	for _, a := range described() {
		for _, value := range a.gives {
			if value != nil {
				if _, err := reflector.Of(reflect.TypeOf(value), openapi.Answered); err != nil {
					t.Fatal(err)
				}
			}
		}
		if a.asks != nil {
			if _, err := reflector.Of(reflect.TypeOf(a.asks), openapi.Asked); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := reflector.Of(reflect.TypeFor[problemView](), openapi.Answered); err != nil {
		t.Fatal(err)
	}
	text, err := json.MarshalIndent(words, "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	if *update {
		if err := os.WriteFile("words.json", text, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != string(wordsOfFields) {
		t.Error("words.json is not what the comments say; run make docs")
	}
}

// structs are those that a package of this module declares.
func structs(t *testing.T, path string) map[string]*ast.StructType {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("../../..", strings.TrimPrefix(path, "github.com/varselhub/varsel"), "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: no source (%v)", path, err)
	}
	found := map[string]*ast.StructType{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, is := n.(*ast.TypeSpec); is {
				if s, is := spec.Type.(*ast.StructType); is {
					found[spec.Name.Name] = s
				}
			}
			return true
		})
	}
	return found
}

// sources are references to requirements, which say nothing to those outside.
var sources = regexp.MustCompile(` \(([CDFST]\d+|reference |requirements )[^)]*\)`)

// comment is what is said beside a field.
func comment(s *ast.StructType, name string) string {
	if s == nil {
		return ""
	}
	for _, field := range s.Fields.List {
		for _, ident := range field.Names {
			if ident.Name != name {
				continue
			}
			group := field.Comment
			if group == nil {
				group = field.Doc
			}
			return strings.TrimRight(sources.ReplaceAllString(strings.Join(strings.Fields(group.Text()), " "), ""), ".,;")
		}
	}
	return ""
}
