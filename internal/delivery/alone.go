package delivery

import (
	"context"
)

// Alone are the deliveries of a hub of one process, for those who ask about all there are: nothing is anywhere else, so
// nobody need be asked and nothing can be missing. web/peer answers the same where there are several nodes.
type Alone struct{ *Engine }

// Lanes lists the selected lanes that are on disk, by position.
func (a Alone) Lanes(_ context.Context, sel Selection) ([]LaneView, error) {
	return a.Engine.Lanes(sel), nil
}

// Endpoints lists the endpoints that were sent to.
func (a Alone) Endpoints(context.Context) ([]EndpointView, error) { return a.Engine.Endpoints(), nil }

// Totals count what happened since the start.
func (a Alone) Totals(context.Context) (Totals, error) { return a.Engine.Totals(), nil }

// Standings lists the systems that have subscriptions, by name.
func (a Alone) Standings(context.Context) ([]Standing, error) { return a.Engine.Standings(), nil }

// Pending is how many deliveries a consumer still owes.
func (a Alone) Pending(_ context.Context, consumer string) (int64, error) {
	return a.Engine.Pending(consumer), nil
}

// Passed says that a test message to an endpoint was accepted.
func (a Alone) Passed(_ context.Context, system, url string) error {
	a.Engine.Passed(system, url)
	return nil
}
