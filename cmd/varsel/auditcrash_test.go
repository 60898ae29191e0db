package main_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// TestAuditCrash kills the real hub between administrative acts and their answers, again and again: of every act there
// are the change and its audit entry, or neither, and the log is whole (DESIGN promise 12).
func TestAuditCrash(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 3
	}
	data := t.TempDir()
	p := newProcess(t, data)
	p.start()
	next, answered := 0, 0
	for range rounds {
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			for {
				next++
				name := fmt.Sprintf("s%d", next)
				status, _, err := p.call(t.Context(), "PUT", "/api/v1/sources/"+name, "application/json", object{"uri": "urn:" + name, "title": "T"})
				if err != nil {
					return
				}
				if status != 201 {
					t.Errorf("status %d", status)
				}
				answered++
			}
		}()
		wait(time.Duration(5+rand.IntN(80)) * time.Millisecond)
		p.kill()
		<-stopped
		p.start()
	}
	changed, audited := p.sources(), p.auditedSources()
	slices.Sort(changed)
	slices.Sort(audited)
	if !slices.Equal(changed, audited) || len(changed) < answered {
		t.Errorf("%d changes, %d in the audit log, %d answered", len(changed), len(audited), answered)
	}
	out, err := exec.Command(p.args[0], "audit", "verify", "--data", data).CombinedOutput()
	if err != nil {
		t.Errorf("%v %s", err, out)
	}
	t.Logf("%d acts, %d answered, %d kills: %s", len(changed), answered, rounds, out)
}

// sources lists the sources that the test made.
func (p *process) sources() (names []string) {
	after := ""
	for {
		var page struct {
			Items []struct{ Name string }
			Next  string
		}
		p.get("/api/v1/sources?limit=1000"+after, &page)
		for _, s := range page.Items {
			if s.Name[0] == 's' {
				names = append(names, s.Name)
			}
		}
		if page.Next == "" {
			return names
		}
		after = "&after=" + page.Next
	}
}

// auditedSources lists the sources that the audit log says were put.
func (p *process) auditedSources() (names []string) {
	after := ""
	for {
		var page struct {
			Items []struct{ Subject string }
			Next  string
		}
		p.get("/api/v1/audit?act=put-source&limit=1000"+after, &page)
		for _, e := range page.Items {
			names = append(names, e.Subject[len("source/"):])
		}
		if page.Next == "" {
			return names
		}
		after = "&after=" + page.Next
	}
}

func (p *process) get(path string, into any) {
	p.t.Helper()
	status, text, err := p.call(p.t.Context(), "GET", path, "application/json", nil)
	if err == nil && status == 200 {
		err = json.Unmarshal(text, into)
	}
	if err != nil || status != 200 {
		p.t.Fatalf("GET %s: %d %v", path, status, err)
	}
}
