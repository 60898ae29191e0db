package web

import (
	"encoding/xml"
	"fmt"
)

// The elements of Atom that are used (RFC 4287 sections 4.1.1 and 4.1.2), in the order that Statuspage has them.

// AtomFeed is a feed. An id, a title, an author, and when it was last updated, it must have.
type AtomFeed struct {
	XMLName  struct{}    `xml:"http://www.w3.org/2005/Atom feed"`
	Language string      `xml:"xml:lang,attr"`
	ID       string      `xml:"id"`
	Links    []AtomLink  `xml:"link"`
	Title    string      `xml:"title"`
	Subtitle string      `xml:"subtitle,omitempty"`
	Updated  string      `xml:"updated"` // RFC 3339, as all its times
	Author   AtomPerson  `xml:"author"`
	Entries  []AtomEntry `xml:"entry"`
}

// AtomLink is where something is.
type AtomLink struct {
	Rel    string `xml:"rel,attr"`
	Type   string `xml:"type,attr"`
	Href   string `xml:"href,attr"`
	Length int64  `xml:"length,attr,omitempty"` // bytes; 0: it is not said
}

// AtomPerson is who says it.
type AtomPerson struct {
	Name string `xml:"name"`
	URI  string `xml:"uri"`
}

// AtomEntry is one thing that a feed tells.
type AtomEntry struct {
	ID         string         `xml:"id"`
	Published  string         `xml:"published"`
	Updated    string         `xml:"updated"`
	Links      []AtomLink     `xml:"link"`
	Title      AtomText       `xml:"title"`
	Content    AtomContent    `xml:"content"`
	Categories []AtomCategory `xml:"category"`
}

// AtomText is plain text, with its language where it is another than the feed's.
type AtomText struct {
	Language string `xml:"xml:lang,attr,omitempty"`
	Text     string `xml:",chardata"`
}

// AtomContent is text, or HTML as text.
type AtomContent struct {
	Type string `xml:"type,attr"` // text or html
	Text string `xml:",chardata"`
}

// AtomCategory is a tag.
type AtomCategory struct {
	Term string `xml:"term,attr"`
}

// XML writes the feed.
func (f *AtomFeed) XML() ([]byte, error) { return WriteXML(f) }

// WriteXML writes a document of XML.
func WriteXML(document any) ([]byte, error) {
	body, err := xml.MarshalIndent(document, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write a feed: %w", err)
	}
	return append(append([]byte(xml.Header), body...), '\n'), nil
}
