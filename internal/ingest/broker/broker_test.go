package broker_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/varselhub/varsel/internal/brokertest"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ingest/broker"
	"github.com/varselhub/varsel/internal/intake"
)

// kind is a broker that streams are read from, in one test.
type kind struct {
	stream  event.Stream
	publish func(key string, header http.Header, data string) // to partition 0
	restart func()
	stop    func()
	first   int64 // offset
}

func natsKind(n *brokertest.NATS) kind {
	n.Stream("ORDERS", "orders.>")
	js := n.JetStream()
	return kind{
		stream: event.Stream{Kind: event.NATS, Name: "ORDERS", Filter: "orders.>", SubjectIsKey: true, Broker: event.Broker{Servers: []string{n.Address}, PlainText: true}},
		publish: func(key string, header http.Header, data string) {
			n.Helper()
			if _, err := js.PublishMsg(context.Background(), &nats.Msg{Subject: "orders." + key, Header: nats.Header(header), Data: []byte(data)}, jetstream.WithRetryAttempts(100)); err != nil {
				n.Fatal(err)
			}
		},
		restart: func() { n.Stop(); n.Start() }, stop: n.Stop, first: 1,
	}
}

func kafkaKind(k *brokertest.Kafka) kind {
	client := k.Client()
	return kind{
		stream: event.Stream{Kind: event.Kafka, Name: "orders", Broker: event.Broker{Servers: []string{k.Address}, PlainText: true}},
		publish: func(key string, header http.Header, data string) {
			k.Helper()
			record := &kgo.Record{Topic: "orders", Key: []byte("orders." + key), Value: []byte(data)}
			for name, values := range header {
				name = strings.Replace(strings.ToLower(name), "ce-", "ce_", 1)
				record.Headers = append(record.Headers, kgo.RecordHeader{Key: name, Value: []byte(values[0])})
			}
			k.Say(client, record)
		},
		restart: func() { k.Stop(); k.Start() }, stop: k.Stop,
	}
}

// each runs a test with every broker.
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

func opener() broker.Opener {
	return broker.Opener{Dial: (&net.Dialer{}).DialContext, Client: "varsel"}
}

func open(t *testing.T, s *event.Stream) intake.Stream {
	t.Helper()
	stream, err := opener().Open(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stream.Close)
	return stream
}

// begin opens a stream and reads partition 0 from an offset.
func begin(t *testing.T, s *event.Stream, from int64) intake.Stream {
	t.Helper()
	stream := open(t, s)
	if err := stream.From(t.Context(), map[int32]int64{0: from}); err != nil {
		t.Fatal(err)
	}
	return stream
}

// read reads so many messages.
func read(t *testing.T, s intake.Stream, want int) (list []intake.Message, next int64) {
	t.Helper()
	for len(list) < want {
		batch, err := s.Read(t.Context())
		if err != nil {
			t.Fatalf("after %d: %v", len(list), err)
		}
		list = append(list, batch.Messages...)
		next = max(next, batch.Next)
	}
	return list, next
}

// S42: a stream is read in order from any place, and again from there after its broker was restarted.
func TestS42StreamsAreReadFromAPlace(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		for i := range 600 {
			k.publish(fmt.Sprint(i%3), nil, fmt.Sprint(i))
		}
		s := begin(t, &k.stream, k.first)
		ends, err := s.Ends(t.Context())
		if want := (intake.Ends{First: k.first, Next: k.first + 600}); err != nil || len(ends) != 1 || ends[0] != want {
			t.Fatalf("the ends are %v, %v, want %v", ends, err, want)
		}
		list, next := read(t, s, 600)
		for i, m := range list {
			if string(m.Data) != fmt.Sprint(i) || m.Offset != k.first+int64(i) || m.Key != fmt.Sprint("orders.", i%3) {
				t.Fatalf("message %d is %+v", i, m)
			}
		}
		if next != k.first+600 {
			t.Errorf("next is %d", next)
		}
		k.restart()
		k.publish("0", nil, "600")
		if list, _ = read(t, begin(t, &k.stream, next-1), 2); string(list[0].Data) != "599" || string(list[1].Data) != "600" {
			t.Errorf("from the place are %s, %s", list[0].Data, list[1].Data)
		}
	})
}

// S43: a broker that goes away ends the session with what is wrong, soon and without a wait for more.
func TestS43ABrokerThatGoesAwayIsNoticed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		k.publish("0", nil, "0")
		s := begin(t, &k.stream, k.first)
		read(t, s, 1)
		k.stop()
		var err error
		for err == nil {
			if _, err = s.Read(t.Context()); err == nil {
				_, err = s.Ends(t.Context())
			}
		}
		if code := fault.Of(err).Code; code == fault.Internal {
			t.Errorf("it ends with %v", err)
		}
		stream, err := opener().Open(t.Context(), &k.stream)
		if err == nil {
			_, err = stream.Ends(t.Context())
			stream.Close()
		}
		if !fault.Has(err, fault.ConnectFailed) {
			t.Errorf("no broker there: %v", err)
		}
	})
}

