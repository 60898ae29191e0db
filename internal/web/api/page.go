package api

import (
	"encoding/base64"
	"net/http"
	"sort"
	"strings"
)

// Pages of a list, where nothing else is said.
const (
	pageShown = 200
	pageMost  = 1000
)

// paging are the parameters of every list that is told in pages.
func paging(others ...string) []string { return append(others, "limit", "after") }

// page is one page of a list.
type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`  // give it as after to get what follows; none: there is no more for now
	Total *int64 `json:"total,omitempty"` // of all, on whatever page
}

// place is where a page begins and how much it holds.
type place struct {
	after string // the key of the last entry of the page before; "" for the first page
	limit int
}

// place reads the parameters of a page.
func (q *query) place(usual, most int64) place {
	return place{after: q.cursor("after"), limit: int(q.within("limit", 1, most, usual))}
}

// cut takes a page out of a list that is ordered by key. It begins behind a key, not at a number: what comes or goes
// elsewhere in the list between two pages makes no entry come twice or be left out.
func cut[T any](items []T, at place, key func(T) string) page[T] {
	from := 0
	if at.after != "" {
		from = sort.Search(len(items), func(i int) bool { return key(items[i]) > at.after })
	}
	p := page[T]{Items: items[from:]}
	if len(p.Items) > at.limit {
		p.Items = p.Items[:at.limit]
		p.Next = cursorOf(key(p.Items[at.limit-1]))
	}
	if p.Items == nil {
		p.Items = []T{}
	}
	return p
}

// respondPage answers with the page that the request asks for. The list is ordered by key.
func respondPage[T any](w http.ResponseWriter, q *query, items []T, key func(T) string) error {
	at := q.place(pageShown, pageMost)
	if err := q.err(); err != nil {
		return err
	}
	return respond(w, http.StatusOK, cut(items, at, key))
}

// keyed joins the parts of a key so that keys are ordered as their parts are. No part holds a zero byte.
func keyed(parts ...string) string { return strings.Join(parts, "\x00") }

// cursorMark begins every cursor of a list, so that none of another kind is taken for one.
const cursorMark = "k"

// cursorOf names an entry to go on behind. It holds the entry's key, which never changes, and so never grows old.
func cursorOf(key string) string {
	return cursorMark + base64.RawURLEncoding.EncodeToString([]byte(key))
}

func (q *query) cursor(name string) string {
	text := q.text(name)
	if text == "" {
		return ""
	}
	key, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimPrefix(text, cursorMark))
	if err != nil || len(key) == 0 || cursorOf(string(key)) != text {
		q.refuse("query:"+name, "cursor", "want the next of the page before, as it stands there")
		return ""
	}
	return string(key)
}
