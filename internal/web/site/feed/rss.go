package feed

import (
	"time"

	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/web"
)

// The elements of RSS 2.0 that are used, in the order that Statuspage has them. encoding/xml writes the names as they
// stand here, so the prefixes are ours.
type rss struct {
	XMLName struct{}   `xml:"rss"`
	Version string     `xml:"version,attr"`
	DC      string     `xml:"xmlns:dc,attr"`
	Atom    string     `xml:"xmlns:atom,attr"`
	Channel rssChannel `xml:"channel"`
}

type rssChannel struct {
	Title       string    `xml:"title"`
	Link        string    `xml:"link"`
	Description string    `xml:"description"`
	PubDate     string    `xml:"pubDate"`
	Language    string    `xml:"language"`
	TTL         int       `xml:"ttl"`
	Creator     string    `xml:"dc:creator"`
	Self        rssSelf   `xml:"atom:link"`
	Items       []rssItem `xml:"item"`
}

type rssSelf struct {
	Rel  string `xml:"rel,attr"`
	Type string `xml:"type,attr"`
	Href string `xml:"href,attr"`
}

type rssItem struct {
	Title       string   `xml:"title"`
	Description string   `xml:"description"`
	PubDate     string   `xml:"pubDate"`
	Ends        string   `xml:"maintenanceEndDate,omitempty"` // Statuspage's, of no namespace
	Link        string   `xml:"link"`
	GUID        rssGUID  `xml:"guid"`
	Categories  []string `xml:"category"`
}

type rssGUID struct {
	PermaLink *bool  `xml:"isPermaLink,attr"` // none: true
	ID        string `xml:",chardata"`
}

func writeRSS(f *feed) ([]byte, error) {
	channel := rssChannel{
		Title: f.title, Link: f.home, Description: f.about, PubDate: f.rfc822(f.updated()), Language: f.language,
		TTL: int(fresh / time.Minute), Creator: f.author, Self: rssSelf{"self", "application/rss+xml", f.self},
	}
	for i := range f.entries {
		e := &f.entries[i]
		item := rssItem{
			Title: e.title, Description: e.html, PubDate: f.rfc822(e.published), Link: e.link,
			GUID: rssGUID{ID: e.link}, Categories: e.tags,
		}
		if e.ends != 0 {
			item.Ends = f.rfc822(e.ends)
		}
		if !f.byLink {
			item.GUID = rssGUID{new(bool), e.id}
		}
		channel.Items = append(channel.Items, item)
	}
	return web.WriteXML(rss{
		Version: "2.0", DC: "http://purl.org/dc/elements/1.1/", Atom: "http://www.w3.org/2005/Atom", Channel: channel,
	})
}

// rfc822 is a moment as RSS has it: RFC 822, with the four digits of a year that RSS asks for.
func (f *feed) rfc822(t status.Time) string { return t.In(f.zone).Format(time.RFC1123Z) }
