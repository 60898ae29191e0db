package manage_test

import (
	"errors"
	"net/url"
	"sync"
	"testing"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

func version(state event.State) event.Version {
	return event.Version{Type: "cv", Version: "v2", State: state, Sample: []byte(`{"a":1}`)}
}

// S2, S25, S45, S46: every document is checked whole, against itself and against what else there is.
func TestDocumentsAreRefusedWhole(t *testing.T) {
	t.Parallel()
	agreement := func(change func(*subscription.System)) func(w *managetest.World) error {
		return func(w *managetest.World) error {
			s := managetest.Agreement("jobnet", profile.Star)
			change(&s)
			_, err := w.Manager.PutSystem(ctx, s, creating())
			return err
		}
	}
	source := func(s event.Source) func(w *managetest.World) error {
		return func(w *managetest.World) error {
			_, err := w.Manager.PutSource(ctx, s, creating())
			return err
		}
	}
	for name, c := range map[string]struct {
		do   func(w *managetest.World) error
		want string
	}{
		"S2: a source": {source(event.Source{Name: "s", URI: "urn:s", Title: "S", Types: []string{"cv"}}), ""},
		"S2: a source whose types and name are wrong": {source(event.Source{Name: "S!", URI: "urn:s", Title: "S", Types: []string{"none"}}),
			"invalid-document /name slug; /types/0 exists"},
		"S2: another source's URI": {source(event.Source{Name: "s", URI: "urn:test:dfdg", Title: "S"}), "invalid-document /uri unique"},
		"a type": {func(w *managetest.World) error {
			_, err := w.Manager.PutType(ctx, event.Type{Name: "t", Title: "T", Order: "key"}, creating())
			return err
		}, ""},
		"a type without order": {func(w *managetest.World) error {
			_, err := w.Manager.PutType(ctx, event.Type{Name: "t", Title: "T"}, creating())
			return err
		}, "invalid-document /order enum"},
		"a version of no type": {func(w *managetest.World) error {
			_, err := w.Manager.PutVersion(ctx, event.Version{Type: "none", Version: "v1", State: event.StateDraft}, creating())
			return err
		}, "not-found"},
		"a version in use without sample": {func(w *managetest.World) error {
			_, err := w.Manager.PutVersion(ctx, event.Version{Type: "cv", Version: "v2", State: event.StateActive}, creating())
			return err
		}, "invalid-document /sample required"},
		"a version that fits neither schema nor type": {func(w *managetest.World) error {
			v := version(event.StateDraft)
			v.Schema = []byte(`{"type":"array"}`)
			v.Mapping = event.Mapping{Fields: map[string]string{"key": "/a"}}
			_, err := w.Manager.PutVersion(ctx, v, creating())
			return err
		}, "invalid-document /sample type; /mapping/key order"},

		"S5: an agreement": {agreement(func(*subscription.System) {}), ""},
		"S4: no technical contact": {agreement(func(s *subscription.System) { s.Agreement.Contacts = subscription.Contacts{} }),
			"invalid-document /agreement/contacts/technical/email required"},
		"S4: a contact that is none": {agreement(func(s *subscription.System) { s.Agreement.Contacts.Legal.Email = "nobody" }),
			"invalid-document /agreement/contacts/legal/email email"},
		"S5: no sources":     {agreement(func(s *subscription.System) { s.Agreement.Sources = nil }), "invalid-document /agreement/sources required"},
		"S5: unknown source": {agreement(func(s *subscription.System) { s.Agreement.Sources = []string{"none"} }), "invalid-document /agreement/sources/0 exists"},
		"S5: half an organisation": {agreement(func(s *subscription.System) { s.Agreement.Organisations = []event.Organisation{{Type: "5"}} }),
			"invalid-document /agreement/organisations/0 organisation"},
		"S45: no host":         {agreement(func(s *subscription.System) { s.Agreement.BaseURL = "/hook" }), "invalid-document /agreement/baseUrl url"},
		"S45: a query":         {agreement(func(s *subscription.System) { s.Agreement.BaseURL = "https://a.test/?x" }), "invalid-document /agreement/baseUrl url"},
		"S46: half a key pair": {agreement(func(s *subscription.System) { s.Agreement.Certificate = &subscription.Certificate{CertFile: "c"} }), "invalid-document /agreement/certificate required"},
		"4c-4: pushed bare": {agreement(func(s *subscription.System) {
			s.Agreement.Profile, s.Agreement.PushWrapper = profile.Datafordeler, "none"
		}), ""},
		"4c-4: wrapped how": {agreement(func(s *subscription.System) {
			s.Agreement.Profile, s.Agreement.PushWrapper = profile.Datafordeler, "some"
		}), "invalid-document /agreement/pushWrapper enum"},
		"4c-4: another's": {agreement(func(s *subscription.System) { s.Agreement.PushWrapper = "none" }), "invalid-document /agreement/pushWrapper profile"},
		"no profile":      {agreement(func(s *subscription.System) { s.Agreement.Profile = "none" }), "invalid-document /agreement/profile enum"},
		"signing keys of one's own": {agreement(func(s *subscription.System) { s.Signing = []subscription.SigningKey{{Ref: "x"}} }),
			"read-only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := managetest.New(t)
			w.Seed()
			before := w.Book.Last()
			if got := tell(c.do(w)); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if changed := w.Book.Last() != before; changed != (c.want == "") {
				t.Errorf("something was written: %v", changed)
			}
		})
	}
}

