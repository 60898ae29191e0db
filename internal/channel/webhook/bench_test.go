package webhook_test

import (
	"bytes"
	"crypto/tls"
	"net"
	"testing"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/channel/webhook"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/exchange"
)

// counting accepts requests of one size without parsing them, so that it costs and allocates next to nothing.
func counting(conn net.Conn) {
	buffer, answer, length := make([]byte, 64<<10), []byte(ok), 0
	for filled := 0; ; {
		n, err := conn.Read(buffer[filled:])
		if err != nil {
			return
		}
		filled += n
		if length == 0 {
			if length = requestLength(buffer[:filled]); length == 0 {
				continue
			}
		}
		for ; filled >= length; filled -= length {
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	}
}

// requestLength is the length of a whole first request, by its message body's last byte; 0: more must come.
func requestLength(raw []byte) int {
	head := bytes.Index(raw, []byte("\r\n\r\n"))
	if head < 0 || len(raw) < head+4+1024 {
		return 0
	}
	return head + 4 + 1024
}

func kibibyte() *channel.Message {
	m := message()
	m.Body = bytes.Repeat([]byte("x"), 1024)
	return m
}

// Once its connections are open, a signed send that is delivered allocates nothing.
func TestDeliveredSendAllocatesNothing(t *testing.T) { // not parallel: it counts the process's allocations
	sender, m, ctx := to(t, "http://"+receive(t, counting).addr, signed(t, secret), timed(clock.System{})), kibibyte(), t.Context()
	n := testing.AllocsPerRun(200, func() {
		if r := sender.Send(ctx, m); r.Class != channel.Delivered {
			t.Fatalf("%s: %s", r.Reason, r.Detail)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a send, want none", n)
	}
}

func BenchmarkSend(b *testing.B) {
	b.Run("http", func(b *testing.B) {
		benchmark(b, to(b, "http://"+receive(b, counting).addr, signed(b, secret), timed(clock.System{})))
	})
	b.Run("mtls", func(b *testing.B) {
		ca, dir := newAuthority(b, "CA"), newFolder(b)
		config := &tls.Config{Certificates: []tls.Certificate{ca.issue(nil)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.pool(), Time: clock.NewFake(noon).Now}
		r := receive(b, func(conn net.Conn) { counting(tls.Server(conn, config)) })
		dir.certificate(ca.issue(nil))
		dir.write(dir.files.CA, ca.pem())
		identity := exchange.NewIdentity(dir.files, clock.NewFake(noon))
		benchmark(b, to(b, "https://"+r.addr, signed(b, secret), as(identity)))
	})
}

func benchmark(b *testing.B, sender *webhook.Sender) {
	m, ctx := kibibyte(), b.Context()
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if r := sender.Send(ctx, m); r.Class != channel.Delivered {
				b.Fatalf("%s: %s", r.Reason, r.Detail)
			}
		}
	})
}
