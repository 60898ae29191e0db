package client_test

import (
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/varselhub/varsel/client"
)

// pages answers every list with three pages of two entries, the last one short, and says what it was asked.
func pages(t *testing.T) (*client.Client, *[]string) {
	t.Helper()
	asked := &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.RequestURI())
		w.Header().Set("Content-Type", "application/json")
		switch r.URL.Query().Get("after") {
		case "":
			fmt.Fprint(w, `{"items":[{},{}],"next":"one two"}`)
		case "one two":
			fmt.Fprint(w, `{"items":[{},{}],"next":"three"}`)
		case "three":
			fmt.Fprint(w, `{"items":[{}]}`)
		default:
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"code":"bad-request"}`)
		}
	}))
	t.Cleanup(server.Close)
	c, err := client.New(server.URL, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c, asked
}

// counted goes through a list, and stops after most entries.
func counted[T any](list iter.Seq2[T, error], most int) (n int, err error) {
	for _, err := range list {
		if err != nil {
			return n, err
		}
		if n++; n == most {
			return n, nil
		}
	}
	return n, nil
}

// What goes through a list asks for the next page when it needs it, with what it asked for the first.
func TestListsAreGoneThroughPageByPage(t *testing.T) {
	t.Parallel()
	type through func(c *client.Client, most int) (int, error)
	ctx := t.Context()
	for path, walk := range map[string]through{
		"/sources":                    func(c *client.Client, most int) (int, error) { return counted(c.AllSources(ctx), most) },
		"/event-types":                func(c *client.Client, most int) (int, error) { return counted(c.AllEventTypes(ctx), most) },
		"/event-types/a%2Fb/versions": func(c *client.Client, most int) (int, error) { return counted(c.AllVersions(ctx, "a/b"), most) },
		"/systems":                    func(c *client.Client, most int) (int, error) { return counted(c.AllSystems(ctx), most) },
		"/subscriptions?state=active&system=s": func(c *client.Client, most int) (int, error) {
			return counted(c.AllSubscriptions(ctx, "s", client.Active), most)
		},
		"/accounts":  func(c *client.Client, most int) (int, error) { return counted(c.AllAccounts(ctx), most) },
		"/pauses":    func(c *client.Client, most int) (int, error) { return counted(c.AllPauses(ctx), most) },
		"/endpoints": func(c *client.Client, most int) (int, error) { return counted(c.AllEndpoints(ctx), most) },
		"/lanes?limit=2&system=s": func(c *client.Client, most int) (int, error) {
			return counted(c.AllLanes(ctx, client.LaneFilter{System: "s", Limit: 2}), most)
		},
		"/subscriptions/x/replays": func(c *client.Client, most int) (int, error) { return counted(c.AllReplays(ctx, "x"), most) },
		"/audit?actor=eva&limit=2": func(c *client.Client, most int) (int, error) {
			return counted(c.AllAudit(ctx, client.AuditFilter{Actor: "eva", Limit: 2}), most)
		},
	} {
		c, asked := pages(t)
		if n, err := walk(c, 0); n != 5 || err != nil {
			t.Errorf("%s: %d entries, %v", path, n, err)
		}
		if len(*asked) != 3 || (*asked)[0] != "/api/v1"+path {
			t.Errorf("%s: asked %q", path, *asked)
		}
		*asked = nil
		if n, err := walk(c, 2); n != 2 || err != nil || len(*asked) != 1 {
			t.Errorf("%s, two of it: %d, %v, asked %q", path, n, err, *asked)
		}
	}
	c, asked := pages(t)
	if all, err := c.Systems(ctx); len(all) != 5 || err != nil || len(*asked) != 3 || (*asked)[1] != "/api/v1/systems?after=one+two" {
		t.Errorf("%d, %v, asked %q", len(all), err, *asked)
	}
	var problem *client.Problem
	n, err := counted(c.AllAudit(ctx, client.AuditFilter{After: "nonsense"}), 0)
	if !errors.As(err, &problem) || n != 0 {
		t.Errorf("%d, %v", n, err)
	}
}
