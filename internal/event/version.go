package event

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
)

// State is where a version is in its life. It goes forward one step at a time and never back.
type State string

// The states.
const (
	StateDraft      State = "draft"      // may change; nothing is published under it
	StateActive     State = "active"     // what a source gets that names no version; at most one for each type
	StateDeprecated State = "deprecated" // still accepted when a source names it
	StateRetired    State = "retired"    // accepted no more; its events are still sent (S56)
)

var states = []State{StateDraft, StateActive, StateDeprecated, StateRetired}

// Version is one agreed form of a type's data (S25). Once it has been active, only state and end date may change.
type Version struct {
	Type      string          `json:"type"`
	Version   string          `json:"version"` // the end of dataschema, such as "v2"
	State     State           `json:"state"`
	Schema    json.RawMessage `json:"schema,omitempty"` // JSON Schema 2020-12 of the whole data; none: any data
	Sample    json.RawMessage `json:"sample,omitempty"` // fictive data, for test messages (S54)
	Mapping   Mapping         `json:"mapping,omitzero"`
	StartDate string          `json:"startDate,omitempty"` // first day, such as "2026-01-31"; none: at once
	EndDate   string          `json:"endDate,omitempty"`   // last day; none: no end
}

// Check reports what is wrong with the document by itself. What its type asks of it is told by Compile.
func (v *Version) Check() []fault.Violation {
	_, violations := v.compile(time.UTC)
	return violations
}

// compile makes ready what the version says, without its type.
func (v *Version) compile(zone *time.Location) (*Compiled, []fault.Violation) {
	var c checks
	compiled := &Compiled{Version: v}
	c.typeName("/type", v.Type)
	c.version("/version", v.Version)
	if !slices.Contains(states, v.State) {
		c.refuse("/state", "enum", `want "draft", "active", "deprecated" or "retired"`)
	}
	compiled.from, compiled.until = v.dates(&c, zone)

	var found []fault.Violation
	if len(v.Schema) > 0 {
		compiled.schema, found = CompileSchema(v.Schema)
		c.below("/schema", found)
	}
	compiled.mapping, found = v.Mapping.compile()
	c.below("/mapping", found)
	v.checkSample(&c, compiled)
	return compiled, c.found
}

// dates returns the first and, exclusive, the last µs of the version's days in the zone.
func (v *Version) dates(c *checks, zone *time.Location) (from, until int64) {
	from, until = math.MinInt64, math.MaxInt64
	if v.StartDate != "" {
		first, err := time.ParseInLocation(time.DateOnly, v.StartDate, zone)
		if err != nil {
			c.refuse("/startDate", "date", "want a day such as 2026-01-31")
		}
		from = clock.Micros(first)
	}
	if v.EndDate != "" {
		last, err := time.ParseInLocation(time.DateOnly, v.EndDate, zone)
		if err != nil {
			c.refuse("/endDate", "date", "want a day such as 2026-01-31")
		}
		until = clock.Micros(last.AddDate(0, 0, 1))
	}
	if from >= until {
		c.refuse("/endDate", "order", "is before the start date")
	}
	return from, until
}

func (v *Version) checkSample(c *checks, compiled *Compiled) {
	if len(v.Sample) == 0 {
		if v.State != StateDraft {
			c.refuse("/sample", "required", "every version in use has a sample, for test messages")
		}
		return
	}
	problem := Scan(v.Sample)
	if problem == nil {
		compiled.sample, problem = Tree(v.Sample)
	}
	if problem != nil {
		c.refuse("/sample", problem.Rule, problem.Message)
		return
	}
	if compiled.schema != nil {
		c.found = append(c.found, compiled.schema.Check(compiled.sample, "/sample")...)
	}
}

// Follows reports what keeps v from taking the place of old: the same version, one step of state or none, and nothing
// changed that receivers have agreed to (DESIGN section 2).
func (v *Version) Follows(old *Version) []fault.Violation {
	var c checks
	fixed := func(pointer string, same bool) {
		if !same {
			c.refuse(pointer, "immutable", "cannot change; make a new version")
		}
	}
	fixed("/type", v.Type == old.Type)
	fixed("/version", v.Version == old.Version)
	if step := slices.Index(states, v.State) - slices.Index(states, old.State); step != 0 && step != 1 {
		c.refuse("/state", "transition", "goes from draft to active, deprecated and retired, one step at a time")
	}
	if old.State != StateDraft {
		fixed("/schema", sameJSON(v.Schema, old.Schema))
		fixed("/sample", sameJSON(v.Sample, old.Sample))
		fixed("/mapping", maps.Equal(v.Mapping.Fields, old.Mapping.Fields) && slices.Equal(v.Mapping.Personal, old.Mapping.Personal))
		fixed("/startDate", v.StartDate == old.StartDate)
	}
	return c.found
}

// sameJSON compares without white space.
func sameJSON(a, b json.RawMessage) bool {
	var x, y bytes.Buffer
	if json.Compact(&x, a) != nil || json.Compact(&y, b) != nil {
		return bytes.Equal(a, b)
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}
