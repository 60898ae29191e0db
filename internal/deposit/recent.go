package deposit

import (
	"context"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/geo"
	"github.com/varselhub/varsel/internal/register"
)

// Past is the log read backwards.
type Past interface {
	Head() int64
	At(ctx context.Context, position int64) (*event.Event, error)
}

// Index tells what kind of events there are, newest first, without what they say.
type Index interface {
	Skeletons(ctx context.Context, w eventlog.Stretch, limit int) ([]*event.Event, error)
}

// Recently is what is asked of a register's events.
type Recently struct {
	Register string
	Type     string   // of this entity type or this event type alone; "": of all
	Within   *geo.Box // whose box meets this one, in longitude and latitude; nil: wherever it is
	Below    int64    // positions below this one, to go on; 0: from the newest
	Above    int64    // and above this one
	Limit    int
}

// What one call may cost. Whoever wants more goes on where it stopped.
const (
	mostWalked = 100_000  // positions
	mostLooked = 2_000    // events of the register's source
	mostRead   = 16 << 20 // bytes of what they say
	lookedAt   = 200      // at a time
)

// Seen is the position up to which events can be read.
func (d *Depositor) Seen() int64 { return d.Past.Head() }

// Recent reads the events of a register's types that its source has published, newest first. next is the position to go on
// below; 0: that was all there is. A call may find fewer than the limit, or none, before the end: it does a bounded amount of work.
// Forgotten events are left out, and ready messages of types that no entity type has.
// Errors: fault.NotFound for the register; fault.BadRequest for the type.
func (d *Depositor) Recent(ctx context.Context, q *Recently) (found []*register.Happening, next int64, err error) {
	reg, _ := d.Directory.Register(q.Register)
	if reg == nil {
		return nil, 0, fault.New(fault.NotFound, "there is no register of that name")
	}
	source, _ := d.Directory.Source(reg.Source)
	if source == nil {
		return nil, 0, nil
	}
	if q.Type != "" && !tells(reg, q.Type) {
		return nil, 0, fault.Invalid(fault.BadRequest, []fault.Violation{{Pointer: "query:type", Rule: "enum", Message: "want the name of an entity type of the register, or of one of its events' types"}})
	}
	below := d.Past.Head() + 1
	if q.Below > 0 {
		below = min(below, q.Below)
	}
	w := walk{Depositor: d, q: q, of: reg, source: source.URI, types: map[string]*register.EntityType{}, below: below, end: max(q.Above, below-1-mostWalked)}
	if err := w.run(ctx); err != nil {
		return nil, 0, err
	}
	if w.below-1 > q.Above { // there is more
		next = w.below
	}
	return w.found, next, nil
}

// tells reports whether a name is that of an entity type, or of an event type of one.
func tells(reg *register.Register, name string) bool {
	of, _ := reg.Told(name)
	return of != nil || reg.Named(name) != nil
}

// walk is one call on its way down the log.
type walk struct {
	*Depositor
	q            *Recently
	of           *register.Register
	source       string                          // URI
	types        map[string]*register.EntityType // by event type; nil: none of the register's
	below, end   int64                           // what is yet to be looked at: above end, below below
	looked, read int
	found        []*register.Happening
}

func (w *walk) run(ctx context.Context) error {
	stretch := eventlog.Stretch{Above: w.end, Source: w.source}
	if of, _ := w.of.Told(w.q.Type); of != nil && w.of.Named(w.q.Type) == nil {
		stretch.Type = w.q.Type
	}
	for w.looked < mostLooked {
		stretch.Below = w.below
		kinds, err := w.Index.Skeletons(ctx, stretch, lookedAt)
		if err != nil {
			return err
		}
		for _, kind := range kinds {
			if len(w.found) == w.q.Limit || w.read >= mostRead {
				return nil
			}
			if err := w.take(ctx, kind); err != nil {
				return err
			}
			w.below = kind.Position
		}
		if w.looked += len(kinds); len(kinds) < lookedAt {
			w.below = w.end + 1
			return nil
		}
	}
	return nil
}

// take reads an event if it is one of those that are asked for.
func (w *walk) take(ctx context.Context, kind *event.Event) error {
	of, known := w.types[kind.Type]
	if !known {
		of, _ = w.of.Told(kind.Type)
		w.types[kind.Type] = of
	}
	if of == nil || kind.Forgotten || w.q.Type != "" && w.q.Type != of.Name && w.q.Type != kind.Type {
		return nil
	}
	e, err := w.Past.At(ctx, kind.Position)
	if fault.Has(err, fault.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	w.read += len(e.Data)
	if h := w.of.Happening(e); h != nil && lies(h, w.q.Within) {
		w.found = append(w.found, h)
	}
	return nil
}

// lies reports whether what an event is about is within a box, or may be: nobody is shown less than all for want of a place,
// unless a place is asked for.
func lies(h *register.Happening, within *geo.Box) bool {
	if within == nil {
		return true
	}
	g, ok := PlaceOf(h)
	if !ok {
		return false
	}
	g, err := g.In(geo.WGS84)
	return err == nil && g.Box().Meets(*within)
}

// PlaceOf is where a happening's object is; false where it is not said, or cannot be read: what is published by hand may say anything.
// What does not say its system is in that of Danish registers.
func PlaceOf(h *register.Happening) (geo.Geometry, bool) {
	if h.Place == "" {
		return geo.Geometry{}, false
	}
	g, err := geo.Parse(h.Place)
	if err != nil || g.Empty() {
		return geo.Geometry{}, false
	}
	if g.System == geo.Unsaid {
		g.System = geo.UTM32
	}
	return g, true
}

// Happened reads one event of a register by its position. Error: fault.NotFound.
func (d *Depositor) Happened(ctx context.Context, registerName string, position int64) (*register.Happening, error) {
	found, _, err := d.Recent(ctx, &Recently{Register: registerName, Below: position + 1, Above: position - 1, Limit: 1})
	if err == nil && len(found) == 0 {
		err = fault.New(fault.NotFound, "the register has no event at that position")
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}
