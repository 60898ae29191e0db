package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/profile"
)

// Nothing that people write, nothing personal, no payload and no secret is in the audit log.
func TestTheAuditLogHoldsNothingPersonal(t *testing.T) {
	t.Parallel()
	const mark = "0101701234"
	w := newWorld(t)
	do := func(method, path, body string) answer {
		a := w.call(method, path, body, ifMatch, "*")
		if a.status == 412 {
			a = w.call(method, path, body)
		}
		return a
	}
	contact := `{"name":"` + mark + `","email":"a` + mark + `@b.test","phone":"` + mark + `"}`
	system := `{"title":"` + mark + `","agreement":{"profile":"standard","baseUrl":"https://new.test/` + mark + `","sources":["*"],"contacts":{"technical":` + contact + `,"legal":` + contact + `,"commercial":` + contact + `}}}`
	w.ok(201, do("PUT", "/sources/cvr", `{"uri":"urn:`+mark+`","title":"`+mark+`","types":["*"],"contact":`+contact+`}`))
	w.ok(201, do("PUT", "/event-types/move", `{"title":"`+mark+`","description":"`+mark+`","order":"key"}`))
	w.ok(201, do("PUT", "/event-types/move/versions/v1", `{"state":"active","sample":{"k":"`+mark+`"},"mapping":{"key":"/k"},"schema":{"title":"`+mark+`"}}`))
	w.ok(201, do("PUT", "/systems/new", system))
	w.ok(200, do("PUT", "/systems/new/subscriptions", `{"items":[{"name":"`+mark+`","types":["move"],"path":"/`+mark+`","organisations":[{"type":"5","code":"`+mark+`"}]},{"name":"b","path":"/b"}]}`))
	key := w.ok(201, do("POST", "/systems/new/signing-keys", `{}`)).json["key"].(string)
	ids := map[string]string{}
	for _, item := range w.ok(200, w.call("GET", "/subscriptions?system=new", "")).items() {
		ids[item["path"].(string)] = item["id"].(string)
	}
	id := ids["/"+mark]
	reason := `{"reason":"` + mark + `"}`
	endpoint := `{"system":"new","url":"https://new.test/` + mark + `/` + mark + `","reason":"` + mark + `"}`
	w.ok(200, do("POST", "/subscriptions/"+id+"/test", ""))
	for _, path := range []string{"/hub", "/systems/new", "/subscriptions/" + id} {
		w.ok(200, do("POST", path+"/pause", reason))
		w.ok(200, do("POST", path+"/resume", reason))
	}
	w.ok(200, do("POST", "/endpoints/pause", endpoint))
	w.ok(200, do("POST", "/endpoints/resume", endpoint))
	w.ok(200, do("POST", "/subscriptions/"+id+"/deactivate", reason))
	w.ok(200, do("POST", "/subscriptions/"+id+"/activate", ""))
	w.ok(202, w.call("POST", "/events", `{"specversion":"1.0","id":"`+mark+`","source":"urn:test:dfdg","type":"move","data":{"k":"`+mark+`"}}`, kindOf, ce))

	w.ok(200, do("POST", "/events/search", `{"person":"`+mark+`","key":"`+mark+`","type":"`+mark+`","source":"`+mark+`"}`))
	w.ok(200, do("PUT", "/systems/new/contacts", `{"technical":`+strings.Replace(contact, "@b", "@c", 1)+`}`))
	w.ok(201, do("PUT", "/accounts/robot", `{"title":"`+mark+`","roles":["auditor"]}`))
	secret := w.ok(201, do("POST", "/accounts/robot/secrets", `{"overlapSeconds":0}`)).json["clientSecret"].(string)
	w.ok(200, do("PUT", "/accounts/robot/password", `{"password":"correct horse `+mark+`"}`))
	past := w.read(2)
	w.ok(202, do("POST", "/subscriptions/"+past+"/replays", `{"count":2,"rate":1}`))
	w.ok(204, do("DELETE", "/subscriptions/"+past+"/replays/1", ""))

	revealed := w.persons(mark)[0]
	w.ok(200, do("POST", fmt.Sprint("/events/", revealed, "/reveal"), `{"reason":"case 7"}`))
	w.ok(201, do("POST", "/erasures", `{"person":"`+mark+`","reason":"case 8","count":1}`))
	for _, reason := range []string{mark, "about " + mark} {
		w.call("POST", "/erasures", `{"person":"`+mark+`","reason":"`+reason+`","count":1}`)
	}
	sunk := w.sunk(2)
	w.ok(200, do("POST", "/subscriptions/"+sunk+"/sink/"+firstArrival+"/reveal", ""))
	w.ok(204, do("DELETE", "/subscriptions/"+sunk+"/sink", ""))

	parked := w.parked(2)
	lanes := w.ok(200, w.call("GET", "/lanes?subscription="+parked, "")).items()
	w.ok(200, do("POST", "/lanes/discard", `{"lane":"`+lanes[0]["lane"].(string)+`"}`))
	w.ok(200, do("POST", "/lanes/release", `{"subscription":"`+parked+`"}`))
	w.ok(200, do("POST", "/lanes/release", `{"all":true,"system":"`+mark+`"}`))
	w.call("DELETE", "/systems/"+mark, "", ifMatch, "*")
	w.System("spare", profile.Standard)
	w.ok(200, do("DELETE", "/systems/spare", ""))

	w.ok(201, do("PUT", "/registers/fresh", strings.Replace(strings.ReplaceAll(registerOf, "$SOURCE", "dfdg"), "{", `{"title":"`+mark+`",`, 1)))
	w.registers("dfdg")
	w.noContent(do("DELETE", "/registers/half-dfdg/deliveries/half", ""))
	w.extractsOf(mark, do)

	w.stage("prod")
	words := `{"en":"` + mark + `"}`
	notice := "/sites/prod/notices/" + openID
	w.ok(201, do("PUT", "/sites/fresh", aSite(mark)))
	w.noContent(do("DELETE", "/sites/fresh", ""))
	w.ok(200, do("PUT", "/sites/prod/components/"+mailID+"/state", `{"state":"degraded_performance","reason":`+words+`}`))
	w.ok(201, do("POST", "/sites/prod/notices", `{"kind":"incident","title":`+words+`,"body":`+words+`,"affected":{"`+mailID+`":"major_outage"}}`))
	w.ok(200, do("PUT", notice, `{"title":`+words+`,"audience":`+words+`}`))
	w.ok(201, do("POST", notice+"/updates", `{"stage":"resolved","body":`+words+`}`))
	w.ok(200, do("PUT", notice+"/postmortem", `{"body":`+words+`}`))
	w.ok(200, do("POST", "/sites/prod/notices/"+actionID+"/acknowledgements", `{"system":"plain"}`))
	w.noContent(do("DELETE", notice, ""))

	var text strings.Builder
	acts := map[audit.Act]bool{}
	for _, e := range w.audited() {
		acts[e.Act] = true
		fmt.Fprintf(&text, "%d %d %s %s %s %s %d\n", e.Number, e.At, e.Actor, e.Act, e.Subject, e.Detail, e.Position)
	}
	for _, c := range administered {
		if !acts[c.act] {
			t.Errorf("there is no %s in it, so nothing is said of it", c.act)
		}
	}
	for _, secret := range []string{mark, key, secret, lanes[0]["lane"].(string), lanes[1]["lane"].(string)} {
		if strings.Contains(text.String(), secret) {
			t.Errorf("%s is in the audit log:\n%s", secret, text.String())
		}
	}
}
