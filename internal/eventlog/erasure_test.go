package eventlog_test

import (
	"slices"
	"testing"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// What two logs have in common ends where either began anew without the other.
func TestSharedHistory(t *testing.T) {
	t.Parallel()
	a, b, c := eventlog.Epoch{ID: 1}, eventlog.Epoch{ID: 2, After: 10}, eventlog.Epoch{ID: 3, After: 20}
	for _, test := range []struct {
		mine, theirs []eventlog.Epoch
		head, want   int64
	}{
		{[]eventlog.Epoch{a}, []eventlog.Epoch{a}, 50, 50},
		{[]eventlog.Epoch{a}, []eventlog.Epoch{a, b}, 50, 10},
		{[]eventlog.Epoch{a}, []eventlog.Epoch{a, b}, 5, 5},
		{[]eventlog.Epoch{a, b}, []eventlog.Epoch{a}, 50, 10},
		{[]eventlog.Epoch{a, b}, []eventlog.Epoch{a, c}, 50, 10},
		{[]eventlog.Epoch{a, b, c}, []eventlog.Epoch{a, b}, 50, 20},
		{[]eventlog.Epoch{b}, []eventlog.Epoch{a}, 50, 0},
		{nil, []eventlog.Epoch{a}, 50, 0},
	} {
		if got := eventlog.SharedUpTo(test.mine, test.head, test.theirs); got != test.want {
			t.Errorf("%v and %v share up to %d, want %d", test.mine, test.theirs, got, test.want)
		}
	}
}

func FuzzParsePositions(f *testing.F) {
	f.Add([]byte{1, 2, 0x80, 1})
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, text []byte) {
		positions, err := eventlog.ParsePositions(text)
		if err != nil {
			if !fault.Has(err, fault.SealBroken) {
				t.Error(err)
			}
			return
		}
		again, err := eventlog.ParsePositions(eventlog.AppendPositions(nil, positions))
		if err != nil || !slices.Equal(again, positions) || !slices.IsSorted(positions) {
			t.Errorf("%v %v %v", positions, again, err)
		}
	})
}
