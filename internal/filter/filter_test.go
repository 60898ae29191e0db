package filter_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/filter"
	"github.com/varselhub/varsel/internal/grunddata"
)

func write(t testing.TB, f *filter.Filter) string {
	t.Helper()
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func compiled(t testing.TB, text string) *filter.Filter {
	t.Helper()
	f, err := filter.Parse([]byte(text))
	if err == nil {
		err = f.Compile(&filter.Shapes{})
	}
	if err != nil {
		t.Fatalf("%s: %v %v", text, err, fault.Of(err).Violations)
	}
	return f
}

// building is what the filters of these tests are asked of: two registrations and two related objects.
func building() *grunddata.Filtreringsdata {
	return &grunddata.Filtreringsdata{
		Beskedtype: "BygningUpdate", BeskedansvarligAktoer: "http://data.gov.dk/actor#bbr", TvaergaaendeProces: "sag-7",
		RelateretObjekt: []grunddata.RelateretObjekt{{ObjektID: "100001", Objekttype: "bestemtFastEjendomBFENr"}, {ObjektID: "7", Objekttype: "sag"}},
		Objektregistrering: []grunddata.Objektregistrering{
			{
				ObjektID: "b-1", Objekttype: "Bygning", Objekthandling: "Create", Status: "6", Registreringsaktoer: "BBR", Opgaveemne: "54.15",
				Registreringstid: "2024-05-01T10:00:00.000000+02:00", RegistreringsID: "b-1,2024-05-01T10:00:00.000000+02:00",
				Stedbestemmelse: grunddata.At("POINT(550000 6200000)"),
			},
			{ObjektID: "e-2", Objekttype: "Enhed", Objekthandling: "anvendelse;geometri", Status: "7", Stedbestemmelse: grunddata.At("http://data.gov.dk/dagi/kommune#0706")},
		},
	}
}

func TestF17Filters(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		filter string
		want   bool
	}{
		"equals":                              {`{"field":"objekttype","equals":"Bygning"}`, true},
		"equals is the whole value":           {`{"field":"objekttype","equals":"Byg"}`, false},
		"equals minds letters":                {`{"field":"objekttype","equals":"bygning"}`, false},
		"a comma is a comma":                  {`{"field":"objekthandling","equals":"Create,Update"}`, false},
		"any of":                              {`{"field":"objekthandling","anyOf":["Create","Update"]}`, true},
		"none of":                             {`{"field":"objekthandling","anyOf":["Delete","Update"]}`, false},
		"contains (F5)":                       {`{"field":"objekthandling","contains":"geometri"}`, true},
		"contains not":                        {`{"field":"objekthandling","contains":"adresse"}`, false},
		"of the message":                      {`{"field":"tværgåendeProces","equals":"sag-7"}`, true},
		"who answers for it":                  {`{"field":"beskedansvarligAktør","contains":"#bbr"}`, true},
		"when":                                {`{"field":"registreringstid","contains":"2024-05"}`, true},
		"which registration":                  {`{"field":"registreringsID","contains":"b-1,"}`, true},
		"what is not there is not asked for":  {`{"any":[{"field":"opgaveemne","equals":"x"},{"all":[{"field":"objekttype","equals":"Enhed"},{"field":"opgaveemne","contains":"5"}]}]}`, false},
		"all in one registration (F4)":        {`{"all":[{"field":"objekttype","equals":"Bygning"},{"field":"status","equals":"6"}]}`, true},
		"not half in one, half in another":    {`{"all":[{"field":"objekttype","equals":"Bygning"},{"field":"status","equals":"7"}]}`, false},
		"any":                                 {`{"any":[{"field":"status","equals":"1"},{"field":"status","equals":"7"}]}`, true},
		"a related object":                    {`{"field":"relateretObjektID","equals":"100001"}`, true},
		"one related object, id and type":     {`{"all":[{"field":"relateretObjektID","equals":"7"},{"field":"relateretObjekttype","equals":"sag"}]}`, true},
		"not one's id and another's type":     {`{"all":[{"field":"relateretObjektID","equals":"100001"},{"field":"relateretObjekttype","equals":"sag"}]}`, false},
		"within":                              {`{"place":{"within":{"wkt":"POLYGON((549000 6199000,551000 6199000,551000 6201000,549000 6201000,549000 6199000))"}}}`, true},
		"elsewhere":                           {`{"place":{"within":{"wkt":"POLYGON((0 0,1 0,1 1,0 1,0 0))"}}}`, false},
		"within, as longitude and latitude":   {`{"place":{"within":{"wkt":"SRID=4326;POLYGON((9.7 55.9,9.9 55.9,9.9 56.0,9.7 56.0,9.7 55.9))"}}}`, true},
		"on the border is not within":         {`{"place":{"within":{"wkt":"POLYGON((550000 6199000,551000 6199000,551000 6201000,550000 6201000,550000 6199000))"}}}`, false},
		"on the border intersects":            {`{"place":{"intersects":{"wkt":"POLYGON((550000 6199000,551000 6199000,551000 6201000,550000 6201000,550000 6199000))"}}}`, true},
		"a municipality, by reference":        {`{"place":{"within":{"municipality":"0706","wkt":"POLYGON((0 0,1 0,1 1,0 1,0 0))"}}}`, true},
		"another municipality":                {`{"place":{"intersects":{"municipality":"0101","wkt":"POLYGON((0 0,1 0,1 1,0 1,0 0))"}}}`, false},
		"the place of that very registration": {`{"all":[{"field":"objekttype","equals":"Bygning"},{"place":{"within":{"municipality":"0706","wkt":"POLYGON((0 0,1 0,1 1,0 1,0 0))"}}}]}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := compiled(t, c.filter).Match(filter.From(building())); got != c.want {
				t.Errorf("%s: %v, want %v", c.filter, got, c.want)
			}
		})
	}
}

func TestF17MunicipalitiesByReference(t *testing.T) {
	t.Parallel()
	f := compiled(t, `{"place":{"within":{"municipality":"0706","wkt":"POLYGON((0 0,1 0,1 1,0 1,0 0))"}}}`)
	for reference, want := range map[string]bool{
		"http://data.gov.dk/dagi/kommune#0706": true, "https://data.gov.dk/dagi/Kommune/0706": true, "0706": true,
		"http://data.gov.dk/dagi/sogn#0706": false, "http://data.gov.dk/dagi/kommune#0707": false, "706": false, "": false,
	} {
		m := &grunddata.Filtreringsdata{Objektregistrering: []grunddata.Objektregistrering{{Stedbestemmelse: grunddata.At(reference)}}}
		if got := f.Match(filter.From(m)); got != want {
			t.Errorf("%q: %v, want %v", reference, got, want)
		}
	}
}

func TestFiltersThatAreRefused(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"all":[`, 8) + `{"field":"status","equals":"6"}` + strings.Repeat(`]}`, 8)
	wide := `{"any":[` + strings.TrimSuffix(strings.Repeat(`{"field":"status","equals":"6"},`, 200), ",") + `]}`
	var values []string
	for i := range 1001 {
		values = append(values, fmt.Sprintf(`"%d"`, i))
	}
	for name, c := range map[string]struct{ filter, pointer, rule string }{
		"nothing":            {`{}`, "", "one"},
		"two at once":        {`{"field":"status","equals":"6","all":[{"field":"status","equals":"6"}]}`, "", "one"},
		"no such field":      {`{"all":[{"field":"farve","equals":"6"}]}`, "/all/0/field", "enum"},
		"no operator":        {`{"field":"status"}`, "", "one"},
		"two operators":      {`{"field":"status","equals":"6","contains":"7"}`, "", "one"},
		"empty value":        {`{"field":"status","anyOf":["6",""]}`, "/anyOf/1", "required"},
		"an operator alone":  {`{"equals":"6","place":{"within":{"municipality":"0101"}}}`, "", "one"},
		"long value":         {`{"field":"status","equals":"` + strings.Repeat("6", 1001) + `"}`, "/equals", "length"},
		"null":               {`{"any":[null]}`, "/any/0", "required"},
		"too deep":           {deep, strings.Repeat("/all/0", 8), "depth"},
		"too wide":           {wide, "", "size"},
		"too many values":    {`{"field":"status","anyOf":[` + strings.Join(values, ",") + `]}`, "", "size"},
		"no relation":        {`{"place":{}}`, "/place", "one"},
		"two relations":      {`{"place":{"within":{"municipality":"0101"},"intersects":{"municipality":"0101"}}}`, "/place", "one"},
		"no area":            {`{"place":{"within":{}}}`, "/place/within", "required"},
		"no code":            {`{"place":{"intersects":{"municipality":"101"}}}`, "/place/intersects/municipality", "form"},
		"no geometry":        {`{"place":{"within":{"wkt":"POLYGON(("}}}`, "/place/within/wkt", "geometry"},
		"a point is no area": {`{"place":{"within":{"wkt":"POINT(1 1)"}}}`, "/place/within/wkt", "geometry"},
		"a bow tie":          {`{"place":{"within":{"wkt":"POLYGON((0 0,1 1,1 0,0 1,0 0))"}}}`, "/place/within/wkt", "geometry"},
		"a large outline":    {`{"place":{"within":{"wkt":"` + strings.Repeat(" ", 513<<10) + `"}}}`, "", "size"},
		"unknown member":     {`{"felt":"status"}`, "", ""},
		"no JSON":            {`{`, "", "json"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := filter.Parse([]byte(c.filter))
			if !fault.Has(err, fault.InvalidDocument) {
				t.Fatalf("%v, want it refused", err)
			}
			for _, v := range fault.Of(err).Violations {
				if v.Pointer == c.pointer && v.Rule == c.rule {
					return
				}
			}
			if c.rule != "" && name != "no JSON" {
				t.Errorf("%v, want %s at %s", fault.Of(err).Violations, c.rule, c.pointer)
			}
		})
	}
}

