package sqlite_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	zombiezen "zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/varselhub/varsel/internal/channel"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

var dump = flag.String("dump", "", "write testdata/VERSION.sql, a database as this version makes it, such as v0.1; once, at its release")

// TestDumpsOfReleases loads a database as each release made it, opens it as this program does, and reads every row.
// -dump makes the dump of a release; it is never made anew.
func TestDumpsOfReleases(t *testing.T) {
	t.Parallel()
	if *dump != "" {
		writeDump(t, *dump)
	}
	files, err := filepath.Glob("testdata/v*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no dumps, %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".sql"), func(t *testing.T) {
			t.Parallel()
			db := load(t, file)
			s := open(t, db)
			readSample(t, s)
			if filepath.Base(file) != "v0.1.sql" {
				readSampleStream(t, s)
				readDelivered(t, s, "1")
			}
			fresh := filepath.Join(t.TempDir(), "hub.db")
			open(t, fresh)
			if got, want := schemaOf(t, db), schemaOf(t, fresh); !slices.Equal(got, want) {
				t.Errorf("upgraded it has the schema\n%s\nand a new file has\n%s\n"+
					"A change of the schema is a new step in migrations. While no release has this schema, change the last step and make its dump anew: "+
					"rm -r testdata/v0.1.*; go test . -run TestDumpsOfReleases -dump v0.1", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// TestTheSampleIsReadAsItWasWritten holds the sample of the next release to what is read of it.
func TestTheSampleIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "hub.db"))
	writeSample(t, s)
	readSample(t, s)
	readSampleStream(t, s)
	readDelivered(t, s, "1")
}

// load makes a database of a dump, beside a vault with the key that the dump was made with.
func load(t *testing.T, file string) string {
	t.Helper()
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	db := filepath.Join(t.TempDir(), "hub.db")
	vault(t, db)
	kept := strings.TrimSuffix(file, ".sql") + ".secrets"
	if err := os.CopyFS(filepath.Join(filepath.Dir(db), "secrets"), os.DirFS(kept)); err != nil {
		t.Fatal(err)
	}
	c, err := zombiezen.OpenConn(db, zombiezen.OpenReadWrite|zombiezen.OpenCreate)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := sqlitex.ExecuteScript(c, string(script), nil); err != nil {
		t.Fatal(err)
	}
	return db
}

func schemaOf(t *testing.T, file string) (list []string) {
	t.Helper()
	c, err := zombiezen.OpenConn(file, zombiezen.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	err = sqlitex.Execute(c, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name", &sqlitex.ExecOptions{ResultFunc: func(row *zombiezen.Stmt) error {
		list = append(list, row.ColumnText(0))
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// sampleEvent is the n-th event of the sample: the first two share a lane, the third is binary and of no lane, the
// fourth empty, the fifth forgotten.
func sampleEvent(n int) eventlog.Entry {
	entry := fresh(fmt.Sprint("sample-", n), fmt.Sprintf(`{"cpr":"%s","n":%d}`, person, n), byte(min(n, 2)))
	e := entry.Event
	e.Retention, e.Time = "P30D", int64(n)
	switch n {
	case 3:
		e.Data, e.Lane, e.Retention, e.Organisation, e.Personal = []byte{0, 1, 0xff, '\''}, event.Lane{}, "", event.Organisation{}, false
	case 4:
		e.Data, e.MediaType = nil, ""
	case 5:
		e.Retention = "P1D"
	}
	return entry
}

const sampleEvents = 6

// sampleBlocked are the blocked lanes of the sample's consumer.
var sampleBlocked = []eventlog.Blocked{
	{Lane: event.Lane{1}, Position: 4, Line: "line", State: eventlog.ParkedAt, Attempts: 2, Failures: 2, Since: 5, Due: 6, Spell: 7, Status: 422, Reason: "why"},
	{Lane: event.Lane{2}, Position: 5, Line: "line", State: eventlog.Retrying, Attempts: 1, Failures: 1, Since: 8, Due: 9, Status: 503},
}

// writeSample fills a store with something of everything.
func writeSample(t *testing.T, s *sqlite.Store) {
	t.Helper()
	commit(t, s, &eventlog.Commit{Now: day, Requests: []*eventlog.Request{{Consumers: []eventlog.Founding{{Name: "fine"}, {Name: "gone"}}, Revisions: []revision.Revision{
		revision.Of("me", revision.Source, "a", event.Source{Name: "a", URI: "urn:s"}), revision.Removal("me", revision.Source, "b"),
		revision.Of("æøå'", revision.Type, "t", event.Type{Name: "t", Retention: "P30D"}),
	}}}})
	for n := 1; n <= sampleEvents; n++ {
		commitEvents(t, s, day+int64(n), sampleEvent(n))
	}
	consumers, err := s.Consumers(t.Context())
	if err != nil || len(consumers) != 2 {
		t.Fatal(consumers, err)
	}
	failed := channel.Result{Status: 422, Duration: time.Millisecond, Reason: "why", Detail: "no place for " + person, Body: []byte("cannot take " + person)}
	commit(t, s, &eventlog.Commit{Now: day + 10, Cuts: []*eventlog.Cut{
		{
			Consumer: consumers[0].ID, Low: 4, High: 9, Pending: 4, Counted: 9, Blocked: sampleBlocked,
			Attempts: []eventlog.Attempt{
				{Position: 4, Number: 1, At: 1, Outcome: eventlog.Failed, Detailed: true, Result: failed},
				{Position: 4, Number: 2, At: 2, Outcome: eventlog.Parked, Detailed: true, Result: failed},
				{Position: 6, Number: 1, At: 3, Outcome: eventlog.Done, Result: channel.Result{Status: 204}},
			},
			Waiting:   []eventlog.Waiting{{Lane: event.Lane{2}, Position: 7, Line: "line"}, {Lane: event.Lane{2}, Position: 9, Line: "line"}},
			Endpoints: []eventlog.Endpoint{{System: "s", URL: "https://example.org/in", Spell: 7}},
			Tallies:   []eventlog.Tally{{Line: "line", Day: 1, Outcome: eventlog.Matched, Count: 5}, {Line: "line", Day: 2, Outcome: eventlog.Done, Replayed: true, Count: 1}},
			Readings:  []eventlog.Reading{{UpTo: 6, At: 11}, {UpTo: 5, At: 12, Confirmed: true}, {UpTo: 4, Rest: true, At: 13}},
		},
		{Consumer: consumers[1].ID, Ended: true, Dropped: 3},
	}})
	if keys, err := s.Forget(t.Context(), "P1D", 1); keys != 1 || err != nil {
		t.Fatal(keys, err)
	}
	commit(t, s, &eventlog.Commit{Now: day + 11, Requests: []*eventlog.Request{{Erasure: &eventlog.Erasure{N: 1, Author: "æøå'", Reason: "case 7", UpTo: 9, Positions: []int64{5, 300}}}}})
	commit(t, s, &eventlog.Commit{Now: day + 12, Requests: []*eventlog.Request{{Intake: &eventlog.Intake{
		Source: "a", Stream: "kafka:a", Places: []eventlog.StreamPlace{{Partition: 3, To: 17}}, Aside: []eventlog.Aside{sampleAside},
	}}}})
	deliver(t, s, "1")
}

// sampleAside is what the sample has set aside of a stream.
var sampleAside = eventlog.Aside{
	Partition: 3, Offset: 16, Lane: event.Lane{1}, Outer: event.Lane{2}, Code: fault.InvalidEvent, Reason: "æøå'", Retention: "P30D", Message: []byte("about " + person),
}

// readSampleStream holds what a store reads of streams against what writeSample wrote.
func readSampleStream(t *testing.T, s *sqlite.Store) {
	t.Helper()
	state, err := s.Stream(t.Context(), "a", "kafka:a")
	if err != nil || state.Next[3] != 17 || state.Aside != 1 || state.Changes != 1 {
		t.Errorf("the stream stands at %+v, %v", state, err)
	}
	want := sampleAside
	want.Number, want.At = 1, day+12
	if list, err := s.Asides(t.Context(), "a", 0, 10, true); err != nil || len(list) != 1 || !reflect.DeepEqual(list[0], want) {
		t.Errorf("set aside is %+v, %v", list, err)
	}
}

// readSample holds what a store reads against what writeSample wrote.
func readSample(t *testing.T, s *sqlite.Store) {
	t.Helper()
	for n := 1; n <= sampleEvents; n++ {
		want, position := sampleEvent(n).Event, int64(3+n)
		e, err := s.At(t.Context(), position)
		if n == 5 {
			if err != nil || !e.Forgotten || len(e.Data) > 0 || len(e.Head) > 0 {
				t.Errorf("the forgotten event reads %+v, %v", e, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("event %d: %v", n, err)
			continue
		}
		if want.Lane.IsZero() {
			want.Lane = event.Alone(position)
		}
		if e.Position != position || e.Recorded != day+int64(n) || e.ID != want.ID || e.Source != want.Source || e.SourceID != want.SourceID || e.Type != want.Type ||
			e.Version != want.Version || e.Time != want.Time || e.Organisation != want.Organisation || e.Lane != want.Lane || e.Personal != want.Personal ||
			e.Retention != want.Retention || string(e.Head) != string(want.Head) || e.MediaType != want.MediaType || string(e.Data) != string(want.Data) {
			t.Errorf("event %d reads\n%+v, was\n%+v", n, e, want)
		}
		if found, err := s.Find(t.Context(), want.Source, want.SourceID); found != position || err != nil {
			t.Errorf("event %d is found at %d, %v", n, found, err)
		}
	}
	erasures, err := s.Erasures(t.Context(), 0, true, 10)
	if err != nil || len(erasures) != 1 || !slices.Equal(erasures[0].Positions, []int64{5, 300}) || erasures[0].Author != "æøå'" || erasures[0].At != day+11 || erasures[0].UpTo != 9 {
		t.Errorf("erasures %+v, %v", erasures, err)
	}
	revisions, err := s.Revisions(t.Context(), 0)
	if err != nil || len(revisions) != 3 || revisions[1].Document != nil || revisions[2].Author != "æøå'" || !strings.Contains(string(revisions[2].Document), `"P30D"`) {
		t.Errorf("revisions %+v, %v", revisions, err)
	}
	consumers, err := s.Consumers(t.Context())
	if err != nil || len(consumers) != 2 || !consumers[1].Ended {
		t.Fatalf("consumers %+v, %v", consumers, err)
	}
	k := consumers[0]
	if k.Name != "fine" || k.Low != 4 || k.High != 9 || k.Pending != 4 || k.Counted != 9 || !slices.Equal(k.Blocked, sampleBlocked) || k.Behind[event.Lane{2}] != 2 ||
		len(k.Settled) != 5 || k.Settled[8] {
		t.Errorf("the consumer is %+v", k)
	}
	waiting, err := s.WaitingIn(t.Context(), k.ID, event.Lane{2}, 0, 10)
	if err != nil || len(waiting) != 2 || waiting[1].Position != 9 {
		t.Errorf("waiting are %+v, %v", waiting, err)
	}
	attempts, err := s.AttemptsAt(t.Context(), 4)
	if err != nil || len(attempts) != 2 || attempts[1].Outcome != eventlog.Parked || attempts[1].Consumer != "fine" ||
		attempts[1].Result.Reason != "why" || attempts[1].Result.Detail != "no place for "+person || string(attempts[1].Result.Body) != "cannot take "+person {
		t.Errorf("attempts %+v, %v", attempts, err)
	}
	tallies, err := s.Tallies(t.Context(), "fine", 2)
	if err != nil || len(tallies) != 2 || tallies[0] != (eventlog.Tally{Line: "line", Day: 1, Outcome: eventlog.Matched, Count: 5}) ||
		tallies[1] != (eventlog.Tally{Line: "line", Day: 2, Outcome: eventlog.Done, Replayed: true, Count: 1}) || k.ByLine["line"] != 4 || k.Served != 6 || k.RestServed != 4 {
		t.Errorf("tallies %+v, %v; of the consumer %+v", tallies, err, k)
	}
	for _, want := range []struct{ position, served, confirmed int64 }{{4, 13, 12}, {5, 11, 12}, {6, 11, 0}, {7, 0, 0}} {
		place, err := s.Place(t.Context(), "fine", event.Lane{2}, want.position)
		if err != nil || place.Served != want.served || place.Confirmed != want.confirmed || place.Blocked == nil || place.First == nil || place.First.Position != 7 ||
			(place.Waiting != nil) != (want.position == 7) {
			t.Errorf("the place of %d is %+v, %v", want.position, place, err)
		}
	}
	endpoints, err := s.Endpoints(t.Context())
	if err != nil || len(endpoints) != 1 || endpoints[0].Spell != 7 {
		t.Errorf("endpoints %+v, %v", endpoints, err)
	}
	if epochs, err := s.Epochs(t.Context()); err != nil || len(epochs) != 1 || epochs[0].ID == 0 {
		t.Errorf("epochs %+v, %v", epochs, err)
	}
	// And it goes on.
	commitEvents(t, s, 2*day, personal("after", "P30D"))
	if e, err := s.At(t.Context(), 3+sampleEvents+1); err != nil || e.SourceID != "after" {
		t.Errorf("what was added reads %+v, %v", e, err)
	}
}

// writeDump makes the sample and writes its database as SQL, and its key beside it.
func writeDump(t *testing.T, name string) {
	t.Helper()
	target := filepath.Join("testdata", name)
	if _, err := os.Stat(target + ".sql"); err == nil {
		t.Fatalf("%s.sql is there: the dump of a release is never made anew", target)
	}
	db := filepath.Join(t.TempDir(), "hub.db")
	keys, err := secret.Open(target + ".secrets")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(db, sqlite.Options{Keys: keys, Same: same, Version: name})
	if err != nil {
		t.Fatal(err)
	}
	writeSample(t, s)
	s.Close()
	if err := os.WriteFile(target+".sql", []byte(sqlOf(t, db)), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sqlOf writes a database as the statements that make it.
func sqlOf(t *testing.T, file string) string {
	t.Helper()
	c, err := zombiezen.OpenConn(file, zombiezen.OpenReadWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var text strings.Builder
	texts := func(query string, visit func(text string)) {
		err := sqlitex.ExecuteTransient(c, query, &sqlitex.ExecOptions{ResultFunc: func(row *zombiezen.Stmt) error {
			visit(row.ColumnText(0))
			return nil
		}})
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	var tables []string
	texts("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid", func(name string) { tables = append(tables, name) })
	texts("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid", func(sql string) { fmt.Fprintf(&text, "%s;\n", sql) })
	for _, table := range tables {
		var columns []string
		texts("SELECT 'quote(' || name || ')' FROM pragma_table_info('"+table+"')", func(column string) { columns = append(columns, column) })
		texts("SELECT "+strings.Join(columns, " || ', ' || ")+" FROM "+table, func(values string) { fmt.Fprintf(&text, "INSERT INTO %s VALUES (%s);\n", table, values) })
	}
	texts("PRAGMA user_version", func(version string) { fmt.Fprintf(&text, "PRAGMA user_version=%s;\n", version) })
	return text.String()
}
