package eventlog

import (
	"encoding/base64"
	"encoding/binary"

	"github.com/varselhub/varsel/internal/fault"
)

// Cursor is where a reader stands in the log: it has everything up to Position. With Rest it stands in what was left
// over from before it read by cursor, and has that up to Position.
type Cursor struct {
	Epoch    uint32
	Position int64
	Rest     bool
}

const cursorSize = 13

// String writes the cursor as its reader keeps it; what is in it is the hub's business.
func (c Cursor) String() string { return string(c.Append(nil)) }

// Append appends what String writes.
func (c Cursor) Append(dst []byte) []byte {
	var b [cursorSize]byte
	if c.Rest {
		b[0] = 1
	}
	binary.BigEndian.PutUint32(b[1:], c.Epoch)
	binary.BigEndian.PutUint64(b[5:], uint64(c.Position))
	return base64.RawURLEncoding.AppendEncode(dst, b[:])
}

// ParseCursor reads what String wrote.
// Error: fault.BadCursor.
func ParseCursor(text string) (Cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != cursorSize || b[0] > 1 || b[5] > 0x7f {
		return Cursor{}, fault.New(fault.BadCursor, "a cursor is %d characters, as the hub gave it", base64.RawURLEncoding.EncodedLen(cursorSize))
	}
	return Cursor{Rest: b[0] == 1, Epoch: binary.BigEndian.Uint32(b[1:]), Position: int64(binary.BigEndian.Uint64(b[5:]))}, nil
}

// Cursor makes a cursor of the log as it is now.
func (l *Log) Cursor(position int64, rest bool) Cursor {
	return Cursor{Epoch: l.epoch(), Position: position, Rest: rest}
}

// Epochs lists how often the log began anew, oldest first.
func (l *Log) Epochs() []Epoch { return *l.epochs.Load() }

// epoch is the one in which positions are given now.
func (l *Log) epoch() uint32 {
	epochs := l.Epochs()
	return epochs[len(epochs)-1].ID
}

// Resolve says where a cursor stands in the log as it is now. One of an earlier epoch is good up to where that ended.
// Errors: fault.BadCursor for one of another hub, fault.LogRewound for one beyond what was taken over.
func (l *Log) Resolve(c Cursor) (Cursor, error) {
	epochs := l.Epochs()
	for i, epoch := range epochs {
		if epoch.ID != c.Epoch {
			continue
		}
		last := l.Head()
		if i+1 < len(epochs) {
			last = epochs[i+1].After
		}
		if c.Position > last {
			return Cursor{}, fault.New(fault.LogRewound, "the cursor stands behind position %d, and the log it belongs to ended at %d", c.Position, last)
		}
		return l.Cursor(c.Position, c.Rest), nil
	}
	return Cursor{}, fault.New(fault.BadCursor, "it is of another hub, or of an epoch this hub has forgotten")
}
