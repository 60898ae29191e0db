package exchange

import (
	"bufio"
	"bytes"
	"strconv"
)

// answer is what a receiver's status line and headers say, as far as it matters here.
type answer struct {
	status     int
	interim    int    // the last 1xx before it; 0: none
	retryAfter string // of 429 and 503 only
	length     int64  // Content-Length, or one of the below
	keepAlive  bool   // the connection may carry another request, if the body ends where it should
	typed      bool   // the media type is asked for
	mediaType  string
}

// Values of answer.length that are not a Content-Length.
const (
	untilClose = -1
	chunked    = -2
)

// malformed is an answer that is not HTTP/1.1; its text completes "the receiver's answer …".
type malformed string

func (m malformed) Error() string { return string(m) }

const (
	errStatusLine  = malformed("does not begin with an HTTP/1.1 status line")
	errStatusRange = malformed("has a status outside 100 to 599")
	errHeaderLine  = malformed("has a header line that is not one")
	errHeadSize    = malformed("has more than 16 KiB of headers")
)

// head reads the parts of an answer before its body.
type head struct {
	reader *bufio.Reader
	budget int // bytes that may still come
	answer *answer
	framed bool // Content-Length has been seen
}

// readAnswer reads until the final status and its headers. Interim answers (RFC 9110 section 15.2) are passed over, 101
// is not: nobody asked to switch protocols.
func readAnswer(reader *bufio.Reader, a *answer) error {
	h := head{reader: reader, budget: maxHead, answer: a}
	*a = answer{typed: a.typed}
	for {
		if err := h.readOne(); err != nil {
			return err
		}
		if a.status >= 200 || a.status == 101 {
			return nil
		}
		a.interim = a.status
	}
}

func (h *head) readOne() error {
	line, _, err := h.line()
	if err != nil {
		return err
	}
	if err := h.statusLine(line); err != nil {
		return err
	}
	h.answer.length, h.framed, h.answer.retryAfter, h.answer.mediaType = untilClose, false, "", ""
	for {
		line, cut, err := h.line()
		switch {
		case err != nil:
			return err
		case len(line) == 0:
			h.frame()
			return nil
		case cut || line[0] == ' ' || line[0] == '\t':
			// A line too long to matter, or one folded (obsolete since RFC 7230): passed over, but how the body is framed
			// is then not certain.
			h.answer.keepAlive = false
		default:
			if err := h.header(line); err != nil {
				return err
			}
		}
	}
}

// line returns the next line without its end; it is valid until the next read. cut reports that only its start is
// returned.
func (h *head) line() (line []byte, cut bool, err error) {
	line, err = h.reader.ReadSlice('\n')
	h.budget -= len(line)
	if err == bufio.ErrBufferFull {
		return nil, true, h.skipLine()
	}
	if h.budget < 0 {
		return nil, false, errHeadSize
	}
	return bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")), false, err
}

func (h *head) skipLine() error {
	for h.budget >= 0 {
		rest, err := h.reader.ReadSlice('\n')
		h.budget -= len(rest)
		if err != bufio.ErrBufferFull {
			return err
		}
	}
	return errHeadSize
}

// statusLine reads RFC 9112 section 4: "HTTP/1.1 200 reason".
func (h *head) statusLine(line []byte) error {
	version, rest, found := bytes.Cut(line, []byte(" "))
	isHTTP11 := string(version) == "HTTP/1.1"
	if !found || !isHTTP11 && string(version) != "HTTP/1.0" || len(rest) < 3 || len(rest) > 3 && rest[3] != ' ' {
		return errStatusLine
	}
	status := 0
	for _, digit := range rest[:3] {
		if digit < '0' || digit > '9' {
			return errStatusLine
		}
		status = status*10 + int(digit-'0')
	}
	if status < 100 || status > 599 {
		return errStatusRange
	}
	h.answer.status, h.answer.keepAlive = status, isHTTP11
	return nil
}

func (h *head) header(line []byte) error {
	name, value, found := bytes.Cut(line, []byte(":"))
	if !found || len(name) == 0 || bytes.ContainsAny(name, " \t") {
		return errHeaderLine
	}
	value = bytes.Trim(value, " \t")
	switch {
	case is(name, "content-length"):
		h.contentLength(value)
	case is(name, "transfer-encoding"):
		h.transferEncoding(value)
	case is(name, "connection"):
		h.connection(value)
	case is(name, "retry-after") && (h.answer.status == 429 || h.answer.status == 503):
		h.answer.retryAfter = string(value)
	case h.answer.typed && is(name, "content-type"):
		h.answer.mediaType = string(value)
	}
	return nil
}

// contentLength: a length that is none, or two that differ, tells nothing; the body then ends with the connection
// (RFC 9112 section 6.3).
func (h *head) contentLength(value []byte) {
	if h.answer.length == chunked {
		h.answer.keepAlive = false
		return
	}
	length, err := strconv.ParseUint(string(value), 10, 63)
	if err != nil || h.framed && int64(length) != h.answer.length {
		h.answer.length, h.answer.keepAlive = untilClose, false
	} else {
		h.answer.length = int64(length)
	}
	h.framed = true
}

func (h *head) transferEncoding(value []byte) {
	if h.framed || h.answer.length == chunked || !is(value, "chunked") {
		h.answer.keepAlive = false // both, twice or unknown: smuggling or a mistake
	}
	h.answer.length = untilClose
	if is(value, "chunked") {
		h.answer.length = chunked
	}
}

func (h *head) connection(value []byte) {
	for option := range bytes.SplitSeq(value, []byte(",")) {
		option = bytes.Trim(option, " \t")
		if is(option, "close") || is(option, "upgrade") {
			h.answer.keepAlive = false
		}
	}
}

// frame applies what the status says about the body (RFC 9112 section 6.3).
func (h *head) frame() {
	switch {
	case h.answer.status < 200 || h.answer.status == 204 || h.answer.status == 304:
		h.answer.length = 0
	case h.answer.length == untilClose:
		h.answer.keepAlive = false
	}
	if h.answer.status == 101 {
		h.answer.keepAlive = false
	}
}

// is compares without regard to ASCII case; lower is lower-case already.
func is(text []byte, lower string) bool {
	if len(text) != len(lower) {
		return false
	}
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
