package peer

import (
	"fmt"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/subscription"
)

// BenchmarkQuestion is one small question to another node, beside the same in this one.
func BenchmarkQuestion(b *testing.B) {
	w, _ := pulled(b, subscription.Queue, 2)
	for i, n := range w.nodes {
		b.Run([]string{"another", "this"}[i], func(b *testing.B) {
			for range b.N {
				if _, err := pending.of(b.Context(), n.whole, "east", "subscription/none"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkFetch reads 1,000 messages of a kilobyte by cursor, from another node and from this one.
func BenchmarkFetch(b *testing.B) {
	w, id := pulled(b, subscription.Cursor, 2)
	var bodies []string
	for i := range 1000 {
		bodies = append(bodies, fmt.Sprintf("%04d%01020d", i, 0))
	}
	w.publish(bodies...)
	for i, n := range w.nodes {
		b.Run([]string{"another", "this"}[i], func(b *testing.B) {
			b.SetBytes(1000 * 1024)
			for range b.N {
				count := 0
				_, err := n.whole.Fetch(b.Context(), id, nil, 1000, time.Second, func(*event.Event, []byte, eventlog.Cursor) error { count++; return nil })
				if err != nil || count != 1000 {
					b.Fatal(count, err)
				}
			}
		})
	}
}
