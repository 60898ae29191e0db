package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/varselhub/varsel/internal/web/api"
)

// A body is read the same whether its length is told or not, in one piece or in many; one that ends before its length
// is refused.
func TestBodiesOfAnyLengthAndPace(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.set(func(o *api.Options) { o.Limits.Batch = 300_000 })
	long := strings.Replace(anEvent, `"a":1`, `"a":"`+strings.Repeat("x", 200_000)+`"`, 1)
	for name, tc := range map[string]struct {
		body   io.Reader
		length int64 // -1: not told
		want   int
	}{
		"told":              {strings.NewReader(anEvent), int64(len(anEvent)), http.StatusAccepted},
		"not told":          {strings.NewReader(anEvent), -1, http.StatusAccepted},
		"byte by byte":      {iotest.OneByteReader(strings.NewReader(anEvent)), int64(len(anEvent)), http.StatusAccepted},
		"long":              {strings.NewReader(strings.Replace(long, `"id":"1"`, `"id":"2"`, 1)), int64(len(long)), http.StatusAccepted},
		"long, not told":    {strings.NewReader(strings.Replace(long, `"id":"1"`, `"id":"2"`, 1)), -1, http.StatusAccepted},
		"ends too early":    {strings.NewReader(anEvent), int64(len(anEvent)) + 1, http.StatusBadRequest},
		"nothing of it":     {strings.NewReader(""), 1, http.StatusBadRequest},
		"longer than taken": {io.LimitReader(endless{}, 300_001), 33 << 20, http.StatusRequestEntityTooLarge},
		"longer, not told":  {io.LimitReader(endless{}, 300_001), -1, http.StatusRequestEntityTooLarge},
	} {
		r := httptest.NewRequest(http.MethodPost, "/api/v1/events", tc.body)
		r.ContentLength = tc.length
		r.Header.Set(kindOf, ce)
		recorder := httptest.NewRecorder()
		w.handler.ServeHTTP(recorder, r)
		if recorder.Code != tc.want {
			t.Errorf("%s: %d %s, want %d", name, recorder.Code, recorder.Body, tc.want)
		}
	}
}

// endless is white space without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}
