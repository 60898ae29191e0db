package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// The roles of other processes.
const (
	roleReceiver  = "receiver"
	rolePublisher = "publisher"
	roleVisitors  = "visitors"
)

// Child plays a role in a process of its own: it reads its instructions from in, a JSON object a line, answers each with
// one on out, and ends with in. So it ends when the process that started it does, however that ends.
func Child(role string, in io.Reader, out io.Writer) error {
	lines := &pipe{in: json.NewDecoder(bufio.NewReader(in)), out: json.NewEncoder(out)}
	switch role {
	case roleReceiver:
		return receive(lines)
	case rolePublisher:
		return publishOverHTTP(lines)
	case roleVisitors:
		return visitSite(lines)
	}
	return fault.New(fault.InvalidDocument, "there is no role %q", role)
}

// pipe carries instructions one way and answers the other.
type pipe struct {
	in  *json.Decoder
	out *json.Encoder
}

// child is another process, seen from here.
type child struct {
	role  string
	cmd   *exec.Cmd
	stdin io.Closer
	pipe  pipe
	turn  sync.Mutex // one question at a time
}

// spawn starts a process and gives it its first instruction.
func (r *run) spawn(role string, setup, ready any) (*child, error) {
	cmd := r.Child(role)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot talk to the %s", role)
	}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot start the %s", role)
	}
	c := &child{role: role, cmd: cmd, stdin: stdin, pipe: pipe{json.NewDecoder(stdout), json.NewEncoder(stdin)}}
	r.onClose(c.stop)
	return c, c.ask(context.Background(), setup, ready)
}

// stop ends the process.
func (c *child) stop() {
	c.stdin.Close()
	timer := time.AfterFunc(2*time.Second, func() { c.cmd.Process.Kill() })
	defer timer.Stop()
	c.cmd.Wait()
}

// ask sends an instruction and waits for its answer; when ctx ends first the process is of no use any more.
func (c *child) ask(ctx context.Context, question, answer any) error {
	c.turn.Lock()
	defer c.turn.Unlock()
	if err := c.pipe.out.Encode(question); err != nil {
		return fault.Wrap(fault.Internal, err, "the %s has gone", c.role)
	}
	answered := make(chan error, 1)
	go func() { answered <- c.pipe.in.Decode(answer) }()
	select {
	case err := <-answered:
		if err != nil {
			return fault.Wrap(fault.Internal, err, "the %s did not answer", c.role)
		}
		return nil
	case <-ctx.Done():
		c.cmd.Process.Kill()
		<-answered
		return fmt.Errorf("waiting for the %s: %w", c.role, context.Cause(ctx))
	}
}
