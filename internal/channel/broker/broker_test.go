package broker_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/varselhub/varsel/internal/brokerlink"
	"github.com/varselhub/varsel/internal/brokertest"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/channel/broker"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/signature"
	"github.com/varselhub/varsel/receive"
)

// kept is a message as the broker has it.
type kept struct {
	key, data string
	header    map[string]string
}

// kind is a broker that messages are sent to, in one test.
type kind struct {
	kind, address, name string
	kept                func(t *testing.T, want int) []kept
	start, stop         func()
}

func natsKind(n *brokertest.NATS) kind {
	n.Stream("OUT", "out.>")
	return kind{event.NATS, n.Address, "out.orders", func(t *testing.T, want int) (list []kept) {
		stream, err := n.JetStream().Stream(context.Background(), "OUT")
		if err != nil {
			t.Fatal(err)
		}
		info, err := stream.Info(t.Context())
		if err != nil || int(info.State.Msgs) != want {
			t.Fatalf("the stream has %d messages, want %d, %v", info.State.Msgs, want, err)
		}
		for seq := range info.State.LastSeq {
			m, err := stream.GetMsg(context.Background(), seq+1)
			if err != nil {
				t.Fatal(err)
			}
			one := kept{data: string(m.Data), header: map[string]string{}}
			for name, values := range m.Header {
				one.header[name] = values[0]
			}
			list = append(list, one)
		}
		return list
	}, n.Start, n.Stop}
}

func kafkaKind(k *brokertest.Kafka) kind {
	return kind{event.Kafka, k.Address, "orders", func(t *testing.T, want int) (list []kept) {
		client := k.Client(kgo.ConsumeTopics("orders"), kgo.FetchMaxWait(200*time.Millisecond))
		have := int64(0)
		for _, p := range k.PartitionInfos("orders") {
			have += p.HighWatermark
		}
		if int(have) != want {
			t.Fatalf("the topic has %d messages, want %d", have, want)
		}
		for len(list) < want {
			client.PollFetches(t.Context()).EachRecord(func(r *kgo.Record) {
				one := kept{key: string(r.Key), data: string(r.Value), header: map[string]string{}}
				for _, h := range r.Headers {
					one.header[h.Key] = string(h.Value)
				}
				list = append(list, one)
			})
		}
		return list
	}, k.Start, k.Stop}
}

func each(t *testing.T, test func(t *testing.T, k kind)) {
	t.Helper()
	for name, start := range map[string]func(t *testing.T) kind{
		"NATS, embedded": func(t *testing.T) kind { return natsKind(brokertest.NewNATS(t, nil)) },
		"NATS, Debian's": func(t *testing.T) kind { return natsKind(brokertest.NewDebianNATS(t)) },
		"Kafka":          func(t *testing.T) kind { return kafkaKind(brokertest.NewKafka(t, 1, "orders")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, start(t))
		})
	}
}

