package atlas

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	ingest "github.com/varselhub/varsel/internal/ingest/register"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// world is a hub with the register "land", whose source is "land", and a system that is granted it.
type world struct {
	*managetest.World
	deposits *deposit.Depositor
	made     int
	asked    func(r *http.Request, p *account.Principal) // of the API
}

type directory struct{ *revision.Book }

func (d directory) Source(uri string) *event.Source { return d.SourceAt(uri) }

// fact is something that a register tells.
type fact struct{ event, id, name, place, fields string }

// facts has one of everything: points, lines, areas with a hole and of several parts, and places that cannot be drawn.
var facts = []fact{
	{"CreateEvent", "1", "Havn", "POINT(724181 6175433)", ""},
	{"UpdateEvent", "2", "Sti", "LINESTRING(588000 6138000,600000 6150000,640000 6150000)", "geometri"},
	{"DeleteEvent", "3", "Skov", "POLYGON((500000 6200000,540000 6200000,540000 6240000,500000 6240000,500000 6200000),(510000 6210000,520000 6210000,520000 6220000,510000 6220000,510000 6210000))", ""},
	{"CreateEvent", "4", "Øer", "SRID=4326;MULTIPOLYGON(((10.4 57.2,10.9 57.2,10.9 57.4,10.4 57.2)),((14.8 55,15.1 55,15.1 55.2,14.8 55)))", ""},
	{"UpdateEvent", "5", "<b>Sted</b> & løst", "", "navn, ejer"},
	{"UpdateEvent", "6", "Langt borte", "SRID=4326;POINT(-120 10)", "geometri"},
	{"UpdateEvent", "7", "Prikker", "MULTIPOINT((450000 6300000),(460000 6310000))", "geometri"},
}

func newWorld(t *testing.T, personal ...string) *world {
	t.Helper()
	w := &world{World: managetest.New(t)}
	ctx, by := t.Context(), manage.By{Author: "test"}
	hasher, err := event.NewHasher(make([]byte, 32))
	w.Must(err)
	for _, kind := range register.EventKinds {
		name := (&register.EntityType{Name: "Parcel"}).EventType(kind)
		_, err := w.Manager.PutType(ctx, event.Type{Name: name, Title: name, Order: event.OrderKey, Personal: len(personal) > 0, Retention: "P60D"}, by)
		w.Must(err)
		_, err = w.Manager.PutVersion(ctx, event.Version{
			Type: name, Version: "v1", State: event.StateActive, Sample: []byte(`{"id":"1"}`),
			Mapping: event.Mapping{Fields: map[string]string{"key": "/id"}, Personal: personal},
		}, by)
		w.Must(err)
	}
	for _, name := range []string{"land", "sea"} {
		_, err = w.Manager.PutSource(ctx, event.Source{Name: name, URI: "urn:" + name, Title: name, Types: []string{"*"}}, by)
		w.Must(err)
		_, err = w.Manager.PutRegister(ctx, register.Register{Name: name, Title: "The " + name, Source: name, Types: []register.EntityType{{
			Name: "Parcel", Row: "row", Object: []string{"id"}, Columns: []register.Column{
				{Name: "row", Required: true}, {Name: "id", Required: true}, {Name: "navn"}, {Name: "geometri", Type: register.Geometry}, {Name: "feltliste", EventOnly: true},
			},
		}}}, by)
		w.Must(err)
	}
	_, err = w.Manager.PutSystem(ctx, subscription.System{Name: "reader", Agreement: subscription.Agreement{
		Profile: "standard", BaseURL: "https://reader.test/", Sources: []string{"land"}, Contacts: subscription.Contacts{Technical: subscription.Contact{Email: "a@b.test"}},
	}}, by)
	w.Must(err)
	w.deposits = deposit.New(deposit.Options{
		Store: w.Store.Registers(), Log: w.Log, Past: w.Log, Index: w.Store, Places: w.Store, Directory: w.Book, Handles: hasher, Clock: w.Clock,
		Accepter: publish.NewAccepter(directory{w.Book}, hasher, w.Clock, publish.Limits{}),
		Read: func(body io.Reader, r *register.Register) deposit.Reader {
			return ingest.NewReader(body, r, ingest.Limits{})
		},
		Trouble: func(doing string, err error) { t.Errorf("%s: %v", doing, err) },
	})
	w.deposits.Start()
	t.Cleanup(w.deposits.Stop)
	return w
}

