package webhook_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/fault"
)

// hang reads the request and whatever follows, says start, and then nothing until the sender gives up.
func hang(start string) func(net.Conn) {
	return func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		if r, _ := request(reader); r == nil {
			return
		}
		io.WriteString(conn, start)
		io.Copy(io.Discard, reader)
	}
}

// drip says start and then one byte at a time for ever: as fast as the sender takes them, so that the test need not
// wait for a slow clock, and without an end.
func drip(start, drop string) func(net.Conn) {
	return func(conn net.Conn) {
		if r, _ := request(bufio.NewReader(conn)); r == nil {
			return
		}
		io.WriteString(conn, start)
		for {
			if _, err := io.WriteString(conn, drop); err != nil {
				return
			}
		}
	}
}

func reset(conn net.Conn) {
	bufio.NewReader(conn).ReadByte()
	conn.(*net.TCPConn).SetLinger(0)
}

// S35, promise 5: a receiver that gives no answer is retried, the reason says what happened, and the time is bounded.
func TestNoAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		handle func(net.Conn)
		reason fault.Code
		words  string
	}{
		{"silent", hang(""), fault.SendTimeout, "took the message but did not answer within"},
		{"silent after half a status line", hang("HTTP/1.1 2"), fault.SendTimeout, "did not finish its headers"},
		{"silent after half its headers", hang("HTTP/1.1 200 OK\r\nX: y\r\n"), fault.SendTimeout, "did not finish its headers"},
		{"silent after 100", hang("HTTP/1.1 100 Continue\r\n\r\n"), fault.SendTimeout, "did not finish its headers"},
		{"hangs up unread", func(net.Conn) {}, fault.ConnectionReset, "before an answer"},
		{"hangs up", answering("", 1), fault.ConnectionReset, "closed the connection before an answer"},
		{"resets", reset, fault.ConnectionReset, "reset the connection before an answer"},
		{"hangs up in its status line", answering("HTTP/1.1 2", 1), fault.ConnectionReset, "in the middle"},
		{"hangs up in its headers", answering("HTTP/1.1 200 OK\r\nX: y\r\n", 1), fault.ConnectionReset, "in the middle"},
		{"another protocol", answering("SSH-2.0-OpenSSH_9.2\r\n", 1), fault.BadAnswer, "status line"},
		{"HTTP/2", answering("HTTP/2 200\r\n\r\n", 1), fault.BadAnswer, "status line"},
		{"no status", answering("HTTP/1.1 OK\r\n\r\n", 1), fault.BadAnswer, "status line"},
		{"four digits", answering("HTTP/1.1 2000 OK\r\n\r\n", 1), fault.BadAnswer, "status line"},
		{"status 99", answering("HTTP/1.1 099 Low\r\n\r\n", 1), fault.BadAnswer, "outside 100 to 599"},
		{"status 600", answering("HTTP/1.1 600 High\r\n\r\n", 1), fault.BadAnswer, "outside 100 to 599"},
		{"a header without colon", answering("HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", 1), fault.BadAnswer, "header line"},
		{"a header without name", answering("HTTP/1.1 200 OK\r\n: x\r\n\r\n", 1), fault.BadAnswer, "header line"},
		{"a status line without end", drip("HTTP/1.1 200 ", "x"), fault.BadAnswer, ""},
		{"one header without end", drip("HTTP/1.1 200 OK\r\nX: ", "x"), fault.BadAnswer, "16 KiB"},
		{"headers without end", drip("HTTP/1.1 200 OK\r\n", "X: y\r\n"), fault.BadAnswer, "16 KiB"},
		{"interim answers without end", drip("", "HTTP/1.1 102 Processing\r\n\r\n"), fault.BadAnswer, "16 KiB"},
		{"garbage after 100", answering("HTTP/1.1 100 Continue\r\n\r\ngarbage\r\n", 1), fault.BadAnswer, "status line"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, test.handle)
			most := ample
			if test.reason == fault.SendTimeout {
				most = brief
			}
			got := to(t, "http://"+r.addr, limit(most)).Send(t.Context(), message())
			if got.Class != channel.Retry || got.Status != 0 || got.Reason != string(test.reason) || !strings.Contains(got.Detail, test.words) {
				t.Errorf("got %s, status %d, %s: %s; want retry, %s: %s", got.Class, got.Status, got.Reason, got.Detail, test.reason, test.words)
			}
			if r.connections() != 1 {
				t.Errorf("%d connections: an attempt is on the wire once", r.connections())
			}
		})
	}
}

