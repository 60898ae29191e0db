package site

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
)

// aged is how long what was made of a site that does not change is served: days begin, and what was up is up for longer.
const aged = time.Minute

// most bounds how many leaves of one site are kept: addresses come from everyone. Those that differ by what somebody asks
// for in the query are without end, so they get a part of it only, and never crowd out the rest.
const (
	most      = 4096
	mostAsked = 512
)

// shelf is what was made of one site as it stood at one moment.
type shelf struct {
	board  *status.Board
	sites  []*status.Board
	made   time.Time
	leaves sync.Map // key → *slot
	count  atomic.Int64
	asked  atomic.Int64 // of these, with a query
}

// slot is a leaf that is made by the first who asks; the others wait for it.
type slot struct {
	once   sync.Once
	kept   *kept
	err    error
	excess bool // the shelf is full: it is made for whoever asks now, and not kept
}

// kept is a leaf as it is served.
type kept struct {
	*Made
	etag    string
	length  string
	kind    []string // Content-Type, as a header has it
	policy  []string // Content-Security-Policy
	zip     sync.Once
	zipped  []byte
	zipSize string
}

// shelfOf is the shelf of a site as it stands now; of the hub's own address with nil.
func (s *Server) shelfOf(site *status.Site) *shelf {
	name, now := "", s.opts.Clock.Now()
	var board *status.Board
	var sites []*status.Board
	if site != nil {
		name, board = site.Name, s.opts.Boards.Board(site.Name)
	} else {
		sites = s.public()
	}
	s.mu.RLock()
	current := s.shelves[name]
	s.mu.RUnlock()
	if current != nil && current.board == board && slices.Equal(current.sites, sites) && now.Sub(current.made) < aged && !now.Before(current.made) {
		return current
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if again := s.shelves[name]; again != current && again.board == board && slices.Equal(again.sites, sites) {
		return again
	}
	next := &shelf{board: board, sites: sites, made: now}
	s.shelves[name] = next
	return next
}

// public lists the boards of the sites that are shown to everyone.
func (s *Server) public() []*status.Board {
	var list []*status.Board
	for _, site := range s.opts.Boards.Sites() {
		if board := s.opts.Boards.Board(site.Name); board != nil && !site.Private {
			list = append(list, board)
		}
	}
	return list
}

func (s *Server) look(site *status.Site, ask Ask) *Look {
	l := &Look{Ask: ask, Sites: s.public(), URLs: s.opts.URL, Now: status.At(s.opts.Clock.Now()), Stale: s.opts.Stale()}
	l.URL = s.opts.Home
	if site != nil {
		l.Board, l.URL = s.opts.Boards.Board(site.Name), s.opts.URL(site)
	}
	return l
}

// serve serves a leaf from its site's shelf.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, leaf *Leaf, site *status.Site, ask Ask) {
	shelf := s.shelfOf(site)
	if site != nil && shelf.board == nil {
		http.Error(w, "there is nothing here", http.StatusNotFound) // it was removed this moment
		return
	}
	k, err := shelf.get(leaf.key(&ask), leaf.asks(&ask), func() (*Made, error) {
		l := s.look(site, ask)
		l.Board = shelf.board
		return leaf.Make(l)
	})
	switch {
	case fault.Has(err, fault.NotFound):
		leaves := s.opts.Leaves
		if site == nil {
			leaves = s.opts.Root
		}
		s.notFound(w, r, leaves, site, ask)
		return
	case err != nil:
		http.Error(w, "this could not be made; the hub's log says why", http.StatusInternalServerError)
		return
	}
	if site != nil && site.Private {
		w.Header().Set("X-Robots-Tag", "noindex")
	}
	leaf.write(w, r, k, &ask, site == nil)
}

// asks reports whether something that the leaf differs by is asked for.
func (l *Leaf) asks(ask *Ask) bool {
	return slices.ContainsFunc(l.Query, func(name string) bool { return ask.Query(name) != "" })
}

// key is what the leaf differs by.
func (l *Leaf) key(ask *Ask) string {
	var b strings.Builder
	b.WriteString(l.Pattern)
	part := func(text string) { b.WriteByte(0); b.WriteString(text) }
	part(ask.Base)
	if !l.Stamped {
		part(ask.Path)
	}
	if l.Spoken || l.Pattern == NotFound || ask.Path == "/" {
		part(ask.Language)
	}
	if l.Themed {
		part(ask.Theme)
	}
	for _, name := range l.Query {
		part(ask.Query(name))
	}
	return b.String()
}

