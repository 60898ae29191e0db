package site

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/varselhub/varsel/internal/status"
)

// kept is a leaf as it is served. What its answers say is made once: a crowd comes for the same few leaves, and header
// fields are most of what an answer costs (docs/benchmarks.md).
type kept struct {
	*Made
	stamped bool
	etag    string
	fields  []field  // of every answer
	cached  []string // Cache-Control
	private []string // Cache-Control of a browser that brings a cookie
	plain   form
	zip     sync.Once
	zipped  *form // nil: it is not smaller
}

// field is one field of a header.
type field struct {
	name   string
	values []string
}

// form is the leaf in one content coding.
type form struct {
	body         []byte
	etag, length []string
}

func formOf(body []byte, etag string) form {
	return form{body: body, etag: []string{`"` + etag + `"`}, length: []string{strconv.Itoa(len(body))}}
}

// closed is the policy of what loads nothing.
const closed = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Values of header fields that leaves share.
var (
	gzipped = []string{"gzip"}
	forever = []string{"public, max-age=31536000, immutable"}
	anew    = []string{"no-cache"}
)

// keep dresses what was made for its answers. site: whose it is; nil: the hub's own address, which is in the language that
// the browser asks for.
//
// A header of more than eight fields costs a second table for each answer, so what no browser asks of a kind of thing is
// not said of it: JSON is no document, and a page says itself that it is no referrer, in a copy on a disk too.
func (l *Leaf) keep(made *Made, site *status.Site) *kept {
	sum := sha256.Sum256(made.Body)
	k := &kept{Made: made, stamped: l.Stamped, etag: base64.RawURLEncoding.EncodeToString(sum[:16])}
	k.plain = formOf(made.Body, k.etag)
	k.cached = []string{l.cacheControl("public")}
	k.private = k.cached
	vary := "Accept-Encoding"
	if l.remembers() {
		vary += ", Cookie"
		k.private = []string{l.cacheControl("private")}
	}
	if site == nil && l.Spoken {
		vary += ", Accept-Language"
	}
	say := func(name, value string) { k.fields = append(k.fields, field{name, []string{value}}) }
	say("Content-Type", made.ContentType)
	say("Vary", vary)
	say("X-Content-Type-Options", "nosniff")
	if l.Shared {
		say("Access-Control-Allow-Origin", "*")
	}
	if !strings.HasPrefix(made.ContentType, "application/json") {
		policy := made.Policy
		if policy == "" {
			policy = closed
		}
		say("Content-Security-Policy", policy)
		if l.Framed || l.Shared {
			say("Cross-Origin-Resource-Policy", "cross-origin")
		}
	}
	if site != nil && site.Private {
		say("X-Robots-Tag", "noindex")
	}
	return k
}

// cacheControl lets caches carry a crowd, and go on when the hub is away (RFC 5861).
// What differs by a cookie is kept by no cache that others share once there is one.
func (l *Leaf) cacheControl(who string) string {
	return who + ", max-age=" + strconv.Itoa(int(l.MaxAge/time.Second)) + ", stale-while-revalidate=60, stale-if-error=86400"
}

// remembers reports whether the leaf heeds what a browser remembers.
func (l *Leaf) remembers() bool { return l.Themed || l.Spoken && !l.Steady }

// answer answers with a leaf: nothing of it where the client has it already (RFC 9110 section 13.1.2).
func (k *kept) answer(w http.ResponseWriter, r *http.Request, ask *Ask) {
	h := w.Header()
	for i := range k.fields {
		h[k.fields[i].name] = k.fields[i].values
	}
	h["Cache-Control"] = k.cacheControl(r, ask)
	form, zipped := &k.plain, false
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		if smaller := k.gzip(); smaller != nil {
			form, zipped = smaller, true
		}
	}
	h["Etag"] = form.etag
	if k.Status == 0 && seen(r.Header.Get("If-None-Match"), k.etag) {
		delete(h, "Content-Type")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if zipped {
		h["Content-Encoding"] = gzipped
	}
	h["Content-Length"] = form.length
	if k.Status != 0 {
		w.WriteHeader(k.Status)
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(form.body) // a visitor that left needs nothing
	}
}

func (k *kept) cacheControl(r *http.Request, ask *Ask) []string {
	switch {
	case k.stamped && ask.Arg("stamp") == k.Stamp:
		return forever
	case k.stamped:
		return anew
	case r.Header.Get("Cookie") != "":
		return k.private
	}
	return k.cached
}

// gzip is the leaf compressed, once.
func (k *kept) gzip() *form {
	k.zip.Do(func() {
		var b bytes.Buffer
		z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
		if err == nil {
			_, err = z.Write(k.Body)
		}
		if err == nil {
			err = z.Close()
		}
		if err == nil && b.Len() < len(k.Body) {
			zipped := formOf(b.Bytes(), k.etag+"-g")
			k.zipped = &zipped
		}
	})
	return k.zipped
}

// seen reports whether a client has the leaf, compressed or not: the bytes are those of the same thing.
func seen(header, etag string) bool {
	if header == "" {
		return false
	}
	for one := range strings.SplitSeq(header, ",") {
		one = strings.TrimPrefix(strings.TrimSpace(one), "W/")
		if one == "*" || one == `"`+etag+`"` || one == `"`+etag+`-g"` {
			return true
		}
	}
	return false
}

// acceptsGzip reads Accept-Encoding as far as it matters (RFC 9110 section 12.5.3).
func acceptsGzip(header string) bool {
	for one := range strings.SplitSeq(header, ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(one), ";")
		if coding == "gzip" || coding == "*" {
			q := strings.TrimSpace(weight)
			return q != "q=0" && !strings.HasPrefix(q, "q=0.000")
		}
	}
	return false
}
