package deposit

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// The bounds of a batch: what one transaction stages.
const (
	batchEntities = 500
	batchBytes    = 1 << 20
)

// mostViolations bounds how many are told of one delivery.
const mostViolations = event.MaxViolations

// Progress is how far a delivery is, told after each batch.
type Progress struct {
	Entities int64 // read
	Staged   int64 // and staged
}

// Take takes a delivery in, and returns how it stands: committed, or as it was when it had been before. id is what its
// register calls it; "" for what it calls itself. A delivery that stopped half way goes on when it is posted again from its
// beginning: what is staged is read over. tell hears how far it is; nil: nobody does.
//
// What is wrong with a delivery refuses it as a whole, and nothing of it is kept. What is wrong with the hub, or with the
// connection that brings it, leaves it staged as far as it came.
// Errors: fault.NotFound for the register; fault.BadRequest; fault.InvalidDocument with violations; fault.Conflict when
// another delivery of the register is being staged, or this id was another delivery's; fault.StorageFull.
func (d *Depositor) Take(ctx context.Context, registerName, id string, body io.Reader, tell func(Progress)) (*register.Delivery, error) {
	reg, _ := d.Directory.Register(registerName)
	if reg == nil {
		return nil, fault.New(fault.NotFound, "there is no register of that name")
	}
	source, _ := d.Directory.Source(reg.Source)
	if source == nil {
		return nil, fault.New(fault.NotFound, "the register's source is not there any more")
	}
	if tell == nil {
		tell = func(Progress) {}
	}
	maker, err := register.NewMaker(reg, d.Handles)
	if err != nil {
		return nil, err
	}
	from := &bodyOf{body: body}
	t := &taking{Depositor: d, ctx: ctx, register: reg, source: source, body: from, reader: d.Read(from, reg), maker: maker, tell: tell}
	secret := d.Handles.Clue(event.ClueRow, register.Key("digest", reg.Name))
	copy(t.digest[:], secret[:])
	return t.run(id)
}

// taking is one delivery on its way in.
type taking struct {
	*Depositor
	ctx      context.Context
	register *register.Register
	source   *event.Source
	body     *bodyOf
	reader   Reader
	maker    *register.Maker
	tell     func(Progress)

	delivery *register.Delivery
	before   register.Delivery // as it stood when this began: what of it is staged is only read over
	read     int64
	digest   [sha256.Size]byte

	batch    register.Batch
	size     int
	rows     []place // where the batch's rows
	closings []place // and closings stand
	telling  []telling
	part     []byte // kept to be used again
}

// bodyOf remembers why a body could not be read to its end: then the delivery is not wrong, it is not there.
type bodyOf struct {
	body io.Reader
	err  error
}

