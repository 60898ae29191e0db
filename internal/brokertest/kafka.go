package brokertest

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Kafka is a Kafka cluster of one broker.
type Kafka struct {
	testing.TB
	*kfake.Cluster
	Address string
	options []kfake.Opt
}

// NewKafka runs a cluster in this process, with topics of so many partitions.
func NewKafka(t testing.TB, partitions int32, topics ...string) *Kafka {
	t.Helper()
	k := &Kafka{TB: t, options: []kfake.Opt{
		kfake.NumBrokers(1), kfake.Ports(FreePort(t)), kfake.SeedTopics(partitions, topics...), kfake.DataDir(t.TempDir()), kfake.SyncWrites(),
	}}
	k.Start()
	t.Cleanup(k.Stop)
	return k
}

// Start runs the cluster again, with what it had.
func (k *Kafka) Start() {
	k.Helper()
	var err error
	if k.Cluster, err = kfake.NewCluster(k.options...); err != nil {
		k.Fatal(err)
	}
	k.Address = k.ListenAddrs()[0]
}

// Stop ends it.
func (k *Kafka) Stop() {
	if k.Cluster != nil {
		k.Close()
		k.Cluster = nil
	}
}

// Client connects to it.
func (k *Kafka) Client(options ...kgo.Opt) *kgo.Client {
	k.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(k.Address), kgo.RecordPartitioner(kgo.ManualPartitioner())}, options...)...)
	if err != nil {
		k.Fatal(err)
	}
	k.Cleanup(client.Close)
	return client
}

// Say produces records, one after another.
func (k *Kafka) Say(client *kgo.Client, records ...*kgo.Record) {
	k.Helper()
	for _, record := range records {
		if err := client.ProduceSync(context.Background(), record).FirstErr(); err != nil {
			k.Fatal(err)
		}
	}
}
