package manage_test

import (
	"reflect"
	"testing"

	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/status"
)

// foreseen is a hub with the status site prod of two components, which are operational.
func foreseen(t *testing.T) (w *managetest.World, search, mail string) {
	t.Helper()
	w = managetest.New(t)
	w.RegisterSites()
	_, err := w.Manager.PutSite(ctx, status.Site{
		Name: "prod", Title: status.Text{"en": "Production"}, Zone: "Europe/Copenhagen", Languages: []string{"en", "da"},
		Sections: []status.Section{{Name: "services", Title: status.Text{"en": "Services"}, Components: []status.Component{
			{Title: status.Text{"en": "Search"}}, {Title: status.Text{"en": "Mail"}},
		}}},
	}, creating())
	w.Must(err)
	components := w.Book.Board("prod").Components
	return w, components[0].ID, components[1].ID
}

// What is foreseen is what comes to be when the same is done, and foreseeing it does nothing.
func TestWhatIsForeseenIsWhatComes(t *testing.T) {
	t.Parallel()
	w, search, mail := foreseen(t)
	opening := manage.Opening{
		Kind: status.Incident, Facts: manage.Facts{Title: status.Text{"en": "Search is out"}}, Body: status.Text{"en": "We look into it."},
		Affected: map[string]status.State{search: status.MajorOutage},
	}
	foresee := func(change func(*manage.Manager) error) *manage.Outlook {
		t.Helper()
		head, board := w.Log.Head(), w.Book.Board("prod")
		o, err := w.Manager.Foresee(ctx, "prod", change)
		w.Must(err)
		if w.Log.Head() != head || w.Book.Board("prod") != board {
			t.Fatal("foreseeing has changed something")
		}
		return o
	}
	holds := func(o *manage.Outlook, is *status.Notice) {
		t.Helper()
		board := w.Book.Board("prod")
		if got, want := o.Then.PageHeadline(""), board.PageHeadline(""); got != want {
			t.Errorf("the headline was foreseen as %v, and is %v", got, want)
		}
		for _, s := range board.Components {
			if got := o.Then.Component(s.ID).State; got != s.State {
				t.Errorf("%s was foreseen as %s, and is %s", s.Title["en"], got, s.State)
			}
		}
		if is != nil && (o.Notice.Stage != is.Stage || o.Notice.Impact != is.Impact || !reflect.DeepEqual(o.Notice.Last().Affected, is.Last().Affected)) {
			t.Errorf("the notice was foreseen as %+v, and is %+v", o.Notice, is)
		}
	}

	var n *status.Notice
	open := func(m *manage.Manager) (err error) {
		n, err = m.OpenNotice(ctx, "prod", opening, "eva")
		return err
	}
	o := foresee(open)
	if o.Now.PageHeadline("") != status.AllOperational || o.Then.PageHeadline("") != status.PartialOfMajor || len(o.Changes) != 1 {
		t.Errorf("it is foreseen to go from %v to %v by %d changes", o.Now.PageHeadline(""), o.Then.PageHeadline(""), len(o.Changes))
	}
	w.Must(open(w.Manager))
	holds(o, n)

	id := n.ID
	resolve := func(m *manage.Manager) (err error) {
		n, err = m.Say(ctx, "prod", id, manage.Saying{Stage: status.Resolved, Body: status.Text{"en": "It works."}}, seen(w.Book.Board("prod").Notice(id).Version))
		return err
	}
	o = foresee(resolve)
	w.Must(resolve(w.Manager))
	holds(o, n)

	remove := func(m *manage.Manager) error { return m.RemoveNotice(ctx, "prod", id, anyState()) }
	o = foresee(remove)
	if o.Notice != nil || o.Then.Notice(id) != nil {
		t.Error("what is removed is foreseen to be there")
	}

	set := func(m *manage.Manager) error {
		return m.SetState(ctx, "prod", mail, manage.Setting{State: status.Degraded}, "eva")
	}
	o = foresee(set)
	w.Must(set(w.Manager))
	holds(o, nil)
}

// What would be refused is refused as it would be.
func TestWhatIsRefusedIsForeseenAsRefused(t *testing.T) {
	t.Parallel()
	w, _, _ := foreseen(t)
	for want, change := range map[string]func(*manage.Manager) error{
		"invalid-document /title required": func(m *manage.Manager) error {
			_, err := m.OpenNotice(ctx, "prod", manage.Opening{Kind: status.Incident}, "eva")
			return err
		},
		"not-found": func(m *manage.Manager) error { return m.RemoveNotice(ctx, "prod", "none", anyState()) },
	} {
		if _, err := w.Manager.Foresee(ctx, "prod", change); tell(err) != want {
			t.Errorf("%q, want %q", tell(err), want)
		}
	}
	if _, err := w.Manager.Foresee(ctx, "none", func(*manage.Manager) error { return nil }); tell(err) != "not-found" {
		t.Errorf("a site that is not there: %v", err)
	}
}