// S25: a version is fixed once it has been active, goes forward one step at a time, and there is one active at most.
func TestVersionsThroughTheirLife(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	put := func(want string, v event.Version) {
		t.Helper()
		if _, err := w.Manager.PutVersion(ctx, v, anyState()); tell(err) != want {
			t.Fatalf("%s %s: got %q, want %q", v.Version, v.State, tell(err), want)
		}
	}
	state := func(name string) event.State {
		v, _ := w.Book.VersionDocument("cv", name)
		return v.State
	}
	if _, err := w.Manager.PutVersion(ctx, version(event.StateRetired), creating()); tell(err) != "conflict" {
		t.Errorf("a version that begins at its end: %q", tell(err))
	}
	_, err := w.Manager.PutVersion(ctx, version(event.StateDraft), creating())
	w.Must(err)
	changed := version(event.StateDraft)
	changed.Sample = []byte(`{"a":2}`)
	put("", changed)
	put("conflict /state transition", version(event.StateDeprecated))

	active := version(event.StateActive)
	put("", active)
	if state("v1") != event.StateDeprecated || state("v2") != event.StateActive || w.Book.Version("cv", "").Version.Version != "v2" {
		t.Errorf("v1 is %s, v2 is %s", state("v1"), state("v2"))
	}
	if _, older := w.Book.VersionDocument("cv", "v1"); w.Book.Last() != older+1 {
		t.Error("an event could stand between the old version's end and the new one's beginning")
	}
	active.Sample = []byte(`{"a":3}`)
	put("version-immutable /sample immutable", active)
	active = version(event.StateActive)
	active.EndDate = "2027-01-01"
	put("", active)
	active.State = event.StateRetired
	put("conflict /state transition", active)
	active.State = event.StateDeprecated
	put("", active)
	active.State = event.StateRetired
	put("", active)
	active.State = event.StateActive
	put("conflict /state transition", active)
}

