package admin_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
	"github.com/varselhub/varsel/internal/web/admin"
)

var ctx = context.Background()

// The components of the site prod, by their places in statustest.New: CRM has backOffice and a group of databases, odata and
// search; ERP has signIn, jobs and a group of soap and files.
var (
	backOffice = statustest.ID("comp", 1)
	databases  = statustest.ID("comp", 2)
	odata      = statustest.ID("comp", 3)
	search     = statustest.ID("comp", 4)
	signIn     = statustest.ID("comp", 5)
	files      = statustest.ID("comp", 8)
	dataGroup  = statustest.ID("group", 1)
)

// world is a hub with the status sites prod and demo and the people eva (operator), ida (editor of prod), ole (editor of
// demo) and uwe (auditor), on a clock that stands at half past two on a Wednesday in Copenhagen.
type world struct {
	*managetest.World
	pages *admin.Pages
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{World: managetest.New(t)}
	w.RegisterSites()
	w.Clock.Advance(statustest.Now.Time().Sub(managetest.Epoch))
	prod := statustest.New().Site
	w.put(prod)
	demo := status.Site{
		Name: "demo", Title: status.Text{"en": "Demo"}, Zone: "Etc/UTC", Languages: []string{"en"}, Environment: "DEMO",
		Sections: []status.Section{{Name: "all", Title: status.Text{"en": "All"}, Components: []status.Component{{Title: status.Text{"en": "Web"}}}}},
	}
	w.put(demo)
	var err error
	w.pages, err = admin.New(admin.Options{
		Book: w.Book, Manager: w.Manager, Audit: w.Store, Clock: w.Clock,
		SiteURL: func(s *status.Site) string { return "https://status.example/" + s.Name },
		Require: func(string, func(http.ResponseWriter, *http.Request, *account.Principal)) http.Handler { return nil },
		Refuse:  func(http.ResponseWriter, *http.Request, error) {},
	})
	w.Must(err)
	return w
}

func (w *world) put(site status.Site) {
	w.T.Helper()
	_, err := w.Manager.PutSite(ctx, site, manage.By{Author: "eva"})
	w.Must(err)
}

var people = map[string]*account.Principal{
	"eva": {Name: "eva", Roles: []account.Role{account.Operator}},
	"ida": {Name: "ida", Roles: []account.Role{account.SiteEditor}, Sites: []string{"prod"}},
	"ole": {Name: "ole", Roles: []account.Role{account.SiteEditor}, Sites: []string{"demo"}},
	"uwe": {Name: "uwe", Roles: []account.Role{account.Auditor}},
	"pia": {Name: "pia", Roles: []account.Role{account.Source}, Sources: []string{"cv"}},
}

// handler is the pages for one of people, who has signed in. What stands before them is web/session; this does of it what
// the pages rely on.
func (w *world) handler(name string) http.Handler {
	who := people[name]
	options := w.pages.Options
	options.Refuse = func(out http.ResponseWriter, _ *http.Request, err error) {
		f := fault.Of(err)
		http.Error(out, string(f.Code)+": "+err.Error(), fault.Lookup(f.Code).Status)
	}
	options.Require = func(route string, next func(http.ResponseWriter, *http.Request, *account.Principal)) http.Handler {
		rule, known := account.RuleOf(route)
		if !known {
			w.T.Errorf("%s has no rule", route)
		}
		return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			switch site := r.PathValue("site"); {
			case who.Reach(rule) == account.None:
				options.Refuse(out, r, fault.New(fault.Forbidden, "no"))
			case site != "" && !who.ReachesSite(rule, site):
				options.Refuse(out, r, fault.New(fault.NotFound, "no"))
			default:
				next(out, r, who)
			}
		})
	}
	pages, err := admin.New(options)
	w.Must(err)
	return pages.Handler()
}

// browser is somebody's, who has signed in. It has no script.
type browser struct {
	w       *world
	handler http.Handler
	cookies map[string]string
}

func (w *world) as(name string) *browser {
	w.T.Helper()
	return &browser{w, w.handler(name), map[string]string{}}
}

// page is what a browser was answered.
type page struct {
	t      testing.TB
	status int
	to     string
	header http.Header
	text   string
	root   *html.Node
}

func (b *browser) get(path string, headers ...string) *page {
	b.w.T.Helper()
	return b.send(http.MethodGet, path, nil, headers...)
}

func (b *browser) post(path string, form url.Values) *page {
	b.w.T.Helper()
	return b.send(http.MethodPost, path, form)
}

func (b *browser) send(method, path string, form url.Values, headers ...string) *page {
	b.w.T.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r := httptest.NewRequest(method, path, body)
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	recorder := httptest.NewRecorder()
	b.handler.ServeHTTP(recorder, r)
	got := recorder.Result()
	for _, c := range got.Cookies() {
		b.cookies[c.Name] = c.Value
	}
	p := &page{t: b.w.T, status: got.StatusCode, to: got.Header.Get("Location"), header: got.Header, text: recorder.Body.String()}
	root, err := html.Parse(strings.NewReader(p.text))
	b.w.Must(err)
	p.root = root
	return p
}

