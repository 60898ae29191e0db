package movetest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/varselhub/varsel/internal/app"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/publish"
	"github.com/varselhub/varsel/internal/register"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store"
	"github.com/varselhub/varsel/internal/store/movetest"
	"github.com/varselhub/varsel/internal/store/pgtest"
	"github.com/varselhub/varsel/internal/store/postgres"
	"github.com/varselhub/varsel/internal/store/sqlite"
)

const dump = "../sqlite/testdata/v0.1.sql"

// more adds to the dump what it has nothing of: audit entries are the chain's, and made by the hub's own test.
const more = `
	INSERT INTO passes VALUES (3, 1, 'line', 'me', 1, '{}', 0, 2, 5, 1, 0);
	INSERT INTO segments VALUES (1, 1, 'message ids'), (2, 1, 'P30D'), (3, -3, 'P1D');
	INSERT INTO clues VALUES (1, x'0102030405060708090a0b0c0d0e0f10', 4), (2, x'ff02030405060708090a0b0c0d0e0f10', 4), (2, x'0f02030405060708090a0b0c0d0e0f10', 5), (3, x'0002030405060708090a0b0c0d0e0f10', 8);
	UPDATE hub SET value = '9' WHERE name = 'clues';
	UPDATE hub SET value = '0102030405060708090a0b0c0d0e0f10' WHERE name = 'clue maker';
	INSERT INTO epochs VALUES (2, 77, 6);
	INSERT INTO waiting VALUES (1, x'02000000000000000000000000000000', 8, 'li` + "\x01" + `ne', 0, 0);
	UPDATE blocked SET reason = 'æ' || char(0) || 'ø' WHERE position = 4;`

