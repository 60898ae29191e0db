package site

import (
	"maps"
	"testing"
)

// TestPatterns is what an address may look like.
func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, path string
		want          map[string]string
		ok            bool
	}{
		{"/", "/", nil, true},
		{"/", "/history", nil, false},
		{"/history", "/history", nil, true},
		{"/history", "/history/", nil, false},
		{"/components/{id}", "/components/abc", map[string]string{"id": "abc"}, true},
		{"/components/{id}", "/components/", nil, false},
		{"/components/{id}", "/components/abc/days", nil, false},
		{"/components/{id}.rss", "/components/abc.rss", map[string]string{"id": "abc"}, true},
		{"/components/{id}.rss", "/components/abc.atom", nil, false},
		{"/components/{id}.rss", "/components/.rss", nil, false},
		{"/a/{x}/b/{y}", "/a/1/b/2", map[string]string{"x": "1", "y": "2"}, true},
	} {
		got, ok := matches(c.pattern, c.path)
		if ok != c.ok || ok && !maps.Equal(got, c.want) {
			t.Errorf("%s of %s: %v, %v; want %v, %v", c.path, c.pattern, got, ok, c.want, c.ok)
		}
	}
}
