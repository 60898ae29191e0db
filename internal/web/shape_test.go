package web_test

import (
	"testing"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web"
)

// TestD4EverySymbolHasAShapeOfItsOwn holds the drawings to the names that themes choose among.
func TestD4EverySymbolHasAShapeOfItsOwn(t *testing.T) {
	t.Parallel()
	drawn := map[string]string{}
	for _, symbol := range status.StateSymbols {
		shape := web.Shape(symbol)
		if other := drawn[shape]; shape == "" || other != "" {
			t.Errorf("%s is drawn like %q: %q", symbol, other, shape)
		}
		drawn[shape] = symbol
	}
}
