package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web/api/openapi"
)

// about describes a route for the OpenAPI document. What the pattern, the table of roles and the Go types say already is
// not repeated: parts of the path, who may, the members of documents, and the problems that every route of its kind can
// have.
type about struct {
	id      string // operationId, as the client's method is called
	tag     string // one of tags
	summary string // in one line
	more    string // what else to know
	query   []openapi.Parameter
	headers []openapi.Parameter

	asks     any    // a value of the type that the body is read into; nil: no body
	mayAsk   bool   // the body may be left out
	example  string // of the body, JSON
	forms    map[string]openapi.MediaType
	gives    map[int]any // by status, a value of the type that is written; nil: no body
	streams  map[string]openapi.MediaType
	tagged   bool         // a GET of a state with its ETag
	ranged   bool         // a GET of a file with its ETag, or of parts of it
	edits    bool         // a change of such a state: If-Match and If-None-Match
	mayMatch bool         // a change that needs no If-Match, and keeps one that is given
	leaves   bool         // what is answered has the ETag of the state that it leaves
	problems []fault.Code // besides those of every route of its kind
}

// basePath is where the API begins.
const basePath = "/api/v1"

// describe makes the document of routes.
//
// Error: a type that cannot be described; a test finds it.
func describe(routes []route, all map[string]about) (*openapi.Document, error) {
	d := &description{
		document:  skeleton(),
		reflector: &openapi.Reflector{Rules: rulesOfTypes()},
	}
	for _, route := range routes {
		a, known := all[route.pattern]
		if !known {
			continue // TestEveryRouteIsDescribed finds it
		}
		if err := d.add(route.pattern, &a); err != nil {
			return nil, fmt.Errorf("%s: %w", route.pattern, err)
		}
	}
	maps.Copy(d.reflector.Schemas, eventsByHand())
	d.document.Components.Schemas = d.reflector.Schemas
	return d.document, nil
}

// description is a document that is being made.
type description struct {
	document  *openapi.Document
	reflector *openapi.Reflector
}

func (d *description) add(pattern string, a *about) error {
	method, path, _ := strings.Cut(pattern, " ")
	path = strings.TrimPrefix(path, basePath)
	rule, _ := account.RuleOf(pattern)
	operation := &openapi.Operation{
		ID: a.id, Tags: []string{a.tag}, Summary: a.summary, Description: a.more, Roles: roles(rule),
		Parameters: slices.Concat(parts(path), a.query, a.headers, conditions(a)), Responses: map[string]*openapi.Response{},
	}
	if rule.Open {
		operation.Security = &[]map[string][]string{}
	}
	var err error
	if operation.Body, err = d.body(a); err != nil {
		return err
	}
	for status, value := range a.gives {
		if operation.Responses[strconv.Itoa(status)], err = d.answer(a, status, value); err != nil {
			return err
		}
	}
	if a.tagged {
		operation.Responses["304"] = &openapi.Response{Description: "You have it.", Headers: headers("X-Request-Id", "ETag")}
	}
	if a.ranged {
		part := *operation.Responses["200"]
		part.Description = http.StatusText(http.StatusPartialContent) + "."
		operation.Responses["206"] = &part
		operation.Responses["304"] = &openapi.Response{Description: "You have it.", Headers: headers("X-Request-Id", "ETag")}
		operation.Responses["416"] = &openapi.Response{
			Description: "It has no such part.", Headers: headers("X-Request-Id"),
			Content: map[string]openapi.MediaType{"text/plain": {Schema: &openapi.Schema{Type: openapi.Types{"string"}}}},
		}
	}
	if err := d.problems(operation, method, rule, a); err != nil {
		return err
	}
	item := d.document.Paths[path]
	if item == nil {
		item = &openapi.PathItem{}
		d.document.Paths[path] = item
	}
	*item.At(method) = operation
	return nil
}

// roles tells which role reaches what.
func roles(rule account.Rule) map[string]string {
	reached := map[string]string{}
	for i, role := range account.Roles {
		switch rule.Reach[i] {
		case account.All:
			reached[string(role)] = "all"
		case account.Own:
			reached[string(role)] = "own"
		}
	}
	return reached
}

func (d *description) body(a *about) (*openapi.Body, error) {
	if a.asks == nil && a.forms == nil {
		return nil, nil
	}
	body := &openapi.Body{Required: !a.mayAsk, Content: map[string]openapi.MediaType{}}
	maps.Copy(body.Content, a.forms)
	if a.asks == nil {
		return body, nil
	}
	schema, err := d.reflector.Of(reflect.TypeOf(a.asks), openapi.Asked)
	if err != nil {
		return nil, err
	}
	media := openapi.MediaType{Schema: schema}
	if a.example != "" {
		media.Example = json.RawMessage(a.example)
	}
	body.Content["application/json"] = media
	return body, nil
}

