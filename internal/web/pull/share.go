package pull

import (
	"bytes"
	"strconv"
	"time"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
)

// share is the part of a batch that one processor writes. Its memory is that of the next batch, too.
type share struct {
	face   *face
	format Format

	text    []byte // the messages, each with what stands between two in front
	message []byte // one that is text within XML
	written int
	leftOut []leftOut
}

// leftOut is an event that cannot be written as a message.
type leftOut struct {
	position int64
	err      error
}

// largeShare is what a share keeps at most for the next batch, in bytes: few messages are as large as all that.
const largeShare = 2 << 20

func (s *share) write(events []*event.Event) {
	if cap(s.text)+cap(s.message) > largeShare {
		s.text, s.message = nil, nil
	}
	s.text, s.written, s.leftOut = s.text[:0], 0, s.leftOut[:0]
	add := s.json
	if s.format == XML {
		add = s.xml
	}
	for _, e := range events {
		before := len(s.text)
		s.text = append(s.text, wires[s.format].between...)
		if err := add(e); err != nil {
			s.text = s.text[:before]
			s.leftOut = append(s.leftOut, leftOut{e.Position, err})
			continue
		}
		s.written++
	}
}

// json writes the member of the array that five client programs read (requirements 4b).
func (s *share) json(e *event.Event) error {
	s.add(`{"Id":`)
	s.number(e.Position)
	s.add(`,"Message":`)
	text, err := s.face.Append(s.text, e, JSON)
	if err != nil {
		return err
	}
	s.text = text
	s.add(`,"Format":"Json","Timestamp":"`)
	s.text = event.AppendTime(s.text, e.Recorded)
	s.add(`"}`)
	return nil
}

// xml writes an Envelope. The message is text in it, so that it stays a document of its own (requirements 4c, 4).
func (s *share) xml(e *event.Event) error {
	message, err := s.face.Append(s.message[:0], e, XML)
	if err != nil {
		return err
	}
	s.message = message
	s.add("<Envelope><Id>")
	s.number(e.Position)
	s.add("</Id><Message>")
	s.text = appendEscaped(s.text, undeclared(s.message))
	s.add("</Message><Format>Xml</Format><Timestamp>")
	s.time(e.Recorded, "2006-01-02T15:04:05.0000000-07:00", s.face.Zone)
	s.add("</Timestamp></Envelope>")
	return nil
}

func (s *share) add(text string) { s.text = append(s.text, text...) }

func (s *share) number(n int64) { s.text = strconv.AppendInt(s.text, n, 10) }

func (s *share) time(us int64, layout string, zone *time.Location) {
	s.text = clock.FromMicros(us).In(zone).AppendFormat(s.text, layout)
}

// undeclared is a document without its declaration, which has no place within another.
func undeclared(document []byte) []byte {
	if bytes.HasPrefix(document, []byte("<?xml")) {
		if _, rest, ok := bytes.Cut(document, []byte("?>")); ok {
			return bytes.TrimLeft(rest, " \t\r\n")
		}
	}
	return document
}

// escapes stand for the characters that text must not hold, or would not keep (XML 1.0 sections 2.4 and 2.11).
var escapes = [256]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '\r': "&#xD;"}

func appendEscaped(dst, text []byte) []byte {
	from := 0
	for i, c := range text {
		if escapes[c] == "" {
			continue
		}
		dst = append(append(dst, text[from:i]...), escapes[c]...)
		from = i + 1
	}
	return append(dst, text[from:]...)
}
