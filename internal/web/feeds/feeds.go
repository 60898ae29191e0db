// Package feeds has the Atom feeds of registers (RFC 4287): one for each extract, an entry for each of its files (F43); and one
// for each register, an entry for each version of the service that it is (F44). Feed readers show an account and its secret by
// HTTP Basic; the feed of a register that says it is public asks nobody.
package feeds

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/clock"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/web"
)

// Options are what feeds stand on; all must be set.
type Options struct {
	Book *revision.Book
	Kept func(extract string) []*register.Run
	Who  func(*http.Request) (*account.Principal, error)
	URL  string // of the hub, from outside
}

// The routes.
const (
	OfExtract  = "GET /feeds/extracts/{extract}"
	OfRegister = "GET /feeds/registers/{register}"
)

// most bounds the entries of a feed.
const most = 50

// New returns the handler of everything under /feeds/.
func New(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(OfExtract, o.answering(o.extract))
	mux.HandleFunc(OfRegister, o.answering(o.register))
	return mux
}

// answering writes a feed, or why there is none. A reader that has it is told so.
func (o *Options) answering(make func(*http.Request) (*web.AtomFeed, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		feed, err := make(r)
		var body []byte
		if err == nil {
			body, err = feed.XML()
		}
		if err != nil {
			refuse(w, err)
			return
		}
		sum := sha256.Sum256(body)
		w.Header().Set("Content-Type", "application/atom+xml; charset=utf-8")
		w.Header().Set("ETag", `"`+hex.EncodeToString(sum[:16])+`"`)
		w.Header().Set("Cache-Control", "private, no-cache")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
	}
}

func refuse(w http.ResponseWriter, err error) {
	f := fault.Of(err)
	entry := fault.Lookup(f.Code)
	switch entry.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="varsel", charset="UTF-8"`)
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", fmt.Sprint(f.Extra[account.RetryAfter]))
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, entry.Title+".", entry.Status)
}

// reach is how far whoever asks gets on a route.
func (o *Options) reach(r *http.Request, route string) (*account.Principal, account.Reach, error) {
	p, err := o.Who(r)
	if err != nil {
		return nil, account.None, err
	}
	rule, _ := account.RuleOf(route)
	reach := p.Reach(rule)
	if reach == account.None {
		err = fault.New(fault.Forbidden, "your role does not show you this feed")
	}
	return p, reach, err
}

func (o *Options) extract(r *http.Request) (*web.AtomFeed, error) {
	p, reach, err := o.reach(r, OfExtract)
	if err != nil {
		return nil, err
	}
	state := o.Book.ExtractState(r.PathValue("extract"))
	x := state.Extract
	if x == nil || reach == account.Own && !(p.ActsFor(x.System) && o.Book.GrantsExtract(x)) {
		return nil, nothing()
	}
	feed := o.feed("extract:"+x.Name, titled(x.Title, x.Name), "/feeds/extracts/"+x.Name, state.Since)
	feed.Subtitle = fmt.Sprintf("%s of %s in %s, as %s", x.Selection, x.Type, x.Register, x.Format)
	for _, run := range o.Kept(x.Name) {
		address := o.URL + "/api/v1/extracts/" + x.Name + "/files/" + run.File
		text := fmt.Sprintf("%d rows, %d bytes, of what was delivered up to delivery %d.\nSHA-256 %s", run.Rows, run.Size, run.UpTo, run.SHA256)
		if x.Selection == register.Delta {
			text = fmt.Sprintf("%d rows, %d bytes, of what the deliveries after %d up to %d made or closed.\nSHA-256 %s", run.Rows, run.Size, run.Since, run.UpTo, run.SHA256)
		}
		id := fmt.Sprintf("extract:%s:%d", x.Name, run.Number)
		if run.Erased != 0 {
			entry(feed, id, run.File+" (erased)", erased, run.Erased, web.AtomLink{Rel: "alternate", Type: "application/json", Href: o.URL + "/api/v1/extracts/" + x.Name + "/files"})
			continue
		}
		entry(feed, id, run.File, text, run.Ended, web.AtomLink{Rel: "alternate", Type: "application/zip", Href: address},
			web.AtomLink{Rel: "enclosure", Type: "application/zip", Href: address, Length: run.Size})
	}
	return feed, nil
}

// erased is said of a file that was deleted.
const erased = "The file was deleted: somebody was erased who may stand in it. Erase what you have of it; the next run makes another."

func (o *Options) register(r *http.Request) (*web.AtomFeed, error) {
	reg, _ := o.Book.Register(r.PathValue("register"))
	if reg == nil || !reg.Public {
		if _, _, err := o.reach(r, OfRegister); err != nil {
			return nil, err
		}
	}
	if reg == nil {
		return nil, nothing()
	}
	editions := o.Book.Editions(reg.Name)
	home := o.URL + "/api/v1/registers/" + reg.Name
	begun := int64(0)
	if len(editions) > 0 {
		begun = editions[len(editions)-1].Recorded
	}
	feed := o.feed("register:"+reg.Name, titled(reg.Title, reg.Name), "/feeds/registers/"+reg.Name, begun)
	feed.Subtitle = "Versions of the service: the entity types that can be read and the extracts that are made"
	for i := range editions {
		e := &editions[i]
		entry(feed, fmt.Sprintf("register:%s:%d", reg.Name, e.Position), fmt.Sprintf("%s, version %d", titled(e.Title, reg.Name), e.Position), offered(home, e), e.Recorded,
			web.AtomLink{Rel: "alternate", Type: "application/json", Href: home})
	}
	return feed, nil
}

// offered says in words what a register publishes.
func offered(home string, e *revision.Edition) string {
	var text strings.Builder
	for i := range e.Types {
		t := &e.Types[i]
		fmt.Fprintf(&text, "Entity type %s:", t.Name)
		for _, c := range t.Columns {
			text.WriteString(" " + c.Name)
		}
		fmt.Fprintf(&text, ". Read at %s/%s\n", home, t.Name)
	}
	for _, x := range e.Extracts {
		fmt.Fprintf(&text, "Extract %s: %s of %s, as %s", x.Title, x.Selection, x.Type, x.Format)
		if x.Schedule != "" {
			text.WriteString(", at " + x.Schedule)
		}
		text.WriteString("\n")
	}
	return text.String()
}

func titled(title, name string) string {
	if title == "" {
		return name
	}
	return title
}

func (o *Options) feed(id, title, path string, begun int64) *web.AtomFeed {
	return &web.AtomFeed{
		Language: "en", ID: urn(id), Title: title, Updated: instant(begun), Author: web.AtomPerson{Name: "Varsel", URI: o.URL},
		Links: []web.AtomLink{{Rel: "self", Type: "application/atom+xml", Href: o.URL + path}},
	}
}

func entry(f *web.AtomFeed, id, title, text string, at int64, links ...web.AtomLink) {
	if len(f.Entries) == most {
		return
	}
	if len(f.Entries) == 0 {
		f.Updated = instant(at)
	}
	f.Entries = append(f.Entries, web.AtomEntry{
		ID: urn(id), Published: instant(at), Updated: instant(at), Links: links, Title: web.AtomText{Text: title}, Content: web.AtomContent{Type: "text", Text: text},
	})
}

func instant(us int64) string { return clock.FromMicros(us).Format(time.RFC3339) }

// urn names something that is the same wherever the hub is reached.
func urn(id string) string { return "urn:varsel:" + id }

func nothing() error { return fault.New(fault.NotFound, "there is nothing of that name") }
