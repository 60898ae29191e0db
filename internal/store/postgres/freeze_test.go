package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/store/postgres"
)

// environment tells a process of the test binary that it is a writer, of which database.
const environment = "VARSEL_TEST_WRITER"

// TestWriter is a node in a process of its own, which the tests below start: it appends groups of any size, one after the
// other, and says which event is where, until its input ends.
func TestWriter(t *testing.T) {
	name, at, ok := strings.Cut(os.Getenv(environment), "|")
	if !ok {
		return // nobody started it
	}
	url, secrets, _ := strings.Cut(at, "|")
	s := database{url, secrets}.node(t)
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(ended)
	}()
	for n := 0; ; {
		select {
		case <-ended:
			return
		default:
		}
		var requests []*eventlog.Request
		for range 1 + rand.IntN(8) {
			requests = append(requests, request(fmt.Sprintf("%s-%d", name, n), fmt.Sprintf("%s-%d", name, n+1)))
			n += 2
		}
		if err := s.Commit(t.Context(), &eventlog.Commit{Requests: requests, Now: time.Now().UnixMicro()}); err != nil {
			fmt.Println("failed", err)
			continue // whether it is in the log is not known: the next group has other events
		}
		for _, r := range requests {
			for _, entry := range r.Entries {
				fmt.Println("acked", entry.Position, entry.Event.SourceID)
			}
		}
	}
}

// writer is such a process, as the test sees it.
type writer struct {
	cmd   *exec.Cmd
	stdin io.Closer
	count atomic.Int64
	acked map[int64]string // by position; whole when the process has ended
	grown chan struct{}
	over  chan struct{}
}

func startWriter(t *testing.T, d database, name string) *writer {
	t.Helper()
	w := &writer{cmd: exec.Command(os.Args[0], "-test.run=^TestWriter$"), acked: map[int64]string{}, grown: make(chan struct{}, 1), over: make(chan struct{})}
	w.cmd.Env = append(os.Environ(), environment+"="+name+"|"+d.url+"|"+d.secrets)
	w.cmd.Stderr = os.Stderr
	w.stdin, _ = w.cmd.StdinPipe()
	out, err := w.cmd.StdoutPipe()
	if err == nil {
		err = w.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.cmd.Process.Kill() })
	go w.listen(out)
	return w
}

func (w *writer) listen(out io.Reader) {
	defer close(w.over)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var position int64
		var id string
		if n, _ := fmt.Sscanf(lines.Text(), "acked %d %s", &position, &id); n == 2 {
			w.acked[position] = id
			w.count.Add(1)
			select {
			case w.grown <- struct{}{}:
			default:
			}
		}
	}
}

// more waits until the process has appended so many events more.
func (w *writer) more(t *testing.T, events int64) {
	t.Helper()
	for target := w.count.Load() + events; w.count.Load() < target; {
		select {
		case <-w.grown:
		case <-w.over:
			t.Fatal("a writer ended")
		case <-t.Context().Done():
			t.Fatal("the others do not go on")
		}
	}
}

// reader reads the log by position, again and again, as a node does that follows it.
type reader struct {
	store *postgres.Store
	seen  []string // by position, from 1
}

func (r *reader) poll(t *testing.T) {
	head, _, err := r.store.Head(t.Context())
	if err != nil {
		t.Error(err)
		return
	}
	after := int64(len(r.seen))
	events, err := r.store.Range(t.Context(), after, head, 1000)
	if err != nil || int64(len(events)) != head-after {
		t.Errorf("after %d up to %d there are %d events, %v", after, head, len(events), err)
		return
	}
	for i, e := range events {
		if e.Position != after+int64(i)+1 {
			t.Errorf("position %d is where %d should be", e.Position, after+int64(i)+1)
		}
		r.seen = append(r.seen, strings.Trim(string(e.Data), `"`))
	}
}

