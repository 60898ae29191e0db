package api_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/web/api"
)

// S58: what came is listed without a body, whoever asks; a body is shown one at a time, on the record.
func TestS58WhatASinkHasTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.sunk(3)
	const body = "0101701234"
	w.Arrive(id, &channel.Message{ID: "m4", ContentType: "text/plain", Body: []byte(body), Attempt: 2, Replay: 7, Test: true})
	w.Arrive(id, &channel.Message{ID: "m5", ContentType: "application/octet-stream", Body: []byte{0xff}, Attempt: 1, Test: true})
	path := "/subscriptions/" + id + "/sink"

	a := w.ok(200, w.call("GET", path, ""))
	items := a.items()
	if len(items) != 5 || a.json["on"] != true || strings.Contains(a.text, body) {
		t.Fatal(a.text)
	}
	first, fourth := items[0], items[3]
	if first["messageId"] == "" || first["position"].(float64) < 1 || first["lane"] == "" || first["status"] != 200.0 || first["result"] != "delivered" ||
		first["sighting"] != "first" || first["signature"] != "none" || first["request"] != "POST /hook" || first["at"] != "2026-03-01T12:00:00.000000Z" {
		t.Errorf("%v", first)
	}
	if fourth["messageId"] != "m4" || fourth["attempt"] != 2.0 || fourth["pass"] != 7.0 || fourth["test"] != true || fourth["size"] != 10.0 || fourth["fault"] == "" {
		t.Errorf("%v", fourth)
	}
	if headers := fourth["headers"].([]any); len(headers) < 6 {
		t.Errorf("%v", headers)
	}
	number := func(i int) string { return strconv.FormatInt(int64(items[i]["number"].(float64)), 10) }
	if page := w.ok(200, w.call("GET", path+"?limit=2&after="+number(1), "")).items(); len(page) != 2 || page[0]["number"] != items[2]["number"] {
		t.Errorf("%v", page)
	}
	if one := w.ok(200, w.call("POST", path+"/"+number(3)+"/reveal", "")); one.json["body"] != body || one.json["messageId"] != "m4" {
		t.Error(one.text)
	}
	if one := w.ok(200, w.call("POST", path+"/"+number(4)+"/reveal", "")); one.json["bodyBase64"] != "/w==" || one.json["body"] != nil {
		t.Error(one.text)
	}
	w.ok(404, w.call("POST", path+"/x/reveal", ""))
	w.ok(404, w.call("GET", "/subscriptions/none/sink", ""))
	for query, want := range map[string]string{"?limit=0": "query:limit range", "?wait=61": "query:wait range", "?bodies=true": "query:* unknown"} {
		if a := w.call("GET", path+query, ""); a.problem() != "bad-request "+want {
			t.Errorf("%s: %s", query, a.text)
		}
	}
	w.ok(204, w.call("DELETE", path, ""))
	if left := w.ok(200, w.call("GET", path, "")).items(); len(left) != 0 {
		t.Errorf("%v", left)
	}
}

// DESIGN promise 12: a subscriber that looks at its own is on the record like everybody else; an auditor sees no body.
func TestWhoMayLookIntoASink(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := "/subscriptions/" + w.sunk(1) + "/sink"
	reveal := path + "/" + firstArrival + "/reveal"
	w.set(func(o *api.Options) {
		o.Who = as(&account.Principal{Name: "dev", Roles: []account.Role{account.Subscriber}, Systems: []string{"sunk"}})
	})
	w.ok(200, w.call("POST", reveal, ""))
	if entries := w.audited(); entries[len(entries)-1].Act != audit.Reveal || entries[len(entries)-1].Actor != "dev" {
		t.Errorf("%+v", entries[len(entries)-1])
	}
	w.set(func(o *api.Options) {
		o.Who = as(&account.Principal{Name: "eye", Roles: []account.Role{account.Auditor}})
	})
	w.ok(200, w.call("GET", path, ""))
	w.ok(403, w.call("POST", reveal, ""))
}

// Who waits is answered with the next arrival, or with nothing when the time is over.
func TestASinkIsFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.sunk(1)
	answered := make(chan answer)
	go func() { answered <- w.call("GET", "/subscriptions/"+id+"/sink?wait=60&after="+firstArrival, "") }()
	w.Arrive(id, &channel.Message{ID: "m2", ContentType: "text/plain", Attempt: 1, Test: true})
	if a := <-answered; len(a.items()) != 1 || a.items()[0]["messageId"] != "m2" {
		t.Error(a.text)
	}
	w.set(func(o *api.Options) { o.Sinks = nil })
	if a := w.ok(200, w.call("GET", "/subscriptions/"+id+"/sink?wait=60", "")); a.json["on"] != false || len(a.items()) != 0 {
		t.Error(a.text)
	}
}