// must fails the test unless the page was answered with a status.
func (p *page) must(status int) *page {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("%d %s, want %d\n%s", p.status, p.to, status, p.words())
	}
	return p
}

// all finds elements.
func (p *page) all(match func(*html.Node) bool) (found []*html.Node) {
	for n := range p.root.Descendants() {
		if n.Type == html.ElementNode && match(n) {
			found = append(found, n)
		}
	}
	return found
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// byID finds an element, or nil.
func (p *page) byID(id string) *html.Node {
	for _, n := range p.all(func(n *html.Node) bool { return attribute(n, "id") == id }) {
		return n
	}
	return nil
}

var space = regexp.MustCompile(`\s+`)

// wordsOf is what a person reads in an element.
func wordsOf(n *html.Node) string {
	var b strings.Builder
	if n == nil {
		return ""
	}
	for d := range n.Descendants() {
		if d.Type == html.TextNode && d.Parent.Data != "script" && d.Parent.Data != "style" {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.TrimSpace(space.ReplaceAllString(b.String(), " "))
}

func (p *page) words() string { return wordsOf(p.root) }

// reads fails the test unless the element of an id has all the texts; "" is the whole page.
func (p *page) reads(id string, texts ...string) *page {
	p.t.Helper()
	n := p.root
	if id != "" {
		n = p.byID(id)
	}
	got := wordsOf(n)
	for _, text := range texts {
		if n == nil || !strings.Contains(got, text) {
			p.t.Errorf("#%s does not read %q:\n%s", id, text, got)
		}
	}
	return p
}

// form is what the form of the page would send as it stands: the last one that is not the one to sign out.
func (p *page) form() url.Values {
	p.t.Helper()
	var form *html.Node
	for _, n := range p.all(func(n *html.Node) bool { return n.Data == "form" && attribute(n, "action") != "/admin/sign-out" }) {
		form = n
	}
	if form == nil {
		p.t.Fatalf("the page has no form:\n%s", p.words())
	}
	values := url.Values{}
	for n := range form.Descendants() {
		name := attribute(n, "name")
		switch {
		case name == "" || has(n, "disabled"):
		case n.Data == "input" && (attribute(n, "type") == "radio" || attribute(n, "type") == "checkbox"):
			if has(n, "checked") {
				values.Add(name, attribute(n, "value"))
			}
		case n.Data == "input":
			values.Add(name, attribute(n, "value"))
		case n.Data == "textarea":
			text := ""
			if n.FirstChild != nil {
				text = n.FirstChild.Data
			}
			values.Add(name, text)
		case n.Data == "select":
			value, first := "", true
			for o := range n.Descendants() {
				if o.Data == "option" && (first || has(o, "selected")) {
					value, first = attribute(o, "value"), false
				}
			}
			values.Add(name, value)
		}
	}
	return values
}

// fill is the page's form with some fields typed: pairs of names and values.
func (p *page) fill(pairs ...string) url.Values {
	p.t.Helper()
	form := p.form()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.HasPrefix(pairs[i], "do") && p.all(func(n *html.Node) bool { return attribute(n, "name") == pairs[i] }) == nil {
			p.t.Fatalf("there is no field %q", pairs[i])
		}
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

// problem is what stands at a field.
func (p *page) problem(field string) string {
	return wordsOf(p.byID("f-" + strings.ReplaceAll(field, ".", "-") + "-problem"))
}

// in is so long after what the clock shows.
func (w *world) in(d time.Duration) status.Time { return status.At(w.Clock.Now().Add(d)) }

func (w *world) board() *status.Board { return w.Book.Board("prod") }

func (w *world) stateOf(component string) status.State { return w.board().Component(component).State }

// open opens an incident as somebody, and returns it.
func (w *world) open(author string, o manage.Opening) *status.Notice {
	w.T.Helper()
	n, err := w.Manager.OpenNotice(ctx, "prod", o, author)
	w.Must(err)
	return n
}

// slow is an incident of search.
func (w *world) slow() *status.Notice {
	w.T.Helper()
	return w.open("eva", manage.Opening{
		Kind: status.Incident, Facts: manage.Facts{Title: status.Text{"en": "Search is slow", "da": "Søgning er langsom"}, NextUpdate: w.in(20 * time.Minute)},
		Body: status.Text{"en": "Searches take up to a minute.", "da": "Søgninger tager op til et minut."}, Affected: map[string]status.State{search: status.Degraded},
	})
}

// resolved resolves a notice.
func (w *world) resolved(n *status.Notice) *status.Notice {
	w.T.Helper()
	n, err := w.Manager.Say(ctx, "prod", n.ID, manage.Saying{Stage: status.Resolved, Body: status.Text{"en": "It works."}}, manage.By{Author: "eva"})
	w.Must(err)
	return n
}
