package register

import (
	"errors"
	"io"
)

// errTooMuch ends what is longer than it may be.
var errTooMuch = errors.New("more than is read at once")

// source hands an XML decoder its bytes one by one, so many as it may have, and keeps those from a mark on, so that a part of
// the document can be had as it was delivered.
type source struct {
	from   io.Reader
	err    error // that from ended with
	buffer []byte
	start  int64 // offset in the document of the buffer's first byte
	at     int   // in the buffer: the next byte
	stop   int   // in the buffer: how far bytes are handed out without another look
	limit  int64 // offset up to which there are any
	mark   int64 // offset from which bytes are kept
	kept   []byte
}

const bufferSize = 64 << 10

func newSource(from io.Reader) *source {
	return &source{from: from, buffer: make([]byte, 0, bufferSize)}
}

// ReadByte implements io.ByteReader: a decoder reads from one without a buffer of its own.
func (s *source) ReadByte() (byte, error) {
	if s.at >= s.stop {
		if err := s.more(); err != nil {
			return 0, err
		}
	}
	b := s.buffer[s.at]
	s.at++
	return b, nil
}

// Read implements io.Reader, which a decoder wants and does not use.
func (s *source) Read([]byte) (int, error) { return 0, io.ErrNoProgress }

// more has at least one byte ready.
func (s *source) more() error {
	if s.start+int64(s.at) >= s.limit {
		return errTooMuch
	}
	if s.at == len(s.buffer) {
		if err := s.refill(); err != nil {
			return err
		}
	}
	s.allow(s.limit)
	return nil
}

// allow sets the offset up to which bytes are handed out.
func (s *source) allow(limit int64) {
	s.limit = limit
	s.stop = int(min(limit-s.start, int64(len(s.buffer))))
}

// refill reads on, once all of the buffer has been handed out.
func (s *source) refill() error {
	if from := max(s.mark-s.start, 0); from < int64(len(s.buffer)) {
		s.kept = append(s.kept, s.buffer[from:]...)
	}
	s.start += int64(len(s.buffer))
	s.at, s.stop, s.buffer = 0, 0, s.buffer[:0]
	for s.err == nil && len(s.buffer) == 0 {
		var n int
		n, s.err = s.from.Read(s.buffer[:cap(s.buffer)])
		s.buffer = s.buffer[:n]
	}
	if len(s.buffer) == 0 {
		return s.err
	}
	return nil
}

// keep keeps the bytes from an offset on: that of the next byte, or of the one before it, which a decoder has looked at.
func (s *source) keep(offset int64) { s.mark, s.kept = offset, s.kept[:0] }

// between returns the document from one offset, which is not before the mark, up to another, which has been read; valid until
// more is.
func (s *source) between(from, to int64) []byte {
	if from >= s.start {
		return s.buffer[from-s.start : to-s.start]
	}
	return append(s.kept, s.buffer[:max(to-s.start, 0)]...)[from-s.mark : to-s.mark]
}

// peek shows up to so many bytes from the beginning, before anything is read.
func (s *source) peek(count int) []byte {
	for s.err == nil && len(s.buffer) < count {
		var n int
		n, s.err = s.from.Read(s.buffer[len(s.buffer):cap(s.buffer)])
		s.buffer = s.buffer[:len(s.buffer)+n]
	}
	return s.buffer[:min(count, len(s.buffer))]
}

// drop leaves out so many bytes that peek has shown: they have no offset.
func (s *source) drop(count int) { s.buffer = s.buffer[:copy(s.buffer, s.buffer[count:])] }
