package api_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/delivery"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/search"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/subscription"
	"github.com/varselhub/varsel/internal/web/api"
)

// visit is a request to a route that succeeds for who may make it. $SYSTEM, $SUBSCRIPTION, $CURSOR, $QUEUE, $SPARE, $SOURCE and $EVENT are
// one's own, or another's; $N is a number of its own.
type visit struct {
	path, body string
	headers    []string
	// foreign is the status for another's where only one's own is reached; 0: 404, the same answer as for what does not exist.
	foreign int
}

var anyState = []string{ifMatch, anySeen}

const agreementOf = `{"agreement":{"profile":"standard","baseUrl":"https://$SYSTEM.test/hook","sources":["shared","$SOURCE"],"contacts":{"technical":{"email":"a@b.test"}}}}`

const (
	extractOf  = `{"system":"$SYSTEM","register":"$SOURCE","type":"Thing","selection":"total","format":"jsonl","keep":5}`
	registerOf = `{"source":"$SOURCE","types":[{"name":"Thing","row":"id","object":["id"],"columns":[{"name":"id","required":true}]}]}`
	deliveryOf = `<DatafordelerDataDelivery><Data><DataEntity><Action>Create</Action><CreateEvent>NoEvent</CreateEvent><Thing><id>$N</id><status>s</status>` +
		`<registreringFra>2026-01-01T00:00:00Z</registreringFra><virkningFra>2026-01-01T00:00:00Z</virkningFra></Thing></DataEntity></Data></DatafordelerDataDelivery>`
)

