package api_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/search"
	"github.com/varselhub/varsel/internal/web/api"
)

const citizen = "0101701234"

// census adds a personal type, ordered by the citizen's number, and publishes three events of it about two citizens.
func (w *world) census() {
	w.T.Helper()
	w.ok(201, w.call("PUT", "/event-types/moved", `{"title":"M","order":"key","personal":true,"retention":"P6M"}`))
	w.ok(201, w.call("PUT", "/event-types/moved/versions/v1", `{"state":"active","sample":{"cpr":"1","spouse":2},"mapping":{"key":"Load(/cpr)","personal":["/cpr","/spouse"]}}`))
	for i, data := range []string{`{"cpr":"` + citizen + `"}`, `{"cpr":"0202700000","spouse":"` + citizen + `"}`, `{"cpr":"0202700000"}`} {
		w.ok(202, w.call("POST", "/events", fmt.Sprintf(`{"specversion":"1.0","id":"m%d","source":"urn:test:dfdg","type":"moved","data":%s}`, i, data), kindOf, ce))
	}
}

// ids are those of the events in an answer.
func (a answer) ids() (ids []string) {
	for _, item := range a.items() {
		ids = append(ids, item["id"].(string))
	}
	return ids
}

// Events are found by each member by itself and by several together, in the address or in a body.
func TestEventsAreFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.census()
	w.ok(202, w.call("POST", "/events", `{"specversion":"1.0","id":"c","source":"urn:test:dfdg","type":"cv","data":{}}`, kindOf, ce))
	message := ident.Message("urn:test:dfdg", "m1").String()
	for _, test := range []struct{ query, body, want string }{
		{"", `{}`, "c m2 m1 m0"},
		{"?id=m1", `{"id":"m1"}`, "m1"},
		{"?id=" + message, `{"id":"` + message + `"}`, "m1"},
		{"?id=m1&type=cv", `{"id":"m1","type":"cv"}`, ""},
		{"?type=moved&source=dfdg", `{"type":"moved","source":"urn:test:dfdg"}`, "m2 m1 m0"},
		{"?source=urn:no", `{"source":"urn:no"}`, ""},
		{"?from=2026-03-01T12:00:00Z&to=2026-03-01T12:00:00.000001Z", `{"from":"2026-03-01T12:00:00Z"}`, "c m2 m1 m0"},
		{"?to=2026-03-01T12:00:00Z", `{"to":"2026-03-01T12:00:00Z"}`, ""},
		{"", `{"person":"` + citizen + `"}`, "m1 m0"},
		{"", `{"key":"` + citizen + `"}`, "m0"},
		{"", `{"key":"0202700000","person":"` + citizen + `"}`, "m1"},
		{"", `{"person":"` + citizen + ` "}`, ""},
	} {
		if strings.Contains(test.body, "person") || strings.Contains(test.body, "key") {
			test.query = "none"
		}
		if test.query != "none" {
			if a := w.ok(200, w.call("GET", "/events"+test.query, "")); strings.Join(a.ids(), " ") != test.want || a.json["upTo"] == 0. {
				t.Errorf("%s: %s", test.query, a.text)
			}
		}
		if a := w.ok(200, w.call("POST", "/events/search", test.body)); strings.Join(a.ids(), " ") != test.want {
			t.Errorf("%s: %s", test.body, a.text)
		}
	}
	item := w.ok(200, w.call("GET", "/events?id=m1", "")).items()[0]
	if item["messageId"] != message || item["source"] != "urn:test:dfdg" || item["type"] != "moved" || item["version"] != "v1" || item["recorded"] != "2026-03-01T12:00:00.000000Z" {
		t.Errorf("%v", item)
	}
}

