package grunddata

import (
	"bytes"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/ident"
)

// sheet holds what one event says in the gaps of a template: texts as they stand between the quotes of JSON.
type sheet struct {
	texts    [slots][]byte
	gathered event.Gathered
}

var scratches = sync.Pool{New: func() any { return new(event.Scratch) }}

// append writes the message of an event. Where it says no, nothing is known of the message.
func (t *template) append(dst []byte, form Form, e *event.Event) (written []byte, ok bool) {
	if t == none || form >= forms || e.Type != t.beskedtype || !event.IsJSON(e.MediaType) {
		return dst, false
	}
	scratch := scratches.Get().(*event.Scratch)
	s := sheet{gathered: event.Gathered{Scratch: scratch}}
	if t.gather(e, &s) {
		written, ok = t.scripts[form].append(dst, form, &s.texts)
	}
	scratch.Reset()
	scratches.Put(scratch)
	if !ok {
		return dst, false
	}
	return written, true
}

func (t *template) gather(e *event.Event, s *sheet) bool {
	if !t.gatherer.Gather(e.Data, &s.gathered) {
		return false
	}
	for i, field := range t.fields {
		s.texts[slotOf(field)] = s.gathered.Texts[i]
	}
	return s.complete(e)
}

// complete adds what is not the mapping's, or not as it stands; compare fill and FromEvent.
func (s *sheet) complete(e *event.Event) bool {
	s.add(slotBeskedID, func(dst []byte) []byte { return ident.Append(dst, e.ID) })
	s.add(slotDannelsestidspunkt, func(dst []byte) []byte { return appendBorn(dst, e) })
	if len(s.texts[slotKildesystem]) == 0 {
		s.add(slotKildesystem, func(dst []byte) []byte { return appendQuoted(dst, e.Source) })
	}
	if len(s.texts[slotObjektreference]) == 0 {
		s.texts[slotObjektreference] = s.texts[slotObjektID]
	}
	return s.place()
}

// add adds a text of the hub's.
func (s *sheet) add(to slot, text func(dst []byte) []byte) {
	from := len(s.gathered.Joined)
	s.gathered.Joined = text(s.gathered.Joined)
	s.texts[to] = s.gathered.Joined[from:]
}

// place says where the object is, as At does. What it may be with escapes in it is for At.
func (s *sheet) place() bool {
	place := bytes.TrimSpace(s.texts[slotStedbestemmelse])
	const longest = 32 // a word longer than that names no geometry
	start := string(place[:min(len(place), longest)])
	switch {
	case bytes.IndexByte(place, '\\') >= 0 || len(start) >= len(srid) && strings.EqualFold(start[:len(srid)], srid):
		return false
	case IsWKT(start):
		s.texts[slotGeometri] = place
	default:
		s.texts[slotReference] = place
	}
	return true
}

// appendQuoted appends a text as it stands between the quotes of JSON.
func appendQuoted(dst []byte, text string) []byte {
	from := len(dst)
	dst, _ = jsontext.AppendQuote(dst, text) // it has an error for what is no UTF-8, which no source's name is
	return append(dst[:from], dst[from+1:len(dst)-1]...)
}

// appendBorn writes what born does, without reading the layout. Where there is no zone it writes nothing, and nothing is sent.
func appendBorn(dst []byte, e *event.Event) []byte {
	zone, err := copenhagen()
	if err != nil {
		return dst
	}
	at := clock.FromMicros(made(e)).In(zone)
	const offset = len("+01:00")
	dst = at.AppendFormat(dst, time.RFC3339) // which package time writes without reading the layout
	var zoned [offset]byte
	rest := dst[len(dst)-offset:]
	copy(zoned[:], rest)
	dst = append(dst[:len(dst)-offset], '.')
	for unit, tenths := 1_000_000, at.Nanosecond()/100; unit > 0; unit /= 10 {
		dst = append(dst, byte('0'+tenths/unit%10))
	}
	return append(dst, zoned[:]...)
}
