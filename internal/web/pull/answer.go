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

// answer writes messages as they come: it holds no more than two batches, however many there are, one that is written and
// one that is sent.
type answer struct {
	writer  http.ResponseWriter
	request *http.Request
	face    *face
	format  Format

	to      io.Writer    // nil: nothing was written
	pack    *gzip.Writer // nil: it goes out as it is
	batches [2][]share   // by turns
	turn    int
	sending sync.WaitGroup
	some    bool
	gone    error // what became of the client; known when nothing is being sent
	leftOut int
}

// messages writes some events, as many at a time as there are processors, and has them sent in order, while the next are
// written. One that breaks its own contract is left out, and the operator is told: it would be the end of every window that
// it is in.
func (a *answer) messages(events []*event.Event) (written int, err error) {
	batch := a.write(events)
	if err := a.sent(); err != nil {
		return 0, err
	}
	for i := range batch {
		a.leaveOut(batch[i].leftOut)
		written += batch[i].written
	}
	if written == 0 {
		return 0, nil
	}
	if a.to == nil {
		a.begin()
	}
	a.sending.Go(func() {
		for i := range batch {
			a.add(batch[i].text)
		}
	})
	return written, nil
}

// write writes some events into the batch whose turn it is.
func (a *answer) write(events []*event.Event) []share {
	const least = 32 // events that are worth another processor
	count := min(runtime.GOMAXPROCS(0), (len(events)+least-1)/least)
	batch := a.batches[a.turn]
	for len(batch) < count {
		batch = append(batch, share{face: a.face, format: a.format})
	}
	a.batches[a.turn], a.turn = batch, 1-a.turn
	batch = batch[:count]
	var all sync.WaitGroup
	for i := range batch {
		part := events[i*len(events)/count : (i+1)*len(events)/count]
		all.Go(func() { batch[i].write(part) })
	}
	all.Wait()
	return batch
}

// sent waits until what was written is sent, and says what became of the client.
func (a *answer) sent() error {
	a.sending.Wait()
	return a.gone
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
func (a *answer) add(messages []byte) {
	if len(messages) > 0 && !a.some {
		a.some = true
		messages = messages[len(wires[a.format].between):]
		a.send([]byte(wires[a.format].begin))
	}
	a.send(messages)
}

// send sends; to a client that is gone nothing.
func (a *answer) send(text []byte) {
	if len(text) > 0 && a.gone == nil {
		_, a.gone = a.to.Write(text)
	}
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
	if err := a.sent(); err != nil {
		return err
	}
	if a.to == nil {
		a.begin()
	}
	text := wires[a.format].none
	if a.some {
		text = wires[a.format].end
	}
	a.send([]byte(text))
	if a.pack != nil && a.gone == nil {
		a.gone = a.pack.Close()
	}
	return a.gone
}

// fail answers with a problem; an answer that is under way is broken off.
func (a *answer) fail(err error) {
	if gone := a.sent(); a.to != nil {
		if gone == nil && a.request.Context().Err() == nil { // it is not the client who left
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
