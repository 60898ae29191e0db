package api

import "testing"

// A cursor is one that the hub gave, or it is refused; it is never a key that somebody else reads out of it.
func FuzzPageCursor(f *testing.F) {
	for _, seed := range []string{"", "k", "kYQ", "kYR", "k=", "a1", cursorOf("archive"), cursorOf("a\x00b"), cursorOf("\xff")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q := &query{values: map[string][]string{"after": {text}}}
		key := q.cursor("after")
		switch refused := q.err() != nil; {
		case text == "":
			if refused || key != "" {
				t.Errorf("no cursor: %q, %v", key, q.err())
			}
		case !refused && cursorOf(key) != text:
			t.Errorf("%q is taken for %q", text, key)
		}
	})
}
