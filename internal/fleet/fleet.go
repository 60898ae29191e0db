// Package fleet runs a hub of several nodes as what they are: processes of `varsel serve` over one PostgreSQL, each with a
// data directory of its own. The bench measures them (internal/bench) and has them meet trouble (internal/chaos).
package fleet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/pgserver"
)

// Options say what runs.
type Options struct {
	Nodes int
	Dir   string // data directories, what the processes say, and the server's folder are made in it
	// Store is the URL of a database that is there; "": the fleet starts a PostgreSQL of its own.
	Store string
	// Settings are those of its own PostgreSQL.
	Settings []string
	// Serve makes the command that runs varsel with arguments.
	Serve func(args ...string) *exec.Cmd
	// Through returns the URL by which the nth node reaches the store; nil: straight.
	Through func(n int, store string) (string, error)
	// Flags are further arguments of every node.
	Flags []string
}

// Fleet is a hub of several nodes.
type Fleet struct {
	Server *pgserver.Server // nil: the database is somebody else's
	Nodes  []*Node
}

// Start starts a PostgreSQL, where none is given, and the nodes; it returns when all of them answer.
// Errors: fault.Configuration when there is no PostgreSQL; fault.Internal.
func Start(ctx context.Context, o Options) (*Fleet, error) {
	f := &Fleet{}
	err := f.start(ctx, &o)
	if err != nil {
		f.Stop()
		return nil, err
	}
	return f, nil
}

func (f *Fleet) start(ctx context.Context, o *Options) error {
	store := o.Store
	if store == "" {
		bin := pgserver.Programs()
		if bin == "" {
			return fault.New(fault.Configuration, "PostgreSQL's programs are not on this machine; install them, or name a database with --store")
		}
		server, err := pgserver.Start(bin, o.Dir, o.Settings...)
		if err != nil {
			return fault.Wrap(fault.Internal, err, "cannot start PostgreSQL")
		}
		f.Server, store = server, server.URL("postgres")
	}
	for n := range o.Nodes {
		node, err := newNode(o, n, store)
		if err != nil {
			return err
		}
		f.Nodes = append(f.Nodes, node)
		if err := node.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

// newNode prepares the nth node. The first one's secrets are everybody's; it has made them when it answers.
func newNode(o *Options, n int, store string) (*Node, error) {
	name := fmt.Sprintf("node-%d", n+1)
	data := filepath.Join(o.Dir, name)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot make the node's directory")
	}
	if n > 0 {
		if err := copySecrets(filepath.Join(o.Dir, "node-1", "secrets"), filepath.Join(data, "secrets")); err != nil {
			return nil, fault.Wrap(fault.Internal, err, "cannot give the node the hub's secrets")
		}
	}
	if o.Through != nil {
		var err error
		if store, err = o.Through(n, store); err != nil {
			return nil, err
		}
	}
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	said, err := os.Create(filepath.Join(o.Dir, name+".log"))
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot keep what the node says")
	}
	args := []string{"serve", "--no-access", "--data", data, "--store", store, "--node-name", name, "--listen", addr, "--operate-listen", "",
		"--allow-egress", "127.0.0.0/8", "--allow-http", "--in-flight", "4096"}
	args = append(args, o.Flags...)
	return &Node{Name: name, URL: "http://" + addr, Log: said.Name(), said: said, command: func() *exec.Cmd { return o.Serve(args...) }}, nil
}

// copySecrets copies a directory of secrets, which nobody else may read.
func copySecrets(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(from, file.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, file.Name()), text, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Stop ends every node, those that stand still too, and the server if it is the fleet's.
func (f *Fleet) Stop() {
	for _, node := range f.Nodes {
		node.Kill()
		_ = node.said.Close() // what was not written is missed by nobody
	}
	if f.Server != nil {
		f.Server.Remove()
	}
}

// Said lists the last lines that a node said at a level, such as "ERROR".
func (n *Node) Said(level string, most int) (lines []string) {
	text, err := os.ReadFile(n.Log)
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "level="+level) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines[max(0, len(lines)-most):]
}