func TestNoConnection(t *testing.T) {
	t.Parallel()
	unused, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unused.Close()
	tests := []struct {
		url    string
		reason fault.Code
		words  string
	}{
		{"http://" + unused.Addr().String(), fault.ConnectFailed, "nothing listens there"},
		{"http://169.254.169.254/latest/meta-data/", fault.AddressRefused, "(rule link-local)"},
		{"http://[::1]:1/", fault.AddressRefused, "(rule loopback)"},
		{"http://10.0.0.1/", fault.AddressRefused, "(rule private)"},
		{"http://2130706433/", fault.AddressRefused, "(rule host)"},
	}
	for _, test := range tests {
		t.Run(test.url, func(t *testing.T) {
			t.Parallel()
			got := to(t, test.url).Send(t.Context(), message())
			if got.Class != channel.Retry || got.Reason != string(test.reason) || !strings.Contains(got.Detail, test.words) {
				t.Errorf("got %s, %s: %s; want retry, %s: %s", got.Class, got.Reason, got.Detail, test.reason, test.words)
			}
		})
	}
}

// Status line and headers are the answer, whatever the body does. Such a body costs the connection, so that the next
// answer is never read from the rest of this one.
func TestTheAnswerStandsWhateverItsBodyDoes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		handle func(net.Conn)
	}{
		{"is shorter than it says, and waits", hang("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nshort")},
		{"is shorter than it says, within what is worth reading", hang("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort")},
		{"is shorter than it says, and hangs up", answering("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nshort", 1)},
		{"is longer than it says", answering("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nlonger", 1)},
		{"drips for ever", drip("HTTP/1.1 200 OK\r\n\r\n", "x")},
		{"drips chunks for ever", drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n")},
		{"drips trailers for ever", drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "X: y\r\n")},
		{"drips a chunk extension for ever", drip("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "x")},
		{"has garbage for chunks", hang("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\ngarbage\r\n")},
		{"has a chunk larger than memory", hang("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx")},
		{"has a length that is none", hang("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\nx")},
		{"has a negative length", hang("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nx")},
		{"has two lengths", hang("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx")},
		{"has a length and chunks", hang("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
		{"has an encoding we did not ask for", hang("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx")},
		{"has a folded header", hang("HTTP/1.1 200 OK\r\nX: y\r\n z\r\nContent-Length: 0\r\n\r\n")},
		{"closes", hang("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")},
		{"is HTTP/1.0", hang("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, test.handle)
			sender := to(t, "http://"+r.addr, bodyWait(brief))
			for range 2 {
				wantDelivered(t, sender.Send(t.Context(), message()))
			}
			if r.connections() != 2 {
				t.Errorf("%d connections for two messages, want 2: the first one was used again", r.connections())
			}
		})
	}
}

// A gigabyte is not read: the receiver finds its connection closed after what the sockets buffer.
func TestGigabyteBody(t *testing.T) {
	t.Parallel()
	const gigabyte = 1 << 30
	for _, status := range []int{200, 500} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			wrote := make(chan int, 1)
			r := receive(t, func(conn net.Conn) {
				if r, _ := request(bufio.NewReader(conn)); r == nil {
					return
				}
				fmt.Fprintf(conn, "HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n", status, gigabyte)
				part, sum := make([]byte, 64<<10), 0
				for sum < gigabyte {
					n, err := conn.Write(part)
					sum += n
					if err != nil {
						break
					}
				}
				wrote <- sum
			})
			got := to(t, "http://"+r.addr).Send(t.Context(), message())
			if got.Status != status || len(got.Body) > 4096 {
				t.Errorf("got status %d, %d bytes kept, %s", got.Status, len(got.Body), got.Detail)
			}
			if sum := <-wrote; sum > gigabyte/16 {
				t.Errorf("%d bytes were taken", sum)
			}
		})
	}
}