func (d *description) answer(a *about, status int, value any) (*openapi.Response, error) {
	r := &openapi.Response{Description: http.StatusText(status) + ".", Headers: headers("X-Request-Id")}
	if a.tagged || a.ranged || a.leaves || a.edits && a.gives[http.StatusOK] != nil && !a.removes() {
		maps.Copy(r.Headers, headers("ETag"))
	}
	if a.streams != nil {
		r.Content = maps.Clone(a.streams)
	}
	if value == nil {
		return r, nil
	}
	schema, err := d.reflector.Of(reflect.TypeOf(value), openapi.Answered)
	if err != nil {
		return nil, err
	}
	if r.Content == nil {
		r.Content = map[string]openapi.MediaType{}
	}
	r.Content["application/json"] = openapi.MediaType{Schema: schema}
	return r, nil
}

// removes reports whether it leaves nothing that could have a tag.
func (a *about) removes() bool { return a.asks == nil }

// problems adds what can be wrong, one answer for each status with the codes that it may have.
func (d *description) problems(operation *openapi.Operation, method string, rule account.Rule, a *about) error {
	schema, err := d.reflector.Of(reflect.TypeFor[problemView](), openapi.Answered)
	if err != nil {
		return err
	}
	byStatus := map[int][]fault.Entry{}
	codes := append(usualProblems(operation, method, rule, a), a.problems...)
	slices.Sort(codes)
	for _, code := range slices.Compact(codes) {
		entry := fault.Lookup(code)
		byStatus[entry.Status] = append(byStatus[entry.Status], entry)
	}
	for status, entries := range byStatus {
		// Most routes can have the same problems: each set of codes is described once.
		name := strconv.Itoa(status)
		for _, entry := range entries {
			name += "-" + string(entry.Code)
		}
		d.document.Components.Responses[name] = problemAnswer(status, schema, entries)
		operation.Responses[strconv.Itoa(status)] = &openapi.Response{Ref: openapi.ResponsesAt + name}
	}
	return nil
}

func problemAnswer(status int, schema *openapi.Schema, entries []fault.Entry) *openapi.Response {
	var words, meanings []string
	for _, entry := range entries {
		words = append(words, string(entry.Code))
		meanings = append(meanings, fmt.Sprintf("`%s`: %s.", entry.Code, entry.Title))
	}
	narrowed := &openapi.Schema{AllOf: []*openapi.Schema{schema, {
		Type: openapi.Types{"object"}, Properties: openapi.Properties{{Name: "code", Schema: &openapi.Schema{Type: openapi.Types{"string"}, Enum: words}}},
	}}}
	r := &openapi.Response{
		Description: strings.Join(meanings, " "), Headers: headers("X-Request-Id"),
		Content: map[string]openapi.MediaType{"application/problem+json": {Schema: narrowed}},
	}
	switch status {
	case http.StatusServiceUnavailable, http.StatusInsufficientStorage, http.StatusTooManyRequests:
		maps.Copy(r.Headers, headers("Retry-After"))
	case http.StatusUnauthorized:
		maps.Copy(r.Headers, headers("WWW-Authenticate"))
	}
	return r
}

// ofDeliveries are the groups with routes that another node of the hub may be asked for.
var ofDeliveries = []string{"Events", "Systems", "Subscriptions", "Replays", "Sinks", "Fetching", "Deliveries"}

// usualProblems are those that every route of a kind can have.
func usualProblems(operation *openapi.Operation, method string, rule account.Rule, a *about) []fault.Code {
	codes := []fault.Code{fault.Internal}
	if !rule.Open {
		codes = append(codes, fault.Unauthenticated, fault.InvalidToken, fault.Forbidden, fault.RateLimited, fault.IssuerUnreachable, fault.StoreUnreachable)
	}
	if slices.Contains(ofDeliveries, a.tag) {
		codes = append(codes, fault.NotHere, fault.NodeUnreachable)
	}
	if method != http.MethodGet {
		codes = append(codes, fault.CrossOrigin, fault.StorageFull, fault.ShuttingDown)
	}
	if slices.ContainsFunc(operation.Parameters, func(p openapi.Parameter) bool { return p.In == "path" }) {
		codes = append(codes, fault.NotFound)
	}
	if len(a.query) > 0 {
		codes = append(codes, fault.BadRequest)
	}
	if operation.Body != nil {
		codes = append(codes, fault.BadRequest, fault.MediaType, fault.BodyTooLarge)
	}
	if a.asks != nil {
		codes = append(codes, fault.InvalidDocument)
	}
	if a.mayMatch {
		codes = append(codes, fault.BadRequest, fault.Precondition, fault.Conflict)
	}
	if a.edits {
		codes = append(codes, fault.BadRequest, fault.Precondition, fault.NeedsIfMatch, fault.ReadOnly, fault.Conflict)
	}
	return codes
}

