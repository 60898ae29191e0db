package register_test

import (
	"bufio"
	"encoding/xml"
	"io"
	"testing"

	reading "github.com/varselhub/varsel/internal/ingest/register"
)

// BenchmarkReader is to be seen beside BenchmarkTokens, of the same delivery.
func BenchmarkReader(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(size.bytes)
			for b.Loop() {
				r := reading.NewReader(newGenerated(size.bytes), sample(), reading.Limits{})
				entities := 0
				for {
					if _, err := r.Next(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
					entities++
				}
				b.ReportMetric(float64(entities), "entities")
			}
		})
	}
}

// BenchmarkTokens is encoding/xml by itself.
func BenchmarkTokens(b *testing.B) {
	for _, size := range sizes {
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(size.bytes)
			for b.Loop() {
				decoder := xml.NewDecoder(bufio.NewReaderSize(newGenerated(size.bytes), 64<<10))
				for {
					if _, err := decoder.Token(); err == io.EOF {
						break
					} else if err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

var sizes = []struct {
	name  string
	bytes int64
}{{"1MB", 1 << 20}, {"16MB", 16 << 20}}
