package bench

import (
	"context"
	"os"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/pgserver"
)

// settings are those of the PostgreSQL that is measured: as durable as it is by itself, with memory enough for what a
// figure writes.
var settings = []string{"shared_buffers=256MB", "max_wal_size=4GB"}

// deliverPostgres is deliver with a hub on PostgreSQL, which has the same disk and the same processors.
func deliverPostgres(subscriptions int) func(context.Context, *run, *Figure) error {
	return func(ctx context.Context, r *run, f *Figure) error {
		if err := r.startReceiver(nil); err != nil {
			return err
		}
		server, err := r.startPostgres()
		if err != nil {
			return err
		}
		h, err := r.newHub(ctx, world{subscriptions: subscriptions, systems: subscriptions, types: 1, store: server.URL("postgres")}, lag)
		if err != nil {
			return err
		}
		r.used = func() usage {
			return usage{hub: cpuTime(), store: cpuOfAll(server.Leader()), receiver: cpuOf(r.receiver.cmd.Process.Pid)}
		}
		return r.beside(ctx, f, nil, h.publish)
	}
}

// startPostgres starts a server of the figure's own.
// Error: fault.Configuration when there is none on this machine.
func (r *run) startPostgres() (*pgserver.Server, error) {
	bin := pgserver.Programs()
	if bin == "" {
		return nil, fault.New(fault.Configuration, "PostgreSQL's programs are not on this machine")
	}
	if err := r.passable(); err != nil {
		return nil, err
	}
	server, err := pgserver.Start(bin, r.dir, settings...)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "cannot start PostgreSQL")
	}
	r.onClose(server.Remove)
	return server, nil
}

// passable lets PostgreSQL, which is not root's, reach its folder in the figure's.
func (r *run) passable() error {
	if err := os.Chmod(r.dir, 0o711); err != nil {
		return fault.Wrap(fault.Internal, err, "cannot open the directory")
	}
	return nil
}
