package apitest_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/web/api"
	"github.com/varselhub/varsel/internal/web/api/apitest"
)

// exchange is one that the hub's document allows.
func exchange(method, path, asked string, status int, answered string) *apitest.Exchange {
	e := &apitest.Exchange{Request: httptest.NewRequest(method, "/api/v1"+path, nil), Asked: []byte(asked), Status: status, Answered: []byte(answered)}
	if asked != "" {
		e.Request.Header.Set("Content-Type", "application/json")
	}
	e.Header = http.Header{"X-Request-Id": {"1"}, "Content-Type": {"application/json"}}
	return e
}

const sources = `{"items":[{"name":"a","uri":"urn:a","title":"A","types":["*"]}],"next":"kYQ"}`

// What differs from the document is found, whichever of the two is wrong; else a green test would mean nothing.
func TestWhatDiffersFromTheDocumentIsFound(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	api.New(api.Options{}).ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	text := recorder.Body.String()
	for name, c := range map[string]struct {
		old, new string // in the document
		change   func(*apitest.Exchange)
		want     string
	}{
		"nothing":                   {},
		"another status":            {change: func(e *apitest.Exchange) { e.Status = 202 }, want: "no such status"},
		"another media type":        {change: func(e *apitest.Exchange) { e.Header.Set("Content-Type", "text/html") }, want: `no "text/html"`},
		"a header less":             {change: func(e *apitest.Exchange) { e.Header.Del("X-Request-Id") }, want: "X-Request-Id is missing"},
		"a header more":             {change: func(e *apitest.Exchange) { e.Header.Set("ETag", `"x"`) }, want: "does not say ETag"},
		"a member more":             {change: func(e *apitest.Exchange) { e.Answered = []byte(`{"items":[],"more":1}`) }, want: "'more'"},
		"a deep member more":        {change: func(e *apitest.Exchange) { e.Answered = []byte(strings.Replace(sources, `"uri"`, `"url":"","uri"`, 1)) }, want: "'url'"},
		"a member less":             {change: func(e *apitest.Exchange) { e.Answered = []byte(`{}`) }, want: "missing property 'items'"},
		"another type":              {change: func(e *apitest.Exchange) { e.Answered = []byte(`{"items":[],"next":7}`) }, want: "got number, want string"},
		"no JSON":                   {change: func(e *apitest.Exchange) { e.Answered = []byte(`{`) }, want: "not JSON"},
		"a parameter more":          {change: func(e *apitest.Exchange) { e.Request.URL.RawQuery = "order=1" }, want: "no order in the query"},
		"a parameter out of bounds": {change: func(e *apitest.Exchange) { e.Request.URL.RawQuery = "limit=1001" }, want: "maximum"},
		"a code more": {change: func(e *apitest.Exchange) {
			e.Status = 400
			e.Header.Set("Content-Type", "application/problem+json")
			e.Answered = []byte(`{"type":"","title":"","status":400,"detail":"","code":"bad-cursor","mend":""}`)
		}, want: "'/code'"},
		"an address more": {change: func(e *apitest.Exchange) { e.Request.URL.Path = "/api/v1/sauces" }, want: "not in the document"},
		"a type in the document": {old: `"next": {
      "type": "string"`, new: `"next": {
      "type": "integer"`, want: "want integer"},
		"a parameter of the document": {old: `"name": "limit"`, new: `"name": "most"`, want: "no limit in the query"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := strings.ReplaceAll(text, c.old, c.new)
			if c.old == "" {
				changed = text
			} else if changed == text {
				t.Fatal("the document has nothing to change there")
			}
			document, err := apitest.Read([]byte(changed))
			if err != nil {
				t.Fatal(err)
			}
			e := exchange("GET", "/sources?limit=2", "", 200, sources)
			if c.change != nil {
				c.change(e)
			}
			err = document.Check(e)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("found %v, want %q", err, c.want)
			}
		})
	}
}

// What a request brings is looked at where it succeeds.
func TestWhatIsAskedIsHeldToTheDocument(t *testing.T) {
	t.Parallel()
	document, err := apitest.Served(api.New(api.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[string]string{
		`{"uri":"urn:a","title":"A"}`:          "",
		`{"uri":"urn:a"}`:                      "missing property 'title'",
		`{"uri":"urn:a","title":"A","more":1}`: "'more'",
		`{"uri":"urn:a","title":7}`:            "want string",
		``:                                     "the body is missing",
	} {
		e := exchange("PUT", "/sources/a", asked, 200, `{"name":"a","uri":"urn:a","title":"A","types":null}`)
		e.Header.Set("ETag", `"r1"`)
		err := document.Check(e)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: found %v, want %q", asked, err, want)
		}
	}
}
