package admin

import (
	"net/url"
	"slices"
	"strings"
)

// merge brings together what somebody has typed and what another has written meanwhile, field by field. What only the
// other has changed is taken; of what both have, the typed text stays, and the other's is told beside it. then is what
// the form was filled with, now what it would be filled with by now.
func (f *form) merge(then, now url.Values) {
	f.others = map[string][]string{}
	names := map[string]bool{}
	for _, values := range []url.Values{then, now, f.values} {
		for name := range values {
			names[name] = true
		}
	}
	for name := range names {
		typed, before, other := plainly(f.values[name]), plainly(then[name]), plainly(now[name])
		switch {
		case slices.Equal(other, before), slices.Equal(other, typed):
		case slices.Equal(typed, before):
			if f.values.Del(name); len(now[name]) > 0 {
				f.values[name] = slices.Clone(now[name])
			}
		default:
			f.others[name] = now[name]
		}
	}
}

// plainly is values as they are compared: nothing is as good as an empty text, and line ends are one.
func plainly(values []string) []string {
	var list []string
	for _, value := range values {
		if value = strings.TrimSpace(strings.ReplaceAll(value, "\r\n", "\n")); value != "" {
			list = append(list, value)
		}
	}
	slices.Sort(list)
	return list
}
