package deposit

import (
	"context"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// OfPerson lists the rows that name a person by a value of a personal column, whenever they were known, also those of a
// delivery that is being staged; and the events that are to follow from deliveries and name the person, as far as they are
// not in the log.
func (d *Depositor) OfPerson(ctx context.Context, value string) (list []eventlog.RowsOf, withdrawn []eventlog.Withdrawn, err error) {
	all, err := d.Store.OfPerson(ctx, register.PersonClue(d.Handles, value))
	if err != nil {
		return nil, nil, err
	}
	for i := range all {
		of := &all[i]
		if len(of.Outgoing) > 0 {
			source, reached, err := d.reached(ctx, of.Register)
			if err != nil {
				return nil, nil, err
			}
			for len(of.Outgoing) > 0 && of.Outgoing[0] < reached { // a crash came before it was forgotten
				of.Outgoing = of.Outgoing[1:]
			}
			withdrawn = withdraw(withdrawn, of, source)
		}
		if len(of.Rows)+len(of.Outgoing) > 0 {
			list = append(list, *of)
		}
	}
	return list, withdrawn, nil
}

// withdraw adds events to be to those of their register.
func withdraw(list []eventlog.Withdrawn, of *eventlog.RowsOf, source string) []eventlog.Withdrawn {
	if len(of.Outgoing) == 0 {
		return list
	}
	for i := range list {
		if list[i].Register == of.Register { // deliveries come in order
			list[i].Numbers = append(list[i].Numbers, of.Outgoing...)
			return list
		}
	}
	return append(list, eventlog.Withdrawn{
		Register: of.Register, Source: source, Stream: streamOf(of.Register), Numbers: append([]int64{}, of.Outgoing...),
	})
}

// reached is the source of a register, and how far its events are in the log.
func (d *Depositor) reached(ctx context.Context, name string) (source string, next int64, err error) {
	reg, _ := d.Directory.Register(name)
	if reg == nil {
		return "", 0, fault.New(fault.NotFound, "the register %s is not there any more", name)
	}
	state, err := d.Places.Stream(ctx, reg.Source, streamOf(name))
	return reg.Source, state.Next[0], err
}
