package odata

import (
	"strings"
	"testing"
)

// answered is the answer to two requests, CRLF at the end of lines.
func answered(lines ...string) []byte { return []byte(strings.Join(lines, "\r\n") + "\r\n") }

// partOf is one answer in a change set.
func partOf(id, status string, rest ...string) string {
	head := "--c\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
	if id != "" {
		head += "Content-ID: " + id + "\r\n"
	}
	return head + "\r\nHTTP/1.1 " + status + "\r\n" + strings.Join(append(rest, "", ""), "\r\n")
}

const (
	mixed   = "multipart/mixed; boundary=b"
	opening = "--b\r\nContent-Type: multipart/mixed; boundary=c\r\n"
	closing = "--c--\r\n--b--"
)

func TestReading6BatchAnswers(t *testing.T) {
	t.Parallel()
	one, two := partOf("1", "201 Created"), partOf("2", "204 No Content")
	for name, test := range map[string]struct {
		mediaType string
		body      []byte
		status    int    // of the answer that is no success; 0: none
		words     string // of what is wrong with the answer
	}{
		"all is well":           {mixed, answered(opening, one, two, closing), 0, ""},
		"in another order":      {mixed, answered(opening, two, one, closing), 0, ""},
		"a quoted boundary":     {`Multipart/Mixed; charset=utf-8; boundary="b"`, answered(opening, one, two, closing), 0, ""},
		"text before and after": {mixed, answered("hello", opening, one, two, closing, "bye"), 0, ""},
		"line feeds alone":      {mixed, []byte(strings.ReplaceAll(string(answered(opening, one, two, closing)), "\r\n", "\n")), 0, ""},
		"with what was made":    {mixed, answered(opening, partOf("1", "201 Created", "Content-Length: 2", "", "{}"), two, closing), 0, ""},
		"Content-ID further in": {mixed, answered(opening, one, partOf("", "200 OK", "Content-ID: 2"), closing), 0, ""},

		"one failed":                 {mixed, answered(opening, one, partOf("2", "500 No"), closing), 500, ""},
		"both failed: the first":     {mixed, answered(opening, partOf("2", "500 No"), partOf("1", "409 No"), closing), 409, ""},
		"another 2xx is no creation": {mixed, answered(opening, one, partOf("2", "202 Accepted"), closing), 202, ""},
		"the change set failed":      {mixed, answered("--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 400 No\r\n\r\n{}", "--b--"), 400, ""},

		"a page":                 {"text/html", []byte("<p>Sign in</p>"), 0, "is not multipart/mixed"},
		"JSON":                   {"application/json", []byte("{}"), 0, "is not multipart/mixed"},
		"no type":                {"", answered(opening, one, two, closing), 0, "is not multipart/mixed"},
		"no boundary":            {"multipart/mixed", answered(opening, one, two, closing), 0, "is not multipart/mixed"},
		"a boundary too long":    {"multipart/mixed; boundary=" + strings.Repeat("b", 71), nil, 0, "is not multipart/mixed"},
		"another boundary":       {"multipart/mixed; boundary=x", answered(opening, one, two, closing), 0, "holds no part"},
		"nothing":                {mixed, nil, 0, "holds no part"},
		"an end only":            {mixed, answered("--b--"), 0, "holds no part"},
		"a part is missing":      {mixed, answered(opening, one, closing), 0, "has no part for Content-ID 2"},
		"a part twice":           {mixed, answered(opening, one, one, two, closing), 0, "has two parts for Content-ID 1"},
		"a foreign part":         {mixed, answered(opening, one, two, partOf("3", "201 Created"), closing), 0, "none of our requests"},
		"a part number 0":        {mixed, answered(opening, one, two, partOf("0", "201 Created"), closing), 0, "none of our requests"},
		"a part with a name":     {mixed, answered(opening, one, partOf("x", "201 Created"), closing), 0, "none of our requests"},
		"a part with no number":  {mixed, answered(opening, one, partOf("", "201 Created"), closing), 0, "none of our requests"},
		"no end of the set":      {mixed, answered(opening, one, two, "--b--"), 0, "breaks off"},
		"no end of the batch":    {mixed, answered(opening, one, two, "--c--"), 0, "breaks off"},
		"cut in a part":          {mixed, answered(opening, one, "--c\r\nContent-Type: applic"), 0, "breaks off"},
		"two change sets":        {mixed, answered(opening, one, two, "--c--", opening, one, two, closing), 0, "more than one part"},
		"a part after the error": {mixed, answered("--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 400 No\r\n\r\n", "--b\r\nContent-Type: text/plain\r\n\r\n", "--b--"), 0, "more parts"},
		"a lone success":         {mixed, answered("--b\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\nHTTP/1.1 201 Created\r\n\r\n", "--b--"), 0, "in place of its change set"},
		"a set in the set":       {mixed, answered(opening, "--c\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n--d--", closing), 0, "not application/http"},
		"a lone page":            {mixed, answered("--b\r\nContent-Type: text/html\r\n\r\n<p>", "--b--"), 0, "not application/http"},
		"no HTTP":                {mixed, answered(opening, "--c\r\nContent-Type: application/http\r\nContent-ID: 1\r\n\r\n201 Created\r\n\r\n", two, closing), 0, "no HTTP answer"},
		"in chunks":              {mixed, answered(opening, partOf("1", "201 Created", "Transfer-Encoding: chunked", "", "0", ""), two, closing), 0, "no HTTP answer"},
		"a length too long":      {mixed, answered(opening, partOf("1", "201 Created", "Content-Length: 99", "", "{}"), two, closing), 0, "ends before its Content-Length"},
		"a length too short":     {mixed, answered(opening, partOf("1", "201 Created", "Content-Length: 1", "", "{}"), two, closing), 0, "goes on after its Content-Length"},
		"a length that is none":  {mixed, answered(opening, partOf("1", "201 Created", "Content-Length: x", "", "{}"), two, closing), 0, "no HTTP answer"},
	} {
		worst, err := readBatch(test.mediaType, test.body, 2)
		switch {
		case test.words != "":
			if err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("%s: got %+v, %v; want %q", name, worst, err, test.words)
			}
		case err != nil, test.status == 0 && worst != nil, test.status != 0 && (worst == nil || worst.status != test.status):
			t.Errorf("%s: got %+v, %v; want status %d", name, worst, err, test.status)
		}
	}
}

