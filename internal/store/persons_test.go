package store_test

import (
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/store"
)

// Whom all rows of an erasure name is the person; whom some name beside is somebody else, and stays. A row that was erased
// before names nobody.
func TestWhatRowsHaveInCommon(t *testing.T) {
	t.Parallel()
	anna, bo, cora := event.Clue{1}, event.Clue{2}, event.Clue{3}
	for _, c := range []struct {
		rows [][]event.Clue
		want []event.Clue
	}{
		{nil, nil},
		{[][]event.Clue{nil, nil}, nil},
		{[][]event.Clue{{anna, bo}, nil, {cora, anna}}, []event.Clue{anna}},
		{[][]event.Clue{{anna}, {bo}}, nil},
	} {
		var common store.Common
		for _, row := range c.rows {
			common.Add(row)
		}
		if got := common.Clues(); !slices.Equal(got, c.want) {
			t.Errorf("%v have in common %v, want %v", c.rows, got, c.want)
		}
	}
}
