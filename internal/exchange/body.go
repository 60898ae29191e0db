package exchange

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http/httputil"
	"time"
)

// readBody reads the answer's body far enough to use the connection again, and returns its start when the answer is not
// a success. Nothing that happens here changes the answer: a body that is too long, too slow, cut off or garbled costs
// the receiver the connection.
func (c *conn) readBody(ctx context.Context, deadline time.Time, wait time.Duration) (kept []byte) {
	a := &c.answer
	keep := a.status < 200 || a.status > 299
	if !c.whole(a) {
		if early := time.Now().Add(wait); early.Before(deadline) {
			deadline = early
		}
		c.SetReadDeadline(deadline)
		if ctx.Err() != nil { // follow's callback may have come before the deadline just set
			return nil
		}
	}
	reader := c.bodyReader(a)
	if keep {
		kept = readSome(reader, a.length)
	}
	complete := c.drain(reader) && (a.length != chunked || c.readTrailers())
	c.reusable = complete && a.keepAlive && c.wrote && c.reader.Buffered() == 0
	return kept
}

// whole reports that the body is in the buffer already, the usual case.
func (c *conn) whole(a *answer) bool {
	return a.length >= 0 && a.length <= int64(c.reader.Buffered())
}

func (c *conn) bodyReader(a *answer) io.Reader {
	switch {
	case a.length == chunked:
		return httputil.NewChunkedReader(c.reader)
	case a.length >= 0:
		c.limited = io.LimitedReader{R: c.reader, N: a.length}
	default:
		c.limited = io.LimitedReader{R: c.reader, N: maxBody} // not read to its end: the connection ends here anyway
	}
	return &c.limited
}

// readSome reads the start of the body, whose length is known when it is not negative.
func readSome(reader io.Reader, length int64) []byte {
	size := int64(maxKept)
	if length >= 0 {
		size = min(size, length)
	}
	start := make([]byte, size)
	n, _ := io.ReadFull(reader, start)
	return bytes.Clone(start[:n:n])
}

// readWhole reads the body of an answer that is told by it, and why it is not all there. The time limit of the exchange
// bounds it.
func (c *conn) readWhole(most int) (body []byte, cut string) {
	a := &c.answer
	if a.length > int64(most) {
		return nil, fmt.Sprintf("is longer than %d bytes", most)
	}
	body, err := io.ReadAll(io.LimitReader(c.bodyReader(a), int64(most)+1))
	switch {
	case isTimeout(err):
		return nil, "did not come to its end in time"
	case err != nil:
		return nil, "broke off before its end"
	case len(body) > most:
		return nil, fmt.Sprintf("is longer than %d bytes", most)
	case a.length > int64(len(body)):
		return nil, "is shorter than its Content-Length"
	}
	complete := a.length != chunked || c.readTrailers()
	c.reusable = complete && a.keepAlive && c.wrote && c.reader.Buffered() == 0
	return body, ""
}

// drain reads the rest up to the limit and reports whether that was all of it.
func (c *conn) drain(reader io.Reader) bool {
	const most = maxBody - maxKept
	if reader == io.Reader(&c.limited) {
		if c.limited.N > most {
			return false // longer than is worth reading
		}
		_, err := c.reader.Discard(int(c.limited.N))
		return err == nil
	}
	n, err := io.CopyN(io.Discard, reader, most)
	return err == io.EOF && n < most
}

// readTrailers reads the end of a chunked body (RFC 9112 section 7.1.2); what the trailers say is of no interest.
func (c *conn) readTrailers() bool {
	h := head{reader: c.reader, budget: maxHead}
	for {
		line, cut, err := h.line()
		if err != nil {
			return false
		}
		if len(line) == 0 && !cut {
			return true
		}
	}
}