// visits has one request for every route of the API. A route that is missing here fails the test.
var visits = map[string]visit{
	"POST /api/v1/events":                    {"/events", `{"specversion":"1.0","id":"$N","source":"urn:$SOURCE","type":"cv","data":{}}`, []string{kindOf, ce}, 403},
	"GET /api/v1/events":                     {path: "/events?source=$SOURCE", foreign: 200},
	"POST /api/v1/events/search":             {path: "/events/search", body: `{"source":"$SOURCE"}`, foreign: 200},
	"GET /api/v1/events/{position}":          {path: "/events/$EVENT"},
	"GET /api/v1/events/{position}/attempts": {path: "/events/$EVENT/attempts"},
	"POST /api/v1/events/{position}/reveal":  {path: "/events/$EVENT/reveal", body: `{"reason":"case 7"}`},
	"GET /api/v1/erasures":                   {path: "/erasures"},
	"POST /api/v1/erasures":                  {path: "/erasures", body: `{"person":"0101701234","dryRun":true}`},
	"GET /api/v1/erasures/{number}":          {path: "/erasures/1"},

	"GET /api/v1/events/{position}/whereabouts": {path: "/events/$EVENT/whereabouts"},
	"GET /api/v1/whereabouts":                   {path: "/whereabouts?id=0&source=urn:$SOURCE"},
	"GET /api/v1/systems/{name}/whereabouts":    {path: "/systems/$SYSTEM/whereabouts"},

	"POST /api/v1/receipts":                                     {path: "/receipts", body: `{"beskedID":["$MESSAGE"]}`},
	"GET /api/v1/receipts":                                      {path: "/receipts?system=$SYSTEM"},
	"GET /api/v1/receipts/overdue":                              {path: "/receipts/overdue?system=$SYSTEM"},
	"POST /api/v1/receipts/{message}/reveal":                    {path: "/receipts/$MESSAGE/reveal", body: `{"reason":"case 7"}`},
	"GET /api/v1/sources":                                       {path: "/sources"},
	"GET /api/v1/sources/{name}":                                {path: "/sources/$SOURCE"},
	"PUT /api/v1/sources/{name}":                                {path: "/sources/s$N", body: `{"title":"S","uri":"urn:s$N"}`},
	"GET /api/v1/streams":                                       {path: "/streams", foreign: 200},
	"GET /api/v1/sources/{name}/stream":                         {path: "/sources/$SOURCE/stream"},
	"GET /api/v1/sources/{name}/aside":                          {path: "/sources/$SOURCE/aside"},
	"POST /api/v1/sources/{name}/aside/{number}/reveal":         {path: "/sources/$SOURCE/aside/1/reveal", body: `{"reason":"case 7"}`},
	"POST /api/v1/sources/{name}/aside/{number}/release":        {path: "/sources/$SOURCE/aside/1/release"},
	"POST /api/v1/sources/{name}/aside/{number}/discard":        {path: "/sources/$SOURCE/aside/1/discard"},
	"GET /api/v1/registers":                                     {path: "/registers"},
	"GET /api/v1/registers/{register}":                          {path: "/registers/$SOURCE"},
	"PUT /api/v1/registers/{register}":                          {path: "/registers/r$N", body: registerOf},
	"GET /api/v1/registers/{register}/deliveries":               {path: "/registers/$SOURCE/deliveries"},
	"POST /api/v1/registers/{register}/deliveries":              {path: "/registers/$SOURCE/deliveries?id=d$N", body: deliveryOf, headers: []string{kindOf, "application/xml"}},
	"GET /api/v1/registers/{register}/deliveries/{delivery}":    {path: "/registers/$SOURCE/deliveries/whole"},
	"DELETE /api/v1/registers/{register}/deliveries/{delivery}": {path: "/registers/half-$SOURCE/deliveries/half"},
	"GET /api/v1/registers/{register}/events":                   {path: "/registers/$SOURCE/events"},
	"GET /api/v1/registers/{register}/{type}":                   {path: "/registers/$SOURCE/Thing"},
	"POST /api/v1/registers/{register}/search":                  {path: "/registers/$SOURCE/search", body: `{"type":"Thing"}`},
	"GET /api/v1/extracts":                                      {path: "/extracts", foreign: 200},
	"GET /api/v1/extracts/{extract}":                            {path: "/extracts/$SYSTEM"},
	"PUT /api/v1/extracts/{extract}":                            {path: "/extracts/$SYSTEM", body: extractOf, headers: anyState},
	"DELETE /api/v1/extracts/{extract}":                         {path: "/extracts/spare-$SYSTEM", headers: anyState},
	"POST /api/v1/extracts/{extract}/run":                       {path: "/extracts/$SYSTEM/run"},
	"GET /api/v1/extracts/{extract}/files":                      {path: "/extracts/$SYSTEM/files"},
	"GET /api/v1/extracts/{extract}/files/{file}":               {path: "/extracts/$SYSTEM/files/$SYSTEM-000001-total-1.jsonl.zip"},
	"GET /api/v1/event-types":                                   {path: "/event-types"},
	"GET /api/v1/event-types/{name}":                            {path: "/event-types/cv"},
	"PUT /api/v1/event-types/{name}":                            {path: "/event-types/t$N", body: `{"title":"T","order":"none"}`},
	"GET /api/v1/event-types/{name}/versions":                   {path: "/event-types/cv/versions"},
	"GET /api/v1/event-types/{name}/versions/{version}":         {path: "/event-types/cv/versions/v1"},
	"PUT /api/v1/event-types/{name}/versions/{version}":         {path: "/event-types/cv/versions/v$N", body: `{"state":"draft","sample":{}}`},
	"GET /api/v1/profiles":                                      {path: "/profiles"},
	"GET /api/v1/systems":                                       {path: "/systems", foreign: 200},
	"GET /api/v1/systems/{name}":                                {path: "/systems/$SYSTEM"},
	"PUT /api/v1/systems/{name}":                                {path: "/systems/$SYSTEM", body: agreementOf, headers: anyState},
	"DELETE /api/v1/systems/{name}":                             {path: "/systems/$SPARE", headers: anyState},
	"GET /api/v1/systems/{name}/contacts":                       {path: "/systems/$SYSTEM/contacts"},
	"PUT /api/v1/systems/{name}/contacts":                       {path: "/systems/$SYSTEM/contacts", body: `{"technical":{"email":"a$N@b.test"}}`, headers: anyState},
	"GET /api/v1/systems/{name}/subscriptions":                  {path: "/systems/$SYSTEM/subscriptions"},
	"PUT /api/v1/systems/{name}/subscriptions":                  {path: "/systems/$SYSTEM/subscriptions", body: `{"items":[{"name":"all","path":"/all"}]}`, headers: anyState},
	"POST /api/v1/systems/{name}/signing-keys":                  {path: "/systems/$SYSTEM/signing-keys", body: `{"overlapSeconds":0}`},
	"GET /api/v1/subscriptions":                                 {path: "/subscriptions", foreign: 200},
	"GET /api/v1/subscriptions/{id}":                            {path: "/subscriptions/$SUBSCRIPTION"},
	"POST /api/v1/subscriptions/{id}/test":                      {path: "/subscriptions/$SUBSCRIPTION/test"},
	"POST /api/v1/subscriptions/{id}/activate":                  {path: "/subscriptions/$SUBSCRIPTION/activate"},
	"POST /api/v1/subscriptions/{id}/deactivate":                {path: "/subscriptions/$SUBSCRIPTION/deactivate"},
	"GET /api/v1/audit":                                         {path: "/audit"},
	"GET /api/v1/audit/head":                                    {path: "/audit/head"},
	"GET /api/v1/subscriptions/{id}/replays":                    {path: "/subscriptions/$QUEUE/replays"},
	"POST /api/v1/subscriptions/{id}/replays":                   {path: "/subscriptions/$QUEUE/replays", body: `{"dryRun":true}`},
	"DELETE /api/v1/subscriptions/{id}/replays/{pass}":          {path: "/subscriptions/$QUEUE/replays/$PASS"},
	"GET /api/v1/pull/{subscription}":                           {path: "/pull/$CURSOR"},
	"POST /api/v1/pull/{subscription}/lease":                    {path: "/pull/$QUEUE/lease"},
	"POST /api/v1/pull/{subscription}/acknowledge":              {path: "/pull/$QUEUE/acknowledge", body: `{"leases":["x"]}`},
	"POST /api/v1/pull/{subscription}/return":                   {path: "/pull/$QUEUE/return", body: `{"leases":["x"]}`},
	"GET /api/v1/pauses":                                        {path: "/pauses"},
	"POST /api/v1/hub/pause":                                    {path: "/hub/pause"},
	"POST /api/v1/hub/resume":                                   {path: "/hub/resume"},
	"POST /api/v1/systems/{name}/pause":                         {path: "/systems/$SYSTEM/pause"},
	"POST /api/v1/systems/{name}/resume":                        {path: "/systems/$SYSTEM/resume"},
	"POST /api/v1/subscriptions/{id}/pause":                     {path: "/subscriptions/$SUBSCRIPTION/pause"},
	"POST /api/v1/subscriptions/{id}/resume":                    {path: "/subscriptions/$SUBSCRIPTION/resume"},
	"POST /api/v1/endpoints/pause":                              {path: "/endpoints/pause", body: `{"system":"$SYSTEM","url":"https://$SYSTEM.test/hook/all"}`},
	"POST /api/v1/endpoints/resume":                             {path: "/endpoints/resume", body: `{"system":"$SYSTEM","url":"https://$SYSTEM.test/hook/all"}`},
	"GET /api/v1/endpoints":                                     {path: "/endpoints", foreign: 200},
	"GET /api/v1/lanes":                                         {path: "/lanes", foreign: 200},
	"POST /api/v1/lanes/release":                                {path: "/lanes/release", body: `{"system":"$SYSTEM","dryRun":true}`, foreign: 200},
	"POST /api/v1/lanes/discard":                                {path: "/lanes/discard", body: `{"system":"$SYSTEM","dryRun":true}`, foreign: 200},
	"GET /api/v1/totals":                                        {path: "/totals"},
	"POST /api/v1/systems/{name}/subscriptions/preview":         {path: "/systems/$SYSTEM/subscriptions/preview", body: `{"filter":{"field":"objekttype","equals":"Bygning"}}`},
	"GET /api/v1/egress":                                        {path: "/egress", foreign: 200},
	"GET /api/v1/nodes":                                         {path: "/nodes"},
	"GET /api/v1/openapi.json":                                  {path: "/openapi.json"},
	"GET /api/v1/accounts":                                      {path: "/accounts"},
	"GET /api/v1/accounts/{name}":                               {path: "/accounts/robot"},
	"PUT /api/v1/accounts/{name}":                               {path: "/accounts/a$N", body: `{"roles":["auditor"]}`},
	"POST /api/v1/accounts/{name}/secrets":                      {path: "/accounts/robot/secrets", body: `{"overlapSeconds":0}`},
	"PUT /api/v1/accounts/{name}/password":                      {path: "/accounts/robot/password", body: `{"password":"correct horse $N"}`},
	"GET /api/v1/subscriptions/{id}/sink":                       {path: "/subscriptions/$SUBSCRIPTION/sink"},
	"DELETE /api/v1/subscriptions/{id}/sink":                    {path: "/subscriptions/$SUBSCRIPTION/sink"},
	"POST /api/v1/subscriptions/{id}/sink/{number}/reveal":      {path: "/subscriptions/$SUBSCRIPTION/sink/$ARRIVAL/reveal"},

	"GET /api/v1/sites":                                           {path: "/sites", foreign: 200},
	"GET /api/v1/sites/{site}":                                    {path: "/sites/$SITE"},
	"PUT /api/v1/sites/{site}":                                    {path: "/sites/$SITE", body: `{"title":{"en":"T$N"},"zone":"Etc/UTC","languages":["en","da"],"sections":[{"name":"all","title":{"en":"All"},"components":[{"title":{"en":"Search"}},{"title":{"en":"Mail"}}]}]}`, headers: anyState},
	"DELETE /api/v1/sites/{site}":                                 {path: "/sites/$SPARESITE", headers: anyState},
	"GET /api/v1/sites/{site}/board":                              {path: "/sites/$SITE/board"},
	"POST /api/v1/sites/{site}/import":                            {path: "/sites/$SITE/import", body: `{"site":` + aSite("x") + `}`},
	"GET /api/v1/sites/{site}/components/{component}/state":       {path: "/sites/$SITE/components/$COMPONENT/state"},
	"PUT /api/v1/sites/{site}/components/{component}/state":       {path: "/sites/$SITE/components/$COMPONENT/state", body: `{"state":"major_outage","reason":{"en":"$N"}}`},
	"GET /api/v1/sites/{site}/components/{component}/history":     {path: "/sites/$SITE/components/$COMPONENT/history"},
	"GET /api/v1/sites/{site}/notices":                            {path: "/sites/$SITE/notices"},
	"POST /api/v1/sites/{site}/notices":                           {path: "/sites/$SITE/notices", body: `{"kind":"incident","title":{"en":"$N"}}`},
	"GET /api/v1/sites/{site}/notices/{notice}":                   {path: "/sites/$SITE/notices/$NOTICE"},
	"PUT /api/v1/sites/{site}/notices/{notice}":                   {path: "/sites/$SITE/notices/$NOTICE", body: `{"title":{"en":"$N"}}`, headers: anyState},
	"DELETE /api/v1/sites/{site}/notices/{notice}":                {path: "/sites/$SITE/notices/$SPARENOTICE", headers: anyState},
	"POST /api/v1/sites/{site}/notices/{notice}/updates":          {path: "/sites/$SITE/notices/$NOTICE/updates", body: `{"body":{"en":"$N"}}`},
	"PUT /api/v1/sites/{site}/notices/{notice}/updates/{update}":  {path: "/sites/$SITE/notices/$NOTICE/updates/$UPDATE", body: `{"body":{"en":"$N"}}`, headers: anyState},
	"PUT /api/v1/sites/{site}/notices/{notice}/postmortem":        {path: "/sites/$SITE/notices/$PASTNOTICE/postmortem", body: `{"body":{"en":"$N"}}`, headers: anyState},
	"POST /api/v1/sites/{site}/notices/{notice}/acknowledgements": {path: "/sites/my-site/notices/" + actionID + "/acknowledgements", body: `{"system":"$SYSTEM"}`, foreign: 422},
	"GET /api/v1/sites/{site}/notices/{notice}/history":           {path: "/sites/$SITE/notices/$NOTICE/history"},
}

