package admin

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/status"
)

// sheet is what every page has: its top, what has been done, what is wrong. The pages' own views embed it.
type sheet struct {
	speech
	*visit
	Title string
	Tab   string // of the site, that the page is below
	Form  *form  // whose complaints stand above the page; nil: it has none
	Error *problem
	Clash *clash
}

// problem is why something did not work, apart from what was typed.
type problem struct{ Code, Title, Mend string }

// said is a text with its language, where that is another than the page's (WCAG 3.1.2).
type said struct{ Text, Lang string }

func (v *visit) sheet(title, tab string) *sheet {
	return &sheet{speech: v.speech, visit: v, Title: title, Tab: tab}
}

// text is a text of the site in the page's language, or the next best.
func (v *visit) text(t status.Text) said { return v.textOf(v.site, t) }

func (v *visit) textOf(site *status.Site, t status.Text) said {
	text, in := site.Say(t, v.Lang)
	if in == v.Lang || text == "" {
		in = ""
	}
	return said{text, in}
}

// Who is signed in.
func (s *sheet) Who() string { return s.who.Name }

// May reports whether they may change anything here.
func (s *sheet) May() bool { return s.mayWrite() }

// Founder reports whether they may make sites.
func (s *sheet) Founder() bool { return s.may("POST /admin/new", "") }

// Named is the name of the site that the page is about, "" for none.
func (s *sheet) Named() string {
	if s.site == nil {
		return ""
	}
	return s.site.Name
}

// SiteTitle, Environment and Outside are what the top says of the site.
func (s *sheet) SiteTitle() said       { return s.text(s.site.Title) }
func (s *sheet) Environment() string   { return s.site.Environment }
func (s *sheet) Outside() string       { return s.SiteURL(s.site) + "/" }
func (s *sheet) ZoneName() string      { return s.site.Zone }
func (s *sheet) To(path string) string { return s.to(path) }

// Done is what has been done, as the page before tells it.
func (s *sheet) Done() string {
	if key := "done " + s.r.URL.Query().Get("done"); s.Knows(key) && !s.posted() {
		return s.Say(key)
	}
	return ""
}

// Theme is the theme that the visitor has chosen on a status site, or "".
func (s *sheet) Theme() string {
	if c, err := s.r.Cookie("varsel-theme"); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return ""
}

// Style, Colours and Script are what the page loads. The colours are the site's.
func (s *sheet) Style() string  { return "/admin/style.css?" + s.style.stamp }
func (s *sheet) Script() string { return "/admin/script.js?" + s.script.stamp }
func (s *sheet) Colours() string {
	return s.to("/colours.css?v=" + strconv.FormatInt(s.board.Position, 36))
}

// link is somewhere to go.
type link struct {
	Text, To, Lang string
	Icon           string
	Current        bool
}

// Tabs are the pages of the site.
func (s *sheet) Tabs() []link {
	var list []link
	for _, tab := range [][2]string{{"overview", ""}, {"notices", "/notices"}, {"components", "/components"}, {"looks", "/looks"}, {"history", "/history"}} {
		list = append(list, link{Text: s.Say("tab " + tab[0]), To: s.to(tab[1]), Current: tab[0] == s.Tab})
	}
	return list
}

// Tongues are the languages that the page can be in. Of a form only its address is kept: what is typed is not lost by
// a look at another language, for it is left by a link.
func (s *sheet) Tongues() []link {
	var list []link
	for _, language := range tongues {
		query := s.r.URL.Query()
		query.Set("lang", language)
		query.Del("done")
		list = append(list, link{Text: s.Tongue(language), To: s.r.URL.Path + "?" + query.Encode(), Lang: language, Current: language == s.Lang})
	}
	return list
}

// Refused reports whether something stands in the way of what was sent.
func (s *sheet) Refused() bool {
	return s.Error != nil || s.Clash != nil || s.Form != nil && len(s.Form.wrong) > 0
}

// policy lets a page load its own style and script and send its own forms, and nothing else; nothing may frame it.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// show shows a page. view embeds its sheet.
func (v *visit) show(page string, s *sheet, view any) error {
	code := http.StatusOK
	switch {
	case s.Error != nil:
		code = fault.Lookup(fault.Code(s.Error.Code)).Status
	case s.Clash != nil:
		code = http.StatusConflict
	case s.Refused():
		code = http.StatusUnprocessableEntity
	}
	var b bytes.Buffer
	if err := v.html.ExecuteTemplate(&b, page, view); err != nil {
		return fault.Wrap(fault.Internal, err, "the page cannot be made")
	}
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	v.w.WriteHeader(code)
	_, _ = v.w.Write(b.Bytes()) // a visitor that left needs nothing
	return nil
}

// colours serves the colours of the site's states.
func (v *visit) colours() error {
	v.w.Header().Set("Content-Type", "text/css; charset=utf-8")
	v.w.Header().Set("X-Content-Type-Options", "nosniff")
	v.w.Header().Set("Cache-Control", "private, max-age=3600")
	_, _ = v.w.Write([]byte(coloursOf(v.site))) // a visitor that left needs nothing
	return nil
}

// kept are the errors that a form is shown again for, with what was typed. There is nothing to show for any other.
func (v *visit) kept(s *sheet, err error) error {
	code := fault.Of(err).Code
	if err == nil || slices.Contains([]fault.Code{fault.NotFound, fault.Forbidden, fault.CrossOrigin, fault.Internal}, code) {
		return err
	}
	entry := fault.Lookup(code)
	s.Error = &problem{Code: string(code), Title: entry.Title, Mend: entry.Mend}
	if key := "problem " + string(code); v.Knows(key) {
		s.Error.Title, s.Error.Mend = v.Say(key), v.Say("mend "+string(code))
	}
	return nil
}

// clash is what another has done while somebody typed.
type clash struct {
	Who   string
	At    *stamp
	What  []change // of a notice
	Place string   // where to look for it
}

// values are those of a query, for a form that begins with some of them chosen.
func (v *visit) asked(names ...string) url.Values {
	values := url.Values{}
	for _, name := range names {
		if list := v.r.URL.Query()[name]; len(list) > 0 {
			values[name] = list
		}
	}
	return values
}
