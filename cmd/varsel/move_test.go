package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/store/movefile"
	"github.com/varselhub/varsel/internal/store/pgtest"
)

// fetchAfter reads what is for a subscription by cursor, and returns the numbers of its things and the cursor behind them.
func (p *process) fetchAfter(id, after string) (numbers []int, cursor string) {
	p.t.Helper()
	text := p.must("GET", "/api/v1/pull/"+id+"?limit=100&after="+after, nil)
	var page struct {
		Events []struct {
			Data struct {
				N int `json:"n"`
			} `json:"data"`
		} `json:"events"`
		Cursor string `json:"cursor"`
	}
	if err := json.Unmarshal(text, &page); err != nil {
		p.t.Fatalf("%v: %s", err, text)
	}
	for _, e := range page.Events {
		numbers = append(numbers, e.Data.N)
	}
	return numbers, page.Cursor
}

func (p *process) publish(things ...thing) {
	p.t.Helper()
	if status, text, err := p.call(context.Background(), "POST", "/api/v1/events", batchType, batch(things)); err != nil || status != 202 {
		p.t.Fatalf("%d %s %v", status, text, err)
	}
}

// A hub that was killed under way is moved to PostgreSQL and goes on there: what was pending arrives in order and once, an
// old cursor goes on where it was, messages are signed, and the audit log is whole.
func TestAHubGoesOnInPostgreSQL(t *testing.T) {
	t.Parallel()
	data, url := filepath.Join(t.TempDir(), "data"), pgtest.Database(t)
	receiver := newLedger()
	mended := make(chan struct{})
	receiver.answer = func(x thing, _ int) int {
		select {
		case <-mended:
			return 200
		default:
		}
		if x.key == "down" && x.n > 1 {
			return 503
		}
		return 200
	}
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close)
	p := newProcess(t, data)
	p.start()
	p.world(map[string]string{"archive": server.URL, "reader": server.URL})
	p.must("POST", "/api/v1/systems/archive/signing-keys", object{"kind": "v1"})
	p.must("PUT", "/api/v1/systems/reader/subscriptions", object{"items": []object{{"name": "own", "channel": "cursor"}}})
	var set struct {
		Items []struct{ ID string } `json:"items"`
	}
	if err := json.Unmarshal(p.must("GET", "/api/v1/systems/reader/subscriptions", nil), &set); err != nil || len(set.Items) != 1 {
		t.Fatal(set, err)
	}
	reading := set.Items[0].ID
	p.publish(thing{"down", 1}, thing{"down", 2}, thing{"down", 3}, thing{"up", 1})
	receiver.await(t, "archive", map[string]int{"down": 1, "up": 1}, 30*time.Second)
	numbers, cursor := p.fetchAfter(reading, "")
	if !slices.Equal(numbers, []int{1, 2, 3, 1}) {
		t.Fatalf("fetched are %v", numbers)
	}
	p.publish(thing{"down", 4})

	_, said := command(t, true, "move", "--data", data, "--store", url)
	if !strings.Contains(said, "data-in-use") {
		t.Errorf("beside a running hub it said %s", said)
	}
	p.kill()
	out, _ := command(t, false, "move", "--data", data, "--store", url, "--json")
	var moved struct {
		Head         int64
		SigningKeys  int
		AuditEntries int
	}
	if err := json.Unmarshal([]byte(out), &moved); err != nil || moved.Head == 0 || moved.SigningKeys != 1 || moved.AuditEntries == 0 {
		t.Errorf("moved %s, %v", out, err)
	}
	for _, args := range [][]string{{"serve", "--no-access", "--listen", "127.0.0.1:0"}, {"backup", "--to", data + "/b"}, {"keys", "list"}, {"audit", "verify"}, {"move", "--store", url}} {
		if _, said := command(t, true, append(args, "--data", data)...); !strings.Contains(said, "hub-moved") {
			t.Errorf("%v on the old directory said %s", args, said)
		}
	}

	close(mended)
	p.args = append(p.args, "--store", url)
	p.start()
	p.publish(thing{"down", 5}, thing{"up", 2})
	receiver.await(t, "archive", map[string]int{"down": 5, "up": 2}, 60*time.Second)
	if receiver.repeats > 4 { // what was in flight when it was killed, in either of its lanes
		t.Errorf("%d deliveries came twice", receiver.repeats)
	}
	if numbers, _ := p.fetchAfter(reading, cursor); !slices.Equal(numbers, []int{4, 5, 2}) {
		t.Errorf("after the old cursor come %v", numbers)
	}
	if out, _ := command(t, false, "audit", "verify", "--data", data, "--store", url, "--json"); !strings.Contains(out, `"whole":true`) {
		t.Errorf("the audit log: %s", out)
	}
	if out, _ := command(t, false, "audit", "list", "--data", data, "--store", url); !strings.Contains(out, "system/archive") {
		t.Errorf("the audit log lists %s", out)
	}
}