// A municipality's outline is filled in once, and what stands there stays (DESIGN promise 9).
func TestMunicipalitiesAreResolvedWhenSaved(t *testing.T) {
	t.Parallel()
	f := &filter.Filter{Any: []*filter.Filter{
		{Place: &filter.Place{Within: &filter.Area{Municipality: "0706"}}},
		{Place: &filter.Place{Intersects: &filter.Area{Municipality: "0706", WKT: "POLYGON((0 0,1 0,1 1,0 0))"}}},
		{All: []*filter.Filter{{Place: &filter.Place{Within: &filter.Area{Municipality: "0999"}}}}},
	}}
	missing := f.Resolve("/filter", func(code string) (string, bool) {
		return "POLYGON((5 5,6 5,6 6,5 5))", code == "0706"
	})
	if len(missing) != 1 || missing[0].Pointer != "/filter/any/2/all/0/place/within/municipality" {
		t.Errorf("missing: %v", missing)
	}
	if got := f.Any[0].Place.Within.WKT; got != "POLYGON((5 5,6 5,6 6,5 5))" {
		t.Errorf("resolved: %q", got)
	}
	if got := f.Any[1].Place.Intersects.WKT; got != "POLYGON((0 0,1 0,1 1,0 0))" {
		t.Errorf("what stood there is now %q", got)
	}
}

