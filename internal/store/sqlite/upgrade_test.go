package sqlite

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"zombiezen.com/go/sqlite"

	"github.com/varselhub/varsel/internal/fault"
)

// scripts makes the folder of migrations of a program that knows these.
func scripts(steps ...string) fstest.MapFS {
	dir := fstest.MapFS{}
	for i, text := range steps {
		dir[fmt.Sprintf("migrations/%04d.sql", i+1)] = &fstest.MapFile{Data: []byte(text)}
	}
	return dir
}

// A file takes the steps it has not taken, each whole or not at all, and tells about it; a later program's file is
// refused, by the name of that program.
func TestUpgrades(t *testing.T) {
	t.Parallel()
	const (
		first  = "CREATE TABLE hub (name TEXT PRIMARY KEY, value TEXT NOT NULL); CREATE TABLE things (n INTEGER)"
		second = "INSERT INTO things VALUES (1), (2)"
		broken = "INSERT INTO things VALUES (3); INSERT INTO nowhere VALUES (1)"
		third  = "UPDATE things SET n = 10 * n"
	)
	c, err := sqlite.OpenConn(filepath.Join(t.TempDir(), "hub.db"), sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, test := range []struct {
		name, version string
		steps         []string
		fails         string
		taken, sum    int64
		told          []string
	}{
		{"a new file", "v1", []string{first}, "", 1, 0, nil},
		{"the same program", "v1", []string{first}, "", 1, 0, nil},
		{"a step that fails", "v2", []string{first, second, broken}, "step 3", 2, 3, []string{"schema 1", "to 3", "varsel v1", "step 2 done"}},
		{"goes on where it was", "v3", []string{first, second, third}, "", 3, 30, []string{"schema 2", "to 3", "varsel v1", "step 3 done"}},
		{"an earlier program", "v1", []string{first, second}, "written by varsel v3", 3, 30, nil},
	} {
		var told []string
		err := upgrade(c, scripts(test.steps...), &Options{Version: test.version, Tell: func(text string) { told = append(told, text) }})
		if (err != nil) != (test.fails != "") || err != nil && !strings.Contains(err.Error(), test.fails) {
			t.Errorf("%s: it ended as %v", test.name, err)
		}
		if test.name == "an earlier program" && !fault.Has(err, fault.StoreNewer) {
			t.Errorf("%s: it ended as %v", test.name, err)
		}
		if taken, _ := number(c, "PRAGMA user_version"); taken != test.taken {
			t.Errorf("%s: it has taken %d steps, want %d", test.name, taken, test.taken)
		}
		if sum, _ := number(c, "SELECT coalesce(sum(n), 0) FROM things"); sum != test.sum {
			t.Errorf("%s: the things sum up to %d, want %d", test.name, sum, test.sum)
		}
		text := strings.Join(told, "\n")
		for _, want := range test.told {
			if !strings.Contains(text, want) {
				t.Errorf("%s: it did not tell %q but %q", test.name, want, text)
			}
		}
		if test.told == nil && text != "" {
			t.Errorf("%s: it told %q", test.name, text)
		}
	}
}