// parts are the parameters of a path.
func parts(path string) []openapi.Parameter {
	var parameters []openapi.Parameter
	before := ""
	for _, part := range strings.Split(strings.Trim(path, "/"), "/") {
		if name, is := strings.CutPrefix(part, "{"); is {
			name = strings.TrimSuffix(name, "}")
			p := cmp.Or(places[before+"/"+name], places[name])
			schema := &openapi.Schema{Type: openapi.Types{"string"}}
			if p.number {
				schema = &openapi.Schema{Type: openapi.Types{"integer"}, Format: "int64", Minimum: bound(0)}
			}
			parameters = append(parameters, openapi.Parameter{Name: name, In: "path", Required: true, Description: p.text, Schema: schema, Example: p.example})
			continue
		}
		before = part
	}
	return parameters
}

// placed is a part of a path.
type placed struct {
	text    string
	example any
	number  bool
}

// places are the parts of paths, by the part before and the name, or by the name alone.
var places = map[string]placed{
	"sources/name":       {text: "Name of the source.", example: "permits"},
	"event-types/name":   {text: "Name of the event type: the CloudEvents type.", example: "permit.changed"},
	"systems/name":       {text: "Name of the system.", example: "archive"},
	"accounts/name":      {text: "Name of the account, which is its client id.", example: "archive-reader"},
	"version":            {text: "The version: the end of dataschema.", example: "v1"},
	"position":           {text: "The event's place in the log.", example: 42, number: true},
	"id":                 {text: "Id of the subscription.", example: "0190f3a4-7b1c-7c3e-9d2a-5f6b7c8d9e0f"},
	"subscription":       {text: "Id of the subscription.", example: "0190f3a4-7b1c-7c3e-9d2a-5f6b7c8d9e0f"},
	"erasures/number":    {text: "Number of the erasure.", example: 1, number: true},
	"extract":            {text: "Name of the extract.", example: "municipalities"},
	"file":               {text: "Name of the file, or of its checksum.", example: "municipalities-000012-snapshot-17.csv.zip"},
	"site":               {text: "Name of the status site.", example: "services"},
	"component":          {text: "Id of the component.", example: "7kq2m9x4h1zc"},
	"notice":             {text: "Id of the notice.", example: "b3v8n1t6w0pd"},
	"update":             {text: "Id of the update.", example: "m5r2k7y9c4xa"},
	"registers/register": {text: "Name of the register.", example: "dagi"},
	"register":           {text: "Name of the register.", example: "dagi"},
	"message":            {text: "Id of the message: beskedID, or webhook-id.", example: "d64e59aa-dd8b-5786-a4b2-c72d670494f2"},
	"delivery":           {text: "Id of the delivery, as the register calls it.", example: "2026-11-27-1"},
	"type":               {text: "Name of the entity type.", example: "Kommuneinddeling"},
	"sink/number":        {text: "Number of the message in the sink.", example: 1, number: true},
	"aside/number":       {text: "Number of the message within what was set aside of the source.", example: 1, number: true},
	"pass":               {text: "Number of the replay.", example: 1, number: true},
}

// conditions are the headers that make a request depend on a state.
func conditions(a *about) []openapi.Parameter {
	header := func(name, text, example string) openapi.Parameter {
		return openapi.Parameter{Name: name, In: "header", Description: text, Schema: &openapi.Schema{Type: openapi.Types{"string"}}, Example: example}
	}
	switch {
	case a.tagged:
		return []openapi.Parameter{header("If-None-Match", "ETags that you have: 304 when it is one of them.", `"r12"`)}
	case a.mayMatch:
		return []openapi.Parameter{header("If-Match", "The ETag that it must have; none: whatever its state is.", `"r12"`)}
	case a.edits && a.removes():
		return []openapi.Parameter{header("If-Match", "The ETag it was read with; * for whatever its state is.", `"r12"`)}
	case a.edits:
		return []openapi.Parameter{
			header("If-Match", "The ETag it was read with, needed to change what is there; * for whatever its state is.", `"r12"`),
			header("If-None-Match", "*: only make it, change nothing that is there.", "*"),
		}
	}
	return nil
}

// headers refers to headers of answers.
func headers(names ...string) map[string]openapi.Header {
	referred := map[string]openapi.Header{}
	for _, name := range names {
		referred[name] = openapi.Header{Ref: "#/components/headers/" + name}
	}
	return referred
}

func bound(n int64) *int64 { return &n }

// written is the document as it is served, in lines that a person can read.
func written(document *openapi.Document) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	err := encoder.Encode(document)
	return text.Bytes(), err
}
