package manage_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/manage/managetest"
	"github.com/varselhub/varsel/internal/status"
	"github.com/varselhub/varsel/internal/status/statustest"
)

// busy is the story in which everything happens, as another hub would hand it over. Its past is before the test's clock.
func busy() manage.Imported {
	story := statustest.Busy()
	in := manage.Imported{Site: story.Site}
	for _, n := range story.Notices {
		in.Notices = append(in.Notices, *n)
	}
	for _, list := range story.Changes {
		for _, ch := range list {
			in.Changes = append(in.Changes, *ch)
		}
	}
	return in
}

// TestAnImportBringsAPastOnce: the site, its notices and its states as they were; again, and nothing is there twice.
func TestAnImportBringsAPastOnce(t *testing.T) {
	t.Parallel()
	w := managetest.New(t)
	w.RegisterSites()
	w.Clock.Advance(statustest.Now.Time().Sub(w.Clock.Now()))
	in := busy()
	report, err := w.Manager.ImportSite(context.Background(), "prod", in, manage.By{Author: "eva"})
	w.Must(err)
	if want := (manage.ImportReport{Created: true, Notices: len(in.Notices), Changes: len(in.Changes)}); report != want {
		t.Errorf("%+v, want %+v", report, want)
	}
	got, want := w.Book.Board("prod"), statustest.Busy().Board()
	if got.Headline("") != want.Headline("") {
		t.Errorf("the headline is %v, want %v", got.Headline(""), want.Headline(""))
	}
	for i, n := range want.Notices {
		was, _ := json.Marshal(n)
		is, _ := json.Marshal(got.Notices[i])
		if string(was) != string(is) {
			t.Errorf("notice %s is %s, was %s", n.ID, is, was)
		}
	}
	for i, c := range want.Components {
		if is := got.Components[i]; is.State != c.State || len(is.Spans) != len(c.Spans) || is.ID != c.ID {
			t.Errorf("%s is %s after %d changes, was %s after %d", c.ID, is.State, len(is.Spans), c.State, len(c.Spans))
		}
	}
	head := w.Log.Head()
	report, err = w.Manager.ImportSite(context.Background(), "prod", in, manage.By{Author: "eva"})
	w.Must(err)
	if report.Notices+report.Changes != 0 || report.Skipped != len(in.Notices)+len(in.Changes) || w.Log.Head() != head {
		t.Errorf("the second time: %+v, and the log went on from %d to %d", report, head, w.Log.Head())
	}
	events, _, err := w.Log.Read(context.Background(), 0, int(head))
	w.Must(err)
	told := 0
	for _, e := range events {
		if e.Type == status.SiteChanged {
			told++
		} else {
			t.Errorf("the past was told: %s", e.Data)
		}
	}
	if told != 1 {
		t.Errorf("the import was told %d times", told)
	}
}

// TestWhatIsRefusedOfAnImport: all of it or nothing, with every violation told.
func TestWhatIsRefusedOfAnImport(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change  func(*manage.Imported)
		pointer string
	}{
		"a notice without an id":          {func(in *manage.Imported) { in.Notices[1].ID = "" }, "/notices/1/id"},
		"two of one id":                   {func(in *manage.Imported) { in.Notices[1].ID = in.Notices[0].ID }, "/notices/1/id"},
		"a notice that says nothing":      {func(in *manage.Imported) { in.Notices[0].Updates = nil }, "/notices/0/updates"},
		"a notice of a component unknown": {func(in *manage.Imported) { in.Notices[0].Components = []string{"nosuch000000"} }, "/notices/0/components/0"},
		"a change of a component unknown": {func(in *manage.Imported) { in.Changes[0].Component = "nosuch000000" }, "/changes/0/component"},
		"a change to come":                {func(in *manage.Imported) { in.Changes[0].At = statustest.In(1_000_000_000) }, "/changes/0/at"},
		"a state that is none":            {func(in *manage.Imported) { in.Changes[0].State = "down" }, "/changes/0/state"},
		"a site that is none":             {func(in *manage.Imported) { in.Site.Zone = "Mars/Olympus" }, "/zone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := managetest.New(t)
			w.RegisterSites()
			w.Clock.Advance(statustest.Now.Time().Sub(w.Clock.Now()))
			in := busy()
			c.change(&in)
			head := w.Log.Head()
			_, err := w.Manager.ImportSite(context.Background(), "prod", in, manage.By{Author: "eva"})
			if !fault.Has(err, fault.InvalidDocument) {
				t.Fatalf("got %v", err)
			}
			found := false
			for _, v := range fault.Of(err).Violations {
				found = found || v.Pointer == c.pointer
			}
			if !found || w.Log.Head() != head {
				t.Errorf("%v, want one at %s; the log went on by %d", fault.Of(err).Violations, c.pointer, w.Log.Head()-head)
			}
		})
	}
}
