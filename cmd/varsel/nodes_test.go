package main

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/client"
)

// A hub of one process says that it is one.
func TestTheNodesOfOneProcess(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	address, _ := started(t, "serve", "--data", data, "--listen", "127.0.0.1:0")
	at := []string{"nodes", "--url", address, "--secret-file", filepath.Join(data, "operator-secret")}
	varsel("", at...).want(t, exitDone, "A hub of one process.", "*  0")
	got := varsel("", append(at, "--json")...)
	got.want(t, exitDone)
	var n client.Node
	if err := json.Unmarshal([]byte(got.out), &n); err != nil || !n.Answers || n.Name == "" || n.Started.IsZero() {
		t.Errorf("%v: %s", err, got.out)
	}
}

func TestNodesAsTheyAreTold(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	nodes := client.Nodes{Items: []client.Node{
		{Node: 4, Name: "a", URL: "https://a.example:8443", Version: "1.0", Started: now.Add(-time.Hour), Seen: now.Add(-time.Second), Systems: []string{"archive", "jobnet"}, Duties: []string{"retention"}},
		{Node: 7, Name: "b", Version: "1.1", Started: now.Add(-time.Minute), Seen: now, Answers: true},
	}}
	var out bytes.Buffer
	if err := tellNodes(&out, &nodes, true, now); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"   4     a", "*  7     b", "retention", "https://a.example:8443", "a delivers archive, jobnet"} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("want %q in\n%s", line, &out)
		}
	}
}