// ids are what stands on the site of some holdings: what is on nobody's site has ids that nothing has.
func (h *holdings) ids() []string {
	list := []string{"$COMPONENT", searchID, "$NOTICE", openID, "$SPARENOTICE", spareID, "$PASTNOTICE", pastID, "$UPDATE", updateID}
	for i := 1; i < len(list); i += 2 {
		switch h.site {
		case "rival-site":
			list[i] = rivals.Replace(list[i])
		case "none":
			list[i] = "nothing00000"
		}
	}
	return append(list, "$SITE", h.site, "$SPARESITE", "spare-"+h.site)
}

// holdings are what a visit is of.
type holdings struct{ system, subscription, cursor, queue, spare, source, event, pass, arrival, site string }

// town is a hub with two subscribers, a source of each and one of both, and an account.
type town struct {
	*world
	own, foreign holdings
	shared       string // position of an event for both
	visits       int
}

func newTown(t *testing.T, who func(*http.Request) (*account.Principal, error)) *town {
	t.Helper()
	w := &town{world: newWorld(t)}
	by := manage.By{Author: "test"}
	ctx := context.Background()
	w.AnswerBy(func(s managetest.Sent) int {
		if s.Message.Test {
			return 204
		}
		return 500
	})
	for _, name := range []string{"mine", "rival", "shared"} {
		_, err := w.Manager.PutSource(ctx, streaming(name), by)
		w.Must(err)
		w.setAside(name)
	}
	settle := func(name, source, site string) holdings {
		doc := managetest.Agreement(name, profile.Standard)
		doc.Agreement.Sources = []string{"shared", source}
		_, err := w.Manager.PutSystem(ctx, doc, by)
		w.Must(err)
		id := w.Subscribe(name, subscription.Subscription{Name: "all", Path: "/all"})["all"]
		w.System("spare-"+name, profile.Standard)
		doc = managetest.Agreement(name+"-reader", profile.Standard)
		doc.Agreement.Sources = []string{source}
		_, err = w.Manager.PutSystem(ctx, doc, by)
		w.Must(err)
		reader := w.Subscribe(doc.Name, subscription.Subscription{Name: "cursor", Channel: subscription.Cursor},
			subscription.Subscription{Name: "queue", Channel: subscription.Queue})
		return holdings{name, id, reader["cursor"], reader["queue"], "spare-" + name, source, "", "", w.arrive(id), site}
	}
	w.own, w.foreign = settle("my-system", "mine", "my-site"), settle("rival-system", "rival", "rival-site")
	_, err := w.Manager.PutAccount(ctx, account.Account{Name: "robot", Roles: []account.Role{account.Auditor}}, by)
	w.Must(err)
	w.own.event, w.foreign.event, w.shared = w.tell("mine"), w.tell("rival"), w.tell("shared")
	w.Until("a lane of each is blocked", func() bool { return len(w.Engine.Lanes(delivery.Selection{All: true})) == 4 })
	w.own.pass, w.foreign.pass = w.replay(w.own.queue), w.replay(w.foreign.queue)
	w.persons(anna)
	w.ok(201, w.call("POST", "/erasures", `{"person":"`+anna+`","reason":"case 7","count":1}`))
	w.extracting()
	for _, h := range []*holdings{&w.own, &w.foreign} {
		w.registers(h.source)
		w.extracts(h.system, h.source)
		w.stage(h.site)
		_, err := w.Manager.PutSite(ctx, status.Site{
			Name: "spare-" + h.site, Title: status.Text{"en": "Spare"}, Zone: "Etc/UTC", Languages: []string{"en"}, Sections: []status.Section{{Name: "all", Title: status.Text{"en": "All"}}},
		}, by)
		w.Must(err)
	}
	w.set(func(o *api.Options) { o.Who = who })
	return w
}

