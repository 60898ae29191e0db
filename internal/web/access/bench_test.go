package access_test

import (
	"net/http/httptest"
	"testing"

	"github.com/varselhub/varsel/internal/web/access"
)

// What it costs to find out who asks: most of it is the signature.
func BenchmarkOwnToken(b *testing.B) {
	w := newWorld(b, func(o *access.Options) { o.Limits = access.Limits{Address: 1 << 30, Principal: 1 << 30} })
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("Authorization", "Bearer "+w.token("eva", w.secret))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.gate.Principal(r); err != nil {
			b.Fatal(err)
		}
	}
}
