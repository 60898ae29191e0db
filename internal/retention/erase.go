package retention

import (
	"context"
	"errors"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// The bounds of what is asked for.
const (
	longestReason = 500 // characters
	longestPerson = 500 // bytes
)

// ToErase counts a person's events that can still be read, the messages of streams that are set aside and name the person,
// the rows of registers that do, and the events that are still to follow from these.
// Errors: fault.InvalidDocument; as the finder's.
func (k *Keeper) ToErase(ctx context.Context, person string) (count int64, err error) {
	if err := checkPerson(person); err != nil {
		return 0, err
	}
	found, err := k.find(ctx, person)
	return found.count(), err
}

// found is all that names a person.
type found struct {
	positions []int64
	upTo      int64
	aside     []eventlog.AsideOf
	rows      []eventlog.RowsOf
	withdrawn []eventlog.Withdrawn
}

// find looks for events to be before events: what comes into the log between the two is found as an event.
func (k *Keeper) find(ctx context.Context, person string) (f found, err error) {
	if k.Rows != nil {
		f.rows, f.withdrawn, err = k.Rows.OfPerson(ctx, person)
	}
	if err == nil {
		f.positions, f.upTo, err = k.Finder.OfPerson(ctx, person)
	}
	if err == nil && k.Aside != nil {
		f.aside, err = k.Aside(ctx, person)
	}
	return f, err
}

func (f *found) setAside() (count int) {
	for _, of := range f.aside {
		count += len(of.Numbers)
	}
	return count
}

func (f *found) count() int64 {
	rows, outgoing := eventlog.CountRows(f.rows)
	return int64(len(f.positions) + f.setAside() + rows + outgoing)
}

// Erase forgets all events and rows of registers of a person: those whose personal values include this one. count is what ToErase said, typed
// by whoever begins it. That it begins, with which events and by whom, is committed to the log and to the audit log
// before anything is deleted; neither holds the value or a hash of it. When Erase returns an erasure that has ended,
// nothing of these events is left in the database, in its WAL or in memory, the journal has it, and no delivery of them
// leaves any more. One that has not ended goes on by itself, also after a crash: while a backup reads the database, say.
//
// Events accepted after it began are not among them.
// Errors: fault.InvalidDocument, fault.NothingSelected, fault.EraseCount, fault.StorageFull, fault.ShuttingDown.
func (k *Keeper) Erase(ctx context.Context, author, person, reason string, count int64) (eventlog.Erasure, error) {
	if err := checkPerson(person); err != nil {
		return eventlog.Erasure{}, err
	}
	if err := CheckReason(reason, person); err != nil {
		return eventlog.Erasure{}, err
	}
	e, err := k.begin(ctx, author, person, reason, count)
	if err != nil {
		return e, err
	}
	over := make(chan struct{})
	k.under.Add(1)
	go func() {
		defer close(over)
		defer k.under.Done()
		k.erasing.Lock()
		defer k.erasing.Unlock()
		k.carryOutOrLater(k.ctx, &e)
	}()
	select {
	case <-over:
		return e, nil
	case <-ctx.Done():
		return eventlog.Erasure{}, fault.New(fault.ShuttingDown, "the erasure goes on; look at it later")
	}
}

// begin commits an erasure. Numbers are drawn one at a time.
func (k *Keeper) begin(ctx context.Context, author, person, reason string, count int64) (e eventlog.Erasure, err error) {
	k.erasing.Lock()
	defer k.erasing.Unlock()
	for range tries {
		if e, err = k.beginOnce(ctx, author, person, reason, count); !fault.Has(err, fault.StreamMoved) {
			return e, err
		}
	}
	return e, err
}

// tries bounds how often an erasure begins anew because an event to be of the person came into the log meanwhile.
const tries = 32

func (k *Keeper) beginOnce(ctx context.Context, author, person, reason string, count int64) (e eventlog.Erasure, err error) {
	f, err := k.find(ctx, person)
	if err != nil {
		return e, err
	}
	switch n := f.count(); {
	case n == 0:
		return e, fault.New(fault.NothingSelected, "nothing names this person, or all of it is forgotten")
	case n != count:
		return e, fault.New(fault.EraseCount, "%d events and rows name this person", n).With("count", n)
	}
	last, err := k.Store.Erasures(ctx, 0, false, 1)
	if err != nil {
		return e, err
	}
	e = eventlog.Erasure{N: 1, Author: author, Reason: reason, Positions: f.positions, UpTo: f.upTo, Rows: f.rows}
	if len(last) > 0 {
		e.N = last[0].N + 1
	}
	rows, outgoing := eventlog.CountRows(f.rows)
	entry := audit.Of(author, audit.Erase, audit.OfErasure(e.N), audit.Detail{Events: int64(len(e.Positions)), Removed: f.setAside() + outgoing, Rows: rows})
	begun := e // the log's writer may still hold it when ctx ends first
	request := &eventlog.Request{Erasure: &begun, Erased: f.aside, Withdrawn: f.withdrawn, Audit: []audit.Entry{entry}}
	if err := k.Log.Append(ctx, request); err != nil {
		return e, err
	}
	return begun, nil
}

// carryOutOrLater is carryOut; what fails is tried again by the next round.
func (k *Keeper) carryOutOrLater(ctx context.Context, e *eventlog.Erasure) {
	if err := k.carryOut(ctx, e); err != nil && ctx.Err() == nil {
		k.Logger.Warn("an erasure is not whole yet and goes on by itself", "erasure", e.N, "error", err)
		k.Clock.AfterFunc(soon, k.poke)
	}
}

// carryOut does what an erasure asks for, in steps of which each can be made again: nothing of it leaves from now on, the
// memory lets go, the file is overwritten, the journal has it.
func (k *Keeper) carryOut(ctx context.Context, e *eventlog.Erasure) error {
	erased := make(map[int64]bool, len(e.Positions))
	for _, position := range e.Positions {
		erased[position] = true
	}
	if err := k.Engine.Forget(ctx, e.Positions); err != nil {
		return err
	}
	if err := k.Store.Erase(ctx, e.Positions, func(done int) { k.progress(e.N, done) }); err != nil {
		return err
	}
	if err := k.eraseRows(ctx, e); err != nil {
		return err
	}
	k.Log.Forget(func(ev *event.Event) bool { return erased[ev.Position] })
	if err := k.Engine.Forget(ctx, e.Positions); err != nil { // what was read meanwhile
		return err
	}
	if err := k.Journal.Append(k.journaled(e)); err != nil {
		return err
	}
	ended := max(e.At, clock.Micros(k.Clock.Now()))
	if err := k.Store.EndErasure(ctx, e.N, ended); err != nil {
		return err
	}
	e.Ended = ended
	k.progress(e.N, 0)
	k.Counted("erasure", int64(len(e.Positions)))
	rows, _ := eventlog.CountRows(e.Rows)
	k.Logger.Info("erased a person's events", "erasure", e.N, "events", len(e.Positions), "rows", rows)
	return nil
}

// eraseRows overwrites the rows of registers first, so that what is made of them from then on has nothing of the person, and
// then deletes what was made before.
func (k *Keeper) eraseRows(ctx context.Context, e *eventlog.Erasure) error {
	if len(e.Rows) == 0 {
		return nil
	}
	if err := k.Store.EraseRows(ctx, e.Rows); err != nil || k.Files == nil {
		return err
	}
	return k.Files.Erase(ctx, e.N, e.Rows)
}

// journaled is an erasure as the journal has it.
func (k *Keeper) journaled(e *eventlog.Erasure) eventlog.Journaled {
	return eventlog.Journaled{N: e.N, At: e.At, Epochs: k.Log.Epochs(), Positions: e.Positions, Rows: e.Rows}
}

// resume takes up erasures that were begun and have not ended.
func (k *Keeper) resume(ctx context.Context) error {
	k.erasing.Lock()
	defer k.erasing.Unlock()
	list, err := k.Store.Erasures(ctx, 0, true, 1<<20)
	for i := range list {
		if err == nil {
			err = k.carryOut(ctx, &list[i])
		}
	}
	return err
}

// completeJournal puts into the journal, once after the start, what it lacks of the erasures that the database knows:
// after a restore into another place the hub begins another journal, and that must be good for older backups too.
func (k *Keeper) completeJournal(ctx context.Context) error {
	k.erasing.Lock()
	defer k.erasing.Unlock()
	if k.complete {
		return nil
	}
	known, err := k.Store.Erasures(ctx, 0, false, 1<<20)
	if err != nil {
		return err
	}
	there := map[int64]bool{}
	if len(known) > 0 {
		list, _, err := k.Journal.Read()
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		for i := range list {
			there[list[i].N] = true
		}
	}
	for _, e := range slices.Backward(known) {
		if e.Ended == 0 || there[e.N] {
			continue
		}
		if err := k.Journal.Append(k.journaled(&e)); err != nil {
			return err
		}
	}
	k.complete = true
	return nil
}

// progress notes how many events of an erasure are overwritten.
func (k *Keeper) progress(n int64, done int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if done == 0 {
		delete(k.places, n)
		return
	}
	k.places[n] = done
}

func checkPerson(person string) error {
	if person == "" || len(person) > longestPerson || !utf8.ValidString(person) {
		return fault.Invalid(fault.InvalidDocument, []fault.Violation{{Pointer: "/person", Rule: "length", Message: "want the person's number as it stands in the events, 1 to 500 bytes"}})
	}
	return nil
}

// personNumber looks like a Danish person number, with or without what divides it.
var personNumber = regexp.MustCompile(`(^|[^0-9])[0-9]{6}[- ]?[0-9]{4}($|[^0-9])`)

// CheckReason refuses a reason that is none, or that names a person: it is kept for ever. person may be empty.
// Error: fault.InvalidDocument.
func CheckReason(reason, person string) error {
	refuse := func(rule, message string) error {
		return fault.Invalid(fault.InvalidDocument, []fault.Violation{{Pointer: "/reason", Rule: rule, Message: message}})
	}
	switch {
	case strings.TrimSpace(reason) == "":
		return refuse("required", "say why, such as the number of the case")
	case !utf8.ValidString(reason) || utf8.RuneCountInString(reason) > longestReason || strings.ContainsFunc(reason, unicode.IsControl):
		return refuse("length", "want one line of at most 500 characters")
	case person != "" && strings.Contains(reason, person), personNumber.MatchString(reason):
		return refuse("personal", "is kept for ever, so it must not name the person; give the number of the case")
	}
	return nil
}
