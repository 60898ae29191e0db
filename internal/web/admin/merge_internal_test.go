package admin

import (
	"net/url"
	"testing"
)

// Two people who edit the same thing lose nothing of it: what only one has changed is taken, and of what both have the
// typed text stays, with the other's beside it.
func TestWhatTwoHaveWrittenIsBroughtTogether(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		then, now, typed []string
		want             string
		other            bool
	}{
		"neither":                     {[]string{"a"}, []string{"a"}, []string{"a"}, "a", false},
		"I":                           {[]string{"a"}, []string{"a"}, []string{"b"}, "b", false},
		"the other":                   {[]string{"a"}, []string{"b"}, []string{"a"}, "b", false},
		"both alike":                  {[]string{"a"}, []string{"b"}, []string{"b"}, "b", false},
		"both otherwise":              {[]string{"a"}, []string{"b"}, []string{"c"}, "c", true},
		"the other, what was empty":   {nil, []string{"b"}, []string{""}, "b", false},
		"the other, by emptying it":   {[]string{"a"}, nil, []string{"a"}, "", false},
		"both, the other emptied it":  {[]string{"a"}, []string{""}, []string{"c"}, "c", true},
		"I, by emptying it":           {[]string{"a"}, []string{"a"}, []string{""}, "", false},
		"neither, with line ends":     {[]string{"a\nb"}, []string{"a\nb"}, []string{"a\r\nb"}, "a\r\nb", false},
		"the other, with line ends":   {[]string{"a\nb"}, []string{"c"}, []string{"a\r\nb"}, "c", false},
		"boxes that I have unticked":  {[]string{"x", "y"}, []string{"x", "y"}, []string{"y"}, "y", false},
		"boxes in another order":      {[]string{"x", "y"}, []string{"y", "x"}, []string{"x", "y"}, "x", false},
		"boxes that both have ticked": {nil, []string{"x"}, []string{"y"}, "y", true},
	} {
		f := &form{values: url.Values{"f": c.typed}}
		f.merge(url.Values{"f": c.then}, url.Values{"f": c.now})
		if _, other := f.others["f"]; f.values.Get("f") != c.want || other != c.other {
			t.Errorf("%s: %q, the other's told %v; want %q, %v", name, f.values.Get("f"), other, c.want, c.other)
		}
	}
}
