package site

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
)

// Leaf is what stands at an address of every site.
type Leaf struct {
	// Pattern is the path in the site, such as "/components/{id}": a segment in braces is any one segment. A segment may
	// have one name and what stands after it: "{id}.rss".
	Pattern string
	// Spoken leaves are in a language: at their path in the site's first, and below /LANGUAGE in the others.
	Spoken bool
	// Steady leaves are in the language of their address, whatever a browser remembers: programs follow them.
	Steady bool
	// Themed leaves differ by the theme that the visitor chose.
	Themed bool
	// Query names the parameters that the leaf differs by; others are ignored.
	Query []string
	// Shared leaves are for programs of other origins (CORS).
	Shared bool
	// Framed leaves may be shown in other sites' frames.
	Framed bool
	// MaxAge is how long caches may keep it.
	MaxAge time.Duration
	// Stamped leaves have {stamp} in their pattern: what it must be is in Made, and says what exactly it is. Under its own
	// stamp a leaf never changes, and caches keep it for ever; under another it is what there is now, and kept by none, so
	// that a page of before, or of a node that is another version, is never without it.
	Stamped bool
	// Make makes it. Error: NotFound when there is no such thing on the site.
	Make func(*Look) (*Made, error)
	// Serve answers by itself in Make's place, for what is not made of the site alone: a choice that is remembered.
	Serve func(http.ResponseWriter, *http.Request, *Look)
}

// NotFound is the pattern of the leaf that says that there is nothing.
const NotFound = "not-found"

// Made is what stands at an address.
type Made struct {
	ContentType string
	Body        []byte
	Status      int    // 0: 200
	Policy      string // Content-Security-Policy; "": nothing may be loaded
	Stamp       string // of a Stamped leaf
}

// Ask is what of a request matters to a leaf.
type Ask struct {
	Base     string // path of the site, without a slash at its end: "" or "/prod"
	Path     string // in the site, without the language
	Language string
	Theme    string // one of Themes
	args     map[string]string
	query    url.Values
}

// Arg is a segment of the path, by its name in the pattern.
func (a *Ask) Arg(name string) string { return a.args[name] }

// Query is a parameter that the leaf differs by.
func (a *Ask) Query(name string) string { return a.query.Get(name) }

// Look is what a leaf is made from.
type Look struct {
	Ask
	Board *status.Board   // nil: the hub's own address
	URL   string          // of the site, or of the hub, from outside, without a slash at its end
	Sites []*status.Board // those that are shown to everyone, by name
	URLs  func(*status.Site) string
	Now   status.Time
	Stale time.Duration // how old what is known is; 0: it is of now
}

// Site is the site that is looked at.
func (l *Look) Site() *status.Site { return l.Board.Site }

// Link is the path of a page of the site in the language of this one.
func (l *Look) Link(path string) string { return l.Base + l.in(l.Language) + path }

// LinkIn is the path of a page of the site in a language.
func (l *Look) LinkIn(language, path string) string { return l.Base + l.in(language) + path }

// Outside is the address of a page of the site in a language, for who is elsewhere.
func (l *Look) Outside(language, path string) string { return l.URL + l.in(language) + path }

func (l *Look) in(language string) string {
	if l.Board == nil || language == l.Board.Site.Languages[0] {
		return ""
	}
	return "/" + language
}

// shelving is where leaves stand. Most are asked for by their very pattern, so these are found without looking at others.
type shelving struct {
	leaves []Leaf
	plain  map[string]int // by pattern, those without a name in it
	named  []int          // the others
}

func shelve(leaves []Leaf) *shelving {
	s := &shelving{leaves: leaves, plain: map[string]int{}}
	for i := range leaves {
		pattern := leaves[i].Pattern
		if strings.Contains(pattern, "{") {
			s.named = append(s.named, i)
		} else if _, twice := s.plain[pattern]; !twice {
			s.plain[pattern] = i
		}
	}
	return s
}

// match finds the leaf at a path. Where two match, the earlier one is meant.
func (s *shelving) match(path string) (*Leaf, map[string]string) {
	plain, found := s.plain[path]
	for _, i := range s.named {
		if found && i > plain {
			break
		}
		if args, ok := matches(s.leaves[i].Pattern, path); ok {
			return &s.leaves[i], args
		}
	}
	if !found {
		return nil, nil
	}
	return &s.leaves[plain], nil
}

// notFound is the leaf that says that there is nothing; nil when none does.
func (s *shelving) notFound() *Leaf {
	if at, found := s.plain[NotFound]; found {
		return &s.leaves[at]
	}
	return nil
}

func matches(pattern, path string) (args map[string]string, ok bool) {
	for {
		want, nextPattern, more := strings.Cut(strings.TrimPrefix(pattern, "/"), "/")
		got, nextPath, moreGot := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		name, value, ok := segment(want, got)
		if !ok || more != moreGot {
			return nil, false
		}
		if name != "" {
			if args == nil {
				args = map[string]string{}
			}
			args[name] = value
		}
		if !more {
			return args, true
		}
		pattern, path = nextPattern, nextPath
	}
}

// segment holds one segment to what the pattern wants.
func segment(want, got string) (name, value string, ok bool) {
	before, rest, found := strings.Cut(want, "{")
	if !found {
		return "", "", want == got
	}
	name, after, _ := strings.Cut(rest, "}")
	value, ok = strings.CutPrefix(got, before)
	if ok {
		value, ok = strings.CutSuffix(value, after)
	}
	return name, value, ok && value != ""
}

// Nothing is the error of a leaf that has nothing to show.
func Nothing() error { return fault.New(fault.NotFound, "there is nothing here") }
