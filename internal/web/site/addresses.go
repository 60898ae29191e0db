package site

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/status"
)

// Addresses lists the paths of what stands on a site, below its own: each leaf for every section, component and notice,
// in every language. What goes by another name in its pattern, such as a month, is not known here: pages link to it.
func Addresses(leaves []Leaf, board *status.Board) []string {
	var paths []string
	for i := range leaves {
		leaf := &leaves[i]
		if leaf.Serve != nil || leaf.Pattern == NotFound {
			continue
		}
		for _, path := range expand(leaf.Pattern, board) {
			paths = append(paths, path)
			if leaf.Spoken {
				for _, language := range board.Site.Languages[1:] {
					paths = append(paths, "/"+language+path)
				}
			}
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// expand lists the paths that a pattern matches on a site; none when it has a name that is not known.
func expand(pattern string, board *status.Board) []string {
	paths := []string{""}
	before := ""
	for part := range strings.SplitSeq(strings.TrimPrefix(pattern, "/"), "/") {
		var next []string
		for _, value := range values(part, before, board) {
			for _, path := range paths {
				next = append(next, path+"/"+value)
			}
		}
		paths, before = next, part
	}
	return paths
}

// values lists what may stand in place of a segment, which is below another one.
func values(part, below string, board *status.Board) (list []string) {
	before, rest, named := strings.Cut(part, "{")
	if !named {
		return []string{part}
	}
	name, after, _ := strings.Cut(rest, "}")
	add := func(value string) { list = append(list, before+value+after) }
	switch {
	case name == "section":
		for i := range board.Site.Sections {
			add(board.Site.Sections[i].Name)
		}
	case name == "id" && below == "components":
		for _, s := range board.Components {
			add(s.ID)
		}
	case name == "id" && (below == "notices" || below == "incidents"):
		for _, n := range board.Notices {
			add(n.ID)
		}
	}
	return list
}

// Index is what a copy of a site is made from.
type Index struct {
	Made      status.Time `json:"made"`
	Base      string      `json:"base"` // path of the site: what the addresses are below
	URL       string      `json:"url"`  // of the site from outside
	Addresses []string    `json:"addresses"`
}

// Listed is the leaf that lists what stands on a site besides it: /export.json.
func Listed(leaves []Leaf) Leaf {
	return Leaf{Pattern: "/export.json", MaxAge: time.Minute, Make: func(l *Look) (*Made, error) {
		body, err := json.Marshal(Index{Made: l.Now, Base: l.Base, URL: l.URL, Addresses: Addresses(leaves, l.Board)})
		return &Made{ContentType: "application/json", Body: body}, err
	}}
}
