package api_test

import (
	"context"
	"errors"
	"fmt"
	"github.com/varselhub/varsel/internal/revision"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/internal/web/api"
)

type failing struct{ err error }

func (f failing) Publish(context.Context, []event.Draft, bool) ([]publish.Result, error) {
	return nil, f.err
}

func (f failing) At(context.Context, int64) (*event.Event, error) {
	if f.err == nil {
		panic("cpr 0101010000")
	}
	return nil, f.err
}

const (
	anEvent  = `{"specversion":"1.0","id":"1","source":"urn:test:dfdg","type":"cv","data":{"a":1}}`
	star     = `{"agreement":{"profile":"star","baseUrl":"https://new.test","sources":["*"],"contacts":{"technical":{"email":"a@b.test"}}}}`
	ce       = "application/cloudevents+json"
	ceBatch  = "application/cloudevents-batch+json"
	kindOf   = "Content-Type"
	setOf    = "/systems/jobnet/subscriptions"
	anySeen  = `*`
	ifMatch  = "If-Match"
	ifNone   = "If-None-Match"
	jsonBody = `{}`
)

// refusal is one request and the problem it gets.
type refusal struct {
	prepare      func(w *world) // may set $id and what else path and body name
	method, path string
	body         string
	headers      []string
	want         string
}

func subscribed(w *world) {
	w.Subscribe("jobnet", subscription.Subscription{Name: "a", Path: "/a"})
	w.Subscribe("plain", subscription.Subscription{Name: "p", Path: "/p"})
}

