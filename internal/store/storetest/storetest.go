// Package storetest holds every store to the same promises: one suite, run by each engine's own tests. Only tests import
// it.
//
// What an engine promises beyond that (traces in files, plans of queries, leases) is tested beside it.
package storetest

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/varselhub/varsel/internal/audit"
	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/ident"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/secret"
	"github.com/varselhub/varsel/internal/store"
)

// Store is all that the hub asks of a store.
type Store interface {
	eventlog.Store

	Indexed(ctx context.Context) (upTo int64, maker event.Clue, err error)
	Positions(ctx context.Context, clues []event.Clue, below int64, limit int) ([]int64, error)
	Named(ctx context.Context, id string) ([]int64, error)
	Before(ctx context.Context, recorded int64) (int64, error)
	Skeletons(ctx context.Context, w eventlog.Stretch, limit int) ([]*event.Event, error)
	Skeleton(ctx context.Context, position int64) (*event.Event, error)

	Stream(ctx context.Context, source, stream string) (eventlog.StreamState, error)
	Asides(ctx context.Context, source string, after int64, limit int, messages bool) ([]eventlog.Aside, error)

	Kept(ctx context.Context) ([]eventlog.Class, error)
	Forget(ctx context.Context, retention event.Retention, day int64) (keys int, err error)
	Prune(ctx context.Context, most int) (eventlog.Pruned, error)
	Erase(ctx context.Context, positions []int64, tell func(done int)) error
	EraseRows(ctx context.Context, list []eventlog.RowsOf) error
	EndErasure(ctx context.Context, n, at int64) error
	Erasures(ctx context.Context, before int64, underWay bool, limit int) ([]eventlog.Erasure, error)
	Erasure(ctx context.Context, n int64) (eventlog.Erasure, error)

	Audit(ctx context.Context, q audit.Query) ([]audit.Entry, error)
	AuditHead(ctx context.Context) (audit.Head, error)
}

// Options are what a store is opened with.
type Options struct {
	Keys store.Keys
	Same func(stored, offered *event.Event) bool
}

// Database is a database of one engine, empty at first, and a test's own.
type Database interface {
	// Open opens it, as often as it is asked to.
	Open(o Options) (Store, error)
	// Execute changes it behind the store's back, with statements that every engine takes.
	Execute(t testing.TB, statements string)
	// Registers is an open store of it, for who keeps rows of registers.
	Registers(s Store) deposit.Store
	// Entries goes through the audit log as one who only reads.
	Entries(t testing.TB) audit.Entries
}

// Engine is a kind of store.
type Engine struct {
	New    func(t testing.TB) Database
	Shared bool // several stores may be open on one database at a time
}

// test is one promise of the port.
type test struct {
	name string
	run  func(*testing.T, *world)
}

// Run runs the suite.
func Run(t *testing.T, e Engine) {
	tests := []test{
		{"AppendOnceAndInOrder", appendOnceAndInOrder},
		{"EventsReadBackAsWritten", eventsReadBackAsWritten},
		{"EventsOfAnyNumberGoIntoOneCommitWhole", eventsOfAnyNumber},
		{"EventsOfAnySize", eventsOfAnySize},
		{"ARefusedRequestTakesNothingElseBack", aRefusedRequest},
		{"ARepeatInOneCommitIsADuplicate", aRepeatInOneCommit},
		{"RecordedTimeNeverGoesBack", recordedTimeNeverGoesBack},
		{"AnEmptyCommitAsks", anEmptyCommitAsks},
		{"RevisionsExpectWhatTheirAuthorSaw", revisionsExpect},
		{"AChangeAndTheEventsThatTellItGoInTogether", aChangeAndItsEvents},
		{"ThereIsAnEpoch", thereIsAnEpoch},

		{"CutsReadBack", cutsReadBack},
		{"WhatIsOwed", whatIsOwed},
		{"RestComesInOrder", restComesInOrder},
		{"EndpointsAreRemembered", endpointsAreRemembered},
		{"PassesGoOn", passesGoOn},
		{"TalliesAddUp", talliesAddUp},
		{"WhereAnEventIs", whereAnEventIs},
		{"AReaderConfirms", aReaderConfirms},
		{"AConsumerEnds", aConsumerEnds},

		{"CluesAreFoundNewestFirst", cluesAreFoundNewestFirst},
		{"CluesAreMadeAnew", cluesAreMadeAnew},
		{"ForgettingTakesTheClues", forgettingTakesTheClues},
		{"BeforeATime", beforeATime},
		{"ASettledTimeGainsNothing", aSettledTime},
		{"Skeletons", skeletons},

		{"Forgetting", forgetting},
		{"ForgettingToday", forgettingToday},
		{"Pruning", pruning},
		{"ForgottenInLanes", forgottenInLanes},
		{"Erasing", erasing},
		{"AMissingPayloadIsDamage", aMissingPayloadIsDamage},
		{"KeysAreNeededToStart", keysAreNeededToStart},

		{"S42PlacesMoveWithTheEventsOrNotAtAll", placesMoveWithTheEvents},
		{"S42WhatIsSetAside", whatIsSetAside},
		{"WhatIsSetAsideIsForgotten", whatIsSetAsideIsForgotten},
		{"WhatIsSetAsideIsErased", whatIsSetAsideIsErased},
		{"F42ReceiptsAreKept", receiptsAreKept},
		{"F42ReceiptsAreForgotten", receiptsAreForgotten},
		{"ReceiptsAreErased", receiptsAreErased},

		{"F9Correction", correction},
		{"F9RealChange", realChange},
		{"F8F10RowsAreEndedAndNeverDeleted", rowsAreEnded},
		{"F10ADeliveryIsSeenWholeOrNotAtAll", aDeliveryIsSeenWhole},
		{"F10ABatchIsStagedWholeOrNotAtAll", aBatchIsStagedWhole},
		{"ADeliveryGoesOnWhereItStands", aDeliveryGoesOn},
		{"OneDeliveryOfARegisterAtATime", oneDeliveryAtATime},
		{"F11EventsGoOutInOrder", eventsGoOut},
		{"ARefusedDeliveryLeavesNothing", aRefusedDelivery},
		{"RowsAreErased", rowsAreErased},
		{"EventsToBeAreWithdrawnOrInTheLog", eventsAreWithdrawn},
		{"WhomADeliveryNamesGoesWithIt", personsGoWithTheirs},
		{"ClashesAreFound", clashesAreFound},
		{"F44bRowsArePaged", rowsArePaged},
		{"F43SpansAreRead", spansAreRead},
		{"ChangedRowsAreRefused", changedRowsAreRefused},
		{"OneOfSeveralDoesIt", oneOfSeveral},
		{"F6RowsAreThoseOfANaiveModel", rowsOfAModel},

		{"FiltersAreSealed", filtersAreSealed},
		{"AnActAndItsEntryAreOneTransaction", anActAndItsEntry},
		{"TheAuditLogIsAsked", theAuditLogIsAsked},
		{"TamperingIsFound", tamperingIsFound},

		{"ReadersBesideAWriter", readersBesideAWriter},
		{"ForgettingBesideReadersAndAWriter", forgettingBeside},
		{"ErasingBesideTheIndex", erasingBesideTheIndex},
	}
	if e.Shared {
		tests = append(tests, test{"TwoWriters", twoWriters}, test{"AnotherForgets", anotherForgets})
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, newWorld(t, e))
		})
	}
}

