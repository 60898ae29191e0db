package store

import (
	"bytes"
	"testing"

	"github.com/varselhub/varsel/internal/event"
)

// One operation is the sealing of an event of 1 KiB with its attributes: what encryption adds to an append.
func BenchmarkSeal(b *testing.B) {
	key, err := aes256(make([]byte, 32))
	if err != nil {
		b.Fatal(err)
	}
	var s Sealer
	data := bytes.Repeat([]byte("x"), 1024)
	e := &event.Event{Position: 1, Head: data[:200], MediaType: "application/json", Data: data}
	b.SetBytes(int64(len(e.Head) + len(e.Data)))
	b.ReportAllocs()
	for b.Loop() {
		s.Event(&SealingKey{aead: key}, e)
	}
}
