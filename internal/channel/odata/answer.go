package odata

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
)

// mostKept is what is kept of the body of a part that is not a success, in bytes.
const mostKept = 4 << 10

// part is what a service answered to one request of a batch, or to the whole change set.
type part struct {
	id         int // Content-ID; 0: it stands for the whole change set
	status     int
	retryAfter string
	body       []byte // the start of it
}

func (p *part) words() string {
	if p.id == 0 {
		return fmt.Sprintf("the change set was answered %d", p.status)
	}
	return fmt.Sprintf("part %d of the batch was answered %d; the whole batch is sent again", p.id, p.status)
}

// created reports whether a part says that its entity was made (section 11.4.2: 201, or 204 where nothing is returned), or
// is there.
func (p *part) created() bool { return p.status == 200 || p.status == 201 || p.status == 204 }

// readBatch reads the answer to a batch of one change set of n requests (section 11.7.4). It is one part: the answers of the
// change set, each with the Content-ID of its request, or a single one where the change set failed. It returns the first
// answer that is no success; nil: all are. An error says what is wrong with the answer, and completes "the batch's answer …".
func readBatch(mediaType string, body []byte, n int) (worst *part, err error) {
	outer, err := parts(mediaType, body)
	if err != nil {
		return nil, err
	}
	set, err := outer.NextRawPart()
	if err != nil {
		return nil, broken(err, "holds no part")
	}
	inner, err := parts(set.Header.Get("Content-Type"), nil)
	if err != nil {
		return readLone(set, outer)
	}
	inner, err = nested(set, inner)
	if err != nil {
		return nil, err
	}
	if worst, err = readSet(inner, n); err != nil {
		return nil, err
	}
	return ended(worst, outer, "more than one part for one change set")
}

// errNoMultipart completes "the batch's answer …".
var errNoMultipart = errors.New("is not multipart/mixed with a boundary")

// boundaried is a multipart body that may still come.
type boundaried struct {
	*multipart.Reader
	boundary string
}

func parts(mediaType string, body []byte) (boundaried, error) {
	kind, parameters, err := mime.ParseMediaType(mediaType)
	boundary := parameters["boundary"]
	if err != nil || kind != "multipart/mixed" || boundary == "" || len(boundary) > 70 { // RFC 2046 section 5.1.1
		return boundaried{}, errNoMultipart
	}
	return boundaried{multipart.NewReader(bytes.NewReader(body), boundary), boundary}, nil
}

// nested reads a multipart part of another whole, so that the one around it goes on after it.
func nested(set *multipart.Part, inner boundaried) (boundaried, error) {
	text, err := io.ReadAll(set)
	if err != nil {
		return inner, broken(err, "breaks off in its change set")
	}
	inner.Reader = multipart.NewReader(bytes.NewReader(text), inner.boundary)
	return inner, nil
}

// readSet reads an answer for each request, in any order.
func readSet(set boundaried, n int) (worst *part, err error) {
	seen := make([]bool, n+1)
	for {
		p, err := set.NextRawPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, broken(err, "breaks off in its change set")
		}
		one, err := readPart(p)
		switch {
		case err != nil:
			return nil, err
		case one.id < 1 || one.id > n:
			return nil, errors.New("has a part whose Content-ID is of none of our requests")
		case seen[one.id]:
			return nil, fmt.Errorf("has two parts for Content-ID %d", one.id)
		}
		seen[one.id] = true
		if !one.created() && (worst == nil || one.id < worst.id) {
			worst = one
		}
	}
	for id := 1; id <= n; id++ {
		if !seen[id] {
			return nil, fmt.Errorf("has no part for Content-ID %d", id)
		}
	}
	return worst, nil
}

// readLone reads the one answer that a change set that failed has (section 11.7.4).
func readLone(p *multipart.Part, outer boundaried) (*part, error) {
	lone, err := readPart(p)
	if err != nil {
		return nil, err
	}
	if lone.status < 400 {
		return nil, fmt.Errorf("has one part, with status %d, in place of its change set", lone.status)
	}
	lone.id = 0
	return ended(lone, outer, "more parts after the one for the failed change set")
}

// ended is what was read of an answer, if the answer ends there: of one that does not, nothing is believed.
func ended(worst *part, outer boundaried, otherwise string) (*part, error) {
	if err := atEnd(outer, otherwise); err != nil {
		return nil, err
	}
	return worst, nil
}

// readPart reads an answer in a part of its own: application/http (RFC 9112 section 10.2).
func readPart(p *multipart.Part) (*part, error) {
	kind, _, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
	if err != nil || kind != "application/http" {
		return nil, errors.New("has a part that is not application/http")
	}
	text, err := io.ReadAll(p)
	if err != nil {
		return nil, broken(err, "breaks off in a part")
	}
	reader := bufio.NewReader(bytes.NewReader(text))
	answer, err := http.ReadResponse(reader, &http.Request{Method: http.MethodPost})
	if err != nil || answer.ProtoMajor == 0 || len(answer.TransferEncoding) > 0 {
		return nil, errors.New("has a part that is no HTTP answer")
	}
	id := p.Header.Get("Content-ID")
	if id == "" {
		id = answer.Header.Get("Content-ID") // where services write it that follow version 2
	}
	one := &part{status: answer.StatusCode, retryAfter: answer.Header.Get("Retry-After")}
	if one.id, err = contentID(id); err != nil {
		return nil, err
	}
	if one.body, err = io.ReadAll(io.LimitReader(answer.Body, mostKept)); err == nil {
		_, err = io.Copy(io.Discard, answer.Body)
	}
	if err != nil {
		return nil, errors.New("has a part that ends before its Content-Length")
	}
	rest, err := io.ReadAll(reader)
	if err != nil || len(bytes.TrimSpace(rest)) > 0 {
		return nil, errors.New("has a part that goes on after its Content-Length")
	}
	return one, nil
}

// contentID reads what we gave; 0: there is none, or it is not one of ours.
func contentID(text string) (int, error) {
	if text == "" {
		return 0, nil
	}
	id, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, errors.New("has a part whose Content-ID is of none of our requests")
	}
	return int(id), nil
}

func atEnd(outer boundaried, otherwise string) error {
	switch _, err := outer.NextRawPart(); err {
	case io.EOF:
		return nil
	case nil:
		return errors.New("has " + otherwise)
	default:
		return broken(err, "breaks off before its end")
	}
}

// broken says what is wrong with a multipart body that ends where a part should be, or cannot be read.
func broken(err error, where string) error {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New(where)
	}
	return errors.New("is not well-formed multipart: it " + where)
}
