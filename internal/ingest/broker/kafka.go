package broker

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/varselhub/varsel/internal/brokerlink"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/intake"
)

// kafkaStream is a topic.
type kafkaStream struct {
	topic   string
	client  *kgo.Client
	admin   *kadm.Client
	fetched []intake.Batch // that were not asked for yet
}

// openKafka makes a client; the first question it is asked connects it.
func openKafka(link *brokerlink.Link, s *event.Stream) (intake.Stream, error) {
	client, err := link.Kafka(
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), // what a producer took back never was
		kgo.ConsumeResetOffset(kgo.NoResetOffset()),  // where a place is gone, intake decides
		kgo.MaxConcurrentFetches(1), kgo.FetchMaxBytes(bytesAtOnce), kgo.FetchMaxPartitionBytes(bytesAtOnce), kgo.FetchMaxWait(idle/2),
	)
	if err != nil {
		return nil, err
	}
	return &kafkaStream{topic: s.Name, client: client, admin: kadm.NewClient(client)}, nil
}

// Ends implements intake.Stream.
func (k *kafkaStream) Ends(ctx context.Context) (map[int32]intake.Ends, error) {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	first, err := k.admin.ListStartOffsets(ctx, k.topic)
	if err == nil {
		err = first.Error()
	}
	if err != nil {
		return nil, k.explain(err)
	}
	last, err := k.admin.ListEndOffsets(ctx, k.topic)
	if err == nil {
		err = last.Error()
	}
	if err != nil {
		return nil, k.explain(err)
	}
	ends := map[int32]intake.Ends{}
	for partition, start := range first[k.topic] {
		if end, ok := last.Lookup(k.topic, partition); ok {
			ends[partition] = intake.Ends{First: start.Offset, Next: end.Offset}
		}
	}
	if len(ends) == 0 {
		return nil, fault.New(fault.NoTopic, "Kafka: there is no topic %s", k.topic)
	}
	return ends, nil
}

// From implements intake.Stream.
func (k *kafkaStream) From(_ context.Context, places map[int32]int64) error {
	offsets := map[int32]kgo.Offset{}
	for partition, place := range places {
		offsets[partition] = kgo.NewOffset().At(place)
	}
	k.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{k.topic: offsets})
	return nil
}

// Read implements intake.Stream.
func (k *kafkaStream) Read(ctx context.Context) (intake.Batch, error) {
	if len(k.fetched) == 0 {
		if err := k.poll(ctx); err != nil {
			return intake.Batch{}, err
		}
	}
	if len(k.fetched) == 0 {
		return intake.Batch{}, nil
	}
	batch := k.fetched[0]
	k.fetched = k.fetched[1:]
	return batch, nil
}

func (k *kafkaStream) poll(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	fetches := k.client.PollRecords(within, messagesAtOnce)
	if ctx.Err() != nil {
		return k.explain(ctx.Err())
	}
	for _, failed := range fetches.Errors() {
		if !errors.Is(failed.Err, context.DeadlineExceeded) || within.Err() == nil {
			return k.explain(failed.Err)
		}
	}
	k.fetched = nil
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if len(p.Records) == 0 {
			return
		}
		batch := intake.Batch{Partition: p.Partition, Messages: make([]intake.Message, 0, len(p.Records))}
		for _, record := range p.Records {
			batch.Messages = append(batch.Messages, intake.Message{
				Offset: record.Offset, Key: string(record.Key), Header: headerOfKafka(record.Headers), Data: record.Value,
			})
			batch.Next = record.Offset + 1
		}
		k.fetched = append(k.fetched, batch)
	})
	return nil
}

// attributePrefix begins the headers of attributes (Kafka protocol binding section 3.2.3.1). Their values stand as they
// are, where HTTP has them percent-encoded.
const attributePrefix = "ce_"

var asInHTTP = strings.NewReplacer("%", "%25", `"`, "%22")

// headerOfKafka writes a record's headers as HTTP has them.
func headerOfKafka(from []kgo.RecordHeader) http.Header {
	header := http.Header{}
	for _, h := range from {
		name, value := h.Key, string(h.Value)
		if attribute, ok := strings.CutPrefix(name, attributePrefix); ok {
			name, value = "ce-"+attribute, asInHTTP.Replace(value)
		}
		header.Add(name, value)
	}
	return header
}

// explain makes a fault of what the client says. A place that is out of range ends the session: the next one tells why.
func (k *kafkaStream) explain(err error) error {
	if errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID) {
		return fault.Wrap(fault.NoTopic, err, "Kafka: there is no topic %s", k.topic)
	}
	return brokerlink.ExplainKafka(err)
}

// Close implements intake.Stream.
func (k *kafkaStream) Close() { k.client.Close() }
