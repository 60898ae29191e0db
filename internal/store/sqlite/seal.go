package sqlite

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"

	"zombiezen.com/go/sqlite"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// What is sealed: one blob for a row, nonce | AES-256-GCM ciphertext | tag, the nonce random (NIST SP 800-38D section
// 8.2.2). The additional data binds a blob to its table and row, so that no row can stand in for another.

// errForgotten means that the data key was destroyed: what it sealed is gone.
var errForgotten = errors.New("its data key was destroyed")

const (
	ofEvent   = 'e'
	ofAttempt = 'a'
	ofAside   = 's'
)

// bound is the additional data of a row.
type bound [1 + 3*8]byte

func (b *bound) event(position int64) []byte {
	b[0] = ofEvent
	binary.BigEndian.PutUint64(b[1:], uint64(position))
	return b[:9]
}

func (b *bound) attempt(position, consumer, number int64) []byte {
	b[0] = ofAttempt
	binary.BigEndian.PutUint64(b[1:], uint64(position))
	binary.BigEndian.PutUint64(b[9:], uint64(consumer))
	binary.BigEndian.PutUint64(b[17:], uint64(number))
	return b[:]
}

// sealer holds the writer's buffers, so that sealing allocates nothing.
type sealer struct {
	bound         bound
	plain, sealed []byte
}

// largeBuffer is what a sealer keeps at most between two rows: one huge event must not hold its memory for ever.
const largeBuffer = 64 << 10

// event seals head, media type and data. The result holds until the next call.
func (s *sealer) event(key cipher.AEAD, e *event.Event) []byte {
	plain := binary.AppendUvarint(s.plain[:0], uint64(len(e.Head)))
	plain = append(plain, e.Head...)
	plain = binary.AppendUvarint(plain, uint64(len(e.MediaType)))
	plain = append(plain, e.MediaType...)
	return s.seal(key, append(plain, e.Data...), s.bound.event(e.Position))
}

// attempt seals the answer's detail and body.
func (s *sealer) attempt(key cipher.AEAD, consumer int64, a *eventlog.Attempt) []byte {
	plain := binary.AppendUvarint(s.plain[:0], uint64(len(a.Result.Detail)))
	plain = append(plain, a.Result.Detail...)
	return s.seal(key, append(plain, a.Result.Body...), s.bound.attempt(a.Position, consumer, int64(a.Number)))
}

func (s *sealer) seal(key cipher.AEAD, plain, bound []byte) []byte {
	sealed := key.Seal(s.sealed[:0], nil, plain, bound)
	if cap(plain) <= largeBuffer {
		s.plain, s.sealed = plain[:0], sealed[:0]
	} else {
		s.plain, s.sealed = nil, nil
	}
	return sealed
}

// opener opens the rows of one read. It is not safe for concurrent use.
type opener struct {
	keys       *keyring
	generation uint64
	bound      bound
}

// event opens a payload into e. Head and data share the one allocation that is made.
func (o *opener) event(c *sqlite.Conn, row *sqlite.Stmt, key, sealed int, e *event.Event) error {
	k, err := o.key(c, row.ColumnInt64(key))
	if err != nil {
		return err
	}
	plain, err := open(k.aead, row, sealed, o.bound.event(e.Position))
	if err != nil {
		return fault.Wrap(fault.SealBroken, err, "the payload at position %d does not open", e.Position)
	}
	head, rest := part(plain)
	media, data := part(rest)
	if head == nil || media == nil {
		return fault.New(fault.SealBroken, "the payload at position %d is cut short", e.Position)
	}
	e.Head, e.MediaType, e.Data, e.Retention = head, string(media), data, k.retention
	return nil
}

// attempt opens what an attempt was answered. Where the event is forgotten, so is this.
func (o *opener) attempt(c *sqlite.Conn, row *sqlite.Stmt, key, sealed int, consumer int64, a *eventlog.Attempt) error {
	if row.ColumnIsNull(sealed) {
		return nil
	}
	k, err := o.key(c, row.ColumnInt64(key))
	if errors.Is(err, errForgotten) {
		return nil
	}
	if err != nil {
		return err
	}
	plain, err := open(k.aead, row, sealed, o.bound.attempt(a.Position, consumer, int64(a.Number)))
	if err != nil {
		return fault.Wrap(fault.SealBroken, err, "the answer to attempt %d at position %d does not open", a.Number, a.Position)
	}
	detail, body := part(plain)
	a.Result.Detail, a.Result.Body = string(detail), body
	return nil
}

func open(key cipher.AEAD, row *sqlite.Stmt, column int, bound []byte) ([]byte, error) {
	sealed := make([]byte, row.ColumnLen(column))
	row.ColumnBytes(column, sealed)
	return key.Open(sealed[:0], nil, sealed, bound)
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
