package event

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// The example document of RFC 6901 section 5.
const rfc6901 = `{"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"e^f":3,"g|h":4,"i\\j":5,"k\"l":6," ":7,"m~n":8}`

func TestPointerFindsWhatRFC6901Says(t *testing.T) {
	t.Parallel()
	tree := mustTree(t, rfc6901)
	for pointer, want := range map[string]string{
		"/foo": `["bar","baz"]`, "/foo/0": `"bar"`, "/": "0", "/a~1b": "1", "/c%d": "2", "/e^f": "3",
		"/g|h": "4", `/i\j`: "5", `/k"l`: "6", "/ ": "7", "/m~0n": "8", "": rfc6901,
	} {
		p, err := ParsePointer(pointer)
		if err != nil {
			t.Fatalf("%q: %v", pointer, err)
		}
		if p.String() != pointer {
			t.Errorf("%q is written back as %q", pointer, p)
		}
		if raw, ok := p.Raw([]byte(rfc6901)); !ok || string(raw) != want {
			t.Errorf("%q: raw %s, want %s", pointer, raw, want)
		}
		if value, ok := p.In(tree); !ok || !reflect.DeepEqual(value, mustTree(t, want)) {
			t.Errorf("%q: value %v, want %s", pointer, value, want)
		}
	}
}

func TestPointerFindsNothing(t *testing.T) {
	t.Parallel()
	tree := mustTree(t, rfc6901)
	for _, pointer := range []string{"/foo/2", "/foo/-", "/foo/00", "/foo/01", "/foo/x", "/foo/0/x", "/bar", "/foo/99999999999"} {
		p, err := ParsePointer(pointer)
		if err != nil {
			t.Fatal(err)
		}
		if value, ok := p.In(tree); ok {
			t.Errorf("%q finds %v", pointer, value)
		}
		if raw, ok := p.Raw([]byte(rfc6901)); ok {
			t.Errorf("%q finds %s", pointer, raw)
		}
	}
}

func TestPointerRefuses(t *testing.T) {
	t.Parallel()
	for text, column := range map[string]int{"foo": 1, "/a~": 3, "/a~2": 3, "/" + strings.Repeat("a", maxPointer): maxPointer + 1} {
		_, err := ParsePointer(text)
		syntax, ok := err.(*SyntaxError)
		if !ok || syntax.Column != column {
			t.Errorf("%.20q: %v, want an error at column %d", text, err, column)
		}
	}
}

func FuzzPointer(f *testing.F) {
	for _, seed := range []string{"", "/", "/foo/0", "/a~1b/m~0n", "/~", "x"} {
		f.Add(seed, rfc6901)
	}
	f.Fuzz(func(t *testing.T, text, document string) {
		p, err := ParsePointer(text)
		if err != nil {
			return
		}
		if p.String() != text {
			t.Fatalf("%q is written back as %q", text, p)
		}
		data := []byte(document)
		if Scan(data) != nil {
			return
		}
		tree, v := Tree(data)
		if v != nil {
			return
		}
		value, found := p.In(tree)
		raw, foundRaw := p.Raw(data)
		if found != foundRaw {
			t.Fatalf("%q: in the tree %v, in the bytes %v", text, found, foundRaw)
		}
		if found && !reflect.DeepEqual(value, mustTree(t, string(raw))) {
			t.Fatalf("%q: in the tree %v, in the bytes %s", text, value, raw)
		}
	})
}

// FuzzTree holds the hub's reader against encoding/json.
func FuzzTree(f *testing.F) {
	for _, seed := range []string{rfc6901, `[1,-2.50e+3,"\u00e6\n\"",{"a":{}},[],true,false,null]`, ` "x" `, `1`, `[[[]]]`, `{"a":1,"a":2}`, `{"a": [ ] }`, "\"\xff\""} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if Scan(data) != nil {
			return
		}
		got, v := Tree(data)
		if v != nil {
			return
		}
		var want any
		decoder := json.NewDecoder(bytes.NewReader(data))
		decoder.UseNumber()
		if err := decoder.Decode(&want); err != nil {
			t.Fatalf("%q: encoding/json refuses: %v", data, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q: %#v, want %#v", data, got, want)
		}
	})
}

func TestScanRefusesWhatReceiversReadDifferently(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	for name, tc := range map[string]struct{ data, rule string }{
		"fine":                       {`{"a":[1,2,{"b":"]]]"}]}`, ""},
		"as deep as allowed":         {deep, ""},
		"too deep":                   {"[" + deep + "]", "depth"},
		"brackets in text":           {`"` + strings.Repeat("[", 100) + `\"` + strings.Repeat("{", 100) + `"`, ""},
		"a name twice":               {`{"a":{"b":1,"b":2}}`, "duplicate-name"},
		"a name twice, escaped":      {`{"a":1,"\u0061":2}`, "duplicate-name"},
		"invalid UTF-8":              {"\"\xff\"", "json"},
		"half a surrogate pair":      {`"\ud800"`, "json"},
		"cut off":                    {`{"a":`, "json"},
		"nothing":                    {``, "json"},
		"two values":                 {`1 2`, "json"},
		"not a number":               {`NaN`, "json"},
		"byte order mark before all": {"\ufeff{}", "json"},
	} {
		v := Scan([]byte(tc.data))
		switch {
		case v == nil && tc.rule != "":
			t.Errorf("%s: accepted", name)
		case v != nil && v.Rule != tc.rule:
			t.Errorf("%s: rule %q, want %q", name, v.Rule, tc.rule)
		}
	}
}

func TestTreeKeepsNumbersAsWritten(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"1.10", "-0", "1e5", "1E+05", "12345678901234567890", "0.1000"} {
		if got := mustTree(t, number); got != json.Number(number) {
			t.Errorf("%s became %v", number, got)
		}
	}
}

// A schema compares numbers exactly, so 1e999999999 would cost gigabytes.
func TestTreeRefusesNumbersThatCostMoreThanTheyAreWorth(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"1e401", "1e-401", "1E+999999999", "[1,2,1e999999]", strings.Repeat("1", maxNumber+1)} {
		if _, v := Tree([]byte(number)); v == nil || v.Rule != "number" {
			t.Errorf("%.20s: %v, want the rule number", number, v)
		}
	}
	for _, number := range []string{"1e400", "1e-400", strings.Repeat("1", maxNumber)} {
		if _, v := Tree([]byte(number)); v != nil {
			t.Errorf("%.20s: refused", number)
		}
	}
}

func mustTree(t testing.TB, text string) any {
	t.Helper()
	if v := Scan([]byte(text)); v != nil {
		t.Fatalf("%s: %s", text, v.Message)
	}
	tree, v := Tree([]byte(text))
	if v != nil {
		t.Fatalf("%s: %s", text, v.Message)
	}
	return tree
}
