package grunddata_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/grunddata"
	"github.com/varselhub/varsel/internal/ident"
)

// byModel writes a message the long way: what it is held to.
func byModel(form grunddata.Form, version *event.Compiled, e *event.Event) ([]byte, error) {
	m, err := grunddata.FromEvent(version, e)
	if err == nil {
		err = m.Check()
	}
	switch {
	case err != nil:
		return nil, err
	case form == grunddata.XML:
		return m.AppendXML(nil)
	case form == grunddata.Bare:
		return m.AppendBare(nil), nil
	}
	return m.AppendJSON(nil), nil
}

// dice make mappings and events of what is usual, and of what is not.
type dice struct{ *rand.Rand }

func (d dice) one(of ...string) string { return of[d.IntN(len(of))] }

// expression fills a field from members of the data, or with a text.
func (d dice) expression() string {
	term := func() string {
		return d.one("Load(a)", "Load(b)", "Load(c)", "Load(ø)", "Load(wkt)", "/a", "Load(none)", "Constant(Sag)", `Constant(<"&>)`,
			"Constant(æ \\\\ \u2028)", `Constant()`, `"x"`, `Constant( POINT (1 2\))`, `Load(q"q)`)
	}
	text := term()
	for d.IntN(3) == 0 {
		text += " + " + term()
	}
	return text
}

var beskedFields = []string{
	"beskedansvarligAktør", "tværgåendeProces", "objektID", "objekttype", "objektansvarligAktør", "registreringsaktør", "registreringstid", "status",
	"registreringsID", "objekthandling", "opgaveemne", "relateretObjektID", "relateretObjekttype", "stedbestemmelse", "objektreference", "transaktionsID",
	"kildesystem", "sikkerhedsklassificering", "handling", "responsmodtager",
}

// mapping maps what must be mapped, and about half of the rest.
func (d dice) mapping() event.Mapping {
	m := event.Mapping{Fields: map[string]string{}}
	for _, field := range beskedFields {
		switch field {
		case "objektID", "objekttype", "registreringstid", "sikkerhedsklassificering":
			m.Fields["besked."+field] = d.one("Load(a)", "Load(b)", "Constant(t)", d.expression())
		case "relateretObjekttype": // with relateretObjektID, or not at all
			if m.Fields["besked.relateretObjektID"] != "" {
				m.Fields["besked."+field] = d.expression()
			}
		default:
			if d.IntN(2) == 0 {
				m.Fields["besked."+field] = d.expression()
			}
		}
	}
	if d.IntN(20) == 0 {
		m.Fields["besked.status"] = "Load(/deep/er)"
	}
	return m
}

// value is a value of JSON: mostly text.
func (d dice) value() string {
	return d.one(`"vedtaget"`, `"20059189"`, `"æøå Å"`, `"POINT (1 2)"`, `" multipolygon((1 2))\n"`, `"SRID=25832;POINT (1 2)"`, `" http://x/y#z "`,
		`"a\"b\\c\/d\u00e6\u0041\t"`, `"<&>'"`, `"\u0007"`, `"\u0000"`, `""`, `" "`, `"\u2028\u007f"`, "\"\u2028\u00a0\u0085\"", "\"\uffff\"", `"\r\n"`,
		`"\ud83d\ude00"`, "\"\U0001F600\"", `"POINTLESS"`, `"POINT"`, `"`+strings.Repeat("POINT ", 20)+`"`, `5`, `-1.50e+3`, `1e399`, `1e401`, `true`, `false`, `null`,
		`[]`, `{"a":1}`, `{"er":"x"}`, strings.Repeat("[", 63)+strings.Repeat("]", 63), strings.Repeat("[", 64)+strings.Repeat("]", 64), `"`+strings.Repeat("x", 70)+`\n"`)
}

func (d dice) data() string {
	var members []string
	for _, name := range []string{"a", "b", "c", "ø", "wkt", "deep", "more", `q\"q`} {
		switch n := d.IntN(12); {
		case n == 0, name[0] == 'q' && n < 11:
		case n == 1:
			members = append(members, `"`+name+`" :`+d.value()+" ")
		case n < 5:
			members = append(members, `"`+name+`":`+d.value())
		default:
			members = append(members, `"`+name+`":`+d.one(`"1"`, `"x y"`, `"æ"`))
		}
	}
	d.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	text := "{" + strings.Join(members, d.one(",", ",\n ")) + "}"
	switch d.IntN(40) {
	case 0:
		return text + " "
	case 1:
		return strings.Replace(text, `"a"`, `"\u0061"`, 1)
	case 2:
		return strings.Replace(text, `"a"`, `"b"`, 1) // twice
	case 3:
		return text[:d.IntN(len(text))]
	case 4:
		return "[" + text + "]"
	case 5:
		return strings.Replace(text, "x", "\xff", 1)
	}
	return text
}

