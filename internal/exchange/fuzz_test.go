package exchange

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
)

// FuzzReadAnswer compares with net/http where both take an answer: status, framing and whether the connection can be
// used again must then agree, or the next answer would be read from the middle of this one.
func FuzzReadAnswer(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
		"HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\nuntil it closes",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
		"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 503 No\r\nRetry-After: 5\r\nConnection: x, close\r\n\r\n",
		"HTTP/1.1 200\nContent-length:0\n\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx", "HTTP/1.1 200 OK\r\nContent-Length: 1, 1\r\n\r\nx",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		var got answer
		if readAnswer(bufio.NewReaderSize(strings.NewReader(raw), readerSize), &got) != nil {
			return
		}
		if got.status < 101 || got.status > 599 || got.interim > 199 || got.length < chunked {
			t.Fatalf("impossible answer %+v", got)
		}
		if got.keepAlive && got.length == untilClose {
			t.Fatalf("a body without an end, and the connection kept: %+v", got)
		}
		want, err := theirAnswer(raw)
		if err != nil {
			return // net/http is stricter about names and values of headers we do not read
		}
		if want.StatusCode != got.status {
			t.Errorf("status %d, net/http reads %d", got.status, want.StatusCode)
		}
		if got.keepAlive && (want.ContentLength != max(got.length, -1) || want.Close) {
			t.Errorf("would keep the connection: %+v; net/http: length %d, close %v", got, want.ContentLength, want.Close)
		}
	})
}

func theirAnswer(raw string) (*http.Response, error) {
	reader := bufio.NewReader(strings.NewReader(raw))
	for {
		answer, err := http.ReadResponse(reader, &http.Request{Method: http.MethodPost})
		if err != nil || answer.StatusCode > 199 || answer.StatusCode == 101 {
			return answer, err
		}
		io.Copy(io.Discard, answer.Body)
	}
}
