package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/clock"
)

// channel is what nodes tell each other on that the log has grown. It is a hint that makes the others look sooner: they
// look by themselves as well, for a pooler of transactions lets none through, and a connection that breaks loses some.
const channel = "varsel"

// Notify tells the other nodes that the log reaches to a position.
func (s *Store) Notify(ctx context.Context, head int64) error {
	ctx, cancel := context.WithTimeout(ctx, recordWithin)
	defer cancel()
	_, err := s.pool.Exec(ctx, "SELECT pg_notify($1, $2)", channel, strconv.FormatInt(head, 10))
	return trouble(err, "the other nodes could not be told")
}

// listenAgain is how long to wait before a connection that broke is made again.
const listenAgain = 5 * time.Second

// Listen gives a sign after other nodes, or this one, have told that the log has grown; several may come as one. It is
// closed when ctx ends. It has a connection of its own; while there is none there are no signs.
func (s *Store) Listen(ctx context.Context) <-chan struct{} {
	signs := make(chan struct{}, 1)
	go func() {
		defer close(signs)
		for ctx.Err() == nil {
			_ = s.hear(ctx, signs) // it is made again, and who misses it looks all the same
			clock.Wait(ctx, clock.System{}, listenAgain)
		}
	}()
	return signs
}

func (s *Store) hear(ctx context.Context, signs chan<- struct{}) error {
	c, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }() // it is of no more use
	if _, err := c.Exec(ctx, "LISTEN "+channel); err != nil {
		return err
	}
	for {
		if _, err := c.WaitForNotification(ctx); err != nil {
			return err
		}
		select {
		case signs <- struct{}{}:
		default: // one is waiting already
		}
	}
}
