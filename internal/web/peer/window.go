package peer

import (
	"context"

	"github.com/varselhub/varsel/internal/delivery"
)

// Window reads one page of a window, as delivery.Engine does: any node reads the log for anyone. Where pages ended is
// noted by the node that has the system, so that who comes to one node and then to another pages through one window.
// Errors: as delivery.Engine.
func (d *Deliveries) Window(ctx context.Context, w delivery.WindowPage, visit delivery.VisitMany) error {
	return d.own.Engine.WindowMarked(ctx, w, marksOf{d}, visit)
}

// marksOf are the marks of the node that has the system.
type marksOf struct{ deliveries *Deliveries }

// ended is where a page ended that was full.
type ended struct {
	Window delivery.WindowPage
	Page   int
	End    int64
}

// Nearest implements delivery.Marks.
func (m marksOf) Nearest(ctx context.Context, w delivery.WindowPage) (page int, end int64, err error) {
	found, err := nearest.of(ctx, m.deliveries, w.System, w)
	return found.Page, found.End, err
}

// Served implements delivery.Marks.
func (m marksOf) Served(ctx context.Context, w delivery.WindowPage, end int64) error {
	_, err := pageEnded.of(ctx, m.deliveries, w.System, ended{Window: w, Page: w.Page, End: end})
	return err
}

func (o *Own) nearest(ctx context.Context, w delivery.WindowPage) (e ended, err error) {
	e.Window = w
	e.Page, e.End, err = o.Engine.Marks().Nearest(ctx, w)
	return e, err
}

func (o *Own) ended(ctx context.Context, e ended) (nothing, error) {
	return nothing{}, o.Engine.Marks().Served(ctx, e.Window, e.End)
}
