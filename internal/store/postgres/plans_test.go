package postgres

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store"
	"github.com/varselhub/varsel/internal/store/pgtest"
)

var (
	update     = flag.Bool("update", false, "write the golden files anew")
	planEvents = flag.Int("plans.events", 1_000_000, "how many events the plans of hot statements are looked at over")
)

// hot are the statements whose cost must not grow with the log, with arguments as literals. %d stands for a segment.
var hot = []struct {
	name, query string
	args        []string
}{
	{"Range", skeletonRange, []string{"500000", "500512"}},
	{"At", skeletonAt, []string{"500000"}},
	{"Skeletons", skeletonsDown, []string{"0", "500000", "", "", "50"}},
	{"Skeletons of a type", skeletonsDown, []string{"0", "500000", "", "type-7", "50"}},
	{"Skeletons of a source", skeletonsDown, []string{"0", "500000", "urn:source:7", "", "50"}},
	{"Before", before, []string{"432000000000"}},
	{"Named", named, []string{"id-4711"}},
	{"Find", store.Find, []string{"urn:source:7", "id-4711"}},
	{"payloads of a range", strings.Replace(payloadsOf, "%s", "payloads_%d", 1), []string{"%d", "500000", "500512"}},
	{"lanes", strings.Replace(lanesOf, "%s", "payloads_%d", 1), []string{"%d", "{500000,500001}"}},
	{"attempts of an event", attemptsAt, []string{"500000"}},
	{"answers to an event", answersAt, []string{"500000"}},
	{"clues", cluesOf, []string{"00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002", "500000", "100"}},
	{"days to search", toSearch, []string{"500000"}},
	{"erased meanwhile", erasedOf, []string{"{500000,500001}"}},

	{"Consumer", store.ConsumerNamed, []string{"consumer-3"}},
	{"Blocked", store.Blocked, []string{"3"}},
	{"BlockedLane", store.BlockedLane, []string{"3", "00000000-0000-0000-0000-000000000001"}},
	{"Behind", store.Behind, []string{"3"}},
	{"SettledWaiting", store.SettledWaiting, []string{"3", "999000"}},
	{"SettledAttempts", store.SettledAttempts, []string{"990000", "998192", "3", "4"}},
	{"OnDisk", store.OnDisk, []string{"3", "line"}},
	{"WaitingIn", store.WaitingIn, []string{"3", "00000000-0000-0000-0000-000000000001", "0", "100"}},
	{"WaitingAt", store.WaitingAt, []string{"3", "00000000-0000-0000-0000-000000000001", "5000"}},
	{"Rest", store.Rest, []string{"3", "5000", "100"}},
	{"Tried", store.Tried, []string{"500000", "500512", "3"}},
	{"HandedOut", store.HandedOut, []string{"3", "500000"}},
	{"a cut's fence", fence, []string{"1", "{3}", "{0}", "{1}", "{5}", "{6}", "{7}", "{8}", "{f}", "{0}"}},
	{"answers into", answersInto, []string{"%d", "{500001,500003}", "{3,3}", "{1,1}", "{1,1}", "{x,x}"}},
	{"hashes into", hashesInto, []string{"%d", "{00000000-0000-0000-0000-000000000001}", "{500001}"}},
	{"message ids into", messagesInto, []string{"%d", "500000", "500512", "432000000000", "518400000000"}},

	{"Rows known", knownRows(&register.Query{After: 5000, Registered: 5, Effective: 5, Limit: 100}), []string{"1", "2", "1", "5000", "25000", "5", "5", "100"}},
	{"Rows of an object", knownRows(&register.Query{Object: register.Handle{1}, Limit: 100}), []string{"1", "2", "1", "0", "00000000-0000-0000-0000-000000000001", "5", "5", "100"}},
	{"the history of an object", knownRows(&register.Query{Object: register.Handle{1}, History: true, Limit: 100}), []string{"1", "2", "1", "0", "00000000-0000-0000-0000-000000000001", "100"}},
	{"how far rows are looked at", store.RowUpTo, []string{"1", "5000", "200000", "19999"}},
	{"Rows by their handles", store.RowsByID, []string{"1", "2", "1", "{00000000-0000-0000-0000-000000000001}", "200000"}},
	{"rows that a span closed", spanClosed, []string{"1", "1", "5000", "100000", "1", "3", "100"}},
	{"rows that a span made", spanMade, []string{"1", "3", "1", "100000", "200000", "100"}},
	{"Clashes", clashes, []string{"1", "1", "150000", "151000", "100"}},
	{"rows to close", rowsToClose, []string{"1", "{1}", "{00000000-0000-0000-0000-000000000001}"}},
	{"refused rows", store.DropRows, []string{"1", "150000", "1000"}},
	{"refused closings", store.DropClosings, []string{"1", "2", "1000"}},
	{"whom a delivery names", store.DropPersons, []string{"1", "150000", "1000"}},
	{"whom what was sent names", store.SentPersons, []string{"1", "5000"}},
	{"who is named", store.PersonsFound, []string{"00000000-0000-0000-0000-000000000001"}},
	{"events to be", store.Outgoing, []string{"1", "5000", "100000", "500"}},

	{"Pending", store.Pending, []string{"11", "3", "10"}},
}

