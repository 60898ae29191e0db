package peer

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
)

const (
	beatEvery  = 3 * time.Second // while a node is at an answer
	writeLimit = 2 * time.Minute // for one frame, to a node that does not read
	readLimit  = 30 * time.Second
	answerPart = 64 << 10
)

// door is where the other nodes ask.
type door struct {
	own    *Own
	key    []byte
	guard  *guard
	nodes  Directory
	clock  clock.Clock
	report func(doing string, err error)
	deeds  map[string]served
}

// NewDoor returns the handler of /node/v1/: it answers whoever has the key what this node has. report is told what this
// node itself could not do.
func NewDoor(own *Own, nodes Directory, key []byte, clk clock.Clock, report func(doing string, err error)) http.Handler {
	d := &door{own: own, key: key, guard: newGuard(key, clk), nodes: nodes, clock: clk, report: report, deeds: map[string]served{}}
	for _, one := range deeds() {
		d.deeds[one.path()] = one
	}
	return d
}

// ServeHTTP implements http.Handler.
func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodPost {
		refuse(w, fault.New(fault.MethodNotAllowed, "nodes ask by POST"))
		return
	}
	ticket, err := d.guard.admit(r)
	if err != nil {
		refuse(w, err)
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(readLimit)) // what has no deadlines is a test's
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostAsked))
	switch tooLarge := (*http.MaxBytesError)(nil); {
	case errors.As(err, &tooLarge):
		refuse(w, fault.New(fault.BodyTooLarge, "a node is asked with at most %d bytes", mostAsked))
		return
	case err != nil:
		refuse(w, fault.Wrap(fault.BadRequest, err, "the question broke off"))
		return
	case !ticket.holds(body):
		refuse(w, fault.New(fault.Unauthenticated, "only the hub's own nodes are answered here"))
		return
	}
	_ = control.SetReadDeadline(time.Time{}) // from here on it is heard when the other goes away, whenever that is
	w.Header().Set(proof, ticket.echo(d.key))
	w.Header().Set("Content-Type", "application/octet-stream")
	d.answer(r.Context(), newAnswer(w, control, d.clock), r.URL.Path, ticket, body)
}

// refuse says no to one that is no node, or a broken one, and tells it little.
func refuse(w http.ResponseWriter, err error) {
	f := fault.Of(err)
	entry := fault.Lookup(f.Code)
	if entry.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", scheme)
	}
	if entry.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	http.Error(w, string(entry.Code), entry.Status)
}

func (d *door) answer(ctx context.Context, a *answer, path string, t *ticket, body []byte) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := a.beats(cancel)
	answer, err := d.do(ctx, a, path, t, body)
	stop()
	if err != nil {
		if f := fault.Of(err); f.Code == fault.Internal {
			d.report("answering another node at "+path, err)
			err = fault.New(fault.Internal, "another node of the hub could not do this; its log says why")
		}
		_ = a.send(true, frame{Kind: wrong, Fault: wireOf(err)}) // one that went away needs no answer
		return
	}
	_ = a.send(true, frame{Kind: whole}, answer)
}

// do does what is asked, if it is asked of this node.
func (d *door) do(ctx context.Context, a *answer, path string, t *ticket, body []byte) (result any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if _, self := d.nodes.Nodes(); t.to != self {
		return nil, fault.New(fault.NotHere, "this is not node %d", t.to)
	}
	deed := d.deeds[path]
	if deed == nil {
		return nil, fault.New(fault.NodeUnreachable, "the node is of a version that cannot do this")
	}
	return deed.serve(ctx, d.own, body, func(f *fetched) error { return a.send(false, frame{Kind: item, Item: f}) })
}

// answer writes frames. It is safe for concurrent use.
type answer struct {
	control *http.ResponseController
	clock   clock.Clock

	mu      sync.Mutex
	out     *bufio.Writer
	encoder *gob.Encoder
	over    bool
	timer   clock.Timer
}

func newAnswer(w http.ResponseWriter, control *http.ResponseController, clk clock.Clock) *answer {
	out := bufio.NewWriterSize(w, answerPart)
	return &answer{control: control, clock: clk, out: out, encoder: gob.NewEncoder(out)}
}

// send writes values, and with now sees that they leave.
func (a *answer) send(now bool, values ...any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.write(now, values...)
}

func (a *answer) write(now bool, values ...any) error {
	_ = a.control.SetWriteDeadline(time.Now().Add(writeLimit))
	for _, v := range values {
		if err := a.encoder.Encode(v); err != nil {
			return err
		}
	}
	if !now {
		return nil
	}
	if err := a.out.Flush(); err != nil {
		return err
	}
	return a.control.Flush()
}

// beats tells the one that asked from time to time that the node is at it, until stop. When that is heard no more, cancel
// ends the work.
func (a *answer) beats(cancel func()) (stop func()) {
	var next func()
	next = func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.over {
			return
		}
		if err := a.write(true, frame{Kind: beat}); err != nil {
			cancel()
			return
		}
		a.timer = a.clock.AfterFunc(beatEvery, next)
	}
	a.mu.Lock()
	a.timer = a.clock.AfterFunc(beatEvery, next)
	a.mu.Unlock()
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.over = true
		a.timer.Stop()
	}
}