var refusals = map[string]refusal{
	"no such address":           {nil, "GET", "/nothing", "", nil, "not-found"},
	"no such method":            {nil, "DELETE", "/sources", "", nil, "method-not-allowed"},
	"no such source":            {nil, "GET", "/sources/none", "", nil, "not-found"},
	"no such type":              {nil, "GET", "/event-types/none", "", nil, "not-found"},
	"no versions of no type":    {nil, "GET", "/event-types/none/versions", "", nil, "not-found"},
	"no such version":           {nil, "GET", "/event-types/cv/versions/v9", "", nil, "not-found"},
	"no such system":            {nil, "GET", "/systems/none", "", nil, "not-found"},
	"no set of no system":       {nil, "GET", "/systems/none/subscriptions", "", nil, "not-found"},
	"no such subscription":      {nil, "GET", "/subscriptions/none", "", nil, "not-found"},
	"no such event":             {nil, "GET", "/events/999", "", nil, "not-found"},
	"no position":               {nil, "GET", "/events/first", "", nil, "not-found"},
	"no attempts of no event":   {nil, "GET", "/events/999/attempts", "", nil, "not-found"},
	"nothing to pause":          {nil, "POST", "/systems/none/pause", "", nil, "not-found"},
	"no endpoint to pause":      {nil, "POST", "/endpoints/pause", `{"system":"jobnet","url":"https://a.test"}`, nil, "not-found"},
	"nothing to test":           {nil, "POST", "/subscriptions/none/test", "", nil, "not-found"},
	"nothing to activate":       {nil, "POST", "/subscriptions/none/activate", "", nil, "not-found"},
	"nothing to remove":         {nil, "DELETE", "/systems/none", "", nil, "not-found"},
	"no query of that name":     {nil, "GET", "/lanes?systm=jobnet", "", nil, "bad-request query:* unknown"},
	"a query twice":             {nil, "GET", "/lanes?system=a&system=b", "", nil, "bad-request query:system unique"},
	"no such state and limit":   {nil, "GET", "/lanes?state=odd&limit=0", "", nil, "bad-request query:state enum; query:limit range"},
	"a limit that is no number": {nil, "GET", "/lanes?limit=many", "", nil, "bad-request query:limit type"},
	"no such standing":          {nil, "GET", "/subscriptions?state=odd", "", nil, "bad-request query:state enum"},
	"dry_run and drop":          {nil, "PUT", setOf + "?dry_run=perhaps&drop=-1", `{"items":[]}`, nil, "bad-request query:dry_run type; query:drop type"},
	"no JSON":                   {nil, "PUT", "/sources/s", `{"name":`, nil, "bad-request  json"},
	"more than JSON":            {nil, "PUT", "/sources/s", `{} {}`, nil, "bad-request  json"},
	"no body":                   {nil, "PUT", "/sources/s", "", []string{kindOf, "application/json"}, "bad-request  json"},
	"null for a text":           {nil, "PUT", "/sources/s", `{"uri":null,"title":"S"}`, nil, "invalid-document /uri type"},
	"null for a document":       {nil, "PUT", setOf, `{"items":[null]}`, nil, "invalid-document /items/0 type"},
	"a name twice":              {nil, "PUT", "/sources/s", `{"name":"s","name":"s"}`, nil, "bad-request  duplicate-name"},
	"too deep":                  {nil, "PUT", "/event-types/cv/versions/v2", `{"sample":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`, nil, "bad-request  depth"},
	"no entity tag":             {nil, "PUT", "/sources/dfdg", jsonBody, []string{ifMatch, "r12"}, "bad-request header:If-Match form"},
	"another None-Match":        {nil, "PUT", "/sources/dfdg", jsonBody, []string{ifNone, `"r1"`}, "bad-request header:If-None-Match form"},
	"no media type":             {nil, "PUT", "/sources/s", jsonBody, []string{kindOf, "text/plain"}, "media-type"},
	"compressed":                {nil, "PUT", "/sources/s", jsonBody, []string{"Content-Encoding", "gzip"}, "media-type"},
	"too large":                 {small, "PUT", "/sources/s", `{"title":"` + strings.Repeat("a", 200) + `"}`, nil, "body-too-large"},
	"an unknown member":         {nil, "PUT", "/systems/new", strings.Replace(star, `"sources"`, `"source"`, 1), nil, "invalid-document /agreement/source unknown"},
	"another type":              {nil, "PUT", "/systems/new", strings.Replace(star, `["*"]`, `"*"`, 1), nil, "invalid-document /agreement/sources type"},
	"a member deep down":        {nil, "PUT", setOf, `{"items":[{"path":"/a"},{"organisations":[{"type":5}]}]}`, nil, "invalid-document /items/1/organisations/0/type type"},
	"no items":                  {nil, "PUT", setOf, `{}`, nil, "invalid-document /items required"},
	"another name":              {nil, "PUT", "/sources/s", `{"name":"t"}`, nil, "invalid-document /name path"},
	"another version":           {nil, "PUT", "/event-types/cv/versions/v2", `{"version":"v3"}`, nil, "invalid-document /version path"},
	"every violation":           {nil, "PUT", "/sources/s", `{"types":["none"]}`, nil, "invalid-document /title length; /uri uri-reference; /types/0 exists"},
	"no such lane":              {nil, "POST", "/lanes/release", `{"lane":"1"}`, nil, "invalid-document /lane lane"},
	"a long reason":             {subscribed, "POST", "/hub/pause", `{"reason":"` + strings.Repeat("a", 501) + `"}`, nil, "invalid-document /reason length"},
	"no such kind of key":       {nil, "POST", "/systems/plain/signing-keys", `{"kind":"v9","overlapSeconds":99999999999999}`, nil, "invalid-document /kind enum; /overlapSeconds range"},
	"stale":                     {nil, "PUT", "/sources/dfdg", `{"uri":"urn:test:dfdg","title":"new"}`, []string{ifMatch, `"r1"`}, "precondition-failed"},
	"a weak tag":                {nil, "PUT", "/sources/dfdg", `{"uri":"urn:test:dfdg","title":"new"}`, []string{ifMatch, `W/"r5"`}, "precondition-failed"},
	"there already":             {nil, "PUT", "/sources/dfdg", `{"uri":"urn:test:dfdg","title":"new"}`, []string{ifNone, anySeen}, "precondition-failed"},
	"unseen":                    {nil, "PUT", "/sources/dfdg", `{"uri":"urn:test:dfdg","title":"new"}`, nil, "if-match-required"},
	"a set unseen":              {subscribed, "PUT", setOf, `{"items":[]}`, nil, "if-match-required"},
	"another URI":               {nil, "PUT", "/sources/dfdg", `{"uri":"urn:new","title":"new"}`, []string{ifMatch, anySeen}, "conflict"},
	"untested":                  {subscribed, "POST", "/subscriptions/$a/activate", "", nil, "conflict"},
	"no signing":                {nil, "POST", "/systems/jobnet/signing-keys", `{"kind":"v1"}`, nil, "conflict"},
	"keys of one's own":         {nil, "PUT", "/systems/new", strings.Replace(star, `{"agreement"`, `{"signing":[{"ref":"x","kind":"v1"}],"agreement"`, 1), nil, "read-only"},
	"a fixed version":           {nil, "PUT", "/event-types/cv/versions/v1", `{"state":"active","sample":{"b":1}}`, []string{ifMatch, anySeen}, "version-immutable /sample immutable"},
	"an organisation of others": {granted, "PUT", setOf, `{"items":[{"organisations":[{"type":"9","code":"1"}]}]}`, nil, "not-granted /items/0/organisations/0 not-granted"},
	"overlap":                   {nil, "PUT", setOf, `{"items":[{"name":"a"},{"name":"b"}]}`, nil, "overlap /items/1 overlap"},
	"undelivered messages":      {owing, "PUT", "/systems/plain/subscriptions", `{"items":[]}`, []string{ifMatch, anySeen}, "drop-count"},
	"a system with messages":    {owing, "DELETE", "/systems/plain?drop=1", "", []string{ifMatch, anySeen}, "drop-count"},
	"a failed test":             {failingTest, "POST", "/subscriptions/$a/test", "", nil, "test-failed"},
	"no certificate":            {func(w *world) { subscribed(w); w.Break(fault.New(fault.SenderConfig, "no certificate"), nil) }, "POST", "/subscriptions/$a/test", "", nil, "sender-config"},
	"no message":                {func(w *world) { subscribed(w); w.Break(nil, fault.New(fault.InvalidMessage, "no key")) }, "POST", "/subscriptions/$a/test", "", nil, "invalid-message"},
	"nothing selected":          {nil, "POST", "/lanes/discard", jsonBody, nil, "nothing-selected"},
	"another site":              {nil, "POST", "/hub/pause", "", []string{"Sec-Fetch-Site", "cross-site"}, "cross-origin"},
	"stopping":                  {func(w *world) { w.Must(w.Log.Close()) }, "POST", "/events", anEvent, []string{kindOf, ce}, "shutting-down"},
	"a full disk": {func(w *world) {
		w.set(func(o *api.Options) { o.Publisher = failing{fault.New(fault.StorageFull, "full")} })
	}, "POST", "/events", anEvent, []string{kindOf, ce}, "storage-full"},
	"an error from below": {func(w *world) { w.set(func(o *api.Options) { o.Events = failing{errors.New("cpr 0101010000")} }) }, "GET", "/events/1", "", nil, "internal"},
	"a wrapped one": {func(w *world) {
		w.set(func(o *api.Options) {
			o.Events = failing{fault.Wrap(fault.Internal, errors.New("cpr 0101010000"), "cpr 0101010000")}
		})
	}, "GET", "/events/1", "", nil, "internal"},
	"a panic":                    {func(w *world) { w.set(func(o *api.Options) { o.Events = failing{} }) }, "GET", "/events/1", "", nil, "internal"},
	"nobody":                     {asked(fault.New(fault.Unauthenticated, "no credentials")), "GET", "/totals", "", nil, "unauthenticated"},
	"a token that is none":       {asked(fault.New(fault.InvalidToken, "it is no token")), "GET", "/totals", "", nil, "invalid-token"},
	"too often":                  {asked(account.TooMany(90 * time.Second)), "GET", "/totals", "", nil, "rate-limited"},
	"an issuer that is away":     {asked(fault.New(fault.IssuerUnreachable, "no answer")), "GET", "/totals", "", nil, "issuer-unreachable"},
	"publish: media type":        {nil, "POST", "/events", anEvent, []string{kindOf, "text/csv"}, "media-type"},
	"publish: no JSON":           {nil, "POST", "/events", `{`, []string{kindOf, ce}, "invalid-event  json"},
	"publish: rules":             {nil, "POST", "/events", `[{"specversion":"1.0","id":"1","source":"urn:none","type":"cv"},{"specversion":"0.3","id":"","source":"urn:test:dfdg","type":"none"}]`, []string{kindOf, ceBatch}, "invalid-event /source not-registered; /id empty; /specversion specversion; /id required; /type not-registered"},
	"publish: other content":     {published, "POST", "/events", strings.Replace(anEvent, `"a":1`, `"a":2`, 1), []string{kindOf, ce}, "event-conflict"},
	"publish: too many":          {few, "POST", "/events", "[" + anEvent + "," + anEvent + "," + anEvent + "]", []string{kindOf, ceBatch}, "too-many-entries"},
	"publish: too large":         {small, "POST", "/events", `[` + strings.Repeat(" ", 300) + `]`, []string{kindOf, ceBatch}, "body-too-large"},
	"replay: another count":      {past, "POST", "/subscriptions/$reader/replays", `{"count":9}`, nil, "replay-count"},
	"fetch: no such form":        {reading, "GET", "/pull/$reader", "", []string{"Accept", "text/html"}, "not-acceptable"},
	"reveal: forgotten":          {erased, "POST", "/events/11/reveal", `{"reason":"case 7"}`, nil, "forgotten"},
	"erase: another count":       {func(w *world) { w.persons("x9") }, "POST", "/erasures", `{"person":"x9","reason":"case 7","count":2}`, nil, "erase-count"},
	"fetch: paused":              {pausedReading, "GET", "/pull/$reader", "", nil, "fetch-paused"},
	"fetch: no cursor":           {reading, "GET", "/pull/$reader?after=AAAA", "", nil, "bad-cursor"},
	"fetch: a cursor beyond":     {reading, "GET", "/pull/$reader?after=$beyond", "", nil, "log-rewound"},
	"lanes: a node is missing":   {missing(fault.NodeUnreachable), "GET", "/lanes", "", nil, "node-unreachable"},
	"endpoints: nobody has them": {missing(fault.NotHere), "GET", "/endpoints", "", nil, "not-here"},
	"totals: no database":        {missing(fault.StoreUnreachable), "GET", "/totals", "", nil, "store-unreachable"},
	"publish: no such parameter": {nil, "POST", "/events?partly=true", anEvent, []string{kindOf, ce}, "bad-request query:* unknown"},
}