func sender(t *testing.T, k kind, change func(*broker.Config)) *broker.Sender {
	t.Helper()
	c := broker.Config{
		Kind: k.kind, Name: k.name, Timeout: 5 * time.Second,
		Link: brokerlink.Link{Servers: []string{k.address}, PlainText: true, Client: "varsel", Dial: (&net.Dialer{}).DialContext},
	}
	if change != nil {
		change(&c)
	}
	s, err := broker.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func message(id string, lane byte) *channel.Message {
	return &channel.Message{
		ID: id, ContentType: "application/json", Body: []byte(`{"id":"` + id + `"}`), Attempt: 1, At: time.Unix(1_800_000_000, 0), Lane: event.Lane{lane}, Position: 7,
		Headers: []event.Header{{Name: "ce-id", Value: "50%25"}, {Name: "ce-source", Value: "urn:s"}, {Name: "traceparent", Value: "00-x"}},
	}
}

func delivered(t *testing.T, s *broker.Sender, m *channel.Message) {
	t.Helper()
	if r := s.Send(t.Context(), m); r.Class != channel.Delivered {
		t.Fatalf("%s: %+v", m.ID, r)
	}
}

// A message is what its webhook would be, by the broker's binding; it can be verified, and what the lane is stays here.
func TestMessagesOfBothBindings(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		key := "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
		signer, err := signature.NewSigner(key)
		if err != nil {
			t.Fatal(err)
		}
		s := sender(t, k, func(c *broker.Config) { c.Signer = signer })
		replayed, test := message("m1", 1), message("m3", 0)
		replayed.Replay, test.Test, test.Headers = 4, true, nil
		delivered(t, s, message("m1", 1))
		delivered(t, s, replayed)
		delivered(t, s, test)
		list := k.kept(t, 3)
		first := list[0]
		verifier, err := receive.NewVerifier(func() time.Time { return time.Unix(1_800_000_000, 0) }, key)
		if err != nil {
			t.Fatal(err)
		}
		header := map[string][]string{}
		for name, value := range first.header {
			header[strings.ToUpper(name[:1])+name[1:]] = []string{value}
		}
		header["Webhook-Id"], header["Webhook-Timestamp"], header["Webhook-Signature"] = header["Webhook-id"], header["Webhook-timestamp"], header["Webhook-signature"]
		if err := verifier.Verify(header, []byte(first.data)); err != nil {
			t.Errorf("not verified: %v", err)
		}
		id, source := first.header["ce-id"], first.header["ce-source"]
		if k.kind == event.Kafka {
			id, source = first.header["ce_id"], first.header["ce_source"]
		}
		want := map[string]string{event.NATS: "50%25", event.Kafka: "50%"}[k.kind]
		if id != want || source != "urn:s" || first.header["content-type"] != "application/json" || first.header["webhook-id"] != "m1" || first.header["traceparent"] != "00-x" ||
			first.header["varsel-attempt"] != "1" || first.data != `{"id":"m1"}` {
			t.Errorf("kept is %+v", first)
		}
		if list[1].header["varsel-replay"] != "4" || list[2].header["varsel-test"] != "1" || list[2].key != "" {
			t.Errorf("kept are %+v and %+v", list[1], list[2])
		}
		for _, m := range list {
			if lane := (event.Lane{1}).String(); m.key == lane || strings.Contains(fmt.Sprint(m), lane) {
				t.Errorf("the lane has left the hub: %+v", m)
			}
		}
		if k.kind == event.Kafka && (list[0].key == "" || list[0].key != list[1].key) {
			t.Errorf("messages of one lane have the keys %q and %q", list[0].key, list[1].key)
		}
	})
}

// The keys of a lane at two endpoints cannot be told to be of one.
func TestKeysAreOfOneEndpoint(t *testing.T) {
	t.Parallel()
	k := brokertest.NewKafka(t, 1, "orders", "others")
	a, b := kafkaKind(k), kafkaKind(k)
	b.name = "others"
	delivered(t, sender(t, a, nil), message("m1", 1))
	delivered(t, sender(t, b, nil), message("m1", 1))
	one := a.kept(t, 1)[0].key
	client := k.Client(kgo.ConsumeTopics("others"))
	if other := string(client.PollRecords(t.Context(), 1).Records()[0].Key); other == one || other == "" {
		t.Errorf("the keys are %q and %q", one, other)
	}
}

