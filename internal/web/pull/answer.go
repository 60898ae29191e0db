package pull

import (
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/web"
)

// wire is how a format is written around its messages (F38, F38b; requirements 4c, 4).
type wire struct {
	mediaType           string
	begin, between, end string
	none                string // in place of all that when there are no messages
}

var wires = [...]wire{
	JSON: {mediaType: "application/json", begin: "[", between: ",\n", end: "]\n", none: "[]\n"},
	XML: {
		mediaType: "application/xml; charset=utf-8", begin: `<?xml version="1.0" encoding="utf-8"?>` + "\n" + arrayOfEnvelope + ">\n", between: "\n",
		end: "\n</ArrayOfEnvelope>\n", none: `<?xml version="1.0" encoding="utf-8"?>` + "\n" + arrayOfEnvelope + "/>\n",
	},
}

const arrayOfEnvelope = `<ArrayOfEnvelope xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"`

const (
	piece    = 64 << 10
	patience = 2 * time.Minute // for a client to take a piece: an answer may take long, and a client that stands still may not
)

// answer writes messages as they come: it holds no more than a batch, however many there are.
type answer struct {
	writer  http.ResponseWriter
	request *http.Request
	face    *face
	format  Format

	to      io.Writer    // nil: nothing was written
	pack    *gzip.Writer // nil: it goes out as it is
	shares  []share
	some    bool
	gone    error // what became of the client
	leftOut int
}

// messages writes some events, as many at a time as there are processors, and sends them in order. One that breaks its
// own contract is left out, and the operator is told: it would be the end of every window that it is in.
func (a *answer) messages(events []*event.Event) (written int, err error) {
	const least = 32 // events that are worth another processor
	count := min(runtime.GOMAXPROCS(0), (len(events)+least-1)/least)
	for len(a.shares) < count {
		a.shares = append(a.shares, share{face: a.face, format: a.format})
	}
	var all sync.WaitGroup
	for i := range count {
		part := events[i*len(events)/count : (i+1)*len(events)/count]
		all.Go(func() { a.shares[i].write(part) })
	}
	all.Wait()
	for i := range count {
		s := &a.shares[i]
		a.leaveOut(s.leftOut)
		if err := a.add(s.text); err != nil {
			return written, err
		}
		written += s.written
	}
	return written, nil
}

// leaveOut tells the operator of the first that is left out of an answer.
func (a *answer) leaveOut(list []leftOut) {
	if len(list) > 0 && a.leftOut == 0 {
		a.face.Logger.LogAttrs(a.request.Context(), slog.LevelWarn, "an event cannot be written as a message, and is left out",
			slog.String("request", a.writer.Header().Get(web.RequestID)), slog.Int64("position", list[0].position), slog.String("error", list[0].err.Error()))
	}
	a.leftOut += len(list)
}

// add sends messages, each of which has in front what stands between two.
func (a *answer) add(messages []byte) error {
	if len(messages) == 0 {
		return nil
	}
	if a.to == nil {
		a.begin()
	}
	if !a.some {
		a.some = true
		messages = messages[len(wires[a.format].between):]
		a.send([]byte(wires[a.format].begin))
	}
	return a.send(messages)
}

// send sends; to a client that is gone nothing.
func (a *answer) send(text []byte) error {
	if a.gone == nil {
		_, a.gone = a.to.Write(text)
	}
	return a.gone
}

// begin sends the head.
func (a *answer) begin() {
	header := a.writer.Header()
	header.Set("Content-Type", wires[a.format].mediaType)
	header.Set("Vary", "Accept-Encoding")
	a.to = &patient{to: a.writer, control: http.NewResponseController(a.writer)}
	if takesGzip(a.request.Header) {
		header.Set("Content-Encoding", "gzip")
		a.pack, _ = gzip.NewWriterLevel(a.to, gzip.BestSpeed) // a level there is
		a.to = a.pack
	}
	a.writer.WriteHeader(http.StatusOK)
}

// end sends the end.
func (a *answer) end() error {
	if a.to == nil {
		a.begin()
	}
	text := wires[a.format].none
	if a.some {
		text = wires[a.format].end
	}
	err := a.send([]byte(text))
	if a.pack != nil && err == nil {
		err = a.pack.Close()
	}
	return err
}

// fail answers with a problem; an answer that is under way is broken off.
func (a *answer) fail(err error) {
	if a.to != nil {
		if a.gone == nil && a.request.Context().Err() == nil { // it is not the client who left
			a.face.Logger.LogAttrs(a.request.Context(), slog.LevelError, "an answer under way was broken off",
				slog.String("request", a.writer.Header().Get(web.RequestID)), slog.String("error", err.Error()))
		}
		panic(http.ErrAbortHandler)
	}
	if fault.Has(err, fault.Unauthenticated) && a.face.kind == Password {
		a.writer.Header().Set("WWW-Authenticate", `Basic realm="varsel", charset="UTF-8"`) // which is taken, too (RFC 9110 section 15.5.2)
	}
	web.Fail(a.writer, a.request, a.face.Logger, err)
}

// patient gives a client time for every piece anew.
type patient struct {
	to      io.Writer
	control *http.ResponseController
}

func (p *patient) Write(text []byte) (written int, err error) {
	for part := range slices.Chunk(text, piece) {
		_ = p.control.SetWriteDeadline(time.Now().Add(patience)) // where it cannot be set the listener's holds
		n, err := p.to.Write(part)
		if written += n; err != nil {
			return written, err
		}
	}
	return written, nil
}

// takesGzip reports whether a client takes gzip (RFC 9110 section 12.5.3).
func takesGzip(header http.Header) bool {
	for _, line := range header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(line, ",") {
			name, quality, _ := strings.Cut(coding, ";")
			if name = strings.TrimSpace(name); !strings.EqualFold(name, "gzip") && name != "*" {
				continue
			}
			q, ok := strings.CutPrefix(strings.ReplaceAll(quality, " ", ""), "q=")
			value, err := strconv.ParseFloat(q, 64)
			return !ok || err == nil && value > 0
		}
	}
	return false
}
