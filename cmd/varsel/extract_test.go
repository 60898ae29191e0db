package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/varselhub/varsel/client"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/register"
)

const things = `<DatafordelerDataDelivery><Data><DataEntity><Action>Create</Action><CreateEvent>NoEvent</CreateEvent><Thing><id>1</id><status>s</status>` +
	`<registreringFra>2026-01-01T00:00:00Z</registreringFra><virkningFra>2026-01-01T00:00:00Z</virkningFra></Thing></DataEntity></Data></DatafordelerDataDelivery>`

// F43: from a register's delivery to a file on the disk of who gets it: listed, made, fetched, gone on with, and held to its
// checksum.
func TestF43ExtractIsFetched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := manage.By{Author: "test"}
	_, err := w.hub.Manager.PutRegister(t.Context(), register.Register{Name: "things", Source: "permits", Types: []register.EntityType{{
		Name: "Thing", Row: "id", Object: []string{"id"}, Columns: []register.Column{{Name: "id", Required: true}},
	}}}, by)
	if err != nil {
		t.Fatal(err)
	}
	hub, err := client.New(w.url, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hub.Deliver(t.Context(), "things", "d1", strings.NewReader(things)); err != nil {
		t.Fatal(err)
	}
	_, _, err = hub.PutExtract(t.Context(), client.Extract{Name: "all-things", System: "archive", Register: "things", Type: "Thing", Selection: "snapshot", Format: "csv"}, "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	varsel("", "extract", "get", "all-things", "--to", dir, "--url", w.url).want(t, exitFail, "has no file yet")
	varsel("", "extract", "list", "--url", w.url).want(t, exitDone, "all-things  snapshot of things/Thing  for archive")
	varsel("", "extract", "run", "all-things", "--url", w.url).want(t, exitDone, "being made")
	const name = "all-things-000001-snapshot-1.csv.zip"
	for !strings.Contains(varsel("", "extract", "list", "all-things", "--url", w.url, "--json").out, name) {
		runtime.Gosched()
	}
	path := filepath.Join(dir, name)
	varsel("", "extract", "get", "all-things", "--to", dir, "--url", w.url).want(t, exitDone, path)
	whole, err := os.ReadFile(path)
	if err != nil || !bytes.HasPrefix(whole, []byte("PK")) {
		t.Fatal(err)
	}

	// One that broke off goes on where it stood; one that is another is not taken for the file.
	part := path + ".part"
	for there, taken := range map[string]bool{string(whole[:50]): true, strings.Repeat("x", 50): false} {
		if err := os.WriteFile(part, []byte(there), 0o600); err != nil {
			t.Fatal(err)
		}
		got := varsel("", "extract", "get", "all-things", name, "--to", dir, "--url", w.url)
		if !taken {
			got.want(t, exitFail, "checksum is another")
			continue
		}
		got.want(t, exitDone, path)
		if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, whole) {
			t.Errorf("gone on with, it is another: %v", err)
		}
	}
	varsel("", "extract", "get", "all-things", name, "--to", dir, "--url", w.url).want(t, exitDone, path) // it begins anew
	varsel("", "extract", "get", "all-things", "none.zip", "--to", dir, "--url", w.url).want(t, exitFail, "has no file none.zip")

	var part2 bytes.Buffer
	files, err := hub.ExtractFiles(t.Context(), "all-things")
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := hub.DownloadExtract(context.Background(), "all-things", files[0], 100, &part2); err != nil || !bytes.Equal(part2.Bytes(), whole[100:]) {
		t.Errorf("the rest: %d bytes, %v", part2.Len(), err)
	}
}