// Read implements io.Reader.
func (b *bodyOf) Read(p []byte) (int, error) {
	n, err := b.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// place is where an entity stands in its delivery.
type place struct {
	number    int64
	violation fault.Violation // with no rule yet
}

// refuse tells what is wrong with the entity that stands there.
func (p *place) refuse(rule, message string) fault.Violation {
	v := p.violation
	v.Rule, v.Message = rule, message
	return v
}

func (t *taking) run(id string) (*register.Delivery, error) {
	entity, err := t.reader.Next()
	if id == "" {
		id = t.reader.Header().ID
	}
	if err != nil && t.body.err != nil || id == "" && fault.Has(err, fault.InvalidDocument) {
		return nil, t.unread(err)
	}
	if id == "" || len(id) > maxID {
		return nil, fault.New(fault.BadRequest, "the delivery has no id, or one of more than %d characters: give it one by the parameter id", maxID)
	}
	if err := t.begin(id); err != nil {
		return nil, err
	}
	for ; err == nil; entity, err = t.reader.Next() {
		if err = t.take(entity); err != nil {
			break
		}
	}
	if !errors.Is(err, io.EOF) {
		return t.broken(err)
	}
	return t.finish()
}

const maxID = 200

// unread is the error of a delivery of which nothing was begun.
func (t *taking) unread(err error) error {
	if t.body.err != nil {
		return fault.Wrap(fault.BadRequest, t.body.err, "the delivery could not be read")
	}
	return err
}

// begin begins a delivery, or goes on with it where it stands. One that was being refused when the hub ended is refused first,
// and begins anew.
func (t *taking) begin(id string) error {
	for {
		d, err := t.Store.Begin(t.ctx, &register.Delivery{
			Register: t.register.Name, ID: id, State: register.Staging, Begun: clock.Micros(t.Clock.Now()),
		})
		if err != nil {
			return err
		}
		if d.State != register.Staging || d.Reason == "" {
			t.delivery, t.before = d, *d
			return nil
		}
		if err := t.refuse(t.ctx, d, d.Reason); err != nil {
			return err
		}
	}
}

// take notes one entity for the batch, and stages the batch when it is full. What was staged before is only read over, and held
// against what it was then.
func (t *taking) take(e *register.Entity) error {
	t.read++
	size := t.chain(e)
	if t.read <= t.before.Staged {
		if t.read == t.before.Staged && !bytes.Equal(t.digest[:], t.before.Digest) {
			return fault.New(fault.Conflict, "another delivery was begun under this id")
		}
		if t.read%batchEntities == 0 {
			t.tell(Progress{t.read, t.before.Staged})
		}
		return t.ctx.Err()
	}
	if t.before.State != register.Staging {
		return fault.New(fault.Conflict, "another delivery was taken under this id: it had %d entities", t.before.Staged)
	}
	t.size += size
	if err := t.note(e); err != nil {
		return err
	}
	if t.read-t.delivery.Staged >= batchEntities || t.size >= batchBytes {
		return t.stage()
	}
	return nil
}

// note makes what is to be kept of an entity, and what its event says.
func (t *taking) note(e *register.Entity) error {
	here := place{number: t.read, violation: e.Violation("", "", "")}
	switch {
	case e.Type == nil:
		t.telling = append(t.telling, telling{place: here, message: bytes.Clone(e.Message)})
	case e.Action == register.Create:
		row, err := t.maker.Row(e)
		if err != nil {
			return err
		}
		t.batch.Rows, t.rows = append(t.batch.Rows, row), append(t.rows, here)
		if e.Event != register.NoEvent {
			t.telling = append(t.telling, telling{place: here, kind: e.Type.EventType(e.Event), at: row.Registration.From, data: e.Told(), persons: row.Persons})
		}
	default:
		closing, err := t.maker.Closing(e)
		if err != nil {
			return err
		}
		t.batch.Closings, t.closings = append(t.batch.Closings, closing), append(t.closings, here)
		if e.Event != register.NoEvent {
			t.telling = append(t.telling, telling{
				place: here, kind: e.Type.EventType(e.Event), at: closing.At, row: closing.Row, of: e.Type.Name, update: kept(e), persons: t.maker.Persons(e),
			})
		}
	}
	return nil
}

// kept is an entity that outlives the reader's next step.
func kept(e *register.Entity) *register.Entity {
	own := *e
	own.Fields = slices.Clone(e.Fields)
	return &own
}

// chain adds an entity to the digest of what was read, and returns its size: SHA-256 over the digest before it and everything that it
// says, each part with its length before it. The first is over a keyed hash, so that nobody can try persons' numbers out on it.
func (t *taking) chain(e *register.Entity) (size int) {
	h := sha256.New()
	part := func(text string) {
		size += len(text)
		t.part = append(binary.AppendUvarint(t.part[:0], uint64(len(text))), text...)
		h.Write(t.part)
	}
	h.Write(t.digest[:])
	part(string(e.Action))
	part(string(e.Event))
	if e.Type != nil {
		part(e.Type.Name)
	}
	for i := range e.Fields {
		f := &e.Fields[i]
		part(f.Name)
		part(f.Value)
		if f.Nil {
			part("nil")
		}
	}
	part(string(e.Message))
	h.Sum(t.digest[:0])
	return size
}

// stage writes the batch, in one transaction.
func (t *taking) stage() error {
	if t.read == t.delivery.Staged {
		return nil
	}
	if err := t.derive(); err != nil {
		return err
	}
	next := *t.delivery
	next.Staged, next.Digest = t.read, bytes.Clone(t.digest[:])
	next.Rows += int64(len(t.batch.Rows))
	next.Closed += int64(len(t.batch.Closings))
	next.Events += int64(len(t.batch.Outgoing))
	t.batch.Delivery, t.batch.Before = &next, t.delivery.Staged
	if err := t.Store.Stage(t.ctx, &t.batch); err != nil {
		return t.told(err)
	}
	t.delivery = &next
	t.batch = register.Batch{Rows: t.batch.Rows[:0], Closings: t.batch.Closings[:0], Outgoing: t.batch.Outgoing[:0]}
	t.rows, t.closings, t.telling, t.size = t.rows[:0], t.closings[:0], t.telling[:0], 0
	t.tell(Progress{t.read, t.read})
	return nil
}

// told gives the violations of a batch the places that they have in the delivery.
func (t *taking) told(err error) error {
	if !fault.Has(err, fault.InvalidDocument) {
		return err
	}
	var found []fault.Violation
	for _, v := range fault.Of(err).Violations {
		var n int
		switch {
		case scan(v.Pointer, "/rows/%d", &n) && n < len(t.rows):
			v = t.rows[n].refuse(v.Rule, v.Message)
		case scan(v.Pointer, "/closings/%d", &n) && n < len(t.closings):
			v = t.closings[n].refuse(v.Rule, v.Message)
		}
		found = append(found, v)
	}
	return fault.Invalid(fault.InvalidDocument, found)
}

func scan(text, form string, n *int) bool {
	_, err := fmt.Sscanf(text, form, n)
	return err == nil
}

// finish stages what is left, holds the delivery against the rules that only the whole can be held against, and commits it.
func (t *taking) finish() (*register.Delivery, error) {
	if t.before.State != register.Staging {
		return t.again()
	}
	if t.read < t.before.Staged {
		return t.broken(fault.New(fault.Conflict, "the delivery was begun with more than this: %d entities are staged, and %d were sent", t.before.Staged, t.read))
	}
	if err := t.stage(); err != nil {
		return t.broken(err)
	}
	clashes, err := t.Store.Clashes(t.ctx, t.register.Name, t.delivery.Number, mostViolations)
	if err != nil {
		return nil, err
	}
	if err := t.clashing(clashes); err != nil {
		return t.broken(err)
	}
	t.delivery.Ended = clock.Micros(t.Clock.Now())
	if err := t.Store.Commit(t.ctx, t.delivery); err != nil {
		return nil, err
	}
	t.poke(t.register.Name)
	return t.delivery, nil
}

// again answers a delivery that was taken before, and has now been read to its end.
func (t *taking) again() (*register.Delivery, error) {
	if t.read != t.before.Staged {
		return nil, fault.New(fault.Conflict, "another delivery was taken under this id: it had %d entities", t.before.Staged)
	}
	return t.delivery, nil
}

// clashing tells of objects that would be two things at once (4b). No value is shown: a row's may be personal.
func (t *taking) clashing(clashes []register.Clash) error {
	var found []fault.Violation
	for i := range clashes {
		c := &clashes[i]
		found = append(found, fault.Violation{
			Pointer: "/" + c.Row.Type, Rule: "overlap",
			Message: fmt.Sprintf("two rows of an object would both be known from %s about %s", instant(max(c.Row.Registration.From, c.Other.Registration.From)), instant(max(c.Row.Effect.From, c.Other.Effect.From))),
		})
	}
	return fault.Invalid(fault.InvalidDocument, found)
}

// broken ends a delivery that cannot go on. One that is wrong is refused; one that only stopped stays as far as it came.
func (t *taking) broken(err error) (*register.Delivery, error) {
	if t.body.err != nil {
		return nil, fault.Wrap(fault.BadRequest, t.body.err, "the delivery could not be read to its end; post it again, and it goes on behind the %d entities that are staged", t.delivery.Staged)
	}
	if t.before.State != register.Staging || !fault.Has(err, fault.InvalidDocument) {
		return nil, err
	}
	if failed := t.refuse(context.WithoutCancel(t.ctx), t.delivery, fault.Of(err).Detail); failed != nil {
		return nil, errors.Join(failed, err)
	}
	return nil, err
}

func instant(us int64) string { return string(event.AppendTime(nil, us)) }
