package pull

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/fault"
)

// PageMost is how many messages one answer holds, unless fewer are asked for, and at most (F35).
const PageMost = 100_000

// asked is what a request asks for (F34). What is wrong with it is told together, and never repeats what was sent.
type asked struct {
	page               delivery.WindowPage
	format             Format
	username, password string
	system             string
	found              []fault.Violation
}

func (a *asked) refuse(name, rule, message string) {
	a.found = append(a.found, fault.Violation{Pointer: "query:" + name, Rule: rule, Message: message})
}

// err is what is wrong with what was asked.
func (a *asked) err() error { return fault.Invalid(fault.BadRequest, a.found) }

// parameters are the names that mean something here; others are passed over, as clients of other versions may send them.
var parameters = []string{"datefrom", "dateto", "format", "page", "pagesize", "username", "password", "system"}

// read reads the query. Clients send it with an empty leading pair, and names in any letter case (requirements 4b, 4c 3).
// Error: BadRequest when it is no query at all.
func (f *face) read(query string) (*asked, error) {
	values := map[string]string{}
	a := &asked{}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		value, errValue := url.QueryUnescape(value)
		if err != nil || errValue != nil {
			return nil, fault.Invalid(fault.BadRequest, []fault.Violation{{Pointer: "query:*", Rule: "form", Message: "is not percent-encoded as it should be"}})
		}
		name = strings.ToLower(name)
		if before, again := values[name]; again && before != value && known(name) {
			a.refuse(name, "unique", "is there more than once")
		}
		values[name] = value
	}
	a.username, a.password, a.system = values["username"], values["password"], values["system"]
	if f.Callers == nil && a.system == "" {
		a.system = a.username
	}
	a.page.From = a.instant("datefrom", values, f.Zone)
	a.page.Before = a.instant("dateto", values, f.Zone)
	if len(a.found) == 0 && a.page.Before < a.page.From {
		a.refuse("dateto", "order", "must not be before datefrom")
	}
	switch strings.ToLower(values["format"]) {
	case "", "json":
	case "xml":
		a.format = XML
	default:
		a.refuse("format", "enum", "want json or xml")
	}
	a.pages(values, f.ZeroBased)
	return a, nil
}

func known(name string) bool {
	for _, parameter := range parameters {
		if parameter == name {
			return true
		}
	}
	return false
}

func (a *asked) instant(name string, values map[string]string, zone *time.Location) int64 {
	text := strings.TrimSpace(values[name])
	if text == "" {
		a.refuse(name, "required", "say from when to when: datefrom and dateto")
		return 0
	}
	at, ok := instant(text, zone)
	if !ok {
		a.refuse(name, "time", "want a time such as 2026-03-01T12:00:00, with an offset or without, or a date")
	}
	return at
}

// pages reads which page is asked for. The default counts from 1, as clients do; ZeroBased from 0, as the ranges that
// Datafordeleren's guide gives are counted (F36, requirements 4c 1).
func (a *asked) pages(values map[string]string, zeroBased bool) {
	first := int64(1)
	if zeroBased {
		first = 0
	}
	page := a.number("page", values, first, first)
	a.page.Page = int(min(page-first+1, 1<<30)) // there are not as many
	a.page.Size = int(min(a.number("pagesize", values, 1, PageMost), PageMost))
}

// number reads a whole number; the usual one where there is none.
func (a *asked) number(name string, values map[string]string, least, usual int64) int64 {
	text := strings.TrimSpace(values[name])
	if text == "" {
		return usual
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		a.refuse(name, "type", "want a whole number")
		return usual
	case n < least:
		a.refuse(name, "range", "want "+strconv.FormatInt(least, 10)+" or more")
		return usual
	}
	return n
}