func TestWhatVersionsBuildOnStays(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	kind, _ := w.Book.Type("cv")
	next := *kind
	next.Title, next.Retention = "CV", "P6M"
	if _, err := w.Manager.PutType(ctx, next, anyState()); err != nil {
		t.Error(err)
	}
	next.Order, next.Personal = event.OrderKey, true
	if _, err := w.Manager.PutType(ctx, next, anyState()); tell(err) != "version-immutable /order immutable; /personal immutable" {
		t.Errorf("got %q", tell(err))
	}
	source, _ := w.Book.Source("dfdg")
	moved := *source
	moved.URI = "urn:elsewhere"
	if _, err := w.Manager.PutSource(ctx, moved, anyState()); tell(err) != "conflict" {
		t.Errorf("a source's URI moved: %q", tell(err))
	}
}

// Conditions on one document (RFC 9110 section 13.1), the same for every kind.
func TestConditions(t *testing.T) {
	t.Parallel()
	doc := func(title string) event.Source { return event.Source{Name: "s", URI: "urn:s", Title: title} }
	for name, c := range map[string]struct {
		there     bool
		title     string
		condition func(position int64) manage.Condition
		want      string
		written   bool
	}{
		"create":                      {false, "a", func(int64) manage.Condition { return manage.Condition{} }, "", true},
		"create, and none there":      {false, "a", func(int64) manage.Condition { return manage.Condition{Absent: true} }, "", true},
		"create, and one there":       {true, "b", func(int64) manage.Condition { return manage.Condition{Absent: true} }, "precondition-failed", false},
		"create the same once more":   {true, "a", func(int64) manage.Condition { return manage.Condition{Absent: true} }, "precondition-failed", false},
		"change what is gone":         {false, "b", func(int64) manage.Condition { return manage.Condition{Seen: []int64{7}} }, "precondition-failed", false},
		"change any, but none there":  {false, "b", func(int64) manage.Condition { return manage.Condition{Present: true} }, "precondition-failed", false},
		"change unseen":               {true, "b", func(int64) manage.Condition { return manage.Condition{} }, "if-match-required", false},
		"change what was seen":        {true, "b", func(p int64) manage.Condition { return manage.Condition{Seen: []int64{1, p}} }, "", true},
		"change any":                  {true, "b", func(int64) manage.Condition { return manage.Condition{Present: true} }, "", true},
		"change what has changed":     {true, "b", func(p int64) manage.Condition { return manage.Condition{Seen: []int64{p - 1}} }, "precondition-failed", false},
		"the same again, answer lost": {true, "a", func(p int64) manage.Condition { return manage.Condition{Seen: []int64{p - 1}} }, "", false},
		"the same again, unseen":      {true, "a", func(int64) manage.Condition { return manage.Condition{} }, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := managetest.New(t)
			var position int64
			if c.there {
				result, err := w.Manager.PutSource(ctx, doc("a"), creating())
				w.Must(err)
				position = result.Position
			}
			before := w.Book.Last()
			result, err := w.Manager.PutSource(ctx, doc(c.title), manage.By{Author: "eva", Condition: c.condition(position)})
			if tell(err) != c.want || result.Changed != c.written || (w.Book.Last() != before) != c.written {
				t.Fatalf("%q, %+v, written %v", tell(err), result, w.Book.Last() != before)
			}
			if err == nil && (result.Created == c.there || result.Position != w.Book.Last()) {
				t.Errorf("%+v", result)
			}
		})
	}
}

func TestRevisionsCarryTheirAuthor(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	_, err := w.Manager.PutSource(ctx, event.Source{Name: "s", URI: "urn:s", Title: "S"}, manage.By{Author: "eva"})
	w.Must(err)
	revisions, err := w.Store.Revisions(ctx, 0)
	w.Must(err)
	if len(revisions) != 1 || revisions[0].Author != "eva" || revisions[0].Kind != revision.Source {
		t.Errorf("%+v", revisions)
	}
}

