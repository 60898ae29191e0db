package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/fault"
)

// connect opens a connection for work beside the hubs' own.
// Errors: fault.Configuration for a URL that is none; fault.StoreUnreachable.
func connect(ctx context.Context, url string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fault.Wrap(fault.Configuration, err, "the store's URL cannot be read")
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = 5 * time.Second
	}
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "varsel"
	}
	c, err := pgx.ConnectConfig(ctx, config)
	if err == nil {
		err = knowTypes(ctx, c)
	}
	return c, trouble(err, "cannot reach the database")
}

// schemaOf is how many steps the schema has taken, 0 where there is none.
func schemaOf(ctx context.Context, c *pgx.Conn) (taken int, err error) {
	there := false
	err = c.QueryRow(ctx, "SELECT to_regclass('schema') IS NOT NULL").Scan(&there)
	if err == nil && there {
		err = c.QueryRow(ctx, "SELECT coalesce(max(step), 0) FROM schema").Scan(&taken)
	}
	return taken, err
}

// connectToHub is connect for the database of a hub that this program can judge. What the work beside a hub needs is in
// every schema so far.
// Errors: fault.NoDatabase, fault.StoreNewer, fault.MoveUnfinished.
func connectToHub(ctx context.Context, url string) (*pgx.Conn, error) {
	c, err := connect(ctx, url)
	if err != nil {
		return nil, err
	}
	steps, err := readSteps(migrations)
	taken := 0
	if err == nil {
		taken, err = schemaOf(ctx, c)
	}
	switch {
	case err != nil:
		err = trouble(err, "cannot read the database")
	case taken == 0:
		err = fault.New(fault.NoDatabase, "it is the database of no hub")
	case taken > len(steps):
		err = fault.New(fault.StoreNewer, "the database has schema %d; this varsel knows schemas up to %d", taken, len(steps))
	default:
		err = trouble(refuseMoving(ctx, c), "cannot read the database")
	}
	if err != nil {
		_ = c.Close(ctx) // the error that matters is why
		return nil, err
	}
	return c, nil
}
