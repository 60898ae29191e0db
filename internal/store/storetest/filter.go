package storetest

import (
	"encoding/json"
	"testing"

	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
)

// DESIGN section 5: a filter, which may hold persons' numbers, is sealed with its subscription's document, as the object of an
// extract is; and what was changed on disk is refused. What has none stands in clear, as all did once.
func filtersAreSealed(t *testing.T, w *world) {
	s := w.open(t)
	filtering := func(id string) json.RawMessage {
		return json.RawMessage(`{"id":"` + id + `","filter":{"field":"relateretObjektID","equals":"` + person + `"}}`)
	}
	plain := json.RawMessage(`{"id":"plain"}`)
	r := &eventlog.Request{Revisions: []revision.Revision{
		{Author: "me", Kind: revision.Subscription, Subject: "a", Document: filtering("a")}, {Author: "me", Kind: revision.Subscription, Subject: "plain", Document: plain},
		{Author: "me", Kind: revision.Subscription, Subject: "b", Document: filtering("b")}, revision.Removal("me", revision.Subscription, "b"),
		{Author: "me", Kind: revision.Extract, Subject: "x", Document: json.RawMessage(`{"object":["` + person + `"]}`)},
	}}
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{r}, Now: day})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	want := []string{string(filtering("a")), string(plain), string(filtering("b")), "", `{"object":["` + person + `"]}`}
	check := func(what string) {
		t.Helper()
		list, err := s.Revisions(t.Context(), 0)
		if err != nil || len(list) != len(want) {
			t.Fatalf("%s: %+v, %v", what, list, err)
		}
		for i := range list {
			if string(list[i].Document) != want[i] || (list[i].Document == nil) != (i == 3) {
				t.Errorf("%s: the document at %d reads %q, want %q", what, list[i].Position, list[i].Document, want[i])
			}
		}
	}
	check("as they were written")
	w.Execute(t, "UPDATE revisions SET document = 'it stood in clear' WHERE document LIKE '%"+person+"%'")
	check("with all that was in clear changed")
	if list, err := s.Revisions(t.Context(), 2); err != nil || len(list) != 3 || string(list[0].Document) != want[2] {
		t.Errorf("those behind one: %+v, %v", list, err)
	}
	w.Execute(t, "UPDATE revisions SET document = '"+want[2]+"', key = NULL, sealed = NULL WHERE position = 3")
	check("with one as it was written before they were sealed")
	w.Execute(t, "UPDATE revisions SET key = (SELECT key FROM revisions WHERE position = 1), sealed = (SELECT sealed FROM revisions WHERE position = 1) WHERE position = 2")
	if list, err := s.Revisions(t.Context(), 1); !fault.Has(err, fault.SealBroken) {
		t.Errorf("one stands in for another: %+v, %v", list, err)
	}
}
