package deposit_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/varselhub/varsel/internal/deposit"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/register"
)

// takenSilently takes a delivery in while nobody publishes: what follows from it waits.
func (w *world) takenSilently(id string, entities ...any) {
	w.T.Helper()
	w.Stop()
	_, err := deposit.New(w.options).Take(w.T.Context(), dagi, id, strings.NewReader(delivery(entities...)), nil)
	w.Must(err)
}

// ofPerson says what names a person, and which events are withdrawn with it.
func (w *world) ofPerson(name string) (rows []eventlog.RowsOf, withdrawn []eventlog.Withdrawn, text string) {
	w.T.Helper()
	rows, withdrawn, err := w.OfPerson(w.T.Context(), name)
	w.Must(err)
	for _, of := range rows {
		text += fmt.Sprintf("%d %v %v; ", of.Delivery, of.Rows, of.Outgoing)
	}
	for _, of := range withdrawn {
		text += fmt.Sprintf("%s %s %v", of.Source, of.Stream, of.Numbers)
	}
	return rows, withdrawn, text
}

// Promise 11: the rows that name a person, and the events that are to follow, are found by the columns that hold personal values;
// what was erased is told to nobody, also not when its registration ends.
func TestWhatNamesAPersonIsFoundAndNotTold(t *testing.T) {
	t.Parallel()
	w := ofPersons(t)
	at := func(r row) row {
		r.registered, r.from = "2020-01-01T00:00:00", "2020-01-01T00:00:00"
		return r
	}
	w.taken("1", at(row{id: "1", object: "a", name: " Anna ", event: "CreateEvent"}), at(row{id: "2", object: "b", name: "Bo"}))
	w.takenSilently("2",
		at(row{id: "3", object: "c", name: "Anna", event: "CreateEvent"}), at(row{id: "4", object: "d", name: "Bo", event: "CreateEvent"}),
		ends("1", "2021-01-01T00:00:00", "UpdateEvent"), // of a row that names her
		at(row{id: "5", object: "e", name: "", event: "CreateEvent"}))
	rows, withdrawn, text := w.ofPerson("Anna")
	if want := "2 [] [2 4]; 1 [1] []; 2 [3] []; dagi register/dagi [2 4]"; text != want {
		t.Fatalf("Anna has %q, want %q", text, want)
	}
	if _, _, text := w.ofPerson("anna"); text != "" {
		t.Errorf("anna, who is another, has %q", text)
	}
	request := &eventlog.Request{Erasure: &eventlog.Erasure{N: 1, Author: "eva", Reason: "case 7", Rows: rows}, Withdrawn: withdrawn}
	w.Must(w.Log.Append(t.Context(), request))
	w.Must(w.Store.EraseRows(t.Context(), rows))
	w.Depositor = w.start()
	d := w.taken("3", ends("3", "2022-01-01T00:00:00", "DeleteEvent"), ends("4", "2022-01-01T00:00:00", "DeleteEvent"))
	if d.Closed != 2 || d.Events != 1 {
		t.Errorf("%+v", d)
	}
	w.published("2")
	var told []string
	for _, e := range w.told() {
		told = append(told, e.ID+" "+strings.TrimSpace(e.Data["navn"]))
	}
	if got, want := fmt.Sprint(told), "[1/1 Anna 2/2 Bo 2/4  3/2 Bo]"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
	found, _, err := w.Find(t.Context(), &deposit.Question{Register: dagi, Type: entity, Object: []string{"a"}, History: true, Limit: 9})
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	text1, err := found[0].JSON()
	want := `{"erased":true,"registreringFra":"2020-01-01T00:00:00.000000Z","virkningFra":"2020-01-01T00:00:00.000000Z","registreringTil":"2021-01-01T00:00:00.000000Z"}`
	if err != nil || string(text1) != want {
		t.Errorf("an erased row is told as %s, %v", text1, err)
	}
	if _, _, text := w.ofPerson("Anna"); text != "" {
		t.Errorf("there is still %q", text)
	}
}

// What is in the log already, and not forgotten of the outbox yet, is an event's erasure's.
func TestWhatIsInTheLogIsNotWithdrawn(t *testing.T) {
	t.Parallel()
	w := ofPersons(t)
	anna := row{id: "1", object: "a", name: "Anna", registered: "2020-01-01T00:00:00", from: "2020-01-01T00:00:00", event: "CreateEvent"}
	bo := row{id: "2", object: "b", name: "Anna", registered: "2020-01-01T00:00:00", from: "2020-01-01T00:00:00", event: "CreateEvent"}
	w.takenSilently("1", anna, bo)
	w.Must(w.Log.Append(t.Context(), &eventlog.Request{Intake: &eventlog.Intake{Source: dagi, Stream: "register/" + dagi, Places: []eventlog.StreamPlace{{To: 2}}}}))
	if _, _, text := w.ofPerson("Anna"); text != "1 [] [2]; 1 [1 2] []; dagi register/dagi [2]" {
		t.Errorf("Anna has %q", text)
	}
}