var (
	spanClosed, _ = store.ChangesOf(&register.Span{}, store.RegisterView{}, 1, 0, 0).Closed()
	spanMade, _   = store.ChangesOf(&register.Span{}, store.RegisterView{}, 1, 0, 0).Made(0)
)

func knownRows(q *register.Query) string {
	query, _ := store.RowsKnown(q, store.RegisterView{N: 1}, 1, 1)
	return query
}

// The statements that a delivery, a request or a page waits for go by an index, whichever way the server plans them: for
// the arguments, or once for all. Their plans, without costs, are in testdata; -update writes them anew.
func TestHotStatementsUseAnIndex(t *testing.T) {
	t.Parallel()
	url := pgtest.Database(t)
	segment := fill(t, url, *planEvents)
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	var golden strings.Builder
	for i, statement := range hot {
		fmt.Fprintf(&golden, "== %s\n", statement.name)
		plans := map[string]bool{}
		for _, mode := range []string{"force_custom_plan", "force_generic_plan"} {
			plan := planOf(t, c, mode, i, segment)
			if scanned := scansWhole.FindString(plan); scanned != "" {
				t.Errorf("%s, %s: %s", statement.name, mode, scanned)
			}
			if !plans[plan] {
				plans[plan] = true
				fmt.Fprintf(&golden, "-- %s\n%s", mode, plan)
			}
		}
	}
	const file = "testdata/plans.golden"
	if *update {
		if err := os.WriteFile(file, []byte(golden.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(file); err != nil || string(want) != golden.String() {
		t.Errorf("the plans are others than in %s, %v:\n%s", file, err, golden.String())
	}
}

// scansWhole finds the reading of a whole table that grows with the log.
var scansWhole = regexp.MustCompile(`Seq Scan on (events|payloads|answers|attempts|event_ids|waiting|blocked|clues|register_rows|register_closings|register_outgoing|register_persons)\S*`)

// planOf is a statement's plan, normalised.
func planOf(t *testing.T, c *pgx.Conn, mode string, i int, segment int32) string {
	t.Helper()
	of := func(text string) string {
		return strings.NewReplacer("%d", fmt.Sprint(segment), "%[1]d", fmt.Sprint(segment)).Replace(text)
	}
	args := make([]string, len(hot[i].args))
	for n, arg := range hot[i].args {
		args[n] = "'" + of(arg) + "'"
	}
	name := fmt.Sprintf("%s_%d", mode, i)
	for _, text := range []string{"SET plan_cache_mode = " + mode, "PREPARE " + name + " AS " + of(hot[i].query)} {
		if _, err := c.Exec(t.Context(), text, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", hot[i].name, err)
		}
	}
	var text string
	execute := fmt.Sprintf("EXPLAIN (FORMAT JSON, COSTS OFF) EXECUTE %s (%s)", name, strings.Join(args, ", "))
	if err := c.QueryRow(t.Context(), execute, pgx.QueryExecModeSimpleProtocol).Scan(&text); err != nil {
		t.Fatalf("%s: %v", hot[i].name, err)
	}
	var explained []struct{ Plan node }
	if err := json.Unmarshal([]byte(text), &explained); err != nil {
		t.Fatal(err)
	}
	var plan strings.Builder
	explained[0].Plan.write(&plan, "")
	return plan.String()
}

// node is what of a plan's node is kept.
type node struct {
	Type     string `json:"Node Type"`
	Relation string `json:"Relation Name"`
	Index    string `json:"Index Name"`
	Plans    []node `json:"Plans"`
}

var numbered = regexp.MustCompile(`_\d+`)

// write writes the node and those below it, partitions that are planned alike once. How an index is gone by, straight, by
// itself or through a bitmap, is left out: it hangs on what vacuum has seen.
func (n *node) write(to *strings.Builder, indent string) {
	if n.Type == "Bitmap Heap Scan" && len(n.Plans) == 1 {
		n.Index, n.Plans = n.Plans[0].Index, nil
	}
	line := indent + n.Type
	if n.Index != "" {
		line = indent + "Index Scan using " + n.Index
	}
	if n.Relation != "" {
		line += " on " + n.Relation
	}
	fmt.Fprintln(to, numbered.ReplaceAllString(line, "_N"))
	last := ""
	for i := range n.Plans {
		var below strings.Builder
		n.Plans[i].write(&below, indent+"  ")
		if below.String() != last {
			last = below.String()
			to.WriteString(last)
		}
	}
}

// fill makes a log of so many events over ten days with what belongs to them, and returns a segment in its middle.
func fill(t *testing.T, url string, events int) (segment int32) {
	t.Helper()
	ctx := t.Context()
	vault, err := secret.Open(filepath.Join(t.TempDir(), "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, url, Options{Keys: vault})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.reach(ctx, int64(events)); err != nil {
		t.Fatal(err)
	}
	var numbers, ids []string
	for day := range int64(10) {
		for _, class := range []event.Retention{"", "P30D", ofMessageIDs} {
			n, err := s.segment(ctx, eventlog.Class{Retention: class, Day: day})
			if err != nil {
				t.Fatal(err)
			}
			if class == ofMessageIDs {
				ids = append(ids, fmt.Sprint(n))
				continue
			}
			numbers = append(numbers, fmt.Sprint(n))
			if day == 5 {
				segment = n
			}
		}
	}
	of := strings.NewReplacer(
		"EVENTS", fmt.Sprint(events), "DAY", "((g - 1) * 10 / EVENTS)", // of an event
		"SEGMENT", fmt.Sprintf("(ARRAY[%s])[2 * ((g - 1) * 10 / %d) + 1 + g %% 2]", strings.Join(numbers, ","), events),
		"OFIDS", fmt.Sprintf("(ARRAY[%s])[(g - 1) * 10 / %d + 1]", strings.Join(ids, ","), events))
	runAll(t, s, of, []string{
		"INSERT INTO sources (uri) SELECT 'urn:source:' || g FROM generate_series(1, 20) g",
		"INSERT INTO types (type, version) SELECT 'type-' || g, 'v1' FROM generate_series(1, 50) g",
		"UPDATE log_end SET position = EVENTS, recorded = 864000000000",
	})
	var all sync.WaitGroup
	for _, query := range []string{
		`INSERT INTO events SELECT g, (g - 1) * (864000000000 / EVENTS), md5(g::text)::uuid, 1 + g % 20, 1 + g % 50, g, '5:101', 1, SEGMENT FROM generate_series(1::bigint, EVENTS) g`,
		"INSERT INTO payloads SELECT SEGMENT, g, md5((g % 10000)::text)::uuid, 1, '\\x00010203040506070809'::bytea FROM generate_series(1::bigint, EVENTS) g",
		"INSERT INTO event_ids SELECT 1 + g % 20, 'id-' || g, g FROM generate_series(1::bigint, EVENTS) g",
		"INSERT INTO clues SELECT SEGMENT, md5((g % 10000)::text)::uuid, g FROM generate_series(1::bigint, EVENTS) g",
		"INSERT INTO clues SELECT OFIDS, md5(g::text)::uuid, g FROM generate_series(1::bigint, EVENTS) g",
		"INSERT INTO consumers (name, system, low, high) SELECT 'consumer-' || g, 's', EVENTS, EVENTS FROM generate_series(1, 1000) g",
		"INSERT INTO attempts SELECT g, 1 + g % 1000, 1, g, 4, 200, 1000, 0, NULL FROM generate_series(1::bigint, EVENTS) g",
		"INSERT INTO answers SELECT SEGMENT, g, 1 + g % 1000, 1, 1, '\\x00'::bytea FROM generate_series(1::bigint, EVENTS, 100) g",
		"INSERT INTO waiting SELECT 1 + g % 1000, md5((g % 1000)::text)::uuid, g, 'line', 0, 0 FROM generate_series(1::bigint, EVENTS, 10) g",
		"INSERT INTO blocked SELECT 1 + g % 1000, md5(g::text)::uuid, g, 'line', 1, 1, 1, 1, 1, 0, 500, '', 0 FROM generate_series(1::bigint, EVENTS, 100) g",
		"INSERT INTO tallies SELECT 1 + g % 1000, 'line-' || g % 7, g / 700, 4, 0, 1 FROM generate_series(1, 20000) g ON CONFLICT DO NOTHING",
		"INSERT INTO register_rows SELECT 1, g, md5('r' || g)::uuid, md5('o' || g / 3)::uuid, 0, 9223372036854775807, 0, 9223372036854775807, 1 + g * 5 / EVENTS, 1, '\\x00'::bytea FROM generate_series(1::bigint, EVENTS / 5) g",
		"INSERT INTO register_closings SELECT 1, g, 5, 1 + g * 5 / EVENTS FROM generate_series(1::bigint, EVENTS / 5, 3) g",
		"INSERT INTO register_persons SELECT md5((g % 10000)::text)::uuid, 1, g, 1 + g * 5 / EVENTS, 0 FROM generate_series(1::bigint, EVENTS / 5) g",
		"INSERT INTO register_outgoing SELECT 1, g, 1 + g * 10 / EVENTS, 1, '\\x00'::bytea FROM generate_series(1::bigint, EVENTS / 10) g",
		"INSERT INTO readings SELECT 1 + g % 1000, 0, g, 1, 0 FROM generate_series(1, 20000) g",
	} {
		all.Go(func() { runAll(t, s, of, []string{query}) })
	}
	all.Wait()
	runAll(t, s, of, []string{"VACUUM ANALYZE"})
	return segment
}

// runAll runs statements whose words are replaced, and theirs.
func runAll(t *testing.T, s *Store, of *strings.Replacer, queries []string) {
	for _, query := range queries {
		if _, err := s.pool.Exec(t.Context(), of.Replace(of.Replace(query)), pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Errorf("%s: %v", query, err)
		}
	}
}
