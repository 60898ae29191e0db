package manage_test

import (
	"slices"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/subscription"
)

// docs/states.md: what brings a subscription from state to state.
func TestStatesOfASubscription(t *testing.T) {
	t.Parallel()
	activate := func(w *managetest.World, id string) error { _, err := w.Manager.Activate(ctx, id, "eva"); return err }
	deactivate := func(w *managetest.World, id string) error {
		_, err := w.Manager.Deactivate(ctx, id, "eva", "moved")
		return err
	}
	test := func(w *managetest.World, id string) error { _, err := w.Manager.Test(ctx, id, "eva"); return err }
	pause := func(w *managetest.World, id string) error {
		return w.Manager.Pause(ctx, revision.OfSubscription(id), "eva", "")
	}
	resume := func(w *managetest.World, id string) error {
		return w.Manager.Resume(ctx, revision.OfSubscription(id), "eva")
	}
	later := func(w *managetest.World, id string) error { w.Clock.Advance(100 * 24 * time.Hour); return nil }
	type act func(*managetest.World, string) error
	for name, c := range map[string]struct {
		profile profile.Name
		given   sub
		acts    []act
		want    subscription.State
		err     string // of the last act
	}{
		"new, standard":                {profile.Standard, sub{}, nil, "active", ""},
		"new, star":                    {profile.Star, sub{}, nil, "untested", ""},
		"draft":                        {profile.Star, sub{State: "draft"}, nil, "draft", ""},
		"draft tested":                 {profile.Star, sub{State: "draft"}, []act{test}, "draft", ""},
		"draft activated, standard":    {profile.Standard, sub{State: "draft"}, []act{activate}, "active", ""},
		"draft activated, star":        {profile.Star, sub{State: "draft"}, []act{activate}, "untested", ""},
		"draft deactivated":            {profile.Standard, sub{State: "draft"}, []act{deactivate}, "draft", "conflict"},
		"untested activated by a word": {profile.Star, sub{}, []act{activate}, "untested", "conflict"},
		"untested, tested":             {profile.Star, sub{}, []act{test}, "active", ""},
		"deactivated":                  {profile.Standard, sub{}, []act{deactivate}, "deactivated", ""},
		"deactivated twice":            {profile.Standard, sub{}, []act{deactivate, deactivate}, "deactivated", ""},
		"and activated":                {profile.Star, sub{}, []act{test, deactivate, activate}, "active", ""},
		"deactivated, tested":          {profile.Star, sub{}, []act{test, deactivate, test}, "deactivated", ""},
		"paused":                       {profile.Standard, sub{}, []act{pause}, "paused", ""},
		"paused and resumed":           {profile.Standard, sub{}, []act{pause, pause, resume, resume}, "active", ""},
		"deactivated counts more":      {profile.Standard, sub{}, []act{pause, deactivate}, "deactivated", ""},
		"ended":                        {profile.Standard, sub{To: "2026-05-01"}, []act{pause, later}, "ended", ""},
		"not ended yet":                {profile.Standard, sub{To: "2026-12-31"}, []act{later}, "active", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := jobnet(t, c.profile)
			c.given.Name = "a"
			id := w.Subscribe("jobnet", c.given)["a"]
			var err error
			for _, act := range c.acts {
				err = act(w, id)
			}
			standing, _ := w.Manager.Subscription(ctx, id)
			if tell(err) != c.err || standing.Standing != c.want || (standing.Reason == "") == (standing.State == subscription.Deactivated) {
				t.Errorf("%s %v, want %s %q", standing.Standing, err, c.want, c.err)
			}
		})
	}
}

func TestWhatIsNotThereHasNoState(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	_, activate := w.Manager.Activate(ctx, "none", "eva")
	_, deactivate := w.Manager.Deactivate(ctx, "none", "eva", "")
	_, standing := w.Manager.Subscription(ctx, "none")
	for _, err := range []error{activate, deactivate, standing} {
		if tell(err) != "not-found" {
			t.Errorf("got %v", err)
		}
	}
}

// S56: pausing everything, a system, a subscription, an endpoint; the queue is kept and goes when it ends.
func TestPausesHoldAndKeep(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Standard)
	id := w.Subscribe("jobnet", sub{Name: "a", Path: "/a"})["a"]
	scopes := []revision.Scope{revision.Hub, revision.OfSystem("jobnet"), revision.OfSubscription(id), revision.OfEndpoint("jobnet", "https://jobnet.test/hook/a")}
	for _, scope := range scopes {
		w.Must(w.Manager.Pause(ctx, scope, "eva", "release"))
	}
	standing, err := w.Manager.Subscription(ctx, id)
	w.Must(err)
	if standing.Standing != subscription.Paused || !slices.Equal(standing.PausedBy, scopes) {
		t.Errorf("%+v", standing)
	}
	w.Publish("cv", kommune, 3)
	for _, scope := range scopes {
		if w.Engine.Totals().Delivered != 0 || w.Engine.Totals().Pending != 3 {
			t.Fatalf("%+v while %s is paused", w.Engine.Totals(), scope)
		}
		w.Must(w.Manager.Resume(ctx, scope, "eva"))
	}
	w.Delivered(3)
}

func TestAPauseIsOfSomethingThatIsThere(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Standard)
	w.Subscribe("jobnet", sub{Name: "a", Path: "/a"})
	for _, scope := range []revision.Scope{
		"", "hub/x", "world", revision.OfSystem("none"), revision.OfSubscription("none"), revision.OfEndpoint("none", "https://a"),
		revision.OfEndpoint("jobnet", "https://jobnet.test/hook/b"),
	} {
		if err := w.Manager.Pause(ctx, scope, "eva", ""); tell(err) != "not-found" {
			t.Errorf("pause %q: %v", scope, err)
		}
		if err := w.Manager.Resume(ctx, scope, "eva"); tell(err) != "not-found" {
			t.Errorf("resume %q: %v", scope, err)
		}
	}
}

// The engine's own change: a 410 deactivates (it goes through Revise), and a subscription that went meanwhile stays so.
func TestTheEngineRevises(t *testing.T) {
	t.Parallel()
	w := jobnet(t, profile.Standard)
	id := w.Subscribe("jobnet", sub{Name: "a"})["a"]
	line := w.Book.Line(id)
	w.Answer(410)
	w.Publish("cv", event.Organisation{}, 1)
	w.Until("it is deactivated", func() bool { return line.Now().State == subscription.Deactivated })
	if line.Now().Reason == "" {
		t.Error("no reason")
	}
	set := options(anyState(), 1)
	_, err := w.Manager.PutSubscriptions(ctx, "jobnet", nil, set)
	w.Must(err)
	w.Must(w.Manager.Revise(ctx, line, func(s *subscription.Subscription) { s.State = subscription.Active }))
	if line.Now() != nil {
		t.Error("it is back")
	}
}