// Promise 2 and 3: while the broker is away a message is tried again, as connection trouble; when it is back, and the
// same message comes once more, it is kept once, and those behind it follow.
func TestOrderOverARestartOfTheBroker(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		s := sender(t, k, func(c *broker.Config) { c.Timeout = time.Second })
		for i := range 3 {
			delivered(t, s, message(fmt.Sprint("a", i), 1))
		}
		k.stop()
		for range 2 {
			if r := s.Send(t.Context(), message("b", 1)); r.Class != channel.Retry || r.Reason == "" || r.Reason == string(fault.Internal) {
				t.Fatalf("without a broker: %+v", r)
			}
		}
		k.start()
		for tries := 0; ; tries++ {
			r := s.Send(t.Context(), message("b", 1))
			if r.Class == channel.Delivered {
				break
			}
			if r.Class != channel.Retry || tries > 20 {
				t.Fatalf("with the broker back: %+v", r)
			}
		}
		delivered(t, s, message("c", 1))
		var got []string
		for _, m := range k.kept(t, 5) {
			got = append(got, m.header["webhook-id"])
		}
		if order := strings.Join(got, " "); order != "a0 a1 a2 b c" {
			t.Errorf("kept are %s", order)
		}
	})
}

// Promise 3: a repeat after a lost confirmation is known by its id, for each subject of a stream.
func TestARepeatIsKeptOnce(t *testing.T) {
	t.Parallel()
	n := brokertest.NewNATS(t, nil)
	k := natsKind(n)
	other := k
	other.name = "out.others"
	for range 2 {
		delivered(t, sender(t, k, nil), message("m1", 1))
		delivered(t, sender(t, other, nil), message("m1", 1))
	}
	k.kept(t, 2)
}

// An attempt that ran out of time before Kafka confirmed it is not written twice by the next one.
func TestAnUnconfirmedRecordIsNotWrittenTwice(t *testing.T) {
	t.Parallel()
	k := brokertest.NewKafka(t, 1, "orders")
	kind := kafkaKind(k)
	s := sender(t, kind, nil)
	delivered(t, s, message("a", 1))
	var once sync.Once
	held, release := make(chan struct{}), make(chan struct{})
	k.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		once.Do(func() { close(held) })
		<-release
		return nil, nil, false
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-held
		cancel()
	}()
	if r := s.Send(ctx, message("b", 1)); r.Class != channel.Retry || r.Reason != string(fault.SendTimeout) {
		t.Fatalf("%+v", r)
	}
	close(release)
	delivered(t, s, message("b", 1))
	delivered(t, s, message("c", 1))
	kind.kept(t, 3)
}

// What the broker says of the message rejects it; what it says of itself does not.
func TestResultsAreClassified(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		large := message("large", 1)
		large.Body = []byte(strings.Repeat("x", 2<<20))
		none := k
		none.name = "nowhere"
		refused := fault.New(fault.AddressRefused, "the test says so")
		for name, c := range map[string]struct {
			sender *broker.Sender
			m      *channel.Message
			class  channel.Class
			reason fault.Code
		}{
			"too large": {sender(t, k, nil), large, channel.Rejected, fault.MessageTooLarge},
			"no topic":  {sender(t, none, nil), message("m", 1), channel.Rejected, fault.NoTopic},
			"no address": {sender(t, k, func(c *broker.Config) {
				c.Link.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, refused }
			}), message("m", 1), channel.Retry, ""},
		} {
			if r := c.sender.Send(t.Context(), c.m); r.Class != c.class || c.reason != "" && r.Reason != string(c.reason) {
				t.Errorf("%s: %+v", name, r)
			}
		}
	})
}

// A stream's own bound on messages is the message's matter too.
func TestAStreamsBoundRejects(t *testing.T) {
	t.Parallel()
	n := brokertest.NewNATS(t, nil)
	if _, err := n.JetStream().CreateStream(t.Context(), jetstream.StreamConfig{Name: "SMALL", Subjects: []string{"small"}, MaxMsgSize: 300}); err != nil {
		t.Fatal(err)
	}
	k := kind{kind: event.NATS, address: n.Address, name: "small"}
	m := message("m", 1)
	m.Body = []byte(strings.Repeat("x", 500))
	if r := sender(t, k, nil).Send(t.Context(), m); r.Class != channel.Rejected || r.Reason != string(fault.MessageTooLarge) {
		t.Errorf("%+v", r)
	}
}
