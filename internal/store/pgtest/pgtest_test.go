package pgtest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/store/pgtest"
)

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(t.Context()) })
	return c
}

func TestEachTestHasADatabaseOfItsOwn(t *testing.T) {
	t.Parallel()
	one, other := pgtest.Database(t), pgtest.Database(t)
	for _, url := range []string{one, other} {
		if _, err := connect(t, url).Exec(t.Context(), "CREATE TABLE mine (n integer)"); err != nil {
			t.Error(err)
		}
	}
}

func TestAServerComesBackWithWhatWasCommitted(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t)
	if _, err := connect(t, s.URL()).Exec(t.Context(), "CREATE TABLE kept (n integer); INSERT INTO kept VALUES (7)"); err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func(){"stopped": s.Stop, "aborted": s.Abort, "killed": s.Kill} {
		addr := s.Addr()
		end()
		s.Restart(t)
		if n := s.Query(t, "SELECT n FROM kept"); n != 7 || s.Addr() != addr {
			t.Errorf("after it was %s it has %d, at %s", name, n, s.Addr())
		}
	}
}

func TestAStandbyTakesOver(t *testing.T) {
	t.Parallel()
	s := pgtest.Start(t)
	if _, err := connect(t, s.URL()).Exec(t.Context(), "CREATE TABLE kept (n integer); INSERT INTO kept VALUES (7)"); err != nil {
		t.Fatal(err)
	}
	standby := s.Standby(t)
	s.Kill()
	standby.Promote(t)
	if _, err := connect(t, standby.URL()).Exec(t.Context(), "UPDATE kept SET n = n + 1"); err != nil {
		t.Fatal(err)
	}
	if n := standby.Query(t, "SELECT n FROM kept"); n != 8 {
		t.Errorf("it has %d", n)
	}
}

// The process that this one starts makes a server and dies; its server is gone then.
func TestAServerEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	if os.Getenv("PGTEST_DIE") != "" {
		url := pgtest.Database(t)
		os.Stdout.WriteString("at " + url + "\n")
		self, _ := os.FindProcess(os.Getpid())
		_ = self.Kill()
		select {}
	}
	pgtest.Database(t) // skips where there is none
	cmd := exec.Command(os.Args[0], "-test.run=^TestAServerEndsWithItsProcess$")
	cmd.Env = append(os.Environ(), "PGTEST_DIE=1")
	out, err := cmd.Output()
	_, url, found := strings.Cut(strings.TrimSpace(string(out)), "at ")
	if err == nil || !found {
		t.Fatalf("the other process ended with %v: %s", err, out)
	}
	for { // its processes are told at once; the test's own limit bounds how long they may take to hear
		c, err := pgx.Connect(t.Context(), url)
		if err != nil {
			return
		}
		c.Close(t.Context())
	}
}