// The attributes of both bindings reach intake as HTTP has them.
func TestAttributesAreReadFromHeaders(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		k.publish("0", http.Header{"ce-id": {"1"}, "ce-source": {"urn:s"}, "content-type": {"application/json"}}, "{}")
		list, _ := read(t, begin(t, &k.stream, k.first), 1)
		if h := list[0].Header; h.Get("ce-id") != "1" || h.Get("ce-source") != "urn:s" || h.Get("Content-Type") != "application/json" {
			t.Errorf("the headers are %v", h)
		}
	})
}

// CloudEvents Kafka protocol binding section 3.2.3: values stand as they are; a percent sign is one.
func TestKafkaHeadersAreNotPercentEncoded(t *testing.T) {
	t.Parallel()
	k := brokertest.NewKafka(t, 1, "orders")
	kind := kafkaKind(k)
	kind.publish("0", http.Header{"ce-id": {`"50%20"`}}, "{}")
	list, _ := read(t, begin(t, &kind.stream, 0), 1)
	if got := list[0].Header.Get("ce-id"); got != "%2250%2520%22" {
		t.Errorf("the id is %s", got)
	}
}

// What is asked for and not there is said to be so.
func TestStreamsThatAreNotThere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		k.stream.Name = "NONE"
		stream, err := opener().Open(t.Context(), &k.stream)
		if err == nil {
			_, err = stream.Ends(t.Context())
			stream.Close()
		}
		if !fault.Has(err, fault.NoTopic) {
			t.Errorf("%v", err)
		}
	})
}

// A message that is larger than what is fetched at a time is read all the same, and so is what follows.
func TestLargeMessages(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) kind{
		"NATS": func(t *testing.T) kind {
			return natsKind(brokertest.NewNATS(t, func(o *server.Options) { o.MaxPayload = 8 << 20 }))
		},
		"Kafka": func(t *testing.T) kind { return kafkaKind(brokertest.NewKafka(t, 1, "orders")) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := start(t)
			size := 5 << 20
			if k.stream.Kind == event.Kafka {
				size = 900_000 // the broker's own bound
			}
			k.publish("0", nil, "small")
			k.publish("0", nil, strings.Repeat("x", size))
			k.publish("0", nil, "last")
			list, _ := read(t, begin(t, &k.stream, k.first), 3)
			if len(list[1].Data) != size || string(list[2].Data) != "last" {
				t.Errorf("read %d, %d, %d bytes", len(list[0].Data), len(list[1].Data), len(list[2].Data))
			}
		})
	}
}

// Every connection goes through the guard, and who the hub is stands in files.
func TestConnectionsGoThroughTheGuard(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		refused := fault.New(fault.AddressRefused, "the test says so")
		o := broker.Opener{Client: "varsel", Dial: func(context.Context, string, string) (net.Conn, error) { return nil, refused }}
		stream, err := o.Open(t.Context(), &k.stream)
		if err == nil {
			_, err = stream.Ends(t.Context())
			stream.Close()
		}
		if !fault.Has(err, fault.AddressRefused) {
			t.Errorf("the guard refuses, and the answer is %v", err)
		}
	})
}

func TestLoginByPassword(t *testing.T) {
	t.Parallel()
	n := brokertest.NewNATS(t, func(o *server.Options) { o.Username, o.Password = "hub", "right" })
	dir := t.TempDir()
	for name, c := range map[string]struct {
		password string
		want     fault.Code
	}{
		"right": {"right\n", fault.NoTopic}, "wrong": {"wrong", fault.LoginRefused},
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(c.password), 0o600); err != nil {
			t.Fatal(err)
		}
		// That a password is not sent without TLS is for the document's check; a link does as it is told.
		_, err := opener().Open(t.Context(), &event.Stream{Kind: event.NATS, Name: "NONE", Broker: event.Broker{Servers: []string{n.Address}, PlainText: true, User: "hub", PasswordFile: file}})
		if !fault.Has(err, c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	_, err := opener().Open(t.Context(), &event.Stream{Kind: event.NATS, Name: "NONE", Broker: event.Broker{Servers: []string{n.Address}, PlainText: true, User: "hub", PasswordFile: filepath.Join(dir, "none")}})
	if !fault.Has(err, fault.SenderConfig) {
		t.Errorf("no password: %v", err)
	}
}

// A read ends soon after its time does.
func TestReadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, k kind) {
		s := begin(t, &k.stream, k.first)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Read(ctx); err == nil || errors.Is(t.Context().Err(), context.Canceled) {
			t.Errorf("it ends with %v", err)
		}
	})
}
