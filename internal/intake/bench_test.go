package intake_test

import (
	"fmt"
	"testing"
)

// BenchmarkIntake is what the hub takes in of one stream in batches as large as the brokers' adapters make them, with
// nothing in between but the log on disk.
func BenchmarkIntake(b *testing.B) {
	w := newWorld(b, "orders")
	w.brokers["orders"].most = 256
	for i := range b.N {
		w.say("orders", 0, fmt.Sprintf("m%d k%d", i, i%100))
	}
	b.ResetTimer()
	w.intake.Start()
	w.until("all are read", func() bool { return w.state("orders").Next[0] == int64(b.N) })
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
}
