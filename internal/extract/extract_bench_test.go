package extract_test

import (
	"fmt"
	"testing"

	"github.com/varselhub/varsel/internal/register"
)

// BenchmarkF43Extract makes files of 10,000 rows: bytes allocated are those of ten thousand rows passing through, not kept.
func BenchmarkF43Extract(b *testing.B) {
	for _, format := range []register.Format{register.JSONLines, register.CSV, register.XML} {
		b.Run(string(format), func(b *testing.B) {
			w := newWorld(b)
			d := w.rows.deliver(register.Published)
			for i := range 10_000 {
				w.rows.add(d, fmt.Sprint(i), "Aarhus", "Gældende", known)
			}
			w.run()
			w.put(register.Extract{Format: format})
			b.ReportAllocs()
			for b.Loop() {
				w.order("kommuner")
			}
		})
	}
}