// An event that names a person is found by the mapping of its type once it is in the log: a delivery whose event would not be is
// refused.
func TestAnEventThatWouldNotBeFoundIsRefused(t *testing.T) {
	t.Parallel()
	w := ofPersons(t)
	reg, _ := w.Book.Register(dagi)
	next := *reg
	next.Types = []register.EntityType{reg.Types[0]}
	next.Types[0].Columns = append(append([]register.Column{}, reg.Types[0].Columns...), register.Column{Name: "ejer", Personal: true})
	_, err := w.Manager.PutRegister(t.Context(), next, manage.By{Author: "test", Condition: manage.Condition{Present: true}})
	w.Must(err)
	owned := func(kind string) string {
		text := part("objectid", "1"+kind) + part("id_lokalId", "a"+kind) + part("navn", "Anna") + part("ejer", "Bo") + part("status", "x") +
			part("registreringFra", "2020-01-01T00:00:00") + part("virkningFra", "2020-01-01T00:00:00")
		return operation("Create", kind, text)
	}
	_, err = w.take("1", owned("CreateEvent"))
	if v := fault.Of(err).Violations; len(v) != 1 || v[0].Rule != "personal" || strings.Contains(v[0].Message, "Bo") {
		t.Errorf("it is refused with %+v, %v", v, err)
	}
	w.taken("2", owned("NoEvent"))
}

// The digest of a delivery, which stays when a person is erased, cannot be tried out by who lacks the hub's secret.
func TestDigestsAreKeyed(t *testing.T) {
	t.Parallel()
	digest := func(secret byte) []byte {
		w := ofPersons(t)
		hasher, err := event.NewHasher(bytes.Repeat([]byte{secret}, 32))
		w.Must(err)
		w.options.Handles = hasher
		w.takenSilently("1", row{id: "1", object: "a", name: "Anna", registered: "2020-01-01T00:00:00", from: "2020-01-01T00:00:00"})
		d, err := w.Delivery(t.Context(), dagi, "1")
		w.Must(err)
		return d.Digest
	}
	if one := digest(1); bytes.Equal(one, digest(2)) || !bytes.Equal(one, digest(1)) {
		t.Error("it is of the content alone")
	}
}

// A ready message stands in no column: whom it names is told by the mapping of its event type.
func TestAReadyMessageNamesByTheMapping(t *testing.T) {
	t.Parallel()
	w := ofPersons(t)
	by := manage.By{Author: "test"}
	_, err := w.Manager.PutType(t.Context(), event.Type{Name: "SagAfsluttet", Title: "S", Order: event.OrderNone, Personal: true, Retention: "P6M"}, by)
	w.Must(err)
	_, err = w.Manager.PutVersion(t.Context(), event.Version{
		Type: "SagAfsluttet", Version: "v1", State: event.StateActive, Sample: []byte(`{}`),
		Mapping: event.Mapping{Fields: map[string]string{"besked.message": "/Grunddatabesked/Hændelsesbesked"}, Personal: []string{"/Grunddatabesked/Hændelsesbesked/Beskeddata/0/Objektreference/objektreference"}},
	}, by)
	w.Must(err)
	w.takenSilently("1", readyMessage)
	if _, _, text := w.ofPerson("0101701234"); text != "1 [] [1]; dagi register/dagi [1]" {
		t.Errorf("it names %q", text)
	}
}

const readyMessage = `<Haendelsesbesked xmlns="urn:dk:grunddata:1.0.0"><Beskedversion>1.0</Beskedversion><BeskedId>f90c19c0-39da-45f2-9093-fd6afe4335ca</BeskedId>` +
	`<Beskedkuvert><Filtreringsdata><Beskedtype>SagAfsluttet</Beskedtype><BeskedansvarligAktoer>GST</BeskedansvarligAktoer><Objektregistrering>` +
	`<Registreringstid>2026-01-01T00:00:00</Registreringstid><ObjektId>7</ObjektId><Objekttype>Sag</Objekttype></Objektregistrering></Filtreringsdata>` +
	`<Leveranceinformation><Dannelsestidspunkt>2026-01-01T00:00:00</Dannelsestidspunkt><Kildesystem>mat</Kildesystem><Sikkerhedsklassificering>x#NonConfidential</Sikkerhedsklassificering></Leveranceinformation>` +
	`</Beskedkuvert><Beskeddata><Objektreference>0101701234</Objektreference></Beskeddata></Haendelsesbesked>`

// The column that tells rows apart names nobody, and what names somebody stays so: what is there was noted by it.
func TestPersonalColumns(t *testing.T) {
	t.Parallel()
	w := ofPersons(t)
	reg, position := w.Book.Register(dagi)
	change := func(f func(*register.EntityType)) error {
		next := *reg
		next.Types = []register.EntityType{reg.Types[0]}
		next.Types[0].Columns = append([]register.Column{}, reg.Types[0].Columns...)
		f(&next.Types[0])
		_, err := w.Manager.PutRegister(t.Context(), next, manage.By{Author: "test", Condition: manage.Condition{Present: true}})
		return err
	}
	_ = position
	for what, f := range map[string]func(*register.EntityType){
		"the row's column":     func(y *register.EntityType) { y.Columns[0].Personal = true },
		"one that was not":     func(y *register.EntityType) { y.Columns[3].Personal = true },
		"one that was no more": func(y *register.EntityType) { y.Columns[2].Personal = false },
	} {
		if err := change(f); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
	if err := change(func(y *register.EntityType) {
		y.Columns = append(y.Columns, register.Column{Name: "ejer", Personal: true})
	}); err != nil {
		t.Errorf("a new column that names somebody: %v", err)
	}
}
