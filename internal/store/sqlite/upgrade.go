package sqlite

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/fault"
)

// migrations are the steps from an empty file to the schema of today, 0001.sql, 0002.sql and so on: a new file goes the
// same way as an old one, so both end alike. The file's user_version is the number of the last step it has taken.
//
//go:embed migrations
var migrations embed.FS

func readSteps(dir fs.FS) (steps []string, err error) {
	for {
		text, err := fs.ReadFile(dir, fmt.Sprintf("migrations/%04d.sql", len(steps)+1))
		if errors.Is(err, fs.ErrNotExist) {
			return steps, nil
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, string(text))
	}
}

// upgrade takes the steps that the file has not taken, each in a transaction of its own: what is interrupted goes on
// where it was at the next start.
// Error: fault.StoreNewer when the file has taken steps that this program does not know.
func upgrade(c *sqlite.Conn, dir fs.FS, o *Options) error {
	steps, err := readSteps(dir)
	if err != nil {
		return err
	}
	taken, err := number(c, "PRAGMA user_version")
	if err != nil {
		return err
	}
	todo := int64(len(steps)) - taken
	if todo < 0 {
		return newer(c, taken, len(steps))
	}
	tell := o.Tell
	if taken == 0 || tell == nil { // a new file is made in no time
		tell = func(string) {}
	}
	if todo > 0 {
		tell(fmt.Sprintf("the database has schema %d and is upgraded to %d now: %d steps. The way back is a backup made with varsel %s before", taken, len(steps), todo, writtenBy(c)))
	}
	for ; taken < int64(len(steps)); taken++ {
		if err := takeStep(c, taken+1, steps[taken], tell); err != nil {
			return err
		}
	}
	return sqlitex.Execute(c, "INSERT INTO hub (name, value) VALUES ('version', ?1) ON CONFLICT (name) DO UPDATE SET value = ?1 WHERE value <> ?1",
		&sqlitex.ExecOptions{Args: []any{cmp.Or(o.Version, "dev")}})
}

func newer(c *sqlite.Conn, taken int64, known int) error {
	return fault.New(fault.StoreNewer, "the database has schema %d, written by varsel %s; this varsel knows schemas up to %d", taken, writtenBy(c), known)
}

// stillRunning is how often a person hears that a long step goes on.
const stillRunning = 10 * time.Second

func takeStep(c *sqlite.Conn, n int64, script string, tell func(string)) (err error) {
	began := time.Now()
	done := make(chan struct{})
	defer close(done)
	go func() {
		ticker := time.NewTicker(stillRunning)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				tell(fmt.Sprintf("step %d is still running, for %s now", n, time.Since(began).Round(time.Second)))
			}
		}
	}()
	end, err := sqlitex.ImmediateTransaction(c)
	if err != nil {
		return err
	}
	defer end(&err)
	if err := sqlitex.ExecuteScript(c, fmt.Sprintf("%s; PRAGMA user_version=%d;", script, n), nil); err != nil {
		return fmt.Errorf("step %d of the schema: %w", n, err)
	}
	tell(fmt.Sprintf("step %d done in %s", n, time.Since(began).Round(time.Millisecond)))
	return nil
}

// writtenBy is the version of the program that wrote the file last, as far as the file tells.
func writtenBy(c *sqlite.Conn) string {
	version := "of an unknown version"
	_ = each(c, "SELECT value FROM hub WHERE name = 'version'", nil, func(row *sqlite.Stmt) error {
		version = row.ColumnText(0)
		return nil
	}) // a later schema may keep it elsewhere
	return version
}
