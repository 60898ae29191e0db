package event_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
)

func hasher(t *testing.T, secret byte) *event.Hasher {
	t.Helper()
	h, err := event.NewHasher(slices.Repeat([]byte{secret}, 32))
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// The value, its kind and the secret make a clue; and no clue is a lane.
func TestCluesAreOfValueKindAndSecret(t *testing.T) {
	t.Parallel()
	h := hasher(t, 1)
	seen := map[[16]byte]string{}
	note := func(what string, sum [16]byte) {
		if other := seen[sum]; other != "" {
			t.Errorf("%s is the same as %s", what, other)
		}
		seen[sum] = what
	}
	for _, value := range []string{"a", "b", "ka", "pa", "", "a ", "A"} {
		note("key "+value, h.Clue(event.ClueKey, value))
		note("person "+value, h.Clue(event.CluePerson, value))
		note("of another secret "+value, hasher(t, 2).Clue(event.ClueKey, value))
		note("lane "+value, h.Lane("", value))
		note("source "+value, h.Lane(value, "x"))
	}
	note("maker", h.ClueMaker())
	note("another maker", hasher(t, 2).ClueMaker())
	if h.Clue(event.ClueKey, "a") != hasher(t, 1).Clue(event.ClueKey, "a") {
		t.Error("it is not the same each time")
	}
}

// Every text and number that the mapping names as personal is a clue, once, and so is the key, unless it is one of these.
func TestCluesOfAnEvent(t *testing.T) {
	t.Parallel()
	h := hasher(t, 1)
	keyed := event.Mapping{Fields: map[string]string{"key": "Load(/cpr)"}, Personal: []string{"/cpr", "/home"}}
	house := event.Mapping{Fields: map[string]string{"key": "Load(/no)"}, Personal: []string{"/home"}}
	for _, test := range []struct {
		name, order, data, head string
		mapping                 event.Mapping
		persons                 []string
		key                     string
	}{
		{"the key is personal", "key", `{"cpr":"1","home":{"to":["2","1",{"x":1.10}],"gone":null,"y":true,"z":""},"other":"9"}`, "", keyed, []string{"1", "2", "1.10"}, ""},
		{"the key is not", "key", `{"no":"7","home":"8"}`, "", house, []string{"8"}, "7"},
		{"as it stands", "key", `{"cpr":" \u0031A","home":"b"}`, "", keyed, []string{" 1A", "b"}, ""},
		{"no data", "key", ``, "", keyed, nil, ""},
		{"the key is an attribute", "key", `not read`, `{"partitionkey":"7"}`, event.Mapping{}, nil, "7"},
		{"no order", "none", `{}`, `{"partitionkey":"7"}`, event.Mapping{}, nil, ""},
	} {
		personal := len(test.mapping.Personal) > 0
		retention := event.Retention("")
		if personal {
			retention = "P1D"
		}
		c, found := event.Compile(&event.Type{Name: "t", Title: "t", Order: test.order, Personal: personal, Retention: retention},
			&event.Version{Type: "t", Version: "v1", State: event.StateDraft, Mapping: test.mapping}, time.UTC)
		if found != nil {
			t.Fatalf("%s: %v", test.name, found)
		}
		var want []event.Clue
		for _, value := range test.persons {
			want = append(want, h.Clue(event.CluePerson, value))
		}
		if test.key != "" {
			want = append(want, h.Clue(event.ClueKey, test.key))
		}
		before := event.Clue{9}
		got := c.Clues(h, &event.Event{Data: []byte(test.data), Head: []byte(test.head)}, []event.Clue{before})
		if got[0] != before || len(got)-1 != len(want) || slices.ContainsFunc(want, func(c event.Clue) bool { return !slices.Contains(got[1:], c) }) {
			t.Errorf("%s: %s, want %s", test.name, fmt.Sprint(got[1:]), fmt.Sprint(want))
		}
	}
}
