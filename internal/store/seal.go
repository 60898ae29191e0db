// Package store is what the stores have in common: how what is kept is sealed, and under which keys. Each store is a
// package below it.
package store

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
)

// What is sealed: one blob for a row, nonce | AES-256-GCM ciphertext | tag, the nonce random (NIST SP 800-38D section
// 8.2.2). The additional data binds a blob to its table and row, so that no row can stand in for another.

// ErrForgotten means that the data key was destroyed: what it sealed is gone.
var ErrForgotten = errors.New("its data key was destroyed")

// What a blob is of: the first byte of its additional data.
const (
	ofEvent   = 'e' // and the event's position
	ofMessage = 'm' // an event again, and its message id: where a blob is made before its position is known
	ofAttempt = 'a'
	ofAside   = 's'
	ofRow     = 'r' // of a register
	ofDraft   = 'o' // of an event that is to be
	ofReceipt = 'q'

	ofRevision = 'v' // and its position, and when it was recorded
)

// Binding says what the blob of an event is bound to.
type Binding uint8

// The bindings.
const (
	ToPosition Binding = iota
	ToMessage
)

// bound is the additional data of a row.
type bound [1 + 3*8]byte

func (b *bound) event(by Binding, e *event.Event) []byte {
	if by == ToMessage {
		b[0] = ofMessage
		copy(b[1:], e.ID[:])
		return b[:1+len(e.ID)]
	}
	b[0] = ofEvent
	binary.BigEndian.PutUint64(b[1:], uint64(e.Position))
	return b[:9]
}

func (b *bound) attempt(position, consumer, number int64) []byte {
	b[0] = ofAttempt
	binary.BigEndian.PutUint64(b[1:], uint64(position))
	binary.BigEndian.PutUint64(b[9:], uint64(consumer))
	binary.BigEndian.PutUint64(b[17:], uint64(number))
	return b[:]
}

func (b *bound) numbered(of byte, in, number int64) []byte {
	b[0] = of
	binary.BigEndian.PutUint64(b[1:], uint64(in))
	binary.BigEndian.PutUint64(b[9:], uint64(number))
	return b[:17]
}

// Sealer holds a writer's buffers, so that sealing allocates nothing. It is not safe for concurrent use.
type Sealer struct {
	Binding       Binding
	bound         bound
	plain, sealed []byte
}

// largeBuffer is what a sealer keeps at most between two rows: one huge event must not hold its memory for ever.
const largeBuffer = 64 << 10

// Event seals head, media type and data. The result holds until the next call.
func (s *Sealer) Event(key *SealingKey, e *event.Event) []byte {
	plain := binary.AppendUvarint(s.plain[:0], uint64(len(e.Head)))
	plain = append(plain, e.Head...)
	plain = binary.AppendUvarint(plain, uint64(len(e.MediaType)))
	plain = append(plain, e.MediaType...)
	return s.seal(key.aead, append(plain, e.Data...), s.bound.event(s.Binding, e))
}

// Attempt seals the answer's detail and body. The result holds until the next call.
func (s *Sealer) Attempt(key *SealingKey, consumer int64, a *eventlog.Attempt) []byte {
	plain := binary.AppendUvarint(s.plain[:0], uint64(len(a.Result.Detail)))
	plain = append(plain, a.Result.Detail...)
	return s.seal(key.aead, append(plain, a.Result.Body...), s.bound.attempt(a.Position, consumer, int64(a.Number)))
}

// Aside seals a message that is set aside of a source's stream. The result holds until the next call.
func (s *Sealer) Aside(key *SealingKey, source string, a *eventlog.Aside) []byte {
	return s.seal(key.aead, append(s.plain[:0], a.Message...), boundAside(source, a.Number))
}

// boundAside is the additional data of a message that is set aside.
func boundAside(source string, number int64) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{ofAside}, uint64(number)), source...)
}

// Row seals the data of a register's row, by its type and number in the store. The result holds until the next call.
func (s *Sealer) Row(key *SealingKey, kind, number int64, data []byte) []byte {
	return s.seal(key.aead, append(s.plain[:0], data...), s.bound.numbered(ofRow, kind, number))
}

// Draft seals an event to be, by its register and number in the store. The result holds until the next call.
func (s *Sealer) Draft(key *SealingKey, register, number int64, draft []byte) []byte {
	return s.seal(key.aead, append(s.plain[:0], draft...), s.bound.numbered(ofDraft, register, number))
}

// Revision seals the document of a change of configuration. The result holds until the next call.
func (s *Sealer) Revision(key *SealingKey, position, recorded int64, document []byte) []byte {
	return s.seal(key.aead, append(s.plain[:0], document...), s.bound.numbered(ofRevision, position, recorded))
}

// Receipt seals what a receipt is about. The result holds until the next call.
func (s *Sealer) Receipt(key *SealingKey, r *eventlog.Receipt) []byte {
	return s.seal(key.aead, append(s.plain[:0], r.Sealed()...), boundReceipt(r))
}

// boundReceipt is the additional data of a receipt.
func boundReceipt(r *eventlog.Receipt) []byte {
	return append(append([]byte{ofReceipt}, r.Message[:]...), r.System...)
}

func (s *Sealer) seal(key cipher.AEAD, plain, bound []byte) []byte {
	sealed := key.Seal(s.sealed[:0], nil, plain, bound)
	if cap(plain) <= largeBuffer {
		s.plain, s.sealed = plain[:0], sealed[:0]
	} else {
		s.plain, s.sealed = nil, nil
	}
	return sealed
}

