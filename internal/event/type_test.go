package event

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// rules writes violations as "pointer rule", one after another.
func rules(violations []fault.Violation) string {
	var texts []string
	for _, v := range violations {
		texts = append(texts, v.Pointer+" "+v.Rule)
	}
	return strings.Join(texts, "; ")
}

func TestRetentionEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		retention  Retention
		start, end string
	}{
		{"P6M", "2026-01-15T12:00:00Z", "2026-07-15T12:00:00Z"},
		{"P6M", "2026-08-31T12:00:00Z", "2027-02-28T12:00:00Z"}, // no 31 February, and not 3 March
		{"P2M", "2024-01-31T12:00:00Z", "2024-03-31T12:00:00Z"},
		{"P1M", "2024-01-31T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"P14D", "2026-02-20T00:00:00Z", "2026-03-06T00:00:00Z"},
		{"P2W", "2026-02-20T00:00:00Z", "2026-03-06T00:00:00Z"},
		{"P1Y6M", "2024-12-31T00:00:00Z", "2026-06-30T00:00:00Z"},
		{"P1DT12H30M5S", "2026-01-01T00:00:00Z", "2026-01-02T12:30:05Z"},
		{"PT1S", "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z"},
	} {
		start, err := time.Parse(time.RFC3339, tc.start)
		if err != nil {
			t.Fatal(err)
		}
		end, ok := tc.retention.End(start)
		if got := end.Format(time.RFC3339); !ok || got != tc.end {
			t.Errorf("%s after %s: %s, want %s", tc.retention, tc.start, got, tc.end)
		}
		if tc.retention.Over(start, end.Add(-1)) || !tc.retention.Over(start, end) {
			t.Errorf("%s after %s is over before or after its end", tc.retention, tc.start)
		}
	}
	if _, ok := Retention("").End(time.Now()); ok || Retention("").Over(time.Time{}, time.Now()) {
		t.Error("no retention ends")
	}
}

func TestRetentionRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []Retention{"P", "PT", "6M", "P6", "P-6M", "P0D", "PT0S", "P1DT", "P1M1Y", "P1D1D", "P1H", "PT1D", "P6m", "P10000D", "P1.5D", "P99999999999999999999D", "P6M "} {
		if text.Check() == nil {
			t.Errorf("%q is accepted", text)
		}
		if _, ok := text.End(time.Now()); ok {
			t.Errorf("%q has an end", text)
		}
	}
}

func TestTypeCheck(t *testing.T) {
	t.Parallel()
	fine := Type{Name: "dk.star.cv", Title: "Cv", Order: OrderKey, Personal: true, Retention: "P6M", Catalogue: &Catalogue{EntityID: "30000"}}
	for name, tc := range map[string]struct {
		change func(*Type)
		want   string
	}{
		"fine":                     {func(*Type) {}, ""},
		"name":                     {func(v *Type) { v.Name = "a b" }, "/name type-name"},
		"no title":                 {func(v *Type) { v.Title = " " }, "/title length"},
		"order":                    {func(v *Type) { v.Order = "" }, "/order enum"},
		"retention":                {func(v *Type) { v.Retention = "6M" }, "/retention duration"},
		"personal without an end":  {func(v *Type) { v.Retention = "" }, "/retention required"},
		"kept for ever":            {func(v *Type) { v.Retention, v.Personal = "", false }, ""},
		"catalogue":                {func(v *Type) { v.Catalogue = &Catalogue{Body: "\xff"} }, "/catalogue/body length"},
		"the second change type":   {func(v *Type) { v.Catalogue = &Catalogue{ChangeTypes: []string{"1", "\xff"}} }, "/catalogue/changeTypes/1 length"},
		"several things":           {func(v *Type) { v.Name, v.Order = "*", "x" }, "/name type-name; /order enum"},
		"the name that means all":  {func(v *Type) { v.Name = "*" }, "/name type-name"},
		"a name of 256 characters": {func(v *Type) { v.Name = strings.Repeat("a", 256) }, "/name type-name"},
	} {
		v := fine
		tc.change(&v)
		if got := rules(v.Check()); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestSourceCheck(t *testing.T) {
	t.Parallel()
	fine := Source{Name: "kontaktforloeb", URI: "urn:dfdg:kontaktforloeb", Title: "Kontaktforløb", Types: []string{"dk.star.cv", "*"}}
	for name, tc := range map[string]struct {
		change func(*Source)
		want   string
	}{
		"fine":          {func(*Source) {}, ""},
		"a path as URI": {func(s *Source) { s.URI = "/cv" }, ""},
		"slug":          {func(s *Source) { s.Name = "Kontakt" }, "/name slug"},
		"slug at end":   {func(s *Source) { s.Name = "kontakt-" }, "/name slug"},
		"no URI":        {func(s *Source) { s.URI = "" }, "/uri uri-reference"},
		"URI characters": {func(s *Source) { s.URI = "urn:a b" },
			"/uri uri-reference"},
		"URI structure": {func(s *Source) { s.URI = "http://[x" }, "/uri uri-reference"},
		"type":          {func(s *Source) { s.Types = []string{"a", "b c"} }, "/types/1 type-name"},
		"type twice":    {func(s *Source) { s.Types = []string{"a", "a"} }, "/types/1 unique"},
		"contact":       {func(s *Source) { s.Contact = &Contact{} }, "/contact empty"},
	} {
		s := fine
		tc.change(&s)
		if got := rules(s.Check()); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestSourceMayPublish(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		types []string
		want  bool
	}{{nil, false}, {[]string{"a"}, true}, {[]string{"b"}, false}, {[]string{"*"}, true}, {[]string{"a*"}, false}} {
		if got := (&Source{Types: tc.types}).May("a"); got != tc.want {
			t.Errorf("%v: %v, want %v", tc.types, got, tc.want)
		}
	}
}

func TestMappingIsOneFlatObject(t *testing.T) {
	t.Parallel()
	const text = `{"key":"/cpr","personal":["/cpr","/name"],"star.entity.id":"Constant(30000)"}`
	var m Mapping
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	if got, err := json.Marshal(m); err != nil || string(got) != text {
		t.Errorf("%s, %v; want %s", got, err, text)
	}
	for _, broken := range []string{`{"key":1}`, `{"personal":"/a"}`, `[]`} {
		if err := json.Unmarshal([]byte(broken), &m); err == nil {
			t.Errorf("%s is read", broken)
		}
	}
}

func TestMappingCheck(t *testing.T) {
	t.Parallel()
	m := Mapping{
		Fields: map[string]string{
			"key": "/a", "kye": "/a", "subject": "a", "star.body": "/a+/b", "entity": "", "star.external": "Load(/x)", "messageId": "/~",
			"besked.message": "Constant({})", "besked.objektansvarligAktør": "Load(aktør)",
		},
		Personal: []string{"/a", "b"},
	}
	const want = "/besked.message expression; /entity expression; /kye unknown; /messageId expression; /star.body expression; /subject expression; /personal/1 pointer"
	if got := rules(m.Check()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestEveryFieldHasAName(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for f := range fieldCount {
		if name := f.String(); name == "" || seen[name] {
			t.Errorf("field %d has the name %q", f, name)
		}
		seen[f.String()] = true
	}
}
