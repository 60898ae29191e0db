package event

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func walked(text string) bool {
	c := NewCursor([]byte(text))
	return c.Value() && c.AtEnd()
}

// The cursor takes what is usual, and nothing that RFC 8259 and RFC 7493 do not allow.
func TestCursor(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string { return strings.Repeat(`[{"a":`, depth/2) + "1" + strings.Repeat("}]", depth/2) }
	for _, text := range []string{
		`{}`, `[]`, ` [ 1 , {"a":[]} , "b" ] `, `""`, `"a"`, "null", "true", "false", "0", "-0", "12", "1.50", "-1e5", "1E+05", "1.2e-3",
		`"12345678"`, `"1234567\\"`, `"\u00e6\ud7ff\ue000\u0000"`, `"\"\\\/\b\f\n\r\t"`, `"Ærø 😀"`, "\"\x7f\"", `{"a":1,"b":{"a":1},"":2}`, `{"æ":1,"Æ":2}`, `{"a":{"b":1},"b":2}`, nested(MaxDepth),
	} {
		if !walked(text) {
			t.Errorf("%s is not taken", text)
		}
	}
	for _, text := range []string{
		"", " ", "nul", "True", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "NaN", "1 2", `"`, `"a`, `"\`, `"\"`, `"\x"`, `"\u00"`, `"\u00g0"`, `"\u+0ff"`, `"\ud800"`, `"\udc00"`, "\"\n\"", "\"1234567\x1f\"",
		"\"\xff\"", "\"1234567\xc3\"", "\"\xed\xa0\x80\"", "\x00", "1\x00", "\ufeff1",
		"[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "{", "}", `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{"a",1}`, `{a:1}`, `{1:1}`, `{"a":1 "b":2}`, `{"a":1]`,
		`{"a":1,"a":1}`, `[{"b":{"c":1},"a":1,"b":2}]`,
		nested(MaxDepth + 2), "[" + nested(MaxDepth) + "]", `{"a":` + nested(MaxDepth) + "}", strings.Repeat(`{"a":`, MaxDepth+1) + "1" + strings.Repeat("}", MaxDepth+1),
	} {
		if walked(text) {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestCursorHandsOutMembersAsTheyStand(t *testing.T) {
	t.Parallel()
	c := NewCursor([]byte(` { "a" : [1, 2] ,"b":{ "c":"\n"} } `))
	var members []string
	if !c.Object(func(name, value []byte) { members = append(members, string(name), string(value)) }) || !c.AtEnd() {
		t.Fatal("not taken")
	}
	if got := strings.Join(members, "|"); got != `"a"|[1, 2]|"b"|{ "c":"\n"}` {
		t.Errorf("got %s", got)
	}
}

// FuzzCursor: what the cursor takes, the decoder finds nothing in, nor is it nested too deep.
func FuzzCursor(f *testing.F) {
	for _, seed := range []string{`{"a":[1,-2.5e+3,true,null,"\u00e6\\ Ærø 😀"],"b":{"a":""}}`, ` [ ] `, `"\ud83d\ude00"`, `{"a":1,"a":2}`, "\"1234567\x80\"", "[0,-0,0.1]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if walked(string(data)) && (!jsontext.Value(data).IsValid() || Deep(data)) {
			t.Fatalf("%q is taken", data)
		}
	})
}
