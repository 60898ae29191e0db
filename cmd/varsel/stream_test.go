package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/varselhub/varsel/internal/brokertest"
)

// bridge is a broker that the hub reads from and sends to.
type bridge struct {
	stream  object // of the source
	base    string // of the agreement
	publish func(t *testing.T, x thing)
	came    func(t *testing.T) []string // ids, in the order of what was sent
	restart func()
}

// S42, promises 1 to 3: a broker's stream through the hub to another, while the hub is killed by kill -9 and the brokers
// are restarted: nothing is lost, nothing is in the log twice, and every key keeps its order.
func TestS42AStreamThroughAHubThatIsKilled(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) bridge{"Debian's NATS": natsBridge, "Kafka": kafkaBridge} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			p := newProcess(t, t.TempDir())
			p.args = append(p.args, "--allow-brokers")
			p.start()
			p.world(map[string]string{"out": b.base})
			p.must("PUT", "/api/v1/sources/test", object{"name": "test", "uri": "urn:test", "title": "Test", "types": []string{"thing"}, "stream": b.stream})
			const keys, rounds, each = 5, 4, 60
			n := 0
			for round := range rounds {
				for range each {
					n++
					b.publish(t, thing{fmt.Sprint("k", n%keys), n})
				}
				switch {
				case round == 1:
					b.restart()
				default:
					p.kill()
					p.start()
				}
			}
			want := n
			var came []string
			for deadline := time.Now().Add(2 * time.Minute); ; {
				came = b.came(t)
				if seen := map[string]bool{}; len(came) >= want {
					for _, id := range came {
						seen[id] = true
					}
					if len(seen) == want {
						break
					}
				}
				if time.Now().After(deadline) {
					t.Fatalf("%d of %d came; %s", len(came), want, p.must("GET", "/api/v1/streams", nil))
				}
			}
			inOrder(t, came)
			if events := eventsOf(p, "test"); events != want {
				t.Errorf("the log has %d events, want %d", events, want)
			}
			t.Logf("%d messages came for %d events", len(came), want)
		})
	}
}

// eventsOf counts a source's events in the log.
func eventsOf(p *process, source string) (count int) {
	p.t.Helper()
	for after := ""; ; {
		var page struct {
			Items []object
			Next  string
		}
		if err := json.Unmarshal(p.must("GET", "/api/v1/events?source="+source+"&limit=500&after="+after, nil), &page); err != nil {
			p.t.Fatal(err)
		}
		count += len(page.Items)
		if after = page.Next; after == "" {
			return count
		}
	}
}

// inOrder checks that the first of each id came behind the first of those before it of its key.
func inOrder(t *testing.T, came []string) {
	t.Helper()
	last, seen := map[string]string{}, map[string]bool{}
	for _, id := range came {
		key, _, _ := strings.Cut(id, "-")
		if !seen[id] && id < last[key] {
			t.Errorf("%s came behind %s", id, last[key])
		}
		seen[id] = true
		last[key] = max(last[key], id)
	}
}

func event(x thing) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"%s-%06d","source":"urn:test","type":"thing","data":{"key":"%s","n":%d}}`, x.key, x.n, x.key, x.n)
}

// idOf is the id of an event as it came out.
func idOf(data []byte) string {
	_, rest, _ := strings.Cut(string(data), `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func natsBridge(t *testing.T) bridge {
	n := brokertest.NewDebianNATS(t)
	n.Stream("IN", "in.>")
	n.Stream("OUT", "out.>")
	js := n.JetStream()
	return bridge{
		stream: object{"kind": "nats", "name": "IN", "filter": "in.>", "broker": object{"servers": []string{n.Address}, "plainText": true}},
		base:   "nats://" + n.Address + "/out",
		publish: func(t *testing.T, x thing) {
			t.Helper()
			_, err := js.PublishMsg(context.Background(), &nats.Msg{Subject: "in." + x.key, Data: event(x)}, jetstream.WithMsgID(fmt.Sprint(x)), jetstream.WithRetryAttempts(200))
			if err != nil {
				t.Fatal(err)
			}
		},
		came: func(t *testing.T) (ids []string) {
			t.Helper()
			consumer, err := js.OrderedConsumer(context.Background(), "OUT", jetstream.OrderedConsumerConfig{})
			if err != nil {
				t.Fatal(err)
			}
			batch, err := consumer.Fetch(10_000, jetstream.FetchMaxWait(500*time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			for m := range batch.Messages() {
				ids = append(ids, idOf(m.Data()))
			}
			return ids
		},
		restart: func() { n.Stop(); n.Start() },
	}
}

func kafkaBridge(t *testing.T) bridge {
	k := brokertest.NewKafka(t, 2, "in", "out.in")
	client := k.Client(kgo.ConsumeTopics("out.in"), kgo.RecordPartitioner(kgo.StickyKeyPartitioner(nil)))
	var ids []string
	return bridge{
		stream: object{"kind": "kafka", "name": "in", "broker": object{"servers": []string{k.Address}, "plainText": true}},
		base:   "kafka://" + k.Address + "/out",
		publish: func(t *testing.T, x thing) {
			t.Helper()
			k.Say(client, &kgo.Record{Topic: "in", Key: []byte(x.key), Value: event(x)})
		},
		came: func(t *testing.T) []string {
			t.Helper()
			ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
			defer cancel()
			client.PollFetches(ctx).EachRecord(func(r *kgo.Record) { ids = append(ids, idOf(r.Value)) })
			return ids
		},
		restart: func() { k.Stop(); k.Start() },
	}
}