// Opener opens the rows of one read. It is not safe for concurrent use.
type Opener struct {
	Binding    Binding
	ring       *Keyring
	load       func(n int64) (DataKey, error) // reads a row of data_keys
	generation uint64
	bound      bound

	last    int64      // the data key of the row before, which this one has too, nearly always;
	lastKey openingKey // without aead where there was none
}

// Event opens a payload into e; sealed is overwritten, and head and data stay in it.
// Errors: ErrForgotten, fault.KeyMissing, fault.SealBroken, and what reading the key's row gives.
func (o *Opener) Event(key int64, sealed []byte, e *event.Event) error {
	k, err := o.key(key)
	if err != nil {
		return err
	}
	plain, err := k.aead.Open(sealed[:0], nil, sealed, o.bound.event(o.Binding, e))
	if err != nil {
		return fault.Wrap(fault.SealBroken, err, "the payload at position %d does not open", e.Position)
	}
	head, rest := part(plain)
	media, data := part(rest)
	if head == nil || media == nil {
		return fault.New(fault.SealBroken, "the payload at position %d is cut short", e.Position)
	}
	e.Head, e.MediaType, e.Data, e.Retention = head, mediaType(media), data, k.retention
	return nil
}

// mediaType makes no text of its own of what nearly all data is.
func mediaType(media []byte) string {
	const usual = "application/json"
	if string(media) == usual {
		return usual
	}
	return string(media)
}

// Attempt opens what an attempt was answered; sealed is overwritten, and the body stays in it. Where the event is
// forgotten, so is this: nothing is opened, and that is no error.
func (o *Opener) Attempt(key int64, sealed []byte, consumer int64, a *eventlog.Attempt) error {
	k, err := o.key(key)
	if errors.Is(err, ErrForgotten) {
		return nil
	}
	if err != nil {
		return err
	}
	plain, err := k.aead.Open(sealed[:0], nil, sealed, o.bound.attempt(a.Position, consumer, int64(a.Number)))
	if err != nil {
		return fault.Wrap(fault.SealBroken, err, "the answer to attempt %d at position %d does not open", a.Number, a.Position)
	}
	detail, body := part(plain)
	a.Result.Detail, a.Result.Body = string(detail), body
	return nil
}

// Aside opens a message that is set aside; sealed is overwritten, and the message stays in it.
// Errors: as Event.
func (o *Opener) Aside(key int64, sealed []byte, source string, a *eventlog.Aside) error {
	k, err := o.key(key)
	if err != nil {
		return err
	}
	if a.Message, err = k.aead.Open(sealed[:0], nil, sealed, boundAside(source, a.Number)); err != nil {
		return fault.Wrap(fault.SealBroken, err, "the message %d set aside of %s does not open", a.Number, source)
	}
	return nil
}

// Row opens the data of a register's row of a type; sealed is overwritten, and the data stays in it. Nothing sealed was
// erased.
// Errors: as Event.
func (o *Opener) Row(key int64, sealed []byte, kind int64, r *register.Row) (err error) {
	if len(sealed) == 0 {
		r.Erase()
		return nil
	}
	r.Data, err = o.RowData(key, sealed, kind, r.Number)
	return err
}

// RowData is Row for whoever wants nothing but the data.
func (o *Opener) RowData(key int64, sealed []byte, kind, number int64) ([]byte, error) {
	return o.numbered(key, sealed, ofRow, kind, number)
}

// Draft opens an event to be; sealed is overwritten, and what is returned stays in it.
// Errors: as Event.
func (o *Opener) Draft(key int64, sealed []byte, register, number int64) ([]byte, error) {
	return o.numbered(key, sealed, ofDraft, register, number)
}

// Revision opens the document of a change of configuration; sealed is overwritten, and what is returned stays in it.
// Errors: as Event.
func (o *Opener) Revision(key int64, sealed []byte, position, recorded int64) ([]byte, error) {
	k, err := o.key(key)
	if err != nil {
		return nil, err
	}
	plain, err := k.aead.Open(sealed[:0], nil, sealed, o.bound.numbered(ofRevision, position, recorded))
	if err != nil {
		return nil, fault.Wrap(fault.SealBroken, err, "the change of configuration at position %d does not open", position)
	}
	return plain, nil
}

func (o *Opener) numbered(key int64, sealed []byte, of byte, in, number int64) ([]byte, error) {
	k, err := o.key(key)
	if err != nil {
		return nil, err
	}
	plain, err := k.aead.Open(sealed[:0], nil, sealed, o.bound.numbered(of, in, number))
	if err != nil {
		return nil, fault.Wrap(fault.SealBroken, err, "the data of the row or event %d of a register does not open", number)
	}
	return plain, nil
}

// Receipt opens what a receipt is about; sealed is overwritten. Nothing sealed was erased.
// Errors: as Event.
func (o *Opener) Receipt(key int64, sealed []byte, r *eventlog.Receipt) error {
	if len(sealed) == 0 {
		r.Erased = true
		return nil
	}
	k, err := o.key(key)
	if err != nil {
		return err
	}
	plain, err := k.aead.Open(sealed[:0], nil, sealed, boundReceipt(r))
	if err == nil {
		err = r.Unseal(plain)
	}
	if err != nil {
		return fault.Wrap(fault.SealBroken, err, "a receipt of %s does not open", r.System)
	}
	return nil
}

// part takes a length and as many bytes off the front; nil means that there are fewer.
func part(b []byte) (first, rest []byte) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) {
		return nil, nil
	}
	end := size + int(n)
	return b[size:end:end], b[end:]
}
