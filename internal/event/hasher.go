package event

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"hash"
	"sync"
)

// laneVersion says how lanes are made. It goes into the hash, so that a lane of another making never meets one of this.
const laneVersion = 1

// minSecret is the least length of the hashing secret, in bytes: that of the hash (RFC 2104 section 3).
const minSecret = 32

// Hasher turns the key of an event into its lane, and what it is found by into clues. It is safe for concurrent use.
//
// One rule serves every profile: the lane is that of source and key. For types that go out as STAR messages the order
// is kept per domain and citizen, or per domain and entity where there is no citizen (S26, S38, S39); there the key
// field of the mapping is mapped to the identification, or else to the entity's id.
type Hasher struct {
	states sync.Pool
}

type hashState struct {
	mac   hash.Hash
	input []byte
	sum   [sha256.Size]byte
}

// NewHasher returns a hasher with the installation's secret, which stands outside the database: who has the
// database alone can not try out all person numbers. The secret is at least 32 bytes.
func NewHasher(secret []byte) (*Hasher, error) {
	if len(secret) < minSecret {
		return nil, errors.New("the secret for lanes must have at least 32 bytes")
	}
	secret = append([]byte(nil), secret...)
	return &Hasher{states: sync.Pool{New: func() any {
		return &hashState{mac: hmac.New(sha256.New, secret), input: make([]byte, 0, 256)}
	}}}, nil
}

// Lane returns the first 16 bytes of HMAC-SHA256(secret, version ‖ source ‖ 0 ‖ key). A source holds no zero byte, so
// two pairs never make the same input.
func (h *Hasher) Lane(source, key string) Lane {
	s := h.states.Get().(*hashState)
	s.input = append(s.input[:0], laneVersion)
	s.input = append(s.input, source...)
	s.input = append(s.input, 0)
	s.input = append(s.input, key...)
	return h.sum(s)
}

// sum hashes the input of a state and gives the state back.
func (h *Hasher) sum(s *hashState) (first [16]byte) {
	s.mac.Reset()
	s.mac.Write(s.input)
	copy(first[:], s.mac.Sum(s.sum[:0]))
	clear(s.input) // a person number does not stay behind in the pool
	h.states.Put(s)
	return first
}
