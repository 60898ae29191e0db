package event

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/varselhub/varsel/internal/ident"
)

// Clue is what an event is found by: a keyed hash of its key or of one of its personal values, or its message id as it is.
type Clue [16]byte

// ClueKind keeps the hashes of equal values of two kinds apart.
type ClueKind byte

// The kinds.
const (
	ClueKey    ClueKind = 'k' // what the event is kept in order with
	CluePerson ClueKind = 'p' // a personal value that the mapping of its version names
	ClueRow    ClueKind = 'r' // what tells a row of a register apart,
	ClueObject ClueKind = 'o' // and what tells its object apart
	clueMaker  ClueKind = 'm'
)

// clueVersion says how clues are made. It is the first byte of what is hashed, where lanes have theirs, which is never
// above 127: no clue meets a lane.
const clueVersion = 0x80 | 1

// Clue returns the first 16 bytes of HMAC-SHA256(secret, version ‖ kind ‖ value).
func (h *Hasher) Clue(kind ClueKind, value string) Clue {
	s := h.states.Get().(*hashState)
	s.input = append(append(s.input[:0], clueVersion, byte(kind)), value...)
	return Clue(h.sum(s))
}

// ClueMaker is the same for all clues that can be compared: it changes with the secret and with how clues are made.
func (h *Hasher) ClueMaker() Clue { return h.Clue(clueMaker, "") }

// ClueOf is the clue of a message id, which holds nothing personal.
func ClueOf(id ident.UUID) Clue { return Clue(id) }

// Clues appends the hashes that an event of this version is found by: one of each personal value, and one of its key
// unless that is such a value. The values are taken as they stand, as the mapping takes them; true, false, null and
// empty text say nothing of anyone. The data is as it was accepted; of an event that has none, nothing is appended.
func (c *Compiled) Clues(h *Hasher, e *Event, to []Clue) []Clue {
	first := len(to)
	var tree any
	if c.Reads() && len(e.Data) > 0 {
		tree, _ = c.Tree(e.Data) // it was within the limits when it was accepted
		c.eachPerson(tree, func(text string) { to = append(to, h.Clue(CluePerson, text)) })
	}
	if key := c.keyOf(e, tree); key != "" && !slices.Contains(to[first:], h.Clue(CluePerson, key)) {
		to = append(to, h.Clue(ClueKey, key))
	}
	slices.SortFunc(to[first:], func(a, b Clue) int { return bytes.Compare(a[:], b[:]) })
	return to[:first+len(slices.Compact(to[first:]))]
}

// EachPerson visits the personal values of an event of this version, as Clues takes them.
func (c *Compiled) EachPerson(e *Event, visit func(value string)) {
	if len(c.mapping.personal) > 0 && len(e.Data) > 0 {
		tree, _ := c.Tree(e.Data)
		c.eachPerson(tree, visit)
	}
}

func (c *Compiled) eachPerson(tree any, visit func(value string)) {
	for _, pointer := range c.mapping.personal {
		if value, ok := pointer.In(tree); ok {
			eachValue(value, visit)
		}
	}
}

// keyOf reads the key of an accepted event; "" when it has none.
func (c *Compiled) keyOf(e *Event, tree any) string {
	if c.Type.Order != OrderKey {
		return ""
	}
	if !c.KeyMapped() {
		return e.Attribute(PartitionKey)
	}
	key, _ := c.Text(tree, FieldKey)
	return key
}

// eachValue visits every text and number within a value of a tree.
func eachValue(value any, visit func(text string)) {
	switch value := value.(type) {
	case map[string]any:
		for _, member := range value {
			eachValue(member, visit)
		}
	case []any:
		for _, item := range value {
			eachValue(item, visit)
		}
	case string:
		if value != "" {
			visit(value)
		}
	case json.Number:
		visit(string(value))
	}
}
