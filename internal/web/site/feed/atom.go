package feed

import (
	"time"

	"github.com/varselhub/varsel/internal/status"
)

// The elements of Atom that are used (RFC 4287 sections 4.1.1 and 4.1.2), in the order that Statuspage has them.
type atomFeed struct {
	XMLName  struct{}    `xml:"http://www.w3.org/2005/Atom feed"`
	Language string      `xml:"xml:lang,attr"`
	ID       string      `xml:"id"`
	Links    []atomLink  `xml:"link"`
	Title    string      `xml:"title"`
	Subtitle string      `xml:"subtitle,omitempty"`
	Updated  string      `xml:"updated"`
	Author   atomPerson  `xml:"author"`
	Entries  []atomEntry `xml:"entry"`
}

type atomLink struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type atomPerson struct {
	Name string `xml:"name"`
	URI  string `xml:"uri"`
}

type atomEntry struct {
	ID         string         `xml:"id"`
	Published  string         `xml:"published"`
	Updated    string         `xml:"updated"`
	Link       atomLink       `xml:"link"`
	Title      atomText       `xml:"title"`
	Content    atomContent    `xml:"content"`
	Categories []atomCategory `xml:"category"`
}

// atomText is plain text, with its language where it is another than the feed's.
type atomText struct {
	Language string `xml:"xml:lang,attr,omitempty"`
	Text     string `xml:",chardata"`
}

type atomContent struct {
	Type string `xml:"type,attr"`
	HTML string `xml:",chardata"`
}

type atomCategory struct {
	Term string `xml:"term,attr"`
}

func writeAtom(f *feed) ([]byte, error) {
	document := atomFeed{
		Language: f.language, ID: f.id, Title: f.title, Subtitle: f.about, Updated: rfc3339(f.updated()),
		Links:  []atomLink{{"alternate", "text/html", f.home}, {"self", "application/atom+xml", f.self}},
		Author: atomPerson{f.author, f.site},
	}
	if f.byLink {
		document.Subtitle = ""
	}
	for i := range f.entries {
		e := &f.entries[i]
		written := atomEntry{
			ID: e.id, Published: rfc3339(e.published), Updated: rfc3339(e.updated), Link: atomLink{"alternate", "text/html", e.link},
			Title: atomText{Text: e.title}, Content: atomContent{"html", e.html},
		}
		if e.language != f.language {
			written.Title.Language = e.language
		}
		for _, tag := range e.tags {
			written.Categories = append(written.Categories, atomCategory{tag})
		}
		document.Entries = append(document.Entries, written)
	}
	return writeXML(document)
}

// rfc3339 is a moment as Atom and JSON Feed have it (RFC 4287 section 3.3), to the second, as Statuspage writes it.
func rfc3339(t status.Time) string { return t.Time().Format(time.RFC3339) }