// registers has a register of a source with a delivery, and another one with half a delivery.
func (w *world) registers(source string) {
	w.T.Helper()
	whole := strings.ReplaceAll(deliveryOf, "$N", "1")
	for name, body := range map[string]io.Reader{source: strings.NewReader(whole), "half-" + source: io.MultiReader(strings.NewReader(strings.TrimSuffix(whole, "</Data></DatafordelerDataDelivery>")), iotest.ErrReader(io.ErrUnexpectedEOF))} {
		_, err := w.Manager.PutRegister(w.T.Context(), register.Register{Name: name, Source: source, Types: []register.EntityType{{
			Name: "Thing", Row: "id", Object: []string{"id"}, Columns: []register.Column{{Name: "id", Required: true}},
		}}}, manage.By{Author: "test"})
		w.Must(err)
		id, _, _ := strings.Cut(name, "-")
		if id != "half" {
			id = "whole"
		}
		if _, err = w.options.Registers.Take(w.T.Context(), name, id, body, nil); id == "whole" {
			w.Must(err)
		}
	}
}

// tell publishes an event of a source and returns its position.
func (w *town) tell(source string) string {
	a := w.ok(202, w.call("POST", "/events", fmt.Sprintf(`{"specversion":"1.0","id":"0","source":"urn:%s","type":"cv","data":{}}`, source), kindOf, ce))
	return strconv.Itoa(int(a.json["results"].([]any)[0].(map[string]any)["position"].(float64)))
}

