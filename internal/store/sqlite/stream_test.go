package sqlite_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
)

// Promise 11: what is set aside stands nowhere in clear.
func TestWhatIsSetAsideIsSealed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "hub.db")
	s := open(t, file)
	commit(t, s, &eventlog.Commit{Now: 1, Requests: []*eventlog.Request{{Intake: &eventlog.Intake{
		Source: "orders", Stream: "kafka:orders", Places: []eventlog.StreamPlace{{Partition: 2, To: 2}},
		Aside: []eventlog.Aside{{Partition: 2, Offset: 1, Lane: event.Lane{1}, Code: fault.InvalidEvent, Retention: "P1D", Message: []byte("about " + person)}},
	}}}})
	for _, name := range []string{file, file + "-wal"} {
		if content, err := os.ReadFile(name); err == nil && bytes.Contains(content, []byte(person)) {
			t.Errorf("%s holds a message in clear", name)
		}
	}
}