// ADR 0010: positions become visible in their order, without holes, whichever node appends, and a node that freezes in the
// middle of an append keeps nobody waiting for good. Four processes append, one of them is stopped at any moment; a reader
// follows, and never sees a position before the one below it.
func TestAFrozenNodeStopsNobody(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	r := reader{store: d.node(t)}
	var writers []*writer
	for _, name := range []string{"a", "b", "c", "d"} {
		writers = append(writers, startWriter(t, d, name))
	}
	reading, read := context.WithCancel(t.Context())
	var follows sync.WaitGroup
	follows.Go(func() {
		for reading.Err() == nil && !t.Failed() {
			r.poll(t)
		}
	})
	for _, w := range writers {
		w.more(t, 20)
	}
	for round := range 8 {
		frozen := writers[round%len(writers)]
		frozen.more(t, 1+rand.Int64N(5))
		if err := frozen.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		for _, w := range writers {
			if w != frozen {
				w.more(t, 50)
			}
		}
		if err := frozen.cmd.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		frozen.more(t, 10)
	}
	for _, w := range writers {
		w.stdin.Close()
	}
	for _, w := range writers {
		<-w.over
	}
	read()
	follows.Wait()
	r.poll(t)
	for _, w := range writers {
		for position, id := range w.acked {
			if position > int64(len(r.seen)) || r.seen[position-1] != id {
				t.Errorf("%s was acknowledged at %d and is not there", id, position)
			}
		}
	}
	t.Logf("%d events", len(r.seen))
}

// freezes are sessions whose process stands still while it has the end of the log.
var freezes = map[string]func(context.Context, *pgconn.PgConn) error{
	"between two statements": func(ctx context.Context, c *pgconn.PgConn) error {
		return c.Exec(ctx, "BEGIN; UPDATE log_end SET position = position").Close()
	},
	"in the middle of a pipeline": func(ctx context.Context, c *pgconn.PgConn) error {
		p := c.StartPipeline(ctx)
		for _, statement := range []string{"BEGIN", "UPDATE log_end SET position = position"} {
			p.SendQueryParams(statement, nil, nil, nil, nil)
		}
		p.SendFlushRequest()
		if err := p.Flush(); err != nil {
			return err
		}
		for range 2 { // now it has the lock, and the server waits for more
			result, err := p.GetResults()
			if err != nil {
				return err
			}
			if _, err := result.(*pgconn.ResultReader).Close(); err != nil {
				return err
			}
		}
		return nil
	},
	"with an advisory lock": func(ctx context.Context, c *pgconn.PgConn) error {
		return c.Exec(ctx, "BEGIN; SELECT pg_advisory_xact_lock(x'76617273656c'::bigint)").Close()
	},
}

// A session that has a lock and whose process does not go on is ended by those who wait.
func TestAFrozenSessionIsEnded(t *testing.T) {
	t.Parallel()
	for name, freeze := range freezes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDatabase(t)
			s := d.node(t)
			commit(t, s, request("a"))
			c, err := pgconn.Connect(t.Context(), d.url+"&application_name=varsel")
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close(t.Context())
			if err := freeze(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			next := request("b")
			next.Entries[0].Event.Retention = "P7D" // wants a segment
			commit(t, s, next, request("c"))
			if got := fmt.Sprint(logged(t, s)); got != `["a" "b" "c"]` {
				t.Errorf("the log holds %s", got)
			}
		})
	}
}

// A session that works, however slowly, is waited for: on a slow disk the nodes would end each other's appends for ever.
func TestASlowSessionIsWaitedFor(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	s := d.node(t)
	c, err := pgx.Connect(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if _, err := c.Exec(t.Context(), "BEGIN; UPDATE log_end SET recorded = 7"); err != nil {
		t.Fatal(err)
	}
	slow := make(chan error)
	go func() {
		_, err := c.Exec(context.Background(), "SELECT pg_sleep(3); COMMIT")
		slow <- err
	}()
	r := request("a")
	commit(t, s, r)
	if err := <-slow; err != nil || r.Entries[0].Event.Recorded != 7 {
		t.Errorf("the slow session ended with %v, and the event is recorded at %d", err, r.Entries[0].Event.Recorded)
	}
}
