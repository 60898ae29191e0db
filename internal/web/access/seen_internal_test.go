package access

import (
	"strconv"
	"testing"
	"time"
)

// A remembered token is good for a minute or until it ends, and only so many are remembered.
func TestTokensAreRememberedForAWhile(t *testing.T) {
	t.Parallel()
	var s seen
	now := time.Unix(1e9, 0)
	s.remember("long", verified{account: "a"}, now, now.Add(time.Hour))
	s.remember("short", verified{account: "b"}, now, now.Add(time.Second))
	for name, c := range map[string]struct {
		token string
		at    time.Time
		want  bool
	}{
		"known":        {"long", now.Add(time.Minute - 1), true},
		"a minute old": {"long", now.Add(time.Minute), false},
		"not ended":    {"short", now, true},
		"ended":        {"short", now.Add(time.Second), false},
		"another":      {"longer", now, false},
	} {
		if _, found := s.find(c.token, c.at); found != c.want {
			t.Errorf("%s: %v", name, found)
		}
	}
	for i := range 5 * seenMost {
		s.remember(strconv.Itoa(i), verified{}, now, now.Add(time.Hour))
	}
	if len(s.tokens) > seenMost {
		t.Errorf("%d are remembered", len(s.tokens))
	}
}
