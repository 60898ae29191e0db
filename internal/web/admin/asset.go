package admin

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
)

// asset is a file that the pages load, under an address that changes with it.
type asset struct {
	kind  string
	body  []byte
	stamp string
}

func stamped(kind string, body []byte) asset {
	sum := sha256.Sum256(body)
	return asset{kind, body, hex.EncodeToString(sum[:8])}
}

// ServeHTTP implements http.Handler.
func (a asset) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.URL.RawQuery == a.stamp {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	_, _ = w.Write(a.body) // a visitor that left needs nothing
}

// cutLast cuts a text around the last of a separator.
func cutLast(text, separator string) (before, after string, found bool) {
	if at := strings.LastIndex(text, separator); at >= 0 {
		return text[:at], text[at+len(separator):], true
	}
	return text, "", false
}
