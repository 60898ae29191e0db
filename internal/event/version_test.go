package event

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

const personSchema = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object",
	"required": ["cpr", "changed"],
	"properties": {
		"cpr": {"type": "string", "pattern": "^[0-9]{10}$"},
		"changed": {"type": "string", "format": "date-time"},
		"kind": {"enum": ["create", "update"]},
		"age": {"type": "integer", "minimum": 0, "maximum": 150},
		"pets": {"type": "array", "maxItems": 2, "items": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}}}},
		"contact": {"oneOf": [{"type": "string"}, {"type": "object"}]}
	},
	"additionalProperties": {"type": "string"},
	"propertyNames": {"maxLength": 12}
}`

const personSample = `{"cpr":"0101801234","changed":"2026-01-31T12:00:00Z","org":"101","id":"f89a557e-86c3-4cb6-a350-076f660a1fd5"}`

func person() (*Type, *Version) {
	return &Type{Name: "person", Title: "Person", Order: OrderKey, Personal: true, Retention: "P6M"},
		&Version{
			Type: "person", Version: "v1", State: StateActive,
			Schema: json.RawMessage(personSchema), Sample: json.RawMessage(personSample),
			Mapping: Mapping{
				Fields:   map[string]string{"key": "/cpr", "organisation.type": "Constant(5)", "organisation.code": "/org", "messageId": "/id"},
				Personal: []string{"/cpr"},
			},
		}
}

func TestSchemaViolationsNameTheRuleAndNeverTheValue(t *testing.T) {
	t.Parallel()
	schema, violations := CompileSchema([]byte(personSchema))
	if violations != nil {
		t.Fatal(violations)
	}
	for _, tc := range []struct{ name, data, want string }{
		{"fine", personSample, ""},
		{"missing", `{"cpr":"0101801234"}`, "/data/changed required"},
		{"several", `{"cpr":"secret7777","age":151}`, "/data/age maximum; /data/changed required; /data/cpr pattern"},
		{"format", `{"cpr":"0101801234","changed":"secret7777"}`, "/data/changed format"},
		{"enum", `{"cpr":"0101801234","changed":"2026-01-31T12:00:00Z","kind":"secret7777"}`, "/data/kind enum"},
		{"integer", `{"cpr":"0101801234","changed":"2026-01-31T12:00:00Z","age":1.5}`, "/data/age type"},
		{"integer written with a fraction", `{"cpr":"0101801234","changed":"2026-01-31T12:00:00Z","age":1.0}`, ""},
		{"one of", `{"cpr":"0101801234","changed":"2026-01-31T12:00:00Z","contact":7777}`, "/data/contact oneOf"},
		{"in an array", `{"cpr":"0101801234","changed":"2026-01-31T12:00:00Z","pets":[{},{"name":"secret7777"}]}`, "/data/pets/1/name maxLength"},
		{"items", `{"cpr":"0101801234","changed":"2026-01-31T12:00:00Z","pets":[{},{},{}]}`, "/data/pets maxItems"},
		// A member the schema does not name may have a person for its name.
		{"unknown member", `{"cpr":"0101801234","changed":"2026-01-31T12:00:00Z","secret7777":1}`, "/data/* type"},
		{"unknown name", `{"cpr":"0101801234","changed":"2026-01-31T12:00:00Z","secret7777secret7777":"a"}`, "/data propertyNames"},
		{"whole", `"secret7777"`, "/data type"},
	} {
		found := schema.Check(mustTree(t, tc.data), "/data")
		if got := rules(found); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
		for _, v := range found {
			if strings.Contains(v.Message+v.Pointer, "7777") || v.Message == "" {
				t.Errorf("%s: the violation tells the value: %+v", tc.name, v)
			}
		}
	}
}

func TestSchemaViolationsAreBounded(t *testing.T) {
	t.Parallel()
	schema, violations := CompileSchema([]byte(`{"items":{"type":"string"}}`))
	if violations != nil {
		t.Fatal(violations)
	}
	data := "[" + strings.Repeat("1,", 5000) + "1]"
	if got := len(schema.Check(mustTree(t, data), "")); got != MaxViolations {
		t.Errorf("%d violations, want %d", got, MaxViolations)
	}
}

func TestSchemaRefersToNothingOutside(t *testing.T) {
	t.Parallel()
	for _, schema := range []string{
		`{"$ref":"file:///etc/passwd"}`, `{"$ref":"http://127.0.0.1:1/a"}`, `{"$ref":"other.json"}`,
		`{"$id":"http://127.0.0.1:1/a","$ref":"b"}`, `{"properties":{"a":{"$ref":"/etc/passwd"}}}`,
		`{"$id":"file:///etc/hosts","$ref":"passwd"}`, `{"$dynamicRef":"file:///etc/passwd#a"}`,
	} {
		if _, violations := CompileSchema([]byte(schema)); rules(violations) != " reference" {
			t.Errorf("%s: %+v", schema, violations)
		}
	}
	for _, schema := range []string{`{"$ref":"#/$defs/a","$defs":{"a":true}}`, `{"$id":"https://example.test/a","$ref":"b","$defs":{"b":{"$id":"b"}}}`, `true`} {
		if _, violations := CompileSchema([]byte(schema)); violations != nil {
			t.Errorf("%s: %+v", schema, violations)
		}
	}
}

func TestSchemaMustBeASchema(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{"type":"strin"}`:                     "/type anyOf",
		`{"properties":{"a":{"x":[}}}`:         " json",
		`{"$schema":"http://x/draft"}`:         "/$schema dialect",
		`{"pattern":"("}`:                      "/pattern format",
		`{"a":1,"a":2}`:                        " duplicate-name",
		`{"maximum":1e999}`:                    " number",
		`{"$ref":"#/$defs/none"}`:              " schema",
		`{"properties":{"a":{"minimum":"1"}}}`: "/properties/a/minimum type",
	} {
		if _, violations := CompileSchema([]byte(schema)); rules(violations) != want {
			t.Errorf("%s: %+v, want %s", schema, violations, want)
		}
	}
}

