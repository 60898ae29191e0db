package feed

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// The members of JSON Feed 1.1 that are used.
type jsonFeed struct {
	Version     string       `json:"version"`
	Title       string       `json:"title"`
	HomePageURL string       `json:"home_page_url"`
	FeedURL     string       `json:"feed_url"`
	Description string       `json:"description,omitempty"`
	Language    string       `json:"language"`
	Authors     []jsonAuthor `json:"authors"`
	Items       []jsonItem   `json:"items"`
}

type jsonAuthor struct {
	Name string `json:"name"`
	URL  string `json:"url"`
}

type jsonItem struct {
	ID            string   `json:"id"`
	URL           string   `json:"url"`
	Title         string   `json:"title"`
	ContentHTML   string   `json:"content_html"`
	DatePublished string   `json:"date_published"`
	DateModified  string   `json:"date_modified"`
	Language      string   `json:"language,omitempty"`
	Tags          []string `json:"tags,omitempty"`
}

func writeJSON(f *feed) ([]byte, error) {
	document := jsonFeed{
		Version: "https://jsonfeed.org/version/1.1", Title: f.title, HomePageURL: f.home, FeedURL: f.self, Description: f.about,
		Language: f.language, Authors: []jsonAuthor{{f.author, f.site}}, Items: []jsonItem{},
	}
	for i := range f.entries {
		e := &f.entries[i]
		item := jsonItem{
			ID: e.id, URL: e.link, Title: e.title, ContentHTML: e.html, DatePublished: rfc3339(e.published), DateModified: rfc3339(e.updated), Tags: e.tags,
		}
		if e.language != f.language {
			item.Language = e.language
		}
		document.Items = append(document.Items, item)
	}
	var b bytes.Buffer
	writer := json.NewEncoder(&b)
	writer.SetEscapeHTML(false) // it is in no page
	writer.SetIndent("", "  ")
	if err := writer.Encode(document); err != nil {
		return nil, fmt.Errorf("write a feed: %w", err)
	}
	return b.Bytes(), nil
}