// What cannot be asked for is told by its place, never by its value; key and person have no place in an address.
func TestWhatCannotBeSearchedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, test := range []struct{ method, path, body, want string }{
		{"GET", "/events?person=" + citizen, "", "bad-request query:* unknown"},
		{"GET", "/events?key=" + citizen, "", "bad-request query:* unknown"},
		{"GET", "/events?from=" + citizen, "", "bad-request query:from time"},
		{"GET", "/events?limit=501", "", "bad-request query:limit range"},
		{"GET", "/events?after=e0", "", "bad-request query:after cursor"},
		{"GET", "/events?after=" + citizen, "", "bad-request query:after cursor"},
		{"GET", "/events?state=parked", "", "bad-request query:state of-whom"},
		{"GET", "/events?state=" + citizen + "&system=plain", "", "bad-request query:state enum"},
		{"GET", "/events?system=" + citizen, "", "not-found"},
		{"GET", "/events?subscription=" + citizen, "", "not-found"},
		{"POST", "/events/search", `{"id":"1","person":"` + citizen + `"}`, "bad-request /id alone"},
		{"POST", "/events/search", `{"to":"` + citizen + `","limit":-1}`, "bad-request /limit range; /to time"},
		{"POST", "/events/search", `{"` + citizen + `":1}`, "invalid-document /* unknown"},
		{"POST", "/events/search", `{"person":["` + citizen + `"]}`, "invalid-document /person type"},
	} {
		a := w.call(test.method, test.path, test.body)
		if a.problem() != test.want {
			t.Errorf("%s %s: %s", test.path, test.body, a.text)
		}
		if strings.Contains(a.text, citizen) && !strings.Contains(test.want, citizen) {
			t.Errorf("tells the value: %s", a.text)
		}
	}
	if strings.Contains(w.logged.String(), citizen) {
		t.Error(w.logged.String())
	}
}

// Promise 12: a search by person, or by a key, which may be a person's number, is in the audit log before it is answered,
// with who and how many; neither the value nor anything made of it stands in the record or the log. Other searches leave
// no entry.
func TestASearchByPersonIsAudited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.census()
	before := len(w.audited())
	w.ok(200, w.call("POST", "/events/search", `{"id":"m1","type":"moved"}`))
	w.ok(200, w.call("GET", "/events", ""))
	if len(w.audited()) != before {
		t.Error("a search by id or type is none by person")
	}
	for i, test := range []struct{ body, detail string }{
		{`{"person":"` + citizen + `"}`, `{"kind":"person","found":2}`},
		{`{"person":"` + citizen + `","key":"0202700000"}`, `{"kind":"person","found":1}`},
		{`{"person":"0000000000"}`, `{"kind":"person","found":0}`},
		{`{"key":"` + citizen + `"}`, `{"kind":"key","found":1}`},
	} {
		w.ok(200, w.call("POST", "/events/search", test.body))
		entries := w.audited()
		got := entries[len(entries)-1]
		if len(entries) != before+i+1 || got.Actor != "eva" || got.Act != audit.SearchPerson || got.Subject != "events" || string(got.Detail) != test.detail || got.Position != 0 {
			t.Errorf("%d entries, %+v %s", len(entries)-before, got, got.Detail)
		}
	}
	w.wholeLog()
	if strings.Contains(w.logged.String(), citizen) {
		t.Error(w.logged.String())
	}
}

// Without its entry there is no answer.
func TestASearchByPersonThatCannotBeAuditedFindsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.census()
	w.Must(w.Log.Close())
	if a := w.call("POST", "/events/search", `{"person":"`+citizen+`"}`); a.problem() != "shutting-down" || strings.Contains(a.text, "m0") {
		t.Error(a.text)
	}
}

// Pages neither skip nor repeat, also while events come; what comes is above the first page.
func TestFoundEventsComeByPages(t *testing.T) {
	t.Parallel()
	for _, search := range []string{`{"type":"cv"`, `{"person":"` + citizen + `"`} {
		w := newWorld(t)
		w.census()
		more := func(n int) {
			for i := range n {
				w.ok(202, w.call("POST", "/events", fmt.Sprintf(`{"specversion":"1.0","id":"%d-%d","source":"urn:test:dfdg","type":"cv","data":{}}`, w.Log.Head(), i), kindOf, ce))
				w.ok(202, w.call("POST", "/events", fmt.Sprintf(`{"specversion":"1.0","id":"p%d-%d","source":"urn:test:dfdg","type":"moved","data":{"cpr":"%s"}}`, w.Log.Head(), i, citizen), kindOf, ce))
			}
		}
		more(7)
		want := w.ok(200, w.call("POST", "/events/search", search+"}")).ids()
		var got []string
		after, pages := "", 0
		for ; pages == 0 || after != ""; pages++ {
			a := w.ok(200, w.call("POST", "/events/search", search+`,"limit":2,"after":"`+after+`"}`))
			got = append(got, a.ids()...)
			after, _ = a.json["next"].(string)
			more(1)
		}
		if !slices.Equal(got, want) || pages < 4 {
			t.Errorf("%s: %d pages, %v, want %v", search, pages, got, want)
		}
	}
}