// tell has the register deliver, and returns when its events are in the log.
func (w *world) tell(list ...fact) {
	w.T.Helper()
	var text strings.Builder
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;")
	for _, f := range list {
		w.made++
		fmt.Fprintf(&text, `<DataEntity><Action>Create</Action><CreateEvent>%s</CreateEvent><Parcel><row>%d</row><id>%s</id><navn>%s</navn><geometri>%s</geometri><feltliste>%s</feltliste>`+
			`<status>s</status><registreringFra>2026-01-01T00:00:00Z</registreringFra><virkningFra>%d-01-01T00:00:00Z</virkningFra><virkningTil>%d-01-02T00:00:00Z</virkningTil></Parcel></DataEntity>`,
			f.event, w.made, f.id, escape.Replace(f.name), f.place, f.fields, 1000+w.made, 1000+w.made)
	}
	id := fmt.Sprint("d", w.made)
	_, err := w.deposits.Take(w.T.Context(), "land", id, strings.NewReader(`<DatafordelerDataDelivery><Data>`+text.String()+`</Data></DatafordelerDataDelivery>`), nil)
	w.Must(err)
	w.Until("its events are in the log", func() bool {
		d, err := w.deposits.Delivery(w.T.Context(), "land", id)
		return err == nil && d.State == register.Published
	})
}

var people = map[string]*account.Principal{
	"operator":    {Name: "o", Roles: []account.Role{account.Operator}},
	"auditor":     {Name: "a", Roles: []account.Role{account.Auditor}},
	"source":      {Name: "p", Roles: []account.Role{account.Source}, Sources: []string{"land"}},
	"rival":       {Name: "r", Roles: []account.Role{account.Source}, Sources: []string{"sea"}},
	"subscriber":  {Name: "s", Roles: []account.Role{account.Subscriber}, Systems: []string{"reader"}},
	"stranger":    {Name: "t", Roles: []account.Role{account.Subscriber}, Systems: []string{"another"}},
	"site-editor": {Name: "e", Roles: []account.Role{account.SiteEditor}, Sites: []string{"*"}},
}

// pages is what somebody who has signed in is answered. What stands before it is web/session.
func (w *world) pages(who string) http.Handler {
	w.T.Helper()
	p := people[who]
	refuse := func(out http.ResponseWriter, _ *http.Request, err error) {
		f := fault.Of(err)
		text := string(f.Code)
		for _, v := range f.Violations {
			text += " " + v.Pointer + " " + v.Rule
		}
		http.Error(out, text, fault.Lookup(f.Code).Status)
	}
	pages, err := New(Options{
		Book: w.Book, Events: w.deposits, Zone: time.UTC, Refuse: refuse,
		Require: func(route string, next func(http.ResponseWriter, *http.Request, *account.Principal)) http.Handler {
			rule, known := account.RuleOf(route)
			if !known {
				w.T.Errorf("%s has no rule", route)
			}
			return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
				if p.Reach(rule) == account.None {
					refuse(out, r, fault.New(fault.Forbidden, "no"))
					return
				}
				next(out, r, p)
			})
		},
		API: w.api,
	})
	w.Must(err)
	return pages
}

// api answers as the API does, as much of it as the page asks for.
func (w *world) api(out http.ResponseWriter, r *http.Request, p *account.Principal) {
	if w.asked != nil {
		w.asked(r, p)
	}
	var since int64
	_, _ = fmt.Sscan(r.URL.Query().Get("since"), &since)
	seen := w.deposits.Seen()
	found, _, err := w.deposits.Recent(r.Context(), &deposit.Recently{Register: "land", Above: since, Limit: 20})
	if err != nil {
		http.Error(out, err.Error(), http.StatusInternalServerError)
		return
	}
	var items []string
	for _, h := range found {
		items = append(items, fmt.Sprintf(`{"position":%d}`, h.Position))
	}
	out.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(out, `{"items":[%s],"upTo":%d}`, strings.Join(items, ","), seen)
}

func get(handler http.Handler, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	out := httptest.NewRecorder()
	handler.ServeHTTP(out, r)
	return out
}

// newest is the position of the newest event that something was removed.
func (w *world) newest() int64 {
	w.T.Helper()
	found, _, err := w.deposits.Recent(w.T.Context(), &deposit.Recently{Register: "land", Type: "ParcelDelete", Limit: 1})
	w.Must(err)
	return found[0].Position
}
