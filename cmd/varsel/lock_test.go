package main_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Two hubs never run on one data directory: the second says who has it. What is meant to run beside a hub does, restore
// does not; and a hub that was killed leaves nothing behind that keeps the next one out.
func TestADataDirectoryHasOneHub(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, copied := filepath.Join(dir, "data"), filepath.Join(dir, "hub.backup")
	receiver := newLedger()
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close)
	p := newProcess(t, data)
	p.start()
	p.world(map[string]string{"archive": server.URL})
	holder := fmt.Sprintf("process %d has %s", p.cmd.Process.Pid, data)
	refused := func(args ...string) {
		t.Helper()
		_, said := command(t, true, args...)
		if !strings.Contains(said, "data-in-use") || !strings.Contains(said, holder) {
			t.Errorf("%v said\n%s\nwant %s", args, said, holder)
		}
	}
	second := []string{"serve", "--no-access", "--data", data, "--listen", "127.0.0.1:0", "--operate-listen", "127.0.0.1:0"}
	refused(second...)

	command(t, false, "backup", "--to", copied, "--data", data)
	command(t, false, "keys", "list", "--data", data)
	command(t, false, "keys", "rotate", "--data", data)
	command(t, false, "audit", "list", "--data", data)
	command(t, false, "audit", "verify", "--data", data)

	// Somebody moves the database away under the hub, so that there seems to be room for another.
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(filepath.Join(data, "varsel.db"+suffix), filepath.Join(dir, "moved.db"+suffix)); err != nil {
			t.Fatal(err)
		}
	}
	refused("restore", "--from", copied, "--data", data)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(filepath.Join(dir, "moved.db"+suffix), filepath.Join(data, "varsel.db"+suffix)); err != nil {
			t.Fatal(err)
		}
	}

	for range 3 {
		p.kill()
		p.start()
		holder = fmt.Sprintf("process %d has %s", p.cmd.Process.Pid, data)
		refused(second...)
	}
	if status, text, err := p.call(context.Background(), "POST", "/api/v1/events", batchType, batch([]thing{{"k", 1}})); err != nil || status != 202 {
		t.Fatalf("%d %s %v", status, text, err)
	}
	receiver.await(t, "archive", map[string]int{"k": 1}, 30*time.Second)
	p.kill()
	command(t, false, "restore", "--from", copied, "--data", filepath.Join(dir, "anew"))
}