// With a system or a subscription it is told where each event stands there, and a state selects by that.
func TestEventsAreFoundByWhereTheyStand(t *testing.T) {
	t.Parallel()
	w := newTown(t, as(everyone["operator"]))
	at := func(position string) int64 {
		n, err := strconv.ParseInt(position, 10, 64)
		w.Must(err)
		return n
	}
	mine, both := at(w.own.event), at(w.shared)
	w.where = map[int64][]search.Place{
		mine: {{System: "my-system", Subscription: w.own.subscription, State: "parked"}, {System: "my-system-reader", Subscription: w.own.queue, State: "waiting"}},
		both: {{System: "my-system", Subscription: w.own.subscription, State: "delivered"}, {System: "rival-system", Subscription: w.foreign.subscription, State: "parked"}},
	}
	found := func(query string) (list []int64, text string) {
		a := w.ok(200, w.call("GET", "/events?"+query, ""))
		for _, item := range a.items() {
			list = append(list, int64(item["position"].(float64)))
		}
		return list, a.text
	}
	for query, want := range map[string][]int64{
		"system=my-system":                                   {both, mine},
		"system=my-system&state=parked":                      {mine},
		"system=my-system&state=withheld":                    nil,
		"subscription=" + w.own.queue:                        {mine},
		"subscription=" + w.own.queue + "&state=waiting":     {mine},
		"system=my-system&subscription=" + w.own.queue:       nil,
		"state=delivered&subscription=" + w.own.subscription: {both},
	} {
		if got, text := found(query); !slices.Equal(got, want) || strings.Contains(text, "rival") {
			t.Errorf("%s: %v, want %v: %s", query, got, want, text)
		}
	}
	a := w.ok(200, w.call("GET", "/events?system=my-system&state=parked", ""))
	if got := fmt.Sprint(a.items()[0]["where"]); got != fmt.Sprintf("[map[state:parked subscription:%s system:my-system]]", w.own.subscription) {
		t.Error(got)
	}
	w.set(func(o *api.Options) { o.Searcher = unplaced{w.world} })
	if a := w.call("GET", "/events?system=my-system&state=parked", ""); a.problem() != "bad-request query:state unavailable" {
		t.Error(a.text)
	}
}

// unplaced is a searcher that does not know where events stand.
type unplaced struct{ w *world }

func (u unplaced) Find(ctx context.Context, actor string, q search.Query) (*search.Page, error) {
	return search.New(u.w.Log, u.w.Store, u.w.Book, u.w.hasher, search.Options{}).Find(ctx, actor, q)
}

// S52: everyone finds their own, whatever they search by; another's system is no system.
func TestSearchStopsAtOnesOwn(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]int{"operator": 3, "auditor": 3, "source": 1, "subscriber": 2} {
		w := newTown(t, as(everyone[role]))
		for _, path := range []string{"/events?type=cv", "/events?id=0"} {
			if a := w.ok(200, w.call("GET", path, "")); len(a.items()) != want || want < 3 && strings.Contains(a.text, "rival") {
				t.Errorf("%s %s: %s", role, path, a.text)
			}
		}
		status := http.StatusNotFound
		if want == 3 {
			status = http.StatusOK
		}
		for _, path := range []string{"/events?system=rival-system", "/events?subscription=" + w.foreign.queue} {
			if a := w.call("GET", path, ""); a.status != status {
				t.Errorf("%s %s: %s", role, path, a.text)
			}
		}
		a, none := w.call("GET", "/events?system=rival-system", ""), w.call("GET", "/events?system=nobody", "")
		if want < 3 && told(a) != told(none) {
			t.Errorf("%s: %s and %s", role, a.text, none.text)
		}
	}
	own := newTown(t, as(everyone["subscriber"]))
	for _, path := range []string{"/events?system=my-system", "/events?subscription=" + own.own.subscription} {
		if a := own.ok(200, own.call("GET", path, "")); len(a.items()) != 2 || strings.Contains(a.text, "rival") {
			t.Errorf("%s: %s", path, a.text)
		}
	}
	w := newTown(t, func(*http.Request) (*account.Principal, error) {
		return nil, fault.New(fault.Unauthenticated, "nobody")
	})
	if a := w.call("GET", "/events", ""); a.status != 401 {
		t.Error(a.text)
	}
}