// replay begins a replay of a queue's one event and returns its number.
func (w *town) replay(queue string) string {
	a := w.ok(202, w.call("POST", "/subscriptions/"+queue+"/replays", `{"count":1}`))
	return strconv.Itoa(int(a.json["pass"].(float64)))
}

// arrive puts a test message into a subscription's sink and returns its number.
func (w *town) arrive(subscription string) string {
	w.Arrive(subscription, &channel.Message{ID: "m", ContentType: "application/json", Body: []byte("{}"), Attempt: 1, Test: true})
	list, _ := w.Sinks.Arrivals(subscription, 0, 1)
	return strconv.FormatInt(list[0].Number, 10)
}

// messageOf is the message id of the event at a position, as it is written there; of none, one that nothing has.
func (w *town) messageOf(position string) string {
	n, _ := strconv.ParseInt(position, 10, 64)
	e, err := w.Log.At(w.T.Context(), n)
	if err != nil {
		return "019b1f2e-0000-7000-8000-000000000000"
	}
	return e.ID.String()
}

func (w *town) visit(pattern string, h holdings) answer {
	w.T.Helper()
	v := visits[pattern]
	w.visits++
	w.Must(w.options.Searcher.(*search.Searcher).Reach(w.T.Context(), w.Log.Head())) // an answer tells how far it has come
	fill := strings.NewReplacer(append(h.ids(), "$SYSTEM", h.system, "$SUBSCRIPTION", h.subscription, "$CURSOR", h.cursor, "$QUEUE", h.queue, "$SPARE", h.spare, "$SOURCE", h.source, "$EVENT", h.event, "$MESSAGE", w.messageOf(h.event), "$PASS", h.pass, "$ARRIVAL", h.arrival,
		"$N", strconv.Itoa(w.visits+10))...)
	method, _, _ := strings.Cut(pattern, " ")
	return w.call(method, fill.Replace(v.path), fill.Replace(v.body), v.headers...)
}

