package feed

import (
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web"
)

// writeAtom writes a feed as Atom (RFC 4287).
func writeAtom(f *feed) ([]byte, error) {
	document := web.AtomFeed{
		Language: f.language, ID: f.id, Title: f.title, Subtitle: f.about, Updated: rfc3339(f.updated()),
		Links:  []web.AtomLink{{Rel: "alternate", Type: "text/html", Href: f.home}, {Rel: "self", Type: "application/atom+xml", Href: f.self}},
		Author: web.AtomPerson{Name: f.author, URI: f.site},
	}
	if f.byLink {
		document.Subtitle = ""
	}
	for i := range f.entries {
		e := &f.entries[i]
		written := web.AtomEntry{
			ID: e.id, Published: rfc3339(e.published), Updated: rfc3339(e.updated), Links: []web.AtomLink{{Rel: "alternate", Type: "text/html", Href: e.link}},
			Title: web.AtomText{Text: e.title}, Content: web.AtomContent{Type: "html", Text: e.html},
		}
		if e.language != f.language {
			written.Title.Language = e.language
		}
		for _, tag := range e.tags {
			written.Categories = append(written.Categories, web.AtomCategory{Term: tag})
		}
		document.Entries = append(document.Entries, written)
	}
	return document.XML()
}

// rfc3339 is a moment as Atom and JSON Feed have it (RFC 4287 section 3.3), to the second, as Statuspage writes it.
func rfc3339(t status.Time) string { return t.Time().Format(time.RFC3339) }
