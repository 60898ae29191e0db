package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"unicode"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/eventlog"
)

// OfPerson lists the messages that are set aside and name a person by this value: as a whole value of their data where
// that is JSON, or as a word of its own anywhere in what was read.
func (k *Intake) OfPerson(ctx context.Context, value string) ([]eventlog.AsideOf, error) {
	var list []eventlog.AsideOf
	for _, source := range k.book.Sources() {
		of := eventlog.AsideOf{Source: source.Name}
		for after := int64(0); ; {
			some, err := k.store.Asides(ctx, source.Name, after, atOnce, true)
			if err != nil {
				return nil, err
			}
			for i := range some {
				after = some[i].Number
				m, err := unpack(some[i].Offset, some[i].Message)
				if err != nil {
					return nil, err
				}
				if names(&m, value) {
					of.Numbers = append(of.Numbers, some[i].Number)
				}
			}
			if len(some) < atOnce {
				break
			}
		}
		if len(of.Numbers) > 0 {
			list = append(list, of)
		}
	}
	return list, nil
}

func names(m *Message, value string) bool {
	if hasWord(m.Data, value) || hasWord([]byte(m.Key), value) {
		return true
	}
	for _, values := range m.Header {
		for _, text := range values {
			if hasWord([]byte(text), value) {
				return true
			}
		}
	}
	var tree any // a text may be escaped where it stands
	return json.Unmarshal(m.Data, &tree) == nil && hasValue(tree, value)
}

func hasValue(tree any, value string) bool {
	switch node := tree.(type) {
	case string:
		return node == value
	case []any:
		for _, item := range node {
			if hasValue(item, value) {
				return true
			}
		}
	case map[string]any:
		for _, item := range node {
			if hasValue(item, value) {
				return true
			}
		}
	}
	return false
}

// hasWord reports whether a value stands in data with no letter or digit on either side.
func hasWord(data []byte, value string) bool {
	for from := 0; value != ""; {
		i := bytes.Index(data[from:], []byte(value))
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(value)
		before, _ := utf8.DecodeLastRune(data[:start])
		after, _ := utf8.DecodeRune(data[end:])
		if (start == 0 || !isWord(before)) && (end == len(data) || !isWord(after)) {
			return true
		}
		from = start + 1
	}
	return false
}

func isWord(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }
