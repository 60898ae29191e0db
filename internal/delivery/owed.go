package delivery

import (
	"context"

	"github.com/varselhub/varsel/internal/fault"
)

// Owed counts what one subscription has coming that is not over, where others share its consumer: Pending counts them
// together. It reads the log from the consumer's watermark on, so it is for questions that are asked rarely. What was
// accepted or recorded while it counts may be in the figure or not.
// Error: fault.NotFound when there never was such a subscription.
func (e *Engine) Owed(ctx context.Context, id string) (int64, error) {
	line := e.line(id)
	if line == nil {
		return 0, fault.New(fault.NotFound, "there is no subscription %s", id)
	}
	head := e.log.Head()
	owed, err := e.store.Owed(ctx, line.Consumer.Name, id)
	if err != nil || owed.Low == 0 {
		return 0, err
	}
	count := owed.OnDisk
	for after := owed.Low - 1; after < head; {
		events, upTo, err := e.log.Read(ctx, after, routeRange)
		if err != nil {
			return 0, err
		}
		for _, ev := range events {
			if ev.Position <= head && !owed.Settled[ev.Position] && line.Consumer.Match(ev) == line {
				count++
			}
		}
		after = upTo
	}
	return count, nil
}
