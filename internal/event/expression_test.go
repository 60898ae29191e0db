package event

import (
	"reflect"
	"strings"
	"testing"
)

func TestExpressionsReadTheData(t *testing.T) {
	t.Parallel()
	tree := mustTree(t, `{"person":{"cpr":"0101801234","age":44,"rate":1.10,"alive":true,"none":null},"list":["a","b"],"a b":"c","x+y":"z","p)":"q"}`)
	for text, want := range map[string]string{
		"/person/cpr":                          "0101801234",
		"Load(/person/cpr)":                    "0101801234",
		"/person/age":                          "44",
		"/person/rate":                         "1.10",
		"/person/alive":                        "true",
		"/person/none":                         "",
		"/person/missing":                      "",
		"/list/1":                              "b",
		"Constant(30000)":                      "30000",
		"Constant( kept )":                     " kept ",
		"Constant()":                           "",
		`Constant(a\)b\\c)`:                    `a)b\c`,
		"Constant(x-)+/list/0 + Load(/list/1)": "x-ab",
		"Constant(x) + /person/missing":        "",
		" /list/0 ":                            "a",
		"Load(/a b)":                           "c",
		"Load(/x+y)":                           "z",
		`Load(/p\))`:                           "q",
		"/p)":                                  "q",
		"Load(a b)":                            "c",
		"Load(x+y)":                            "z",
		`Load(p\))`:                            "q",
		"Load(person/cpr)":                     "0101801234",
		"Load(list/1)+Constant(,)+Load(a b)":   "b,c",
		"Load(/)":                              "",
		`Load(list/0)+","+Load(list/1)`:        "a,b", // requirements 4b, RegistreringsID
		`Load(list/0)+";Tidligere:" + "+)(" `:  "a;Tidligere:+)(",
		`""+/list/0`:                           "a",
		`Constant("\\")`:                       `"\"`,
		"/list/0+Constant(+)+/list/1+Constant(/x)  ": "a+b/x",
	} {
		e, err := ParseExpression(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, v := e.text(tree); got != want || v != nil {
			t.Errorf("%q: %q (%v), want %q", text, got, v, want)
		}
		again, err := ParseExpression(e.String())
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("%q is written as %q, which reads as %v, %v", text, e, again, err)
		}
	}
}

func TestExpressionsAreWrittenInTheirShortestForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Load(id_lokalId)+Constant(,)+Load(registreringFra)": `/id_lokalId + "," + /registreringFra`,
		`Constant(")+Constant(\\)+Constant(\))`:              `Constant(") + Constant(\\) + ")"`,
		`""`:                                                 `""`,
		"Load(/a b)":                                         "Load(a b)",
		"Load(a+b)":                                          "Load(a+b)",
		"Load(/ a)":                                          "Load(/ a)", // without the slash it would begin with a space
		"Load(//a b)":                                        "Load(//a b)",
		"Load()":                                             "Load()",
		"Load(/)":                                            "/",
		`Load(objektID\))`:                                   `/objektID)`,
	} {
		e, err := ParseExpression(text)
		if err != nil || e.String() != want {
			t.Errorf("%q: %v, %v, want %q", text, e, err, want)
			continue
		}
		if again, err := ParseExpression(want); err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("%q reads as %v, %v", want, again, err)
		}
	}
}

func TestExpressionRefusesWhatIsNoScalar(t *testing.T) {
	t.Parallel()
	tree := mustTree(t, `{"person":{"cpr":"0101801234"}}`)
	e, err := ParseExpression("Constant(a)+/person")
	if err != nil {
		t.Fatal(err)
	}
	if _, v := e.text(tree); v == nil || v.Pointer != "/data/person" || v.Rule != "scalar" || strings.Contains(v.Message, "0101801234") {
		t.Errorf("got %+v", v)
	}
}

func TestExpressionErrorsSayWhere(t *testing.T) {
	t.Parallel()
	for text, column := range map[string]int{
		"":                                  1,
		"person":                            1,
		"load(/a)":                          1,
		"/a +":                              5,
		"/a /b":                             4,
		"Load(/a":                           8,
		"Load( a)":                          6,
		`/a+"b`:                             6,
		`/a+"b\"c"`:                         6,
		`"a" "b"`:                           5,
		"Load(a~x)":                         7,
		"Load(a/b~)":                        9,
		"Constant(x) + /a~x":                17,
		`Constant(\n)`:                      10,
		"Load(/a))":                         9,
		strings.Repeat("/a+", 16) + "/a":    48,
		"/" + strings.Repeat("a", 1024):     1025,
		"Load(/" + strings.Repeat("a", 600): 607,
	} {
		_, err := ParseExpression(text)
		syntax, ok := err.(*SyntaxError)
		if !ok || syntax.Column != column {
			t.Errorf("%.40q: %v, want an error at column %d", text, err, column)
		}
	}
}

func FuzzExpression(f *testing.F) {
	for _, seed := range []string{"/a", "Load(/a) + Constant(b)", `Constant(\)\\)`, "Load()", "/a+/b", "Load(/x y)", "Load(x y)", "Load(/ x)", `"a"+Constant(")`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := ParseExpression(text)
		if err != nil {
			if syntax, ok := err.(*SyntaxError); !ok || syntax.Column < 1 || syntax.Column > len(text)+1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		written := e.String()
		again, err := ParseExpression(written)
		if len(written) > maxExpression {
			return // escapes and spaces can make it longer than what was read
		}
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Fatalf("%q is written as %q, which reads as %v, %v", text, written, again, err)
		}
	})
}