func (d dice) event() *event.Event {
	e := &event.Event{
		ID: ident.UUID{byte(d.Uint32()), 6: 0x40, 8: 0x80, 15: byte(d.Uint32())}, Type: "SagCreate", Version: "v1", Data: []byte(d.data()),
		Source: d.one("urn:x", `http://x/"a&b`), MediaType: d.one("application/json", "application/json", "", "text/json; charset=utf-8", "text/plain"),
		Recorded: d.Int64N(4_000_000_000_000_000), Time: d.Int64N(4_000_000_000_000_000),
	}
	if d.IntN(10) == 0 {
		e.Recorded = 0
	}
	return e
}

// TestTheTemplateWritesWhatTheModelDoes: whatever a mapping and an event say, both ways give the same bytes and the same faults,
// and nearly all that is usual goes by the template.
func TestTheTemplateWritesWhatTheModelDoes(t *testing.T) {
	t.Parallel()
	var messages, templated int
	for seed := range uint64(600) {
		d := dice{rand.New(rand.NewPCG(seed, 6))}
		v := &event.Version{Type: "SagCreate", Version: "v1", State: event.StateDraft, Mapping: d.mapping()}
		version, violations := event.Compile(&event.Type{Name: "SagCreate", Title: "T", Order: event.OrderNone, Retention: "P6M"}, v, time.UTC)
		if violations != nil {
			t.Fatal(violations)
		}
		for range 40 {
			e := d.event()
			for _, form := range []grunddata.Form{grunddata.JSON, grunddata.XML, grunddata.Bare} {
				want, wrong := byModel(form, version, e)
				before := []byte("before,")
				got, err := grunddata.Append(before, form, version, e)
				if string(got) != string(before)+string(want) || fmt.Sprint(err) != fmt.Sprint(wrong) {
					t.Fatalf("seed %d, form %d: %s of %v\ngot  %v, %s\nwant %v, %s", seed, form, e.Data, v.Mapping.Fields, err, got, wrong, want)
				}
				if _, ok := grunddata.ByTemplate(nil, form, version, e); ok && wrong != nil {
					t.Fatalf("seed %d, form %d: the template takes %s of %v, where the model says %v", seed, form, e.Data, v.Mapping.Fields, wrong)
				} else if ok {
					templated++
				}
				if wrong == nil {
					messages++
				}
			}
		}
	}
	if messages < 10_000 || templated < messages/2 { // what is made up is far from usual
		t.Errorf("of %d messages the template wrote %d", messages, templated)
	}
}

// TestF14bTheTemplateWritesTheWorkedExample: the usual needs no model.
func TestF14bTheTemplateWritesTheWorkedExample(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]map[string]string{
		"as it is":          nil,
		"a related object":  {"besked.relateretObjektID": "Load(id_lokalId)", "besked.relateretObjekttype": "Constant(Kommune)"},
		"no related object": {"besked.relateretObjektID": "Load(none)", "besked.relateretObjekttype": "Constant(Kommune)"},
		"F40: a receipt":    {"besked.handling": "Load(none)", "besked.responsmodtager": "Load(landekode)"},
		"nothing to say":    {"besked.handling": "Load(none)", "besked.stedbestemmelse": "Load(none)", "besked.status": "Load(none)", "besked.kildesystem": "Load(none)"},
	} {
		version, e := kommune(t, func(mapping map[string]string) { maps.Copy(mapping, fields) })
		for _, form := range []grunddata.Form{grunddata.JSON, grunddata.XML, grunddata.Bare} {
			want, err := byModel(form, version, e)
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := grunddata.ByTemplate(nil, form, version, e); !ok || string(got) != string(want) {
				t.Errorf("%s, form %d: %v\ngot  %s\nwant %s", name, form, ok, got, want)
			}
		}
	}
}

// FuzzTemplate: whatever the data, the template writes what the model does, or nothing.
func FuzzTemplate(f *testing.F) {
	version, e := kommune(f, func(mapping map[string]string) {
		maps.Copy(mapping, map[string]string{"besked.handling": "Load(landekode)", "besked.kildesystem": "Load(skala)"})
	})
	f.Add(string(e.Data))
	for seed := range uint64(20) {
		f.Add((dice{rand.New(rand.NewPCG(seed, 7))}).data())
	}
	f.Fuzz(func(t *testing.T, data string) {
		e := of(t, "KommuneinddelingUpdate", data)
		for _, form := range []grunddata.Form{grunddata.JSON, grunddata.XML, grunddata.Bare} {
			got, ok := grunddata.ByTemplate(nil, form, version, e)
			if want, err := byModel(form, version, e); ok && (err != nil || string(got) != string(want)) {
				t.Fatalf("form %d of %s: %v\ngot  %s\nwant %s", form, data, err, got, want)
			}
		}
	})
}