// A move that is under way keeps the hub from starting on either side; who gives it up deletes the note.
func TestAnUnfinishedMoveIsNoHub(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	p := newProcess(t, data)
	p.start()
	p.kill()
	_, said := command(t, true, "move", "--data", data, "--store", "postgres://nobody@127.0.0.1:1/none")
	if !strings.Contains(said, "store-unreachable") {
		t.Errorf("without a database it said %s", said)
	}
	p.start() // nothing had begun
	p.kill()
	note := filepath.Join(data, movefile.Name)
	if err := os.WriteFile(note, []byte(`{"id":"x","store":"postgres://varsel@db/varsel","began":"2026-11-27T10:00:00Z"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, said = command(t, true, "serve", "--no-access", "--listen", "127.0.0.1:0", "--data", data); !strings.Contains(said, "move-unfinished") {
		t.Errorf("with a move under way it said %s", said)
	}
	if err := os.Remove(note); err != nil {
		t.Fatal(err)
	}
	p.start()
}

// Nodes that share a database all get a new key before any of them wraps with it.
func TestKeysOfAHubOnPostgreSQLAreRotatedInTwoSteps(t *testing.T) {
	t.Parallel()
	one, two, url := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two"), pgtest.Database(t)
	a, b := newProcess(t, one), newProcess(t, two)
	a.args, b.args = append(a.args, "--store", url), append(b.args, "--store", url)
	a.start()
	if err := os.MkdirAll(two, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(two, "secrets"), os.DirFS(filepath.Join(one, "secrets"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(two, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	b.start()
	a.world(nil)
	a.publish(thing{"k", 1})
	at := []string{"--data", one, "--store", url}
	if _, said := command(t, true, append([]string{"keys", "rotate"}, at...)...); !strings.Contains(said, "varsel keys make") {
		t.Errorf("without a new key it said %s", said)
	}
	out, _ := command(t, false, append([]string{"keys", "make", "--json"}, at...)...)
	var made struct{ File string }
	if err := json.Unmarshal([]byte(out), &made); err != nil || !strings.HasPrefix(made.File, "new-kek-") {
		t.Fatalf("made %s, %v", out, err)
	}
	if out, _ := command(t, false, append([]string{"keys", "list"}, at...)...); !strings.Contains(out, "prepared: copy it") || !strings.Contains(out, "in use") {
		t.Errorf("listed are\n%s", out)
	}
	text, err := os.ReadFile(filepath.Join(one, "secrets", made.File))
	if err == nil {
		err = os.WriteFile(filepath.Join(two, "secrets", made.File), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.publish(thing{"k", 2})
	out, _ = command(t, false, append([]string{"keys", "rotate", "--json"}, at...)...)
	if id := strings.TrimPrefix(made.File, "new-kek-"); !strings.Contains(out, fmt.Sprintf(`"kek":"%s"`, id)) {
		t.Errorf("rotated: %s", out)
	}
	a.publish(thing{"k", 3})
	b.kill()
	b.start() // it opens what the new key wraps
	b.publish(thing{"k", 4})
	for n := 1; n <= 4; n++ {
		if out := string(b.must("GET", fmt.Sprintf("/api/v1/events?id=k-%06d", n), nil)); !strings.Contains(out, `"thing"`) {
			t.Errorf("event %d: %s", n, out)
		}
	}
	for _, dir := range []string{one, two} {
		if out, _ := command(t, false, "keys", "list", "--data", dir, "--store", url, "--json"); strings.Contains(out, `"missing":true`) {
			t.Errorf("of %s are listed %s", dir, out)
		}
	}
}

// What PostgreSQL does itself is not done by half; what has to follow a restore is a command.
func TestBackupsOfPostgreSQLAreItsOwn(t *testing.T) {
	t.Parallel()
	data, url := filepath.Join(t.TempDir(), "data"), pgtest.Database(t)
	refused := func(says string, args ...string) {
		t.Helper()
		if _, said := command(t, true, append(args, "--data", data)...); !strings.Contains(said, says) {
			t.Errorf("%v said %s; want %q", args, said, says)
		}
	}
	refused("pg_basebackup", "backup", "--store", url, "--to", data)
	refused("varsel renew", "restore", "--store", url, "--from", data)
	refused("--store is missing", "renew")
	refused("no-database", "renew", "--store", url)
	p := newProcess(t, data)
	p.args = append(p.args, "--store", url)
	p.start()
	refused("data-in-use", "renew", "--store", url)
	p.kill()
	renewal := func() (string, error) {
		out, err := exec.Command(p.args[0], "renew", "--data", data, "--store", url, "--json").Output()
		return string(out), err
	}
	out, err := renewal()
	for deadline := time.Now().Add(time.Minute); err != nil && time.Now().Before(deadline); out, err = renewal() { // until the killed node counts as dead
	}
	if err != nil || !strings.Contains(out, `"epoch":`) || !strings.Contains(out, `"noJournal":true`) {
		t.Fatalf("renewed %s, %v", out, err)
	}
	p.start()
}