// asked is a hub that answers so when it asks who it is.
func asked(err error) func(w *world) {
	return func(w *world) {
		w.set(func(o *api.Options) { o.Who = func(*http.Request) (*account.Principal, error) { return nil, err } })
	}
}

// missing is a hub whose deliveries cannot all be told of.
func missing(code fault.Code) func(w *world) {
	return func(w *world) {
		w.set(func(o *api.Options) {
			o.Operator = partly{o.Operator, fault.New(code, "of a part there is nothing to tell")}
		})
	}
}

// partly tells what there is, and that something is missing.
type partly struct {
	api.Operator
	err error
}

func (p partly) Lanes(context.Context, delivery.Selection) ([]delivery.LaneView, error) {
	return []delivery.LaneView{{}}, p.err
}
func (p partly) Endpoints(context.Context) ([]delivery.EndpointView, error) {
	return []delivery.EndpointView{{}}, p.err
}
func (p partly) Totals(context.Context) (delivery.Totals, error) {
	return delivery.Totals{Delivered: 1}, p.err
}

func small(w *world) {
	w.set(func(o *api.Options) { o.Limits = api.Limits{Document: 100, Batch: 200} })
}
func few(w *world)       { w.set(func(o *api.Options) { o.Limits.Entries = 2 }) }
func published(w *world) { w.call("POST", "/events", anEvent, kindOf, ce) }
func failingTest(w *world) {
	subscribed(w)
	w.Answer(404)
}