var everyone = map[string]*account.Principal{
	"operator":    {Name: "o", Roles: []account.Role{account.Operator}},
	"auditor":     {Name: "a", Roles: []account.Role{account.Auditor}},
	"source":      {Name: "p", Roles: []account.Role{account.Source}, Sources: []string{"mine"}},
	"subscriber":  {Name: "s", Roles: []account.Role{account.Subscriber}, Systems: []string{"my-system", "my-system-reader"}},
	"site-editor": {Name: "e", Roles: []account.Role{account.SiteEditor}, Sites: []string{"my-site", "spare-my-site"}},
	"no role":     {Name: "n", Systems: []string{"my-system"}, Sources: []string{"mine"}},
	"nobody":      nil,
}

// DESIGN section 6, S47, S52: every route with every role, and nobody, against the table. What is another's is answered
// as what does not exist.
func TestEveryRouteByEveryRole(t *testing.T) {
	t.Parallel()
	for role, p := range everyone {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, func(*http.Request) (*account.Principal, error) {
				if p == nil {
					return nil, fault.New(fault.Unauthenticated, "no credentials")
				}
				return p, nil
			})
			for _, pattern := range api.Patterns() {
				rule, known := account.RuleOf(pattern)
				if _, visited := visits[pattern]; !known || !visited {
					t.Errorf("%s: wants a rule in internal/account and a visit here", pattern)
					continue
				}
				own, foreign := w.visit(pattern, w.own), w.visit(pattern, w.foreign)
				switch {
				case rule.Open:
					if own.status != 200 {
						t.Errorf("%s: %d, want to be open to all: %s", pattern, own.status, own.text)
					}
				case p == nil:
					w.refused(pattern, own, foreign, 401, `Bearer realm="varsel"`)
				case p.Reach(rule) == account.None:
					w.refused(pattern, own, foreign, 403, `Bearer realm="varsel", error="insufficient_scope"`)
				case p.Reach(rule) == account.All:
					if own.status >= 300 || foreign.status >= 300 {
						t.Errorf("%s: %d %d, want to be allowed: %s %s", pattern, own.status, foreign.status, own.text, foreign.text)
					}
				default:
					w.narrow(pattern, own, foreign)
				}
			}
		})
	}
}

// refused checks that neither request was heard.
func (w *town) refused(pattern string, own, foreign answer, status int, challenge string) {
	w.T.Helper()
	for _, a := range []answer{own, foreign} {
		if a.status != status || a.header.Get("WWW-Authenticate") != challenge {
			w.T.Errorf("%s: %d %s, want %d", pattern, a.status, a.header.Get("WWW-Authenticate"), status)
		}
	}
}

// narrow checks that one's own is heard, and that another's cannot be told from nothing.
func (w *town) narrow(pattern string, own, foreign answer) {
	w.T.Helper()
	if own.status >= 300 {
		w.T.Errorf("%s: one's own is refused: %s", pattern, own.text)
	}
	if strings.Contains(own.text, "rival") || strings.Contains(own.text, w.foreign.subscription) {
		w.T.Errorf("%s shows another's: %s", pattern, own.text)
	}
	want := visits[pattern].foreign
	if want == 0 {
		want = 404
	}
	const unknown = "019b1f2e-0000-7000-8000-000000000000"
	nothing := holdings{"no-system", unknown, unknown, unknown, "no-spare", "none", "999999", "999999", "999999", "none"}
	none := w.visit(pattern, nothing)
	blank := strings.NewReplacer(w.foreign.event, "N", nothing.event, "N")
	if foreign.status != want || none.status != want || blank.Replace(told(foreign)) != blank.Replace(told(none)) {
		w.T.Errorf("%s: another's %d, nothing %d, want %d\n%s\n%s", pattern, foreign.status, none.status, want, told(foreign), told(none))
	}
	if strings.Contains(foreign.text, "rival") {
		w.T.Errorf("%s shows another's: %s", pattern, foreign.text)
	}
}

