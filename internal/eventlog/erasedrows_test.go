package eventlog

import (
	"reflect"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
)

// The rows of an erasure are read as they were written, and nothing else is taken for them.
func TestErasedRowsAreReadAsWritten(t *testing.T) {
	t.Parallel()
	for _, list := range [][]RowsOf{
		nil,
		{{Register: "r", Type: "Person", Delivery: 3, Begun: 1_700_000_000_000_001, Rows: []int64{1, 2, 1 << 40}}, {Register: "æ\"", Delivery: 4, Begun: 5, Outgoing: []int64{7}}},
	} {
		got, err := ParseRows(FormatRows(list))
		if err != nil || !reflect.DeepEqual(got, list) {
			t.Errorf("%+v reads %+v, %v", list, got, err)
		}
	}
	for _, text := range []string{"x", "{}", `[{"rows":"AAA="}]`, `[{"outgoing":"gA=="}]`, `[{"rows":"?"}]`, `[{"delivery":"1"}]`} {
		if got, err := ParseRows(text); !fault.Has(err, fault.SealBroken) {
			t.Errorf("%s reads %+v, %v", text, got, err)
		}
	}
}
