package openapi

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

type word string

type inner struct {
	Deep   string `json:"deep"`
	Shared int64  `json:"shared"`
}

type outer struct {
	inner
	Name    string            `json:"name"`
	Shared  string            `json:"shared,omitempty"` // hides the one of inner
	Words   []word            `json:"words"`
	Map     map[string]string `json:"map,omitempty"`
	At      time.Time         `json:"at,omitzero"`
	Any     json.RawMessage   `json:"any,omitempty"`
	Maybe   *int              `json:"maybe"`
	Self    []outer           `json:"self,omitempty"`
	Hidden  string            `json:"-"`
	private int
}

func reflector() *Reflector {
	return &Reflector{Rules: Rules{
		Name: func(t reflect.Type, d Direction) string {
			if d == Asked {
				return t.Name() + "Input"
			}
			return t.Name()
		},
		Words:  map[reflect.Type][]string{reflect.TypeFor[word](): {"a", "b"}},
		Needed: map[reflect.Type][]string{reflect.TypeFor[outer](): {"name"}},
		About:  func(_ reflect.Type, field string) string { return strings.ToLower(field) },
		Bound:  func(_ reflect.Type, _ string, _ Direction, _ *Schema) {},
	}}
}

// A schema says what encoding/json writes: names, hidden and embedded members, what may be left out; in the order of the fields.
func TestSchemasAreWhatIsWrittenAndRead(t *testing.T) {
	t.Parallel()
	_ = outer{}.private
	for d, want := range map[Direction]string{
		Answered: `{"type":"object","properties":{` +
			`"name":{"type":"string","description":"name"},` +
			`"shared":{"type":"string","description":"shared"},` +
			`"words":{"type":"array","description":"words","items":{"type":"string","enum":["a","b"]}},` +
			`"map":{"type":"object","description":"map","additionalProperties":{"type":"string"}},` +
			`"at":{"type":"string","description":"at","format":"date-time"},` +
			`"any":{"description":"any"},` +
			`"maybe":{"type":"integer","description":"maybe","format":"int64"},` +
			`"self":{"type":"array","description":"self","items":{"$ref":"#/components/schemas/outer"}},` +
			`"deep":{"type":"string","description":"deep"}},"required":["name","words","maybe","deep"]}`,
		Asked: `{"type":"object","properties":{` +
			`"name":{"type":"string","description":"name"},` +
			`"shared":{"type":"string","description":"shared"},` +
			`"words":{"type":["array","null"],"description":"words","items":{"type":"string","enum":["a","b"]}},` +
			`"map":{"type":["object","null"],"description":"map","additionalProperties":{"type":"string"}},` +
			`"at":{"type":"string","description":"at","format":"date-time"},` +
			`"any":{"description":"any"},` +
			`"maybe":{"type":["integer","null"],"description":"maybe","format":"int64"},` +
			`"self":{"type":["array","null"],"description":"self","items":{"$ref":"#/components/schemas/outerInput"}},` +
			`"deep":{"type":"string","description":"deep"}},"required":["name"],"additionalProperties":false}`,
	} {
		r := reflector()
		reference, err := r.Of(reflect.TypeFor[*outer](), d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(r.Schemas[strings.TrimPrefix(reference.Ref, SchemasAt)])
		if err != nil || string(got) != want {
			t.Errorf("%v\n%s\nwant\n%s", err, got, want)
		}
	}
}

func TestWhatCannotBeDescribedIsRefused(t *testing.T) {
	t.Parallel()
	for want, of := range map[string]reflect.Type{
		"not JSON": reflect.TypeFor[struct {
			C chan int `json:"c"`
		}](),
		"has no name in JSON": reflect.TypeFor[struct{ Name string }](),
		"are both called same": reflect.TypeFor[struct {
			A outer `json:"a"`
			B inner `json:"b"`
		}](),
	} {
		r := reflector()
		if strings.Contains(want, "same") {
			r.Rules.Name = func(t reflect.Type, _ Direction) string {
				if t.Name() == "" {
					return ""
				}
				return "same"
			}
		}
		if _, err := r.Of(of, Answered); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