// told is all that an answer says but the id of its request.
func told(a answer) string {
	instance, _ := a.json["instance"].(string)
	return strings.ReplaceAll(a.text, instance, "")
}

func as(p *account.Principal) func(*http.Request) (*account.Principal, error) {
	return func(*http.Request) (*account.Principal, error) { return p, nil }
}

// S52, S55: a subscriber finds its own in every list, acts on it, and changes nothing else.
func TestASubscriberSeesAndMovesItsOwn(t *testing.T) {
	t.Parallel()
	w := newTown(t, as(everyone["subscriber"]))
	for path, want := range map[string]int{
		"/systems": 2, "/subscriptions": 3, "/subscriptions?system=rival-system": 0, "/subscriptions?state=active": 3,
		"/lanes": 2, "/lanes?system=rival-system": 0, "/endpoints": 1, "/events/" + w.shared + "/attempts": 1,
	} {
		if got := w.ok(200, w.call("GET", path, "")).items(); len(got) != want {
			t.Errorf("%s: %d, want %d: %v", path, len(got), want, got)
		}
	}
	if a := w.call("GET", "/subscriptions?state=odd", ""); a.problem() != "bad-request query:state enum" {
		t.Error(a.text)
	}
	if a := w.call("POST", "/lanes/discard", `{}`); a.problem() != "nothing-selected" {
		t.Error(a.text)
	}
	if moved := w.ok(200, w.call("POST", "/lanes/discard", `{"all":true}`)).items(); len(moved) != 2 {
		t.Errorf("discarded %v", moved)
	}
	w.Until("its own are discarded, the rival's stay", func() bool {
		lanes := w.Engine.Lanes(delivery.Selection{All: true})
		return len(lanes) == 2 && !slices.ContainsFunc(lanes, func(l delivery.LaneView) bool { return l.System != "rival-system" })
	})
	before, _ := w.Book.System("my-system")
	agreement := before.Agreement
	w.ok(412, w.call("PUT", "/systems/my-system/contacts", `{"technical":{"email":"new@b.test"}}`, ifMatch, `"r1"`))
	if a := w.call("PUT", "/systems/my-system/contacts", `{"technical":{}}`, ifMatch, anySeen); a.problem() != "invalid-document /technical/email required" {
		t.Error(a.text)
	}
	w.ok(200, w.call("PUT", "/systems/my-system/contacts", `{"technical":{"email":"new@b.test"}}`, ifMatch, anySeen))
	after, _ := w.Book.System("my-system")
	agreement.Contacts.Technical.Email = "new@b.test"
	if fmt.Sprint(after.Agreement) != fmt.Sprint(agreement) {
		t.Errorf("%+v", after.Agreement)
	}
}

// DESIGN promise 8: a revoked grant hides the event at once.
func TestARevokedGrantHidesTheEvent(t *testing.T) {
	t.Parallel()
	w := newTown(t, as(everyone["subscriber"]))
	w.ok(200, w.call("GET", "/events/"+w.shared, ""))
	doc, _ := w.Book.System("my-system")
	next := *doc
	next.Agreement.Sources = []string{"mine"}
	_, err := w.Manager.PutSystem(context.Background(), next, manage.By{Author: "test", Condition: manage.Condition{Present: true}})
	w.Must(err)
	w.ok(404, w.call("GET", "/events/"+w.shared, ""))
}

// The names of the hub's own files are not a subscriber's business.
func TestASubscriberSeesNoFilesOfTheHub(t *testing.T) {
	t.Parallel()
	w := newTown(t, as(everyone["subscriber"]))
	doc, _ := w.Book.System("my-system")
	next := *doc
	next.Agreement.Certificate = &subscription.Certificate{CertFile: "/etc/varsel/secret.pem", KeyFile: "/etc/varsel/secret.key"}
	next.Agreement.CABundle = "/etc/varsel/secret.ca"
	next.Agreement.Login, next.Agreement.BaseURL = &subscription.Login{User: "secret", PasswordFile: "/etc/varsel/secret"}, "kafka+tls://my-system.test:9093"
	_, err := w.Manager.PutSystem(context.Background(), next, manage.By{Author: "test", Condition: manage.Condition{Present: true}})
	w.Must(err)
	for _, path := range []string{"/systems", "/systems/my-system", "/sources", "/sources/mine"} {
		if a := w.ok(200, w.call("GET", path, "")); strings.Contains(a.text, "secret") {
			t.Error(a.text)
		}
	}
}

