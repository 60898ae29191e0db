package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/varselhub/varsel/client"
)

// persons publishes an event for each of the numbers, of a type whose data holds one.
func (w *world) persons(t *testing.T, numbers ...string) (positions []string) {
	t.Helper()
	hub, err := client.New(w.url, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	_, _, err = hub.PutEventType(ctx, client.EventType{Name: "citizen", Title: "C", Order: "key", Personal: true, Retention: "P6M"}, "")
	if err == nil {
		_, _, err = hub.PutVersion(ctx, client.Version{Type: "citizen", Version: "v1", State: "active", Sample: []byte(`{"cpr":"x"}`),
			Mapping: client.Mapping{Fields: map[string]string{"key": "/cpr"}, Personal: []string{"/cpr"}}}, "")
	}
	if err == nil {
		_, _, err = hub.PutSource(ctx, client.Source{Name: "register", URI: "urn:register", Title: "R", Types: []string{"*"}}, "")
	}
	for _, number := range numbers {
		var results []client.Result
		if err == nil {
			results, err = hub.Publish(ctx, client.Event{ID: number, Source: "urn:register", Type: "citizen", Data: []byte(`{"cpr":"` + number + `"}`)})
		}
		if err == nil {
			positions = append(positions, fmt.Sprint(results[0].Position))
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return positions
}

func TestEraseCountsAsksAndReports(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.persons(t, "anna", "bo")
	erase := func(in string, more ...string) outcome {
		return varsel(in, append([]string{"erase", "--url", w.url, "--reason", "case 7"}, more...)...)
	}
	varsel("", "erase", "--url", w.url).want(t, exitUsage, "--reason", "never from the command line")
	varsel("", "erase", "anna", "--url", w.url, "--reason", "x").want(t, exitUsage, "anna")
	erase("").want(t, exitFail, "no person was given")
	erase("nobody\n").want(t, exitDone, "0 events and rows of registers name this person")
	erase("anna\n").want(t, exitFail, "1 events and rows of registers name this person", "nothing was erased", "--count 1")
	erase("anna\n2\n").want(t, exitFail, "nothing was erased")
	erase("anna\n", "--count", "2").want(t, exitFail, "erase-count")
	varsel("anna\n1\n", "erase", "--url", w.url, "--reason", "it is anna").want(t, exitFail, "/reason")
	varsel("", "erase", "--url", w.url, "--list").want(t, exitDone)
	done := erase("anna\n1\n")
	done.want(t, exitDone, "Erasure 1", "1 events", "Nothing of them is left", "case 7")
	if strings.Contains(done.out+done.err, "anna") {
		t.Errorf("it names the person: %s%s", done.out, done.err)
	}
	erase("anna\n", "--count", "1").want(t, exitDone, "0 events and rows of registers name this person")
	varsel("", "erase", "--url", w.url, "--list").want(t, exitDone, "1  ", "ended", "case 7")
	varsel("", "erase", "--url", w.url, "--list", "--json").want(t, exitDone, `"erasure":1`)
	varsel("", "erase", "--url", w.url, "--report", "1", "--json").want(t, exitDone, `"systems":`)
	varsel("", "erase", "--url", w.url, "--report", "2").want(t, exitFail, "no erasure 2")
}

func TestRevealShowsAndSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := w.persons(t, "anna", "bo")[0]
	varsel("", "reveal", at, "--url", w.url, "--reason", "case 7").want(t, exitDone, `{"cpr":"anna"}`, "on record", "application/json")
	varsel("", "reveal", at, "--url", w.url, "--reason", "case 7", "--json").want(t, exitDone, `"data":"`, `"attributes":`)
	varsel("", "reveal", at, "--url", w.url).want(t, exitUsage, "--reason")
	varsel("", "reveal", "99999", "--url", w.url, "--reason", "case 7").want(t, exitFail, "not-found")
	varsel("anna\n", "erase", "--url", w.url, "--reason", "case 8", "--count", "1").want(t, exitDone)
	varsel("", "reveal", at, "--url", w.url, "--reason", "case 9").want(t, exitFail, "forgotten")
}
