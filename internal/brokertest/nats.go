// Package brokertest runs brokers for tests: NATS in this process or as the program that Debian has, Kafka in this
// process. They keep what they have over a restart.
package brokertest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/varselhub/varsel/internal/oracle"
)

// patience is for a server to come up.
const patience = 20 * time.Second

// NATS is a NATS server with JetStream.
type NATS struct {
	testing.TB
	Address string // host:port
	start   func() (stop func())
	stop    func()
}

// NewNATS runs a server in this process. change may set more options; nil: none.
func NewNATS(t testing.TB, change func(*server.Options)) *NATS {
	t.Helper()
	options := &server.Options{Host: "127.0.0.1", Port: FreePort(t), JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true}
	if change != nil {
		change(options)
	}
	n := &NATS{TB: t, Address: net.JoinHostPort(options.Host, strconv.Itoa(options.Port))}
	n.start = func() func() {
		s, err := server.NewServer(options.Clone())
		if err != nil {
			t.Fatal(err)
		}
		go s.Start()
		if !s.ReadyForConnections(patience) {
			t.Fatal("the NATS server does not come up")
		}
		return func() {
			s.Shutdown()
			s.WaitForShutdown()
		}
	}
	return n.started()
}

// NewDebianNATS runs the server that Debian has, and skips the test where there is none.
func NewDebianNATS(t testing.TB) *NATS {
	t.Helper()
	program := oracle.Program(t, "nats-server")
	port := FreePort(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "nats.conf")
	text := fmt.Sprintf("host: 127.0.0.1\nport: %d\njetstream { store_dir: %q }\n", port, filepath.Join(dir, "js"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n := &NATS{TB: t, Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	n.start = func() func() {
		cmd := exec.CommandContext(context.Background(), program, "-c", config)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		until(t, "nats-server answers", func() bool {
			conn, err := nats.Connect("nats://" + n.Address)
			if err != nil {
				return false
			}
			defer conn.Close()
			js, err := jetstream.New(conn)
			if err != nil {
				return false
			}
			_, err = js.AccountInfo(context.Background())
			return err == nil
		})
		return func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	return n.started()
}

func (n *NATS) started() *NATS {
	n.Start()
	n.Cleanup(n.Stop)
	return n
}

// Start runs the server again, with what it had.
func (n *NATS) Start() { n.stop = n.start() }

// Stop ends it.
func (n *NATS) Stop() {
	if n.stop != nil {
		n.stop()
		n.stop = nil
	}
}

// JetStream connects to it.
func (n *NATS) JetStream() jetstream.JetStream {
	n.Helper()
	conn, err := nats.Connect("nats://"+n.Address, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond))
	if err != nil {
		n.Fatal(err)
	}
	n.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		n.Fatal(err)
	}
	return js
}

// Stream makes a stream of subjects, kept on disk.
func (n *NATS) Stream(name string, subjects ...string) jetstream.Stream {
	n.Helper()
	s, err := n.JetStream().CreateStream(context.Background(), jetstream.StreamConfig{Name: name, Subjects: subjects})
	if err != nil {
		n.Fatal(err)
	}
	return s
}

// FreePort is a port of this machine that nobody listens on.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// until asks another program, which cannot signal, again and again.
func until(t testing.TB, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
