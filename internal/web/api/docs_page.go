package api

import (
	"bytes"
	"cmp"
	_ "embed" // the page and its style
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/web/api/openapi"
)

var (
	//go:embed docs.html
	docsPage string
	//go:embed docs.css
	docsStyle string
)

// docsView is the page that tells people what the document tells programs.
type docsView struct {
	Version, OpenAPI, Summary string
	About                     []piece
	Groups                    []groupView
	Schemas                   []schemaView
	Style                     template.CSS
}

// piece is a part of a text: words, or something as it is written in code.
type piece struct {
	Text string
	Code bool
}

type groupView struct {
	Name, About string
	Operations  []operationView
}

type operationView struct {
	ID, Method, Path, Summary string
	About                     []piece
	Open                      bool
	Roles                     []string
	Parameters                []memberView
	Body                      []formView
	Curl                      string
	Answers, Problems         []answerView
}

type memberView struct {
	Name     string
	Required bool
	Kind     kindView
	About    []piece
}

// kindView is what a value is: words, with the name of a document or the values it may have between them.
type kindView struct {
	Before, Name, After string
	Words               []string
}

type formView struct {
	Type string
	Kind kindView
}

type answerView struct {
	Status  string
	About   []piece
	Forms   []formView
	Headers string
}

type schemaView struct {
	Name    string
	Members []memberView
}

// renderDocs makes the page of a document.
func renderDocs(d *openapi.Document) ([]byte, error) {
	parsed, err := template.New("docs").Parse(docsPage)
	if err != nil {
		return nil, err
	}
	view := &docsView{Version: d.Info.Version, OpenAPI: d.OpenAPI, Summary: d.Info.Summary, About: pieces(d.Info.Description), Style: template.CSS(docsStyle)}
	for _, tag := range d.Tags {
		view.Groups = append(view.Groups, groupView{Name: tag.Name, About: tag.Description, Operations: operationsOf(d, tag.Name)})
	}
	for _, name := range slices.Sorted(maps.Keys(d.Components.Schemas)) {
		view.Schemas = append(view.Schemas, schemaView{name, members(d.Components.Schemas[name])})
	}
	var text bytes.Buffer
	err = parsed.Execute(&text, view)
	return text.Bytes(), err
}

// pieces takes a text apart at its backticks.
func pieces(text string) []piece {
	var list []piece
	for i, part := range strings.Split(text, "`") {
		if part != "" {
			list = append(list, piece{part, i%2 == 1})
		}
	}
	return list
}

// operationsOf are those of a tag, by path and then by method as one goes about a document: read, make, change, end.
func operationsOf(d *openapi.Document, tag string) []operationView {
	var list []operationView
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range []string{"GET", "PUT", "POST", "DELETE"} {
			if o := *d.Paths[path].At(method); o != nil && o.Tags[0] == tag {
				list = append(list, viewOperation(d, method, path, o))
			}
		}
	}
	return list
}