// Changes of different things at once all go through; of two changes of one thing made for the same state one does.
func TestManyChangeAtOnce(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	_, position := w.Book.Source("dfdg")
	var wait sync.WaitGroup
	errs := make([]error, 20)
	for i := range errs {
		wait.Go(func() {
			if i < 10 {
				_, errs[i] = w.Manager.PutSource(ctx, event.Source{Name: "s" + string(rune('a'+i)), URI: "urn:s" + string(rune('a'+i)), Title: "S"}, creating())
				return
			}
			_, errs[i] = w.Manager.PutSource(ctx, event.Source{Name: "dfdg", URI: "urn:test:dfdg", Title: "S" + string(rune('a'+i))}, seen(position))
		})
	}
	wait.Wait()
	won := 0
	for i, err := range errs {
		switch {
		case err == nil && i >= 10:
			won++
		case i < 10 && err != nil || i >= 10 && tell(err) != "precondition-failed":
			t.Errorf("change %d: %v", i, err)
		}
	}
	if won != 1 {
		t.Errorf("%d of ten changes made for one state went through", won)
	}
}

// S45: the egress rules have a say in the base URL.
func TestTheEgressRulesAreAsked(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	m := manage.New(w.Log, w.Whole(), w.Clock, manage.Options{CheckURL: func(u *url.URL) error {
		return fault.Wrap(fault.AddressRefused, errors.New("cause"), "%s is inside", u.Hostname())
	}})
	_, err := m.PutSystem(ctx, managetest.Agreement("jobnet", profile.Star), creating())
	if tell(err) != "invalid-document /agreement/baseUrl egress" || fault.Of(err).Violations[0].Message != "jobnet.test is inside" {
		t.Errorf("%q %v", tell(err), err)
	}
}

// The hub's own sources, types and systems are no document of anybody's.
func TestTheHubsOwnIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.Seed()
	for name, do := range map[string]func() error{
		"source": func() error { _, err := w.Manager.PutSource(ctx, event.Source{Name: "varsel"}, creating()); return err },
		"type": func() error {
			_, err := w.Manager.PutType(ctx, event.Type{Name: "varsel.lane.parked"}, creating())
			return err
		},
		"version": func() error {
			_, err := w.Manager.PutVersion(ctx, event.Version{Type: "varsel.x", Version: "v1"}, creating())
			return err
		},
		"system": func() error {
			_, err := w.Manager.PutSystem(ctx, managetest.Agreement("varsel-contacts", profile.Star), creating())
			return err
		},
		"set": func() error {
			_, err := w.Manager.PutSubscriptions(ctx, "varsel-contacts", nil, options(anyState()))
			return err
		},
		"keys":    func() error { _, err := w.Manager.RotateKey(ctx, "varsel-contacts", "v1", 0, "eva"); return err },
		"removal": func() error { _, err := w.Manager.RemoveSystem(ctx, "varsel-contacts", anyState(), nil); return err },
	} {
		if err := do(); tell(err) != "read-only" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := w.Manager.PutType(ctx, event.Type{Name: "varselet", Title: "V", Order: event.OrderNone}, creating()); err != nil {
		t.Errorf("another name: %v", err)
	}
}

// S5, S52: what an agreement keeps, and what may change.
func TestAgreementsChange(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Star)
	w.Subscribe("jobnet", subscription.Subscription{Name: "all"})
	next := managetest.Agreement("jobnet", profile.Standard)
	if _, err := w.Manager.PutSystem(ctx, next, anyState()); tell(err) != "conflict" {
		t.Errorf("the profile of a system with subscriptions: %q", tell(err))
	}
	next.Agreement.Profile = profile.Star
	next.Agreement.BaseURL, next.Agreement.Contacts.Technical.Email = "https://new.test", "new@new.test"
	if _, err := w.Manager.PutSystem(ctx, next, anyState()); err != nil {
		t.Errorf("base URL and contacts: %v", err)
	}
	w.Subscribe("jobnet")
	next.Agreement.Profile = profile.Standard
	if _, err := w.Manager.PutSystem(ctx, next, anyState()); err != nil {
		t.Errorf("the profile of a system without subscriptions: %v", err)
	}
}