func past(w *world) {
	w.reader(subscription.Queue)
	w.Publish("cv", event.Organisation{}, 1)
}

func reading(w *world) { w.reader(subscription.Cursor) }

// erased makes the event at position 11 one that is forgotten.
func erased(w *world) {
	position := w.persons("x9")[0]
	w.ok(201, w.call("POST", "/erasures", `{"person":"x9","reason":"case 7","count":1}`))
	if position != 11 {
		w.T.Fatalf("it is at %d", position)
	}
}

func pausedReading(w *world) {
	reading(w)
	w.Must(w.Manager.Pause(context.Background(), revision.Hub, "eva", ""))
}

func granted(w *world) {
	doc, _ := w.Book.System("jobnet")
	body := fmt.Sprintf(`{"agreement":{"profile":"star","baseUrl":%q,"sources":["*"],"organisations":[{"type":"5","code":"101"}],"contacts":{"technical":{"email":"a@b.test"}}}}`, doc.Agreement.BaseURL)
	if a := w.call("PUT", "/systems/jobnet", body, ifMatch, anySeen); a.status != http.StatusOK {
		w.T.Fatal(a.text)
	}
}

func owing(w *world) {
	subscribed(w)
	w.Answer(500)
	w.Publish("cv", event.Organisation{}, 3)
}

