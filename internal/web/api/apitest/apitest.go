// Package apitest holds what is asked of the API and what it answers to its OpenAPI document: an address, status, header or
// member that the document does not have fails the test that met it. Only tests import it.
package apitest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Document is a description, ready to hold exchanges to. It is safe for concurrent use.
type Document struct {
	base       string // of the server
	mux        *http.ServeMux
	operations map[string]operation // by pattern

	mu       sync.Mutex
	compiler *jsonschema.Compiler
	compiled map[string]*jsonschema.Schema
}

// operation is what of one is looked at; at is where it stands in the document.
type operation struct {
	at         string
	Parameters []struct {
		Name, In string
		Required bool
		Schema   struct{ Type any }
	}
	Body *struct {
		Required bool
		Content  map[string]any
	} `json:"requestBody"`
	Responses map[string]response
}

type response struct {
	Ref     string `json:"$ref"`
	at      string
	Headers map[string]any
	Content map[string]any
}

// resource is where the document lies for the compiler.
const resource = "mem:///openapi.json"

// Read takes a document in. Answers are held to it more strictly than it says: they have no member that it does not name.
func Read(text []byte) (*Document, error) {
	var outline struct {
		Servers    []struct{ URL string }
		Paths      map[string]map[string]operation
		Components struct{ Responses map[string]response }
	}
	if err := json.Unmarshal(text, &outline); err != nil {
		return nil, err
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	closed(whole)
	d := &Document{
		base: outline.Servers[0].URL, mux: http.NewServeMux(), operations: map[string]operation{},
		compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{},
	}
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource(resource, whole); err != nil {
		return nil, err
	}
	for path, methods := range outline.Paths {
		for method, o := range methods {
			o.at = "/paths/" + escaped(path) + "/" + method
			for status, r := range o.Responses {
				at := o.at + "/responses/" + status
				if name, is := strings.CutPrefix(r.Ref, "#/components/responses/"); is {
					r, at = outline.Components.Responses[name], "/components/responses/"+escaped(name)
				}
				r.at = at
				o.Responses[status] = r
			}
			pattern := strings.ToUpper(method) + " " + d.base + path
			d.operations[pattern] = o
			d.mux.HandleFunc(pattern, http.NotFound)
		}
	}
	return d, nil
}

// Served reads the document that a handler serves.
func Served(handler http.Handler) (*Document, error) {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	if recorder.Code != http.StatusOK {
		return nil, fmt.Errorf("the document is answered %d: %s", recorder.Code, recorder.Body)
	}
	return Read(recorder.Body.Bytes())
}

// closed makes every object that names its members take no others. What stands in an allOf narrows another, and stays open.
func closed(schema any) {
	switch schema := schema.(type) {
	case map[string]any:
		_, names := schema["properties"].(map[string]any)
		if _, said := schema["additionalProperties"]; names && !said {
			schema["additionalProperties"] = false
		}
		for name, inner := range schema {
			if name != "allOf" {
				closed(inner)
			}
		}
	case []any:
		for _, inner := range schema {
			closed(inner)
		}
	}
}

func escaped(part string) string {
	return url.PathEscape(strings.NewReplacer("~", "~0", "/", "~1").Replace(part))
}

// Exchange is a request with its answer.
type Exchange struct {
	Request  *http.Request
	Asked    []byte // the request's body
	Unread   bool   // Asked is not the whole of it
	Status   int
	Header   http.Header
	Answered []byte
}

// Check tells how an exchange differs from the document. An address that it does not have must be answered as not found.
func (d *Document) Check(e *Exchange) error {
	if !strings.HasPrefix(e.Request.URL.Path, d.base+"/") {
		return nil // a page for people
	}
	_, pattern := d.mux.Handler(e.Request)
	o, known := d.operations[pattern]
	if !known {
		if e.Status != http.StatusNotFound && e.Status != http.StatusMethodNotAllowed {
			return fmt.Errorf("%s %s is answered %d and is not in the document", e.Request.Method, e.Request.URL.Path, e.Status)
		}
		return nil
	}
	if err := d.answer(&o, e); err != nil {
		return fmt.Errorf("%s: the answer %d: %w\n%.2000s", pattern, e.Status, err, e.Answered)
	}
	if e.Status >= http.StatusMultipleChoices {
		return nil
	}
	if err := d.request(&o, e); err != nil {
		return fmt.Errorf("%s: a request that succeeds: %w\n%.2000s", pattern, err, e.Asked)
	}
	return nil
}

func (d *Document) answer(o *operation, e *Exchange) error {
	status := strconv.Itoa(e.Status)
	response, known := o.Responses[status]
	if !known {
		return fmt.Errorf("the document has no such status")
	}
	for name := range response.Headers {
		if e.Header.Get(name) == "" {
			return fmt.Errorf("the header %s is missing", name)
		}
	}
	for _, name := range []string{"ETag", "Retry-After"} {
		if _, said := response.Headers[name]; !said && e.Header.Get(name) != "" {
			return fmt.Errorf("the document does not say %s", name)
		}
	}
	if len(response.Content) == 0 {
		if len(e.Answered) > 0 {
			return fmt.Errorf("the document has no body for it")
		}
		return nil
	}
	kind, _, _ := mime.ParseMediaType(e.Header.Get("Content-Type"))
	if _, known := response.Content[kind]; !known {
		return fmt.Errorf("the document has no %q for it", kind)
	}
	if !strings.Contains(kind, "json") {
		return nil
	}
	at := response.at + "/content/" + escaped(kind) + "/schema"
	if kind != "application/x-ndjson" {
		return d.valid(at, e.Answered)
	}
	for line := range bytes.Lines(e.Answered) {
		if err := d.valid(at, line); err != nil {
			return err
		}
	}
	return nil
}

func (d *Document) request(o *operation, e *Exchange) error {
	for name, values := range e.Request.URL.Query() {
		if err := d.parameter(o, name, values[0]); err != nil {
			return err
		}
	}
	for _, p := range o.Parameters {
		if p.In == "query" && p.Required && !e.Request.URL.Query().Has(p.Name) {
			return fmt.Errorf("without the query's %s", p.Name)
		}
	}
	kind, _, _ := mime.ParseMediaType(e.Request.Header.Get("Content-Type"))
	switch {
	case e.Unread, o.Body == nil:
		return nil // what is not asked for is not read
	case len(e.Asked) == 0 && kind == "":
		if o.Body.Required {
			return fmt.Errorf("the body is missing")
		}
		return nil
	}
	if _, known := o.Body.Content[kind]; !known {
		kind = "*/*"
	}
	if _, known := o.Body.Content[kind]; !known {
		return fmt.Errorf("the document has no such body")
	}
	if kind == "*/*" || kind == "application/xml" {
		return nil // no JSON schema is of it
	}
	return d.valid(o.at+"/requestBody/content/"+escaped(kind)+"/schema", e.Asked)
}

func (d *Document) parameter(o *operation, name, value string) error {
	for i, p := range o.Parameters {
		if p.In != "query" || p.Name != name {
			continue
		}
		text, err := json.Marshal(value)
		if p.Schema.Type != "string" {
			text = []byte(value)
		}
		if err == nil && value != "" {
			err = d.valid(o.at+"/parameters/"+strconv.Itoa(i)+"/schema", text)
		}
		return err
	}
	return fmt.Errorf("the document has no %s in the query", name)
}

// valid holds a JSON text to the schema at a place of the document.
func (d *Document) valid(at string, text []byte) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("not JSON: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	schema := d.compiled[at]
	if schema == nil {
		if schema, err = d.compiler.Compile(resource + "#" + at); err != nil {
			return err
		}
		d.compiled[at] = schema
	}
	return schema.Validate(value)
}

// Watch holds everything that a handler is asked and answers to the document, and tells complain what differs. An answer
// that breaks off is not looked at.
func (d *Document) Watch(next http.Handler, complain func(error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := &reading{from: r.Body}
		if r.Body != nil {
			r.Body = asked
		}
		answered := &writing{ResponseWriter: w, status: http.StatusOK}
		next.ServeHTTP(answered, r)
		err := d.Check(&Exchange{
			Request: r, Asked: asked.text.Bytes(), Unread: !asked.ended && int64(asked.text.Len()) != r.ContentLength,
			Status: answered.status, Header: w.Header(), Answered: answered.text.Bytes(),
		})
		if err != nil {
			complain(err)
		}
	})
}

// reading keeps what is read.
type reading struct {
	from  io.ReadCloser
	text  bytes.Buffer
	ended bool
}

// Read implements io.Reader.
func (r *reading) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.text.Write(p[:n])
	r.ended = r.ended || err == io.EOF
	return n, err
}

// Close implements io.Closer.
func (r *reading) Close() error { return r.from.Close() }

// writing keeps what is written.
type writing struct {
	http.ResponseWriter
	status int
	text   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (w *writing) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *writing) Write(text []byte) (int, error) {
	w.text.Write(text)
	return w.ResponseWriter.Write(text)
}

// Unwrap lets http.ResponseController through.
func (w *writing) Unwrap() http.ResponseWriter { return w.ResponseWriter }
