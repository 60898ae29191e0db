package pull

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/clock"
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
	buffer   = 64 << 10
	patience = 2 * time.Minute // for a client to take a buffer: an answer may take long, and a client that stands still may not
)

// answer writes messages as they come: it holds no more than a batch, however many there are.
type answer struct {
	writer  http.ResponseWriter
	request *http.Request
	face    *face
	format  Format

	out     *bufio.Writer // nil: nothing was written
	pack    *gzip.Writer  // nil: it goes out as it is
	some    bool
	leftOut int
}

// messages renders some events, as many at a time as there are processors, and writes them in order. One that breaks its
// own contract is left out, and the operator is told: it would be the end of every window that it is in.
func (a *answer) messages(events []*event.Event) (written int, err error) {
	rendered := make([]*event.Rendering, len(events))
	var all sync.WaitGroup
	shares := min(runtime.GOMAXPROCS(0), (len(events)+31)/32)
	for share := range shares {
		all.Go(func() {
			for i := share; i < len(events); i += shares {
				rendered[i] = a.face.Render(events[i], a.format)
			}
		})
	}
	all.Wait()
	for i, e := range events {
		if err := rendered[i].Err; err != nil {
			a.leaveOut(e, err)
			continue
		}
		if err := a.message(e, rendered[i].Body); err != nil {
			return written, err
		}
		written++
	}
	return written, nil
}

// leaveOut tells the operator of the first that is left out of an answer.
func (a *answer) leaveOut(e *event.Event, err error) {
	if a.leftOut++; a.leftOut == 1 {
		a.face.Logger.LogAttrs(a.request.Context(), slog.LevelWarn, "an event cannot be written as a message, and is left out",
			slog.String("request", a.writer.Header().Get(web.RequestID)), slog.Int64("position", e.Position), slog.String("error", err.Error()))
	}
}

func (a *answer) message(e *event.Event, body []byte) (err error) {
	if a.out == nil {
		a.begin()
	}
	if a.some {
		a.text(wires[a.format].between)
	} else {
		a.text(wires[a.format].begin)
		a.some = true
	}
	if a.format == XML {
		a.xml(e, body)
	} else {
		a.json(e, body)
	}
	_, err = a.out.Write(nil) // what went wrong on the way stays with the writer
	return err
}

// json writes the member of the array that five client programs read (requirements 4b).
func (a *answer) json(e *event.Event, body []byte) {
	a.text(`{"Id":`)
	a.number(e.Position)
	a.text(`,"Message":`)
	_, _ = a.out.Write(body)
	a.text(`,"Format":"Json","Timestamp":"`)
	a.time(e.Recorded, "2006-01-02T15:04:05.000000Z", time.UTC)
	a.text(`"}`)
}

// xml writes an Envelope. The message is text in it, so that it stays a document of its own (requirements 4c, 4).
func (a *answer) xml(e *event.Event, body []byte) {
	a.text("<Envelope><Id>")
	a.number(e.Position)
	a.text("</Id><Message>")
	escape(a.out, undeclared(body))
	a.text("</Message><Format>Xml</Format><Timestamp>")
	a.time(e.Recorded, "2006-01-02T15:04:05.0000000-07:00", a.face.Zone)
	a.text("</Timestamp></Envelope>")
}

// text writes; a client that is gone shows when the message is done.
func (a *answer) text(text string) { _, _ = a.out.WriteString(text) }

func (a *answer) number(n int64) {
	_, _ = a.out.Write(strconv.AppendInt(a.out.AvailableBuffer(), n, 10))
}

func (a *answer) time(us int64, layout string, zone *time.Location) {
	_, _ = a.out.Write(clock.FromMicros(us).In(zone).AppendFormat(a.out.AvailableBuffer(), layout))
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

func escape(out *bufio.Writer, text []byte) {
	from := 0
	for i, c := range text {
		if escapes[c] == "" {
			continue
		}
		_, _ = out.Write(text[from:i])
		_, _ = out.WriteString(escapes[c])
		from = i + 1
	}
	_, _ = out.Write(text[from:])
}

// begin sends the head.
func (a *answer) begin() {
	header := a.writer.Header()
	header.Set("Content-Type", wires[a.format].mediaType)
	header.Set("Vary", "Accept-Encoding")
	var to io.Writer = &patient{to: a.writer, control: http.NewResponseController(a.writer)}
	if takesGzip(a.request.Header) {
		header.Set("Content-Encoding", "gzip")
		a.pack, _ = gzip.NewWriterLevel(to, gzip.BestSpeed) // a level there is
		to = a.pack
	}
	a.writer.WriteHeader(http.StatusOK)
	a.out = bufio.NewWriterSize(to, buffer)
}

// end writes what is left, and the end.
func (a *answer) end() error {
	if a.out == nil {
		a.begin()
	}
	if a.some {
		a.text(wires[a.format].end)
	} else {
		a.text(wires[a.format].none)
	}
	err := a.out.Flush()
	if a.pack != nil && err == nil {
		err = a.pack.Close()
	}
	return err
}

// fail answers with a problem; an answer that is under way is broken off.
func (a *answer) fail(err error) {
	if a.out != nil {
		if _, gone := a.out.Write(nil); gone == nil && a.request.Context().Err() == nil { // it is not the client who left
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

// patient gives a client time for every buffer anew.
type patient struct {
	to      io.Writer
	control *http.ResponseController
}

func (p *patient) Write(text []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(patience)) // where it cannot be set the listener's holds
	return p.to.Write(text)
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