// unmet are the codes that are no problem of a request: they are reasons of attempts, of one entry of many, of not starting,
// of a person's page (internal/web/session), or what a damaged disk and the commands beside the hub meet.
var unmet = []fault.Code{fault.InvalidGeometry, fault.GeometryTooLarge, fault.StreamMoved, fault.StreamRewound, fault.AsideFull, fault.LoginRefused, fault.NoTopic, fault.MessageTooLarge,
	fault.AfterRefused, fault.Configuration, fault.Forbidden, // allow_test.go meets it on every route
	fault.DNSFailed, fault.AddressRefused, fault.ConnectFailed, fault.TLSFailed, fault.SendTimeout,
	fault.ConnectionReset, fault.BadAnswer, fault.SigningKey, fault.SignatureMissing, fault.SignatureStale, fault.SignatureMismatch,
	fault.JournalMissing, fault.JournalInvalid, fault.KeyMissing, fault.SealBroken, fault.NoDatabase, fault.StoreNewer, fault.StoreNotEmpty, fault.BackupInvalid, fault.DataInUse, fault.NodeSecrets,
	fault.SignedOut, fault.SignInRefused, fault.SignInLost, fault.ProviderRefused, fault.ProviderUnreachable,
	fault.MoveUnfinished, fault.MoveDiffers, fault.HubMoved, fault.PageUnreadable,
	fault.InvalidGeometry, fault.GeometryTooLarge}

// Every code that a request can be answered with has a row; every answer says what, where and how to mend it, and shows
// nothing of the request's values or of the hub's inside.
func TestProblems(t *testing.T) {
	t.Parallel()
	met := map[string]bool{}
	for name, c := range refusals {
		code, _, _ := strings.Cut(c.want, " ")
		met[code] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.prepare != nil {
				c.prepare(w)
			}
			before := w.Book.Last()
			path := strings.ReplaceAll(c.path, "$beyond", w.Log.Cursor(1<<40, false).String())
			for _, s := range w.Standings("") {
				path = strings.ReplaceAll(path, "$"+s.Name, s.ID)
			}
			a := w.call(c.method, path, c.body, c.headers...)
			if a.problem() != c.want {
				t.Fatalf("got  %q\nwant %q\n%s", a.problem(), c.want, a.text)
			}
			a.whole(t)
			if w.Book.Last() != before {
				t.Error("something was written")
			}
			if strings.Contains(a.text, "0101010000") {
				t.Errorf("the answer shows the inside: %s", a.text)
			}
			if internal := a.status == http.StatusInternalServerError; internal && !strings.Contains(w.logged.String(), a.header.Get("X-Request-Id")) {
				t.Errorf("the operator is not told: %s", w.logged)
			}
		})
	}
	for _, entry := range fault.Catalogue {
		if met[string(entry.Code)] == slices.Contains(unmet, entry.Code) {
			t.Errorf("%s: want a row, or to be listed as unmet, and not both", entry.Code)
		}
	}
}

func TestMembersOfSomeProblems(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if a := w.call("DELETE", "/sources", ""); a.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow: %s", a.header.Get("Allow"))
	}
	owing(w)
	if a := w.call("PUT", "/systems/plain/subscriptions", `{"items":[]}`, ifMatch, anySeen); a.json["drop"] != 3.0 {
		t.Errorf("the count is not told: %s", a.text)
	}
	w.Answer(404)
	id := w.Standings("jobnet")[0].ID
	a := w.call("POST", "/subscriptions/"+id+"/test", "")
	if report, _ := a.json["test"].(map[string]any); report["status"] != 404.0 || report["passed"] != false {
		t.Errorf("the report is not told: %s", a.text)
	}
	w.Must(w.Log.Close())
	if a := w.call("POST", "/events", anEvent, kindOf, ce); a.header.Get("Retry-After") == "" {
		t.Error("not told when to come again")
	}
	asked(account.TooMany(90*time.Second - 1))(w)
	if a := w.call("GET", "/totals", ""); a.header.Get("Retry-After") != "90" || a.json["retryAfterSeconds"] != 90.0 {
		t.Errorf("not told when to come again: %s %s", a.header.Get("Retry-After"), a.text)
	}
}
