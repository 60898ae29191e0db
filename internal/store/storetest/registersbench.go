package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"strconv"
	"testing"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/register"
)

// Benchmark rows are staged in batches of 500, each about 1 KiB, with an event for every tenth and a closing for every tenth.
const (
	benchmarkRows = 500
	benchmarkData = 1024
)

// BenchmarkStage stages one batch after another.
func BenchmarkStage(b *testing.B, s deposit.Store) {
	ctx := context.Background()
	d, err := s.Begin(ctx, &register.Delivery{Register: "bench", ID: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	data, always, n := bytes.Repeat([]byte("x"), benchmarkData), register.Interval{From: 1, To: register.Open}, 0
	handle := func(kind string, n int) register.Handle {
		sum := sha256.Sum256([]byte(kind + strconv.Itoa(n)))
		return register.Handle(sum[:16])
	}
	batch := &register.Batch{}
	b.ReportAllocs()
	b.SetBytes(benchmarkRows * benchmarkData)
	for b.Loop() {
		next := *d
		batch.Delivery, batch.Before = &next, d.Staged
		batch.Rows, batch.Closings, batch.Outgoing = batch.Rows[:0], batch.Closings[:0], batch.Outgoing[:0]
		for i := range benchmarkRows {
			if i%10 == 0 && n > benchmarkRows {
				batch.Closings = append(batch.Closings, register.Closing{Type: "Bench", Row: handle("row", n-benchmarkRows), At: 2})
			}
			if i%10 == 0 {
				batch.Outgoing = append(batch.Outgoing, register.Outgoing{Draft: data})
			}
			batch.Rows = append(batch.Rows, register.Row{
				Type: "Bench", ID: handle("row", n), Object: handle("object", n/2), Registration: always, Effect: always, Data: data,
			})
			n++
		}
		next.Staged += benchmarkRows
		if err := s.Stage(ctx, batch); err != nil {
			b.Fatal(err)
		}
		d = &next
	}
	b.ReportMetric(float64(benchmarkRows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