// FuzzReadBatch: what is taken for a success has as many answers that say so.
func FuzzReadBatch(f *testing.F) {
	one, two := partOf("1", "201 Created", "Content-Length: 2", "", "{}"), partOf("2", "204 No Content")
	f.Add(mixed, answered(opening, one, two, closing), 2)
	f.Add(mixed, answered(opening, one, closing), 1)
	f.Add(mixed, answered(opening, one, partOf("2", "500 No", "Retry-After: 5"), closing), 2)
	f.Add(mixed, answered("--b\r\nContent-Type: application/http\r\n\r\nHTTP/1.1 400 No\r\n\r\n{}", "--b--"), 2)
	f.Add(`multipart/mixed; boundary="c"`, answered(opening, one, two, closing), 2)
	f.Fuzz(func(t *testing.T, mediaType string, body []byte, n int) {
		if n < 1 || n > 100 || len(body) > 1<<16 {
			return
		}
		worst, err := readBatch(mediaType, body, n)
		switch {
		case err != nil && (worst != nil || strings.ContainsAny(err.Error(), "\r\n")):
			t.Errorf("%+v with %q", worst, err)
		case err == nil && worst == nil && strings.Count(string(body), "HTTP/") < n:
			t.Errorf("%d requests, and %q answers them all", n, body)
		case worst != nil && (worst.created() || len(worst.body) > mostKept || worst.id > n):
			t.Errorf("%+v", worst)
		}
	})
}
