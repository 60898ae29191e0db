package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage"
)

// A person finds an event by what they have at hand; a program gets lines of JSON. What is personal comes by standard
// input and is shown nowhere.
func TestFind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, by := context.Background(), manage.By{Author: "test"}
	_, err := w.hub.Manager.PutType(ctx, event.Type{Name: "moved", Title: "M", Order: event.OrderKey, Personal: true, Retention: "P6M"}, by)
	if err == nil {
		_, err = w.hub.Manager.PutVersion(ctx, event.Version{Type: "moved", Version: "v1", State: event.StateActive, Sample: []byte(`{"cpr":"1"}`),
			Mapping: event.Mapping{Fields: map[string]string{"key": "Load(/cpr)"}, Personal: []string{"/cpr"}}}, by)
	}
	if err == nil {
		_, err = w.hub.Manager.PutSource(ctx, event.Source{Name: "cpr", URI: "urn:cpr", Title: "CPR", Types: []string{"*"}}, by)
	}
	if err != nil {
		t.Fatal(err)
	}
	const person = "0101701234"
	for i := range 3 {
		line := fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"urn:cpr","type":"moved","data":{"cpr":%q}}`, i, fmt.Sprint("01017012", 34+i/2))
		varsel(line, "publish", "-", "--url", w.url).want(t, exitDone)
	}
	find := func(in string, args ...string) outcome { return varsel(in, append(args, "--url", w.url)...) }
	find(person+"\n", "find", "--person").want(t, exitDone, "POSITION", "e0", "e1", "2 found")
	find(person+"\r\n"+person, "find", "--person", "--key", "--source", "cpr").want(t, exitDone, "2 found")
	find("", "find", "--id", "e2").want(t, exitDone, "urn:cpr", "moved", "1 found")
	find("", "find", "--type", "moved", "--limit", "2").want(t, exitDone, "e2", "e1", "The newest 2; there may be more")
	find("", "find", "--id", "none").want(t, exitDone, "Nothing was found")
	find("", "find", "--person").want(t, exitFail, "there is no person on standard input")
	find("", "find", "--state", "parked").want(t, exitUsage, "--system or --subscription")
	find("", "find", "--id", "e2", "--key").want(t, exitUsage, "leave out --person and --key")
	find("", "find", "--limit", "0").want(t, exitUsage, "give 1 or more")
	find("", "find", "--system", "nobody").want(t, exitFail, "there is no system of that name")
	find("", "find", person).want(t, exitUsage)

	o := find(person, "find", "--person", "--json")
	o.want(t, exitDone)
	lines := strings.Split(strings.TrimSpace(o.out), "\n")
	for i, line := range lines {
		var found struct{ ID, MessageID string }
		if err := json.Unmarshal([]byte(line), &found); err != nil || len(lines) != 2 || found.ID != []string{"e1", "e0"}[i] {
			t.Errorf("%s %v", line, err)
		}
		find("", "find", "--id", found.MessageID).want(t, exitDone, "1 found")
	}
	if strings.Contains(o.out+o.err, person) {
		t.Error(o)
	}
}