// A message with very many registrations and related objects costs no more than both together, and nobody misses it.
func TestMessagesWithVeryManyObjects(t *testing.T) {
	t.Parallel()
	m := building()
	for i := range 5000 {
		m.RelateretObjekt = append(m.RelateretObjekt, grunddata.RelateretObjekt{ObjektID: fmt.Sprint("x", i), Objekttype: "grund"})
		m.Objektregistrering = append(m.Objektregistrering, grunddata.Objektregistrering{ObjektID: fmt.Sprint("y", i), Objekttype: "Grund"})
	}
	facts := filter.From(m)
	for text, want := range map[string]bool{
		`{"all":[{"field":"relateretObjektID","equals":"x4999"},{"field":"objektID","equals":"y4998"}]}`:             true,
		`{"all":[{"field":"relateretObjektID","equals":"100001"},{"field":"relateretObjekttype","equals":"grund"}]}`: true, // of two of them
		`{"all":[{"field":"relateretObjektID","equals":"x5000"},{"field":"objektID","equals":"y4998"}]}`:             false,
	} {
		if got := compiled(t, text).Match(facts); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// FuzzFilter: whatever is taken compiles, is written as it was read, and can be asked.
func FuzzFilter(f *testing.F) {
	for _, seed := range []string{
		`{"all":[{"field":"objekttype","equals":"Bygning"},{"any":[{"field":"objekthandling","anyOf":["Create","Update"]},{"field":"status","contains":"6"}]}]}`,
		`{"place":{"within":{"municipality":"0706","wkt":"POLYGON((0 0,1 0,1 1,0 0))"}}}`, `{"place":{"intersects":{"wkt":"SRID=4326;POLYGON((9 55,10 55,10 56,9 55))"}}}`,
		`{"place":{"within":{"municipality":"0000"}}}`, `{}`, `{"all":[{"all":[{"all":[null]}]}]}`, `{"field":"relateretObjektID","anyOf":["1","2","3"]}`,
	} {
		f.Add([]byte(seed))
	}
	facts := filter.From(building())
	f.Fuzz(func(t *testing.T, text []byte) {
		read, err := filter.Parse(text)
		if err != nil {
			if !fault.Has(err, fault.InvalidDocument) {
				t.Fatalf("%v, want invalid-document", err)
			}
			return
		}
		if err := read.Compile(&filter.Shapes{}); err != nil {
			t.Fatalf("was taken, and does not compile: %v", err)
		}
		again := compiled(t, write(t, read))
		if read.Match(facts) != again.Match(facts) || read.Match(facts) != naive(read, building()) {
			t.Fatalf("%s means different things", text)
		}
	})
}