func viewOperation(d *openapi.Document, method, path string, o *openapi.Operation) operationView {
	v := operationView{
		ID: o.ID, Method: method, Path: basePath + path, Summary: o.Summary, About: pieces(o.Description), Open: o.Security != nil,
		Curl: curl(method, path, o),
	}
	for _, role := range account.Roles {
		switch o.Roles[string(role)] {
		case "all":
			v.Roles = append(v.Roles, string(role))
		case "own":
			v.Roles = append(v.Roles, string(role)+": its own")
		}
	}
	for _, p := range o.Parameters {
		kind := kindOf(p.Schema)
		kind.Before = p.In + ", " + kind.Before
		v.Parameters = append(v.Parameters, memberView{Name: p.Name, Required: p.Required, Kind: kind, About: pieces(p.Description)})
	}
	if o.Body != nil {
		v.Body = formsOf(o.Body.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
		r := d.Answer(o, status)
		a := answerView{Status: status, About: pieces(r.Description)}
		if status >= "400" {
			v.Problems = append(v.Problems, a)
			continue
		}
		a.Forms = formsOf(r.Content)
		if _, tagged := r.Headers["ETag"]; tagged {
			a.Headers = "ETag"
		}
		v.Answers = append(v.Answers, a)
	}
	return v
}

func formsOf(content map[string]openapi.MediaType) []formView {
	var list []formView
	for _, kind := range slices.Sorted(maps.Keys(content)) {
		list = append(list, formView{kind, kindOf(content[kind].Schema)})
	}
	return list
}

// members are those of a schema. What is answered has them all, so only what is asked says which it needs.
func members(s *openapi.Schema) []memberView {
	var list []memberView
	for _, p := range s.Properties {
		list = append(list, memberView{Name: p.Name, Required: s.Additional == false && slices.Contains(s.Required, p.Name), Kind: kindOf(p.Schema), About: pieces(p.Schema.Description)})
	}
	if more, is := s.Additional.(*openapi.Schema); is && len(s.Properties) > 0 {
		list = append(list, memberView{Name: "…", Kind: kindOf(more), About: pieces(more.Description)})
	}
	return list
}

// kindOf says in words what values a schema has.
func kindOf(s *openapi.Schema) kindView {
	switch {
	case s.Ref != "":
		return kindView{Name: strings.TrimPrefix(s.Ref, openapi.SchemasAt)}
	case len(s.AllOf) > 0:
		return kindOf(s.AllOf[0])
	case s.Const != nil:
		return kindView{Words: []string{fmt.Sprint(s.Const)}}
	case len(s.Type) == 0:
		return kindView{Before: "anything"}
	case s.Type[0] == "array":
		kind := kindOf(s.Items)
		kind.Before = "list of " + kind.Before
		return kind
	case s.Type[0] == "object" && len(s.Properties) == 0:
		if values, is := s.Additional.(*openapi.Schema); is {
			kind := kindOf(values)
			kind.Before = "object of " + kind.Before
			return kind
		}
	}
	if words := slices.DeleteFunc(slices.Clone(s.Enum), func(word string) bool { return word == "" }); len(words) > 0 {
		return kindView{Words: words, After: usual(s)}
	}
	return kindView{Before: cmp.Or(plainWords[s.Format], plainWords[s.Type[0]], s.Type[0]), After: span(s) + usual(s)}
}

// plainWords are what JSON's types are called in the hub's pages.
var plainWords = map[string]string{"date-time": "time", "string": "text", "integer": "whole number", "boolean": "true or false"}

// span are the bounds of a number.
func span(s *openapi.Schema) string {
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		return fmt.Sprintf(", %d to %d", *s.Minimum, *s.Maximum)
	case s.MaxLength != nil:
		return fmt.Sprintf(", at most %d bytes", *s.MaxLength)
	}
	return ""
}

func usual(s *openapi.Schema) string {
	if s.Default == nil {
		return ""
	}
	return fmt.Sprintf("; %v where nothing is said", s.Default)
}

// curl is a command line that makes the request of the example.
func curl(method, path string, o *openapi.Operation) string {
	var b strings.Builder
	b.WriteString("curl")
	if method != "GET" {
		b.WriteString(" -X " + method)
	}
	for _, p := range o.Parameters {
		if p.In == "path" {
			path = strings.ReplaceAll(path, "{"+p.Name+"}", fmt.Sprint(p.Example))
		}
	}
	b.WriteString(" https://hub.example" + basePath + path)
	if o.Security == nil {
		b.WriteString(" \\\n  -H \"Authorization: Bearer $(varsel token)\"")
	}
	for _, p := range o.Parameters {
		if p.Name == "If-Match" {
			b.WriteString(" \\\n  -H " + quoted("If-Match: "+fmt.Sprint(p.Example)))
		}
	}
	if o.Body == nil {
		return b.String()
	}
	for _, kind := range slices.Sorted(maps.Keys(o.Body.Content)) {
		example, is := o.Body.Content[kind].Example.(json.RawMessage)
		if is {
			b.WriteString(" \\\n  -H " + quoted("Content-Type: "+kind) + " \\\n  -d " + quoted(string(example)))
			return b.String()
		}
	}
	return b.String()
}

// quoted is a text as one word of a shell.
func quoted(text string) string {
	if strings.ContainsAny(text, "'") {
		return strconv.Quote(text)
	}
	return "'" + text + "'"
}
