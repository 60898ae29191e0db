package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash"

	"github.com/varselhub/varsel/internal/fault"
)

// KeySize is the length of the key in bytes.
const KeySize = sha256.Size

// MAC is HMAC-SHA256 (RFC 2104) over the MAC of the entry before and the entry itself. The first entry follows the zero
// MAC.
type MAC [sha256.Size]byte

// String writes it as 64 hexadecimal digits.
func (m MAC) String() string { return hex.EncodeToString(m[:]) }

// ParseMAC reads what String writes.
func ParseMAC(text string) (m MAC, ok bool) {
	if len(text) != hex.EncodedLen(len(m)) {
		return m, false
	}
	_, err := hex.Decode(m[:], []byte(text))
	return m, err == nil
}

// Head is the end of the log at some time: it says that Number entries were there, and which.
type Head struct {
	Number int64
	MAC    MAC
	At     int64 // µs UTC when the head was looked at; 0 for the head of a log that is open
}

// Chain seals entries with the key. It keeps nothing but the key and is safe for concurrent use.
type Chain struct{ key []byte }

// NewChain makes a chain of a key of KeySize bytes.
func NewChain(key []byte) (*Chain, error) {
	if len(key) != KeySize {
		return nil, fault.New(fault.Internal, "the audit key has %d bytes; want %d", len(key), KeySize)
	}
	return &Chain{key: key}, nil
}

// Seal sets an entry's MAC to be the one behind previous. All else of the entry must be set.
func (c *Chain) Seal(previous MAC, e *Entry) { e.MAC = c.sealer().mac(previous, e) }

// sealer holds what sealing many entries one after another uses again.
type sealer struct {
	hash hash.Hash
	text []byte
}

func (c *Chain) sealer() *sealer { return &sealer{hash: hmac.New(sha256.New, c.key)} }

func (s *sealer) mac(previous MAC, e *Entry) (m MAC) {
	s.hash.Reset()
	s.text = AppendCanonical(append(s.text[:0], previous[:]...), e)
	s.hash.Write(s.text) // a hash never fails
	s.hash.Sum(m[:0])
	return m
}

// canonicalForm is the first byte of every encoding. Another form gets another number, and the old one stays readable.
const canonicalForm = 1

// AppendCanonical appends the one encoding of an entry that is sealed: the form, number, time and position as 8 bytes
// big-endian, then actor, act, subject and detail, each behind its length in bytes as 4 bytes big-endian. No two entries
// have the same. It is fixed for ever by a golden test: whoever holds the key can verify with any tool.
func AppendCanonical(dst []byte, e *Entry) []byte {
	dst = append(dst, canonicalForm)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Number))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.At))
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Position))
	dst = appendText(dst, e.Actor)
	dst = appendText(dst, string(e.Act))
	dst = appendText(dst, e.Subject)
	return appendText(dst, e.Detail)
}

func appendText[T string | json.RawMessage](dst []byte, text T) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(text)))
	return append(dst, text...)
}
