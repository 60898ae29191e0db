package publish

import (
	"testing"

	"github.com/varselhub/varsel/internal/event"
)

// The key of a refused draft is looked for in whatever came as its data; where there is none, all of its source wait.
func TestTheLaneOfARefusedDraftNeedsReadableData(t *testing.T) {
	t.Parallel()
	a, hasher := accepter(t, Limits{})
	for name, tc := range map[string]struct {
		mediaType, data string
		known           bool
	}{
		"its key":       {"application/json", sample, true},
		"no key":        {"application/json", `{}`, false},
		"half of it":    {"application/json", `{"cpr":"0101010000"`, false},
		"none":          {"application/json", ``, false},
		"a name twice":  {"application/json", `{"cpr":"0101010000","cpr":"1"}`, false},
		"no JSON":       {"text/plain", `cpr`, false},
		"a long number": {"application/json", `{"cpr":"0101010000","n":1e999}`, false},
	} {
		d := draft("mapped", tc.data)
		d.MediaType, d.Violations = tc.mediaType, nil
		lane, known := a.Lane(&d)
		if known != tc.known || known && lane != hasher.Lane("urn:cv", "0101010000") {
			t.Errorf("%s: %v, %v", name, known, lane)
		}
	}
	if lane, known := a.Lane(&event.Draft{Source: "urn:cv", Type: "plain"}); !known || !lane.IsZero() {
		t.Error("an unordered draft holds others")
	}
}