// A kept connection that the receiver closed meanwhile costs neither the attempt nor the order: the message is written
// once more on a fresh one.
func TestKeptConnectionThatWasClosed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		reuse func(conn net.Conn, reader *bufio.Reader) // what the receiver does when a connection is used again
		want  channel.Class
		fresh int32 // connections in all
	}{
		{"closes on the request", func(_ net.Conn, reader *bufio.Reader) { reader.ReadByte() }, channel.Delivered, 2},
		{"resets on the request", func(conn net.Conn, reader *bufio.Reader) {
			reader.ReadByte()
			conn.(*net.TCPConn).SetLinger(0)
		}, channel.Delivered, 2},
		{"closes at once", func(net.Conn, *bufio.Reader) {}, channel.Delivered, 2},
		{"closes after one byte", func(conn net.Conn, reader *bufio.Reader) {
			request(reader)
			io.WriteString(conn, "H")
		}, channel.Retry, 1},
		{"answers garbage", func(conn net.Conn, reader *bufio.Reader) {
			request(reader)
			io.WriteString(conn, "garbage\r\n")
		}, channel.Retry, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := receive(t, func(conn net.Conn) {
				reader := bufio.NewReader(conn)
				if r, _ := request(reader); r == nil {
					return
				}
				io.WriteString(conn, ok)
				test.reuse(conn, reader)
			})
			sender := to(t, "http://"+r.addr)
			wantDelivered(t, sender.Send(t.Context(), message()))
			if got := sender.Send(t.Context(), message()); got.Class != test.want {
				t.Errorf("got %s, %s: %s; want %s", got.Class, got.Reason, got.Detail, test.want)
			}
			if n := int32(r.connections()); n != test.fresh {
				t.Errorf("%d connections, want %d", n, test.fresh)
			}
		})
	}
}

// A receiver that always hangs up gets each attempt once: only a connection that was kept excuses a second try.
func TestFreshConnectionIsNotTriedTwice(t *testing.T) {
	t.Parallel()
	var requests atomic.Int32
	r := receive(t, func(conn net.Conn) {
		if r, _ := request(bufio.NewReader(conn)); r != nil {
			requests.Add(1)
		}
	})
	sender := to(t, "http://"+r.addr)
	for n := range int32(3) {
		if got := sender.Send(t.Context(), message()); got.Reason != string(fault.ConnectionReset) {
			t.Errorf("got %s, %s: %s", got.Class, got.Reason, got.Detail)
		}
		if requests.Load() != n+1 {
			t.Errorf("%d requests for %d attempts", requests.Load(), n+1)
		}
	}
}

// The caller's context ends a send at any point, also when it has served many sends before.
func TestContextEndsASend(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	r := receive(t, func(conn net.Conn) {
		reader := bufio.NewReader(conn)
		for range 3 {
			request(reader)
			io.WriteString(conn, ok)
		}
		request(reader)
		close(arrived)
		io.Copy(io.Discard, reader)
	})
	ctx, cancel := context.WithCancel(t.Context())
	sender := to(t, "http://"+r.addr, limit(time.Hour)) // without the context this test would not end
	for range 3 {
		wantDelivered(t, sender.Send(ctx, message()))
	}
	go func() {
		<-arrived
		cancel()
	}()
	got := sender.Send(ctx, message())
	if got.Class != channel.Retry || got.Reason != string(fault.SendTimeout) || !strings.Contains(got.Detail, "gave up") {
		t.Errorf("got %s, %s: %s", got.Class, got.Reason, got.Detail)
	}
	if got := sender.Send(ctx, message()); got.Class != channel.Retry || r.connections() != 1 {
		t.Errorf("after its end: got %s, %s, %d connections", got.Class, got.Reason, r.connections())
	}
}

// The end of a context that a kept connection served earlier does not disturb its next user.
func TestConnectionOutlivesTheContextThatOpenedIt(t *testing.T) {
	t.Parallel()
	r := receive(t, answering(ok, always))
	sender := to(t, "http://"+r.addr)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		wantDelivered(t, sender.Send(ctx, message()))
		cancel()
	}
	wantDelivered(t, sender.Send(context.Background(), message()))
}