// get returns what stands under a key, made by the first who asks for it. asked: something of a query is in it.
func (s *shelf) get(key string, asked bool, make func() (*Made, error)) (*kept, error) {
	found, ok := s.leaves.Load(key)
	if !ok {
		fresh := &slot{excess: s.count.Load() >= most || asked && s.asked.Load() >= mostAsked}
		if found, ok = fresh, fresh.excess; !ok {
			if found, ok = s.leaves.LoadOrStore(key, fresh); !ok {
				s.add(asked, 1)
			}
		}
	}
	one := found.(*slot)
	one.once.Do(func() {
		made, err := make()
		if one.err = err; err == nil {
			one.kept = keep(made)
		} else if !one.excess {
			s.leaves.Delete(key) // what is not there is not kept
			s.add(asked, -1)
		}
	})
	return one.kept, one.err
}

func (s *shelf) add(asked bool, n int64) {
	s.count.Add(n)
	if asked {
		s.asked.Add(n)
	}
}

func keep(made *Made) *kept {
	sum := sha256.Sum256(made.Body)
	k := &kept{Made: made, etag: base64.RawURLEncoding.EncodeToString(sum[:16]), length: strconv.Itoa(len(made.Body)), kind: []string{made.ContentType}}
	if k.policy = []string{made.Policy}; made.Policy == "" {
		k.policy = []string{closed}
	}
	return k
}

// gzip is the leaf compressed, once.
func (k *kept) gzip() []byte {
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
			k.zipped, k.zipSize = b.Bytes(), strconv.Itoa(b.Len())
		}
	})
	return k.zipped
}

// closed is the policy of what loads nothing.
const closed = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// write answers with a leaf: nothing of it where the client has it already (RFC 9110 section 13.1.2). root: it is the
// hub's own address, which is in the language that the browser asks for.
func (l *Leaf) write(w http.ResponseWriter, r *http.Request, k *kept, ask *Ask, root bool) {
	h := w.Header()
	body, length, etag := k.Body, k.length, `"`+k.etag+`"`
	vary := "Accept-Encoding"
	if l.remembers() {
		vary += ", Cookie"
	}
	if root && l.Spoken {
		vary += ", Accept-Language"
	}
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		if zipped := k.gzip(); zipped != nil {
			body, length, etag = zipped, k.zipSize, `"`+k.etag+`-g"`
			h["Content-Encoding"] = gzipped
		}
	}
	h["Vary"] = []string{vary}
	h["Etag"] = []string{etag}
	h["Cache-Control"] = []string{l.cacheControl(k, ask, r.Header.Get("Cookie") != "")}
	h["X-Content-Type-Options"] = nosniff
	if l.Shared {
		h["Access-Control-Allow-Origin"] = everyone
	}
	if !k.inert() {
		h["Referrer-Policy"] = noReferrer
		h["Content-Security-Policy"] = k.policy
		if l.Framed || l.Shared {
			h["Cross-Origin-Resource-Policy"] = crossOrigin
		}
	}
	if k.Status == 0 && seen(r.Header.Get("If-None-Match"), k.etag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = k.kind
	h["Content-Length"] = []string{length}
	if k.Status != 0 {
		w.WriteHeader(k.Status)
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // a visitor that left needs nothing
	}
}

// Values of headers that every answer shares. A header of more than eight fields costs a second table for each answer, so
// what no browser asks of a kind of thing is not said of it.
var (
	gzipped     = []string{"gzip"}
	nosniff     = []string{"nosniff"}
	noReferrer  = []string{"no-referrer"}
	everyone    = []string{"*"}
	crossOrigin = []string{"cross-origin"}
)

// inert reports whether the leaf is nothing that a browser would run or load anything from: it is never a document.
func (k *kept) inert() bool { return strings.HasPrefix(k.ContentType, "application/json") }

// cacheControl lets caches carry a crowd, and go on when the hub is away (RFC 5861).
// What differs by a cookie is kept by no cache that others share once there is one.
func (l *Leaf) cacheControl(k *kept, ask *Ask, cookie bool) string {
	if l.Stamped {
		if ask.Arg("stamp") == k.Stamp {
			return "public, max-age=31536000, immutable"
		}
		return "no-cache"
	}
	age := strconv.Itoa(int(l.MaxAge / time.Second))
	who := "public"
	if cookie && l.remembers() {
		who = "private"
	}
	return who + ", max-age=" + age + ", stale-while-revalidate=60, stale-if-error=86400"
}

// remembers reports whether the leaf heeds what a browser remembers.
func (l *Leaf) remembers() bool { return l.Themed || l.Spoken && !l.Steady }

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
