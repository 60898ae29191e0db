package export

import (
	"bytes"
	"context"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// What our own pages write: html/template puts every value between double quotes.
var (
	inHTML = regexp.MustCompile(`\s(?:href|src|data-api)="([^"]*)"`)
	inCSS  = regexp.MustCompile(`url\(\s*["']?([^"')]+)["']?\s*\)`)
)

// follow wants whatever a page or a style links to of the same site. A link that the hub answers with another address, by
// what stands in its query, leads straight there in the copy: nothing answers there.
func (c *copying) follow(ctx context.Context, path string, got *answer) ([]byte, error) {
	var pattern *regexp.Regexp
	switch got.mediaType {
	case "text/html":
		pattern = inHTML
	case "text/css":
		pattern = inCSS
	default:
		return got.body, nil
	}
	var failed error
	var b bytes.Buffer
	last := 0
	for _, at := range pattern.FindAllSubmatchIndex(got.body, -1) {
		link := html.UnescapeString(string(got.body[at[2]:at[3]]))
		to, ok := c.inside(path, link)
		if !ok {
			continue
		}
		if strings.Contains(to, "?") {
			led, err := c.lead(ctx, to)
			if err != nil {
				failed = err
				break
			}
			if led != to {
				b.Write(got.body[last:at[2]])
				b.WriteString(html.EscapeString(c.index.Base + led))
				last, to = at[3], led
			}
		}
		c.add(pathOf(to), false)
	}
	b.Write(got.body[last:])
	return b.Bytes(), failed
}

// inside is the path of a link below the site, with its query, where it is of the site. Links of the site as it is seen from
// outside are.
func (c *copying) inside(path, link string) (string, bool) {
	page, err := url.Parse(c.from.String() + path)
	if err != nil || link == "" || strings.HasPrefix(link, "#") {
		return "", false
	}
	to, err := page.Parse(link)
	if err != nil {
		return "", false
	}
	rest, ok := below(to, c.from.String())
	if !ok {
		rest, ok = below(to, c.index.URL)
	}
	if ok && to.RawQuery != "" {
		rest += "?" + to.RawQuery
	}
	return rest, ok
}

// below is the path of an address below a site's, which has no slash at its end.
func below(to *url.URL, of string) (string, bool) {
	rest, ok := strings.CutPrefix(to.Scheme+"://"+to.Host+to.EscapedPath(), of)
	return rest, ok && of != "" && strings.HasPrefix(rest, "/")
}

// lead is where an address with a query leads: elsewhere on the site, or to itself.
func (c *copying) lead(ctx context.Context, to string) (string, error) {
	c.mu.Lock()
	led, found := c.leads[to]
	c.mu.Unlock()
	if found {
		return led, nil
	}
	got, err := c.get(ctx, to)
	if err != nil {
		return "", err
	}
	led = to
	if got.leads != "" {
		if elsewhere, ok := c.inside(to, got.leads); ok {
			led = elsewhere
		}
	}
	if got.status == http.StatusNotFound {
		led = pathOf(to)
	}
	c.mu.Lock()
	c.leads[to] = led
	c.mu.Unlock()
	return led, nil
}

// pathOf is an address without its query.
func pathOf(address string) string {
	path, _, _ := strings.Cut(address, "?")
	return path
}

// signpost is a page that leads to another.
func signpost(to string) []byte {
	to = html.EscapeString(to)
	return []byte(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>` + to + `</title><meta http-equiv="refresh" content="0; url=` + to +
		`"></head><body><p><a href="` + to + `">` + to + `</a></p></body></html>` + "\n")
}