func TestVersionCheck(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*Version)
		want   string
	}{
		"fine":             {func(*Version) {}, ""},
		"names":            {func(v *Version) { v.Type, v.Version, v.State = "", "a/b", "on" }, "/type type-name; /version version; /state enum"},
		"schema":           {func(v *Version) { v.Schema = json.RawMessage(`{"type":1}`) }, "/schema/type anyOf"},
		"sample":           {func(v *Version) { v.Sample = json.RawMessage(`{"cpr":"1"}`) }, "/sample/changed required; /sample/cpr pattern"},
		"no sample":        {func(v *Version) { v.Sample = nil }, "/sample required"},
		"draft, no sample": {func(v *Version) { v.Sample, v.State = nil, StateDraft }, ""},
		"sample syntax":    {func(v *Version) { v.Sample = json.RawMessage(`{`) }, "/sample json"},
		"mapping":          {func(v *Version) { v.Mapping.Fields = map[string]string{"key": "cpr"} }, "/mapping/key expression"},
		"dates":            {func(v *Version) { v.StartDate, v.EndDate = "2026-1-1", "2026-02-30" }, "/startDate date; /endDate date"},
		"dates, order":     {func(v *Version) { v.StartDate, v.EndDate = "2026-02-02", "2026-02-01" }, "/endDate order"},
		"one day":          {func(v *Version) { v.StartDate, v.EndDate = "2026-02-02", "2026-02-02" }, ""},
	} {
		_, v := person()
		tc.change(v)
		if got := rules(v.Check()); got != tc.want {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func TestCompileHoldsTheMappingAgainstTheType(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*Type, *Version)
		want   string
	}{
		"fine":                      {func(*Type, *Version) {}, ""},
		"no key":                    {func(_ *Type, v *Version) { delete(v.Mapping.Fields, "key") }, "/mapping/key required"},
		"no key, not personal":      {func(y *Type, v *Version) { y.Personal, v.Mapping = false, Mapping{} }, ""},
		"key of an unordered type":  {func(y *Type, _ *Version) { y.Order = OrderNone }, "/mapping/key order"},
		"personal, not said where":  {func(_ *Type, v *Version) { v.Mapping.Personal = nil }, "/mapping/personal required"},
		"not personal":              {func(y *Type, _ *Version) { y.Personal = false }, "/mapping/personal not-personal"},
		"subject":                   {func(_ *Type, v *Version) { v.Mapping.Fields["subject"] = "/org" }, "/mapping/subject personal"},
		"organisation of a person":  {func(_ *Type, v *Version) { v.Mapping.Fields["organisation.code"] = "/cpr" }, "/mapping/organisation.code personal"},
		"id within personal values": {func(_ *Type, v *Version) { v.Mapping.Personal = []string{"/cpr", ""} }, "/mapping/messageId personal; /mapping/organisation.code personal"},
		"another type":              {func(_ *Type, v *Version) { v.Type = "other" }, "/type type"},
		"sample without key":        {func(_ *Type, v *Version) { v.Mapping.Fields["key"] = "/none" }, "/sample/none required"},
		"sample's id":               {func(_ *Type, v *Version) { v.Mapping.Fields["messageId"] = "/org" }, "/sample/org uuid"},
		"half an organisation":      {func(_ *Type, v *Version) { v.Mapping.Fields["organisation.code"] = "/none" }, "/sample organisation"},
		"colon in organisation":     {func(_ *Type, v *Version) { v.Mapping.Fields["organisation.type"] = "Constant(a:b)" }, "/sample organisation"},
		"F13: half a besked":        {func(_ *Type, v *Version) { v.Mapping.Fields["besked.objekthandling"] = "Constant(x)" }, "/mapping/besked.objektID required; /mapping/besked.objekttype required; /mapping/besked.registreringstid required; /mapping/besked.sikkerhedsklassificering required"},
		"F13: a besked":             {func(_ *Type, v *Version) { mapBesked(v) }, ""},
		"F13: nothing to load":      {func(_ *Type, v *Version) { mapBesked(v); v.Mapping.Fields["besked.registreringstid"] = "Load(none)" }, "/sample/none required"},
		"F13: an id without a type": {func(_ *Type, v *Version) {
			mapBesked(v)
			v.Mapping.Fields["besked.relateretObjektID"] = "/org"
			v.Mapping.Fields["besked.relateretObjekttype"] = "/none"
		}, "/sample/none required"},
		"F13: neither id nor type": {func(_ *Type, v *Version) {
			mapBesked(v)
			v.Mapping.Fields["besked.relateretObjektID"] = "/none"
			v.Mapping.Fields["besked.relateretObjekttype"] = "/org"
		}, ""},
		"F13: half a related one":   {func(_ *Type, v *Version) { mapBesked(v); v.Mapping.Fields["besked.relateretObjektID"] = "/org" }, "/mapping/besked.relateretObjekttype required"},
		"F13: a related type alone": {func(_ *Type, v *Version) { mapBesked(v); v.Mapping.Fields["besked.relateretObjekttype"] = "/org" }, "/mapping/besked.relateretObjektID required"},
		"F2: a ready besked":        {func(_ *Type, v *Version) { v.Mapping.Fields["besked.message"] = "/besked" }, ""},
		"key that is no scalar":     {func(_ *Type, v *Version) { v.Mapping.Fields["key"] = "Load()" }, "/sample scalar"},
	} {
		y, v := person()
		tc.change(y, v)
		compiled, violations := Compile(y, v, time.UTC)
		if got := rules(violations); got != tc.want || (compiled == nil) != (tc.want != "") {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}

func mapBesked(v *Version) {
	for _, field := range []string{"objektID", "objekttype", "registreringstid", "sikkerhedsklassificering"} {
		v.Mapping.Fields["besked."+field] = "Constant(" + field + ")"
	}
}

func TestVersionStatesAndImmutability(t *testing.T) {
	t.Parallel()
	order := []State{StateDraft, StateActive, StateDeprecated, StateRetired}
	for i, from := range order {
		for j, to := range order {
			_, old := person()
			_, next := person()
			old.State, next.State = from, to
			if got, want := rules(next.Follows(old)), j == i || j == i+1; (got == "") != want {
				t.Errorf("%s to %s: %q", from, to, got)
			}
		}
	}
	for name, tc := range map[string]struct {
		change func(*Version)
		draft  string // what is refused while the old one is a draft
		active string // and once it is active
	}{
		"nothing":     {func(*Version) {}, "", ""},
		"white space": {func(v *Version) { v.Sample = json.RawMessage(" " + personSample) }, "", ""},
		"end date":    {func(v *Version) { v.EndDate = "2027-01-01" }, "", ""},
		"start date":  {func(v *Version) { v.StartDate = "2025-01-01" }, "", "/startDate immutable"},
		"schema":      {func(v *Version) { v.Schema = nil }, "", "/schema immutable"},
		"sample":      {func(v *Version) { v.Sample = json.RawMessage(`{}`) }, "", "/sample immutable"},
		"mapping":     {func(v *Version) { v.Mapping.Fields["key"] = "/id" }, "", "/mapping immutable"},
		"personal":    {func(v *Version) { v.Mapping.Personal = nil }, "", "/mapping immutable"},
		"name":        {func(v *Version) { v.Version = "v2" }, "/version immutable", "/version immutable"},
	} {
		for _, state := range []State{StateDraft, StateActive} {
			_, old := person()
			_, next := person()
			old.State, next.State = state, StateActive
			tc.change(next)
			want := tc.active
			if state == StateDraft {
				want = tc.draft
			}
			if got := rules(next.Follows(old)); got != want {
				t.Errorf("%s, %s: %q, want %q", name, state, got, want)
			}
		}
	}
}

func TestVersionIsOpenOnItsDaysInTheZone(t *testing.T) {
	t.Parallel()
	zone, err := time.LoadLocation("Europe/Copenhagen")
	if err != nil {
		t.Skip("no time zones on this machine")
	}
	y, v := person()
	v.StartDate, v.EndDate = "2026-03-28", "2026-03-29" // the 29th has 23 hours
	compiled, violations := Compile(y, v, zone)
	if violations != nil {
		t.Fatal(violations)
	}
	for at, open := range map[string]bool{
		"2026-03-27T22:59:59Z": false, "2026-03-27T23:00:00Z": true, "2026-03-29T21:59:59Z": true, "2026-03-29T22:00:00Z": false,
	} {
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := compiled.Closed(now) == ""; got != open {
			t.Errorf("%s: open %v, want %v", at, got, open)
		}
	}
}

func TestPersonalValuesAreFoundElsewhere(t *testing.T) {
	t.Parallel()
	y, v := person()
	v.Mapping.Personal = []string{"/cpr", "/family"}
	compiled, violations := Compile(y, v, time.UTC)
	if violations != nil {
		t.Fatal(violations)
	}
	tree := mustTree(t, `{"cpr":"0101801234","family":[{"name":"Anders And"},{"number":12345678}],"age":44}`)
	for text, want := range map[string]bool{
		"0101801234": true, "urn:cv:0101801234:7": true, "x Anders And y": true, "a12345678": true, "44": false, "0101801235-44": false, "": false,
	} {
		if got := compiled.Reveals(tree, text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
