package filter_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/filter"
	"github.com/varselhub/varsel/internal/geo"
	"github.com/varselhub/varsel/internal/grunddata"
)

// naive is what a filter means, said as directly as can be: nothing is compiled, nothing is left out early.
func naive(f *filter.Filter, m *grunddata.Filtreringsdata) bool {
	related := m.RelateretObjekt
	if len(related) == 0 {
		related = []grunddata.RelateretObjekt{{}}
	}
	fulfilled := 0
	for _, o := range m.Objektregistrering {
		for _, r := range related {
			if naiveOf(f, naiveValues(m, o, r), o.Stedbestemmelse) {
				fulfilled++
			}
		}
	}
	return fulfilled > 0
}

func naiveValues(m *grunddata.Filtreringsdata, o grunddata.Objektregistrering, r grunddata.RelateretObjekt) map[string]string {
	return map[string]string{
		"beskedansvarligAktør": m.BeskedansvarligAktoer, "tværgåendeProces": m.TvaergaaendeProces, "objektID": o.ObjektID,
		"objekttype": o.Objekttype, "registreringsaktør": o.Registreringsaktoer, "registreringstid": o.Registreringstid,
		"status": o.Status, "registreringsID": o.RegistreringsID, "objekthandling": o.Objekthandling,
		"opgaveemne": o.Opgaveemne, "relateretObjektID": r.ObjektID, "relateretObjekttype": r.Objekttype,
	}
}

func naiveOf(f *filter.Filter, values map[string]string, at *grunddata.Stedbestemmelse) bool {
	held := 0
	for _, part := range slices.Concat(f.All, f.Any) {
		if naiveOf(part, values, at) {
			held++
		}
	}
	value := values[string(f.Field)]
	switch {
	case len(f.All) > 0:
		return held == len(f.All)
	case len(f.Any) > 0:
		return held > 0
	case f.Place != nil:
		return naiveAt(f.Place, at)
	case value == "":
		return false
	case f.Equals != "":
		return value == f.Equals
	case f.Contains != "":
		return strings.Contains(value, f.Contains)
	}
	return slices.Contains(f.AnyOf, value)
}

func naiveAt(p *filter.Place, at *grunddata.Stedbestemmelse) bool {
	area, relation := p.Within, geo.Within
	if area == nil {
		area, relation = p.Intersects, geo.Intersects
	}
	if at == nil {
		return false
	}
	if at.Geometri == "" {
		return area.Municipality != "" && strings.HasSuffix(at.Reference, "kommune#"+area.Municipality)
	}
	shape, err := geo.Parse(at.Geometri)
	if err != nil {
		return false
	}
	limit, err := geo.Parse(area.WKT)
	if err != nil {
		return false
	}
	lies, err := geo.Lies(shape, relation, limit)
	return err == nil && lies
}

// dice makes filters and messages out of so few values that they meet often.
type dice struct{ *rand.Rand }

func (d dice) word() string { return []string{"", "a", "b", "ab", "ba", "c"}[d.IntN(6)] }
func (d dice) sure() string { return []string{"a", "b", "ab", "c"}[d.IntN(4)] }

func (d dice) square(most int) string {
	x, y, side := d.IntN(8), d.IntN(8), 1+d.IntN(most)
	return fmt.Sprintf("POLYGON((%d %d,%d %d,%d %d,%d %d,%d %d))", x, y, x+side, y, x+side, y+side, x, y+side, x, y)
}

func (d dice) area() *filter.Area {
	code := []string{"", "0101", "0706"}[d.IntN(3)]
	return &filter.Area{Municipality: code, WKT: d.square(6)}
}

func (d dice) filter(depth int) *filter.Filter {
	var parts []*filter.Filter
	joined := d.IntN(3)
	if depth < 4 && joined > 0 {
		for range 1 + d.IntN(3) {
			parts = append(parts, d.filter(depth+1))
		}
	}
	switch {
	case joined == 1 && parts != nil:
		return &filter.Filter{All: parts}
	case joined == 2 && parts != nil:
		return &filter.Filter{Any: parts}
	}
	f := &filter.Filter{Field: filter.Fields[d.IntN(len(filter.Fields))]}
	switch d.IntN(5) {
	case 0:
		f.Equals = d.sure()
	case 1:
		f.Contains = d.sure()
	case 2:
		for range 1 + d.IntN(12) {
			f.AnyOf = append(f.AnyOf, d.sure())
		}
	case 3:
		return &filter.Filter{Place: &filter.Place{Within: d.area()}}
	case 4:
		return &filter.Filter{Place: &filter.Place{Intersects: d.area()}}
	}
	return f
}

func (d dice) message() *grunddata.Filtreringsdata {
	m := &grunddata.Filtreringsdata{BeskedansvarligAktoer: d.word(), TvaergaaendeProces: d.word()}
	for range d.IntN(3) {
		m.RelateretObjekt = append(m.RelateretObjekt, grunddata.RelateretObjekt{ObjektID: d.word(), Objekttype: d.word()})
	}
	for range 1 + d.IntN(3) {
		m.Objektregistrering = append(m.Objektregistrering, grunddata.Objektregistrering{
			Registreringsaktoer: d.word(), Registreringstid: d.word(), Status: d.word(), ObjektID: d.word(), Objekttype: d.word(),
			Objekthandling: d.word(), Opgaveemne: d.word(), RegistreringsID: d.word(), Stedbestemmelse: d.place(),
		})
	}
	return m
}

func (d dice) place() *grunddata.Stedbestemmelse {
	switch d.IntN(6) {
	case 0:
		return nil
	case 1:
		return &grunddata.Stedbestemmelse{Reference: "http://data.gov.dk/dagi/kommune#0706"}
	case 2:
		return &grunddata.Stedbestemmelse{Geometri: "POLYGON((1 1"}
	case 3:
		return &grunddata.Stedbestemmelse{Geometri: fmt.Sprintf("POINT(%d %d)", d.IntN(9), d.IntN(9))}
	}
	return &grunddata.Stedbestemmelse{Geometri: d.square(3)}
}

// TestF17CompiledMeansWhatTheFilterSays holds the compiled filter, and the index that filters are found by, to the naive one.
func TestF17CompiledMeansWhatTheFilterSays(t *testing.T) {
	t.Parallel()
	d := dice{rand.New(rand.NewPCG(6, 17))}
	shapes := &filter.Shapes{}
	matched, found, asked := 0, 0, 0
	for range 1500 {
		f := d.filter(1)
		if v := f.Check("", shapes); len(v) > 0 {
			t.Fatalf("the test's own filter is refused: %v", v)
		}
		if err := f.Compile(shapes); err != nil {
			t.Fatal(err)
		}
		var index filter.Index[*filter.Filter]
		gated := index.Add(f, f)
		for range 10 {
			m := d.message()
			facts := filter.From(m)
			want := naive(f, m)
			if got := f.Match(facts); got != want {
				t.Fatalf("%s\nof %+v: compiled says %v, naive %v", write(t, f), m, got, want)
			}
			visited := len(index.Find(facts)) > 0
			if gated && want && !visited {
				t.Fatalf("%s\nof %+v: matches, and the index does not find it", write(t, f), m)
			}
			if asked++; want {
				matched++
			}
			if visited {
				found++
			}
		}
	}
	if matched < asked/20 || matched > asked*19/20 || found > asked*19/20 {
		t.Errorf("of %d, %d match and the index finds %d: the dice show too little", asked, matched, found)
	}
}