// loaded is the dump with something more, and with a message set aside of a stream.
func loaded(t testing.TB) (data string) {
	t.Helper()
	data = movetest.Load(t, dump)
	movetest.Local(t, data, more)
	keys, err := secret.Open(filepath.Join(data, "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(filepath.Join(data, "varsel.db"), sqlite.Options{Keys: keys, Same: publish.Same})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	request := &eventlog.Request{Intake: &eventlog.Intake{
		Source: "a", Stream: "kafka:a", Places: []eventlog.StreamPlace{{Partition: 3, To: 17}}, Aside: []eventlog.Aside{aside},
	}}
	received := &eventlog.Request{Receipts: []eventlog.Receipt{receipt, {System: "b", Message: receipt.Message, Position: 5, Type: "t"}}}
	known, err := s.Revisions(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	received.Expect, received.Revisions = known[len(known)-1].Position, []revision.Revision{{Kind: revision.Extract, Subject: "x", Document: ofOne}}
	if err := s.Commit(t.Context(), &eventlog.Commit{Now: 1, Requests: []*eventlog.Request{request, received}}); err != nil || request.Err != nil {
		t.Fatal(err, request.Err)
	}
	deliver(t, s.Registers())
	if err := s.EraseRows(t.Context(), []eventlog.RowsOf{{Register: "r", Type: "T", Delivery: 1, Begun: 5, Rows: []int64{1}}}); err != nil {
		t.Fatal(err)
	}
	return data
}

// ofOne is a document that is sealed.
var ofOne = json.RawMessage(`{"name":"x","register":"r","object":["0101701234"]}`)

// deliver has a register deliver two rows, of which one is ended, and an event; and begin to deliver more.
func deliver(t testing.TB, rows *sqlite.Registers) {
	t.Helper()
	always := register.Interval{From: 1, To: register.Open}
	row := func(id byte) register.Row {
		return register.Row{Type: "T", ID: register.Handle{id}, Object: register.Handle{id, 1}, Registration: always, Effect: always, Data: []byte{'{', id, '}'},
			Persons: []register.Naming{{Clue: event.Clue{id, 2}, Object: true}}}
	}
	for n := range int64(2) {
		d, err := rows.Begin(t.Context(), &register.Delivery{Register: "r", ID: fmt.Sprint("delivery ", n+1), Begun: 5})
		if err != nil {
			t.Fatal(err)
		}
		d.Staged, d.Rows, d.Closed, d.Events, d.Digest = 3, 2, 1-n, 1, []byte("digest")
		b := &register.Batch{Delivery: d, Rows: []register.Row{row(byte(10*n + 1)), row(byte(10*n + 2))}, Outgoing: []register.Outgoing{{Draft: []byte("draft")}}}
		if n == 0 {
			b.Closings = []register.Closing{{Type: "T", Row: register.Handle{1}, At: 7}}
		}
		if err := rows.Stage(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			if err := rows.Commit(t.Context(), d); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// readDelivered reads what deliver has left, and goes on with it.
func readDelivered(t *testing.T, s *postgres.Store) {
	t.Helper()
	r := s.Registers()
	rows, next, err := r.Rows(t.Context(), &register.Query{Register: "r", Type: "T", History: true, Limit: 10})
	if err != nil || next != 0 || len(rows) != 2 || rows[0].Registration != (register.Interval{From: 1, To: 7}) || rows[1].Registration.To != register.Open ||
		!rows[0].Erased || rows[1].Erased || string(rows[1].Data) != "{\x02}" || rows[1].Object != (register.Handle{2, 1}) {
		t.Errorf("the rows are %+v, %v", rows, err)
	}
	if list, err := r.Outgoing(t.Context(), "r", 0, 10); err != nil || len(list) != 1 || string(list[0].Draft) != "draft" || list[0].Delivery != 1 {
		t.Errorf("outgoing is %+v, %v", list, err)
	}
	known, err := s.Revisions(t.Context(), 0)
	if err != nil || string(known[len(known)-1].Document) != string(ofOne) {
		t.Errorf("the last change of configuration is %+v, %v", known, err)
	}
	for id, want := range map[byte]int{1: 0, 2: 1, 11: 1} {
		if list, err := r.OfPerson(t.Context(), event.Clue{id, 2}); err != nil || len(list) != want {
			t.Errorf("%d is named by %+v, %v", id, list, err)
		}
	}
	d, err := r.Delivery(t.Context(), "r", "delivery 2")
	if err != nil || d.State != register.Staging || d.Staged != 3 || string(d.Digest) != "digest" {
		t.Fatalf("the second delivery is %+v, %v", d, err)
	}
	more := *d
	more.Staged, more.Rows = 4, 3
	always := register.Interval{From: 1, To: register.Open}
	b := &register.Batch{Delivery: &more, Before: 3, Rows: []register.Row{{Type: "New", ID: register.Handle{1}, Registration: always, Effect: always}}}
	if err := r.Stage(t.Context(), b); err != nil || b.Rows[0].Number != 5 {
		t.Errorf("it goes on with %+v, %v", b.Rows, err)
	}
	if _, err := r.Begin(t.Context(), &register.Delivery{Register: "another", ID: "1"}); err != nil {
		t.Errorf("another register cannot begin: %v", err)
	}
}

var receipt = eventlog.Receipt{System: "a", Message: ident.UUID{9}, Position: 4, Type: "t", Objects: []string{"o"}, Text: "thanks"}

var aside = eventlog.Aside{Partition: 3, Offset: 16, Lane: event.Lane{1}, Outer: event.Lane{2}, Code: fault.InvalidEvent, Reason: "why", Retention: "P30D", Message: []byte("what it said")}

func move(t testing.TB, data, url string, o app.Moving) (*app.Moved, error) {
	t.Helper()
	return app.Move(t.Context(), app.Config{Data: data, Store: url}, o)
}

func opened(t testing.TB, data, url string) (*postgres.Store, error) {
	t.Helper()
	vault, err := secret.Open(filepath.Join(data, "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := postgres.Open(t.Context(), url, postgres.Options{Keys: vault, Same: publish.Same})
	if err == nil {
		t.Cleanup(func() { s.Close() })
	}
	return s, err
}

// A hub of the first release is upgraded, moved, and read.
func TestTheFirstReleasesHubMoves(t *testing.T) {
	t.Parallel()
	data, url := loaded(t), pgtest.Database(t)
	moved, err := move(t, data, url, app.Moving{})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int64{}
	for _, table := range moved.Tables {
		rows[table.Name] = table.Rows
	}
	want := map[string]int64{"events": 6, "revisions": 4, "attempts": 3, "clues": 3, "waiting": 3, "blocked": 2, "consumers": 2, "epochs": 2, "passes": 1, "tallies": 2, "readings": 3, "streams": 1, "stream_places": 1, "aside": 1, "receipts": 2,
		"registers": 1, "register_types": 1, "register_deliveries": 2, "register_rows": 4, "register_closings": 1, "register_outgoing": 2, "register_persons": 3}
	for table, n := range want {
		if rows[table] != n {
			t.Errorf("of %s %d rows were moved, want %d", table, rows[table], n)
		}
	}
	readMoved(t, data, url)
	if _, err := move(t, data, url, app.Moving{}); !fault.Has(err, fault.HubMoved) {
		t.Errorf("moved again: %v", err)
	}
}

// readMoved reads what the dump holds out of the new database.
func readMoved(t *testing.T, data, url string) {
	t.Helper()
	s, err := opened(t, data, url)
	if err != nil {
		t.Fatal(err)
	}
	for position := int64(4); position <= 9; position++ {
		e, err := s.At(t.Context(), position)
		if err != nil || e.Forgotten != (position == 8) || e.Position != position {
			t.Errorf("at %d is %+v, %v", position, e, err)
			continue
		}
		found, err := s.Find(t.Context(), "urn:s", fmt.Sprint("sample-", position-3))
		if err != nil || found != position {
			t.Errorf("sample %d is found at %d, %v", position-3, found, err)
		}
	}
	if e, err := s.At(t.Context(), 6); err != nil || string(e.Data) != "\x00\x01\xff'" || e.Retention != "" || e.Lane != event.Alone(6) {
		t.Errorf("the binary event reads %+v, %v", e, err)
	}
	consumers, err := s.Consumers(t.Context())
	if err != nil || len(consumers) != 2 || !consumers[1].Ended {
		t.Fatalf("consumers are %+v, %v", consumers, err)
	}
	k := consumers[0]
	if k.Low != 4 || k.High != 9 || k.Pending != 4 || len(k.Blocked) != 2 || k.Behind[event.Lane{2}] != 3 || k.ByLine["line"] != 4 {
		t.Errorf("the consumer is %+v", k)
	}
	attempts, err := s.AttemptsAt(t.Context(), 4)
	if err != nil || len(attempts) != 2 || attempts[1].Result.Reason != "why" || !strings.HasPrefix(string(attempts[1].Result.Body), "cannot take ") {
		t.Errorf("attempts are %+v, %v", attempts, err)
	}
	if epochs, err := s.Epochs(t.Context()); err != nil || len(epochs) != 2 || epochs[1] != (eventlog.Epoch{ID: 77, After: 6}) {
		t.Errorf("epochs are %+v, %v", epochs, err)
	}
	clue := event.Clue{0xff, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	if positions, err := s.Positions(t.Context(), []event.Clue{clue}, 100, 10); err != nil || len(positions) != 1 || positions[0] != 4 {
		t.Errorf("by a clue are found %v, %v", positions, err)
	}
	if upTo, maker, err := s.Indexed(t.Context()); err != nil || upTo != 9 || maker[0] != 1 {
		t.Errorf("indexed up to %d by %v, %v", upTo, maker, err)
	}
	if list, err := s.Receipts(t.Context(), eventlog.ReceiptQuery{Message: receipt.Message}); err != nil || len(list) != 2 || list[0].Text != "thanks" || list[0].Objects[0] != "o" || list[0].At == 0 {
		t.Errorf("receipts are %+v, %v", list, err)
	}
	if list, err := s.Asides(t.Context(), "a", 0, 10, true); err != nil || len(list) != 1 || string(list[0].Message) != "what it said" || list[0].Outer != aside.Outer || list[0].Retention != "P30D" {
		t.Errorf("set aside are %+v, %v", list, err)
	}
	if state, err := s.Stream(t.Context(), "a", "kafka:a"); err != nil || state.Next[3] != 17 || state.Changes != 1 {
		t.Errorf("the stream stands at %+v, %v", state, err)
	}
	readDelivered(t, s)
	if n, err := s.DrawPass(t.Context()); err != nil || n != 4 {
		t.Errorf("the next replay is %d, %v", n, err)
	}
	// And it goes on: what comes next has the next position, and names the numbers that come next.
	next := eventlog.Entry{Event: &event.Event{ID: [16]byte{1}, Source: "urn:new", SourceID: "next", Type: "new", Version: "v1", Retention: "P30D", Lane: event.Lane{2}, Data: []byte("x")}}
	request := &eventlog.Request{Entries: []eventlog.Entry{next}}
	if err := s.Commit(t.Context(), &eventlog.Commit{Requests: []*eventlog.Request{request}, Now: 1}); err != nil || request.Entries[0].Position != 11 {
		t.Errorf("what comes next is at %d, %v %v", request.Entries[0].Position, err, request.Err)
	}
}

// A table that is added to a hub is moved, or is known not to be: what is left behind would be missed by nobody's count.
func TestEveryTableMoves(t *testing.T) {
	t.Parallel()
	known := map[string]string{
		"attempt_details": "with attempts", "payloads": "with events", "data_keys": "sealed anew", "pruning": "nothing is left to prune", "segments": "with clues", "hub": "its end",
	}
	for _, table := range store.Tables() {
		known[table.Name] = "moved"
	}
	for _, name := range movetest.Tables(t, loaded(t)) {
		if known[name] == "" {
			t.Errorf("the table %s is in no row of store.Tables: varsel move would leave it behind", name)
		}
		delete(known, name)
	}
	for name := range known {
		t.Errorf("there is no table %s any more", name)
	}
}

// environment tells a process of the test binary that it is a move, and when it dies.
const environment = "VARSEL_TEST_MOVE"

// TestMover is a move in a process of its own, which is killed as if by kill -9 after so many steps.
func TestMover(t *testing.T) {
	data, rest, ok := strings.Cut(os.Getenv(environment), "|")
	if !ok {
		return // nobody started it
	}
	url, text, _ := strings.Cut(rest, "|")
	steps, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	_, err = move(t, data, url, app.Moving{Batch: 1, Step: func(string, int64, int64) {
		if steps--; steps == 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// Killed after each of its steps in turn, a move goes on and ends with all there was; until then nothing starts on either
// side.
func TestAMoveThatIsKilledGoesOn(t *testing.T) {
	t.Parallel()
	data, url := loaded(t), pgtest.Database(t)
	kills := 0 // it compares from the beginning each time, and would never end by itself
	for steps := 1; kills < 20; steps = 1 + kills%4 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMover$")
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%d", environment, data, url, steps))
		out, err := cmd.CombinedOutput()
		if err == nil {
			break
		}
		if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
			t.Fatalf("%v\n%s", err, out)
		}
		if kills++; kills%6 == 1 {
			if _, err := opened(t, data, url); !fault.Has(err, fault.MoveUnfinished) {
				t.Fatalf("after %d kills a hub starts on the new database: %v", kills, err)
			}
			if _, err := app.OpenAudit(t.Context(), app.Config{Data: data}); !fault.Has(err, fault.MoveUnfinished) {
				t.Fatalf("after %d kills the old database is used: %v", kills, err)
			}
		}
	}
	moved, err := move(t, data, url, app.Moving{Batch: 1})
	if err != nil || !moved.Resumed {
		t.Fatalf("%+v, %v", moved, err)
	}
	readMoved(t, data, url)
}

// What is not the same afterwards is found, whichever it is, and the database is not used.
func TestADifferenceIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper, says string
		code         fault.Code
	}{
		"a payload changed":        {"UPDATE payloads SET sealed = set_byte(sealed, 20, 255 - get_byte(sealed, 20)) WHERE position = 4", "position 4", fault.SealBroken},
		"a payload gone":           {"DELETE FROM payloads WHERE position = 7", "position 7", fault.SealBroken},
		"an event erased":          {"UPDATE events SET flags = flags | 2 WHERE position = 5", "row 2 of events, 5", fault.MoveDiffers},
		"an event gone":            {"DELETE FROM events WHERE position = 9", "events has 5 rows", fault.MoveDiffers},
		"an event too many":        {"INSERT INTO events SELECT 10, recorded, id, source, type, time, organisation, flags, segment FROM events WHERE position = 8", "events has more rows", fault.MoveDiffers},
		"a lane changed":           {"UPDATE payloads SET lane = '00000000-0000-0000-0000-000000000009' WHERE position = 4", "row 1 of events, 4", fault.MoveDiffers},
		"a watermark moved":        {"UPDATE consumers SET low = low + 1 WHERE id = 1", "row 1 of consumers, 1", fault.MoveDiffers},
		"a waiting delivery lost":  {"DELETE FROM waiting WHERE position = 9", "waiting has 2 rows", fault.MoveDiffers},
		"an answer lost":           {"DELETE FROM answers WHERE number = 2", "row 2 of attempts, 4/1/2", fault.MoveDiffers},
		"a clue too many":          {"INSERT INTO clues SELECT segment, clue, position + 1 FROM clues WHERE position = 5", "clues", fault.MoveDiffers},
		"a revision's author":      {"UPDATE revisions SET author = 'you' WHERE position = 1", "row 1 of revisions", fault.MoveDiffers},
		"an erasure":               {"UPDATE erasures SET positions = '\\x00'", "row 1 of erasures", fault.MoveDiffers},
		"a message set aside":      {"UPDATE aside SET outside = lane", "aside", fault.MoveDiffers},
		"a receipt":                {"UPDATE receipts SET at = at + 1", "receipts", fault.MoveDiffers},
		"a stream's place":         {"UPDATE stream_places SET next = 18", "stream_places", fault.MoveDiffers},
		"a register's row":         {"UPDATE register_rows SET effect_to = 9 WHERE number = 2", "row 2 of register_rows, 1/2", fault.MoveDiffers},
		"a sealed document":        {"UPDATE revisions SET sealed = set_byte(sealed, 12, 255 - get_byte(sealed, 12)) WHERE sealed IS NOT NULL", "of configuration", fault.SealBroken},
		"a row's data":             {"UPDATE register_rows SET sealed = set_byte(sealed, 12, 255 - get_byte(sealed, 12)) WHERE number = 2", "2 of a register", fault.SealBroken},
		"a closing lost":           {"DELETE FROM register_closings", "register_closings", fault.MoveDiffers},
		"an event to be":           {"UPDATE register_outgoing SET delivery = 2", "register_outgoing", fault.MoveDiffers},
		"a delivery's state":       {"UPDATE register_deliveries SET state = 'published' WHERE number = 1", "register_deliveries", fault.MoveDiffers},
		"a source's id with other": {"UPDATE event_ids SET position = 5 WHERE position = 4", "event_ids", fault.MoveDiffers},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data, url := loaded(t), pgtest.Database(t)
			done := false
			_, err := move(t, data, url, app.Moving{Step: func(doing string, _, _ int64) {
				if !done && strings.HasPrefix(doing, "comparing") {
					done = true
					movetest.Shared(t, url, c.tamper)
				}
			}})
			if !fault.Has(err, c.code) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("it is found as %v; want %s, %q", err, c.code, c.says)
			}
			if _, err := opened(t, data, url); !fault.Has(err, fault.MoveUnfinished) {
				t.Errorf("a hub starts on it: %v", err)
			}
		})
	}
}

// A database that has something in it is left alone, and so is the hub that was to move there.
func TestNothingIsMovedOntoAnotherHub(t *testing.T) {
	t.Parallel()
	data, url := movetest.Load(t, dump), pgtest.Database(t)
	if _, err := move(t, data, url, app.Moving{}); err != nil {
		t.Fatal(err)
	}
	other := movetest.Load(t, dump)
	if _, err := move(t, other, url, app.Moving{}); !fault.Has(err, fault.StoreNotEmpty) {
		t.Errorf("onto a hub that was moved: %v", err)
	}
	movetest.Shared(t, url, "DELETE FROM hub WHERE name = 'moved'")
	if _, err := move(t, other, url, app.Moving{}); !fault.Has(err, fault.StoreNotEmpty) {
		t.Errorf("onto a hub: %v", err)
	}
	if log, err := app.OpenAudit(context.Background(), app.Config{Data: other}); err != nil {
		t.Errorf("the hub that stayed cannot be used: %v", err)
	} else {
		_ = log.Close()
	}
}