// A batch of a source is refused whole when one event is another's; with partial, only that one is.
func TestASourcePublishesAsItself(t *testing.T) {
	t.Parallel()
	w := newTown(t, as(everyone["source"]))
	events := func(sources ...string) string {
		var list []string
		for i, source := range sources {
			list = append(list, fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":%q,"type":"cv","data":{}}`, i, source))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	head := w.Log.Head()
	mixed := events("urn:mine", "urn:rival", "urn:nobody", "urn:mine")
	if a := w.call("POST", "/events", mixed, kindOf, ceBatch); a.problem() != "forbidden /source own; /source own" || w.Log.Head() != head {
		t.Error(a.text)
	}
	a := w.ok(207, w.call("POST", "/events?partial=true", mixed, kindOf, ceBatch))
	var statuses []string
	for _, r := range a.json["results"].([]any) {
		statuses = append(statuses, r.(map[string]any)["id"].(string)+" "+r.(map[string]any)["status"].(string))
	}
	if got := strings.Join(statuses, ", "); got != "e0 accepted, e1 refused, e2 refused, e3 accepted" || w.Log.Head() != head+2 {
		t.Errorf("%s; %d events", got, w.Log.Head()-head)
	}
	w.ok(202, w.call("POST", "/events", events("urn:mine"), kindOf, ceBatch))
}

// A secret is told once, and what is shown of an account afterwards opens nothing.
func TestAccountsOverHTTP(t *testing.T) {
	t.Parallel()
	w := newTown(t, as(everyone["operator"]))
	doc := `{"roles":["subscriber"],"systems":["my-system"],"certificates":[{"subject":"CN=mine"}]}`
	created := w.ok(201, w.call("PUT", "/accounts/mine", doc))
	w.ok(428, w.call("PUT", "/accounts/mine", strings.Replace(doc, "CN=mine", "CN=ours", 1)))
	secret := w.ok(201, w.call("POST", "/accounts/mine/secrets", ""))
	text, _ := secret.json["clientSecret"].(string)
	stored, _ := w.Book.Account("mine")
	if id, ok := account.Authenticate(stored, text, w.Clock.Now()); !ok || id != secret.json["id"] {
		t.Errorf("the secret that was told is not taken: %s", secret.text)
	}
	got := w.ok(200, w.call("GET", "/accounts/mine", ""))
	if strings.Contains(got.text, text) || strings.Contains(got.text, stored.Secrets[0].SHA256) || !strings.Contains(got.text, stored.Secrets[0].ID) {
		t.Error(got.text)
	}
	again := w.ok(200, w.call("PUT", "/accounts/mine", got.text, ifMatch, got.header.Get("ETag"))) // what is told is what may be put
	if again.header.Get("ETag") != got.header.Get("ETag") || created.header.Get("ETag") == got.header.Get("ETag") {
		t.Error("what was so already was written again")
	}
	w.ok(200, w.call("PUT", "/accounts/mine", strings.Replace(doc, `"roles"`, `"disabled":true,"roles"`, 1), ifMatch, anySeen))
	stored, _ = w.Book.Account("mine")
	if !stored.Disabled || len(stored.Secrets) != 1 {
		t.Errorf("%+v", stored)
	}
	for body, want := range map[string]string{
		`{"roles":["subscriber"],"systems":["none"]}`:                        "invalid-document /systems/0 exists",
		`{"roles":["source"],"sources":["none"]}`:                            "invalid-document /sources/0 exists",
		`{"roles":["auditor"],"certificates":[{"subject":"CN=mine"}]}`:       "invalid-document /certificates/0 unique",
		`{"roles":["auditor"],"secrets":[{"id":"x","sha256":"0000000000"}]}`: "invalid-document /secrets/0/sha256 unknown",
	} {
		if a := w.call("PUT", "/accounts/other", body); a.problem() != want {
			t.Errorf("%s: %s", body, a.problem())
		}
	}
	if a := w.call("PUT", "/accounts/varsel", doc); a.problem() != "read-only" {
		t.Error(a.text)
	}
	if a := w.call("POST", "/accounts/none/secrets", ""); a.status != 404 {
		t.Error(a.text)
	}
	if a := w.call("POST", "/accounts/mine/secrets", `{"overlapSeconds":-5}`); a.problem() != "invalid-document /overlapSeconds range" {
		t.Error(a.text)
	}
}
