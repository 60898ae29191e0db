package pull_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/web/pull"
)

// One operation is a message of a page: what an answer costs apart from reading the log and making the message.
func BenchmarkAnswer(b *testing.B) {
	for format, name := range map[string]string{"json": "kommuneinddeling-update.json", "xml": "kommuneinddeling-update.xml"} {
		message, err := os.ReadFile("../../../conformance/datafordeler/" + name)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(format, func(b *testing.B) {
			w := newWorld(b, b.N)
			w.options.Append = func(dst []byte, _ *event.Event, _ pull.Format) ([]byte, error) { return append(dst, message...), nil }
			face := pull.New(w.kind, w.options)
			r := httptest.NewRequest(http.MethodGet, pull.Path+"?"+asking+"&format="+format, nil)
			b.ReportAllocs()
			b.ResetTimer()
			for served := 0; served < b.N; served += pull.PageMost {
				face.ServeHTTP(&nowhere{header: http.Header{}}, r)
			}
		})
	}
}

// nowhere is a client that takes everything.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header            { return n.header }
func (n *nowhere) WriteHeader(int)                {}
func (n *nowhere) Write(text []byte) (int, error) { return len(text), nil }