// world is a database with its vault, and whoever records outcomes in it.
type world struct {
	Database
	engine Engine
	dir    string // of the vault
	keys   *secret.Vault
	cuts   map[int64]int // the number of each consumer's last cut
}

func newWorld(t testing.TB, e Engine) *world {
	t.Helper()
	w := &world{Database: e.New(t), engine: e, dir: filepath.Join(t.TempDir(), "secrets"), cuts: map[int64]int{}}
	var err error
	if w.keys, err = secret.Open(w.dir); err != nil {
		t.Fatal(err)
	}
	return w
}

// open opens the store, which is closed with the test at the latest.
func (w *world) open(t testing.TB) Store {
	t.Helper()
	s, err := w.Open(Options{Keys: w.keys, Same: func(stored, offered *event.Event) bool { return string(stored.Data) == string(offered.Data) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// again closes the store and opens it anew, as a restart does.
func (w *world) again(t testing.TB, s Store) Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return w.open(t)
}

// takeUp begins to record for consumers.
func (w *world) takeUp(t testing.TB, s Store, names ...string) []eventlog.Consumer {
	t.Helper()
	list, err := s.TakeUp(t.Context(), 0, names...)
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		w.cuts[list[i].ID] = 0
	}
	return list
}

// record commits a cut of a consumer that was taken up.
func (w *world) record(t testing.TB, s Store, cut *eventlog.Cut) {
	t.Helper()
	w.cuts[cut.Consumer]++
	cut.Number = w.cuts[cut.Consumer]
	commit(t, s, &eventlog.Commit{Cuts: []*eventlog.Cut{cut}})
	if cut.Lost {
		t.Fatal("the cut was lost")
	}
}

// found makes a consumer, with a revision of its own, and takes it up.
func (w *world) found(t testing.TB, s Store, name string) eventlog.Consumer {
	t.Helper()
	r := revisions(t, s, revision.Removal("me", revision.Source, "b"))
	r.Consumers = []eventlog.Founding{{Name: name, System: "s"}}
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{r}})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return w.takeUp(t, s, name)[0]
}

// revisions is a request of one change of configuration by someone who saw all before it.
func revisions(t testing.TB, s Store, list ...revision.Revision) *eventlog.Request {
	t.Helper()
	before, err := s.Revisions(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	r := &eventlog.Request{Revisions: list}
	if len(before) > 0 {
		r.Expect = before[len(before)-1].Position
	}
	return r
}

// The days of the tests' events.
const day = event.MicrosPerDay

// person stands for a personal value.
const person = "0101701234"

func fresh(id, data string, lane byte) eventlog.Entry {
	return eventlog.Entry{Event: &event.Event{
		ID: ident.Message("urn:s", id), Source: "urn:s", SourceID: id, Type: "t", Version: "v1", Lane: event.Lane{lane},
		Organisation: event.Organisation{Type: "5", Code: "101"}, Personal: true,
		Head: fmt.Appendf(nil, `{"id":%q}`, id), MediaType: "text/plain", Data: []byte(data),
	}}
}

// personal is an event of a retention.
func personal(id string, retention event.Retention) eventlog.Entry {
	entry := fresh(id, `{"cpr":"`+person+`","id":"`+id+`"}`, 1)
	entry.Event.Retention = retention
	return entry
}

func commit(t testing.TB, s Store, c *eventlog.Commit) {
	t.Helper()
	if err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// publish commits events in one request, recorded at a time.
func publish(t testing.TB, s Store, now int64, entries ...eventlog.Entry) {
	t.Helper()
	r := &eventlog.Request{Entries: entries}
	commit(t, s, &eventlog.Commit{Requests: []*eventlog.Request{r}, Now: now})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
}

// read reads the whole log.
func read(t testing.TB, s Store) []*event.Event {
	t.Helper()
	head, _, err := s.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Range(t.Context(), 0, head, int(head))
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func newChain(t testing.TB) *audit.Chain {
	t.Helper()
	chain, err := audit.NewChain(make([]byte, audit.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return chain
}
