package fleet

import (
	"context"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/varselhub/varsel/internal/fault"
)

// Node is `varsel serve`, on an address that stays the same over its restarts.
type Node struct {
	Name    string
	URL     string
	Log     string // the file with what it says
	said    *os.File
	command func() *exec.Cmd

	mu  sync.Mutex
	run *run // nil: it does not run
}

// run is one process of a node.
type run struct {
	process *os.Process
	gone    chan struct{} // closed when it has ended
}

// again is how long a node that ended while it was starting rests, as what runs services has it.
const again = 300 * time.Millisecond

// Start runs the node and waits until it answers. One that ends meanwhile is started again, until ctx ends.
// Error: fault.Internal.
func (n *Node) Start(ctx context.Context) error {
	if err := n.launch(); err != nil {
		return err
	}
	asking := &http.Client{Timeout: time.Second}
	for ctx.Err() == nil {
		if ready(ctx, asking, n.URL+"/readyz") {
			return nil
		}
		select {
		case <-n.Gone():
			if err := n.launch(); err != nil {
				return err
			}
		default:
		}
		rest(ctx, again)
	}
	return fault.Wrap(fault.Internal, context.Cause(ctx), "%s did not start; %s has what it said", n.Name, n.Log)
}

func ready(ctx context.Context, client *http.Client, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return false
	}
	answer, err := client.Do(request)
	if err != nil {
		return false
	}
	answer.Body.Close()
	return answer.StatusCode == http.StatusOK
}

func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// launch starts a process that ends when this one does, where the system can have it so: it is told when the thread ends
// that started it, so that thread waits here.
func (n *Node) launch() error {
	cmd := n.command()
	cmd.Stdout, cmd.Stderr = n.said, n.said
	cmd.SysProcAttr = attributes()
	r := &run{gone: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ends is in its log
			close(r.gone)
		}
	}()
	if err := <-started; err != nil {
		return fault.Wrap(fault.Internal, err, "cannot start %s", n.Name)
	}
	r.process = cmd.Process
	n.mu.Lock()
	n.run = r
	n.mu.Unlock()
	return nil
}

func (n *Node) running() *run {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.run
}

// Gone is closed when the node's process has ended.
func (n *Node) Gone() <-chan struct{} {
	if r := n.running(); r != nil {
		return r.gone
	}
	gone := make(chan struct{})
	close(gone)
	return gone
}

// PID is the number of the node's process; 0 when it does not run.
func (n *Node) PID() int {
	if r := n.running(); r != nil {
		return r.process.Pid
	}
	return 0
}

// Kill ends the node as a crash would; when it returns it has ended.
func (n *Node) Kill() { n.end(os.Kill) }

// Stop asks the node to stop and waits until it has.
func (n *Node) Stop() { n.end(syscall.SIGTERM) }

func (n *Node) end(sig os.Signal) {
	r := n.running()
	if r == nil {
		return
	}
	_ = r.process.Signal(sig) // it may have ended by itself
	<-r.gone
}

// Freeze has the node stand still, in the middle of whatever it does, until Thaw.
// Error: the system cannot do that.
func (n *Node) Freeze() error { return n.signal(freeze) }

// Thaw has it go on.
func (n *Node) Thaw() error { return n.signal(thaw) }

func (n *Node) signal(sig os.Signal) error {
	r := n.running()
	if r == nil || sig == nil {
		return fault.New(fault.Internal, "%s cannot be made to stand still here", n.Name)
	}
	if err := r.process.Signal(sig); err != nil {
		return fault.Wrap(fault.Internal, err, "%s could not be told", n.Name)
	}
	return nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fault.Wrap(fault.Internal, err, "there is no free port")
	}
	defer l.Close()
	return l.Addr().String(), nil
}
