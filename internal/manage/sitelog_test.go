package manage_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/eventlog"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/revision"
	"github.com/varselhub/varsel/internal/status"
)

// Two managers of one log, as two nodes have them, change one notice at once: nothing that was accepted is lost, and of two
// who have seen the same state one is told so.
func TestTwoManagersLoseNothing(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	n := w.outage(w.search, status.Degraded)
	managers := []*manage.Manager{w.Manager, w.Colleague()}
	const each = 12
	var all sync.WaitGroup
	var edited atomic.Int64
	for i, m := range managers {
		all.Go(func() {
			for j := range each {
				if _, err := m.Say(ctx, "prod", n.ID, manage.Saying{Body: en(fmt.Sprint(i, " ", j))}, manage.By{Author: "eva"}); err != nil {
					t.Error(err)
				}
				if err := m.SetState(ctx, "prod", []string{w.mail, w.files}[i], manage.Setting{State: status.States[j%5]}, "eva"); err != nil {
					t.Error(err)
				}
			}
			f := manage.FactsOf(n)
			f.Title = en(fmt.Sprint("by ", i))
			version := w.board().Notice(n.ID).Version
			for range each {
				_, err := m.EditNotice(ctx, "prod", n.ID, f, seen(version))
				switch {
				case err == nil:
					edited.Add(1)
					return
				case !fault.Has(err, fault.Precondition):
					t.Error(err)
				}
				version = w.board().Notice(n.ID).Version
			}
		})
	}
	all.Wait()
	now := w.board().Notice(n.ID)
	for i := range managers {
		for j := range each {
			if !slices.ContainsFunc(now.Updates, func(u status.Update) bool { return u.Body["en"] == fmt.Sprint(i, " ", j) }) {
				t.Errorf("what %d said %d. is lost", i, j)
			}
		}
	}
	if len(now.Updates) != 1+2*each || len(now.Earlier) != int(edited.Load()) || edited.Load() == 0 {
		t.Errorf("%d updates, %d titles of %d", len(now.Updates), len(now.Earlier), edited.Load())
	}
	for i, then := range w.Book.NoticeHistory("prod", n.ID) {
		if said := len(then.Notice.Updates) + len(then.Notice.Earlier); said != i+1 {
			t.Errorf("the %d. form holds %d changes", i+1, said)
		}
	}
	w.toldWhole()
}

// What another node changes between a look and its append is looked at anew.
func TestAChangeInBetweenIsNotLost(t *testing.T) {
	t.Parallel()
	w := newSiteWorld(t)
	n := w.outage(w.search, status.Degraded)
	other := w.Colleague()
	between := func(text string) {
		w.Between(func() {
			_, err := other.Say(ctx, "prod", n.ID, manage.Saying{Body: en(text)}, creating())
			w.Must(err)
		})
	}
	between("first")
	w.say(n, manage.Saying{Stage: status.Resolved, Body: en("second")})
	between("third")
	f := manage.FactsOf(n)
	if _, err := w.Manager.EditNotice(ctx, "prod", n.ID, f, seen(w.board().Notice(n.ID).Version)); err != nil {
		t.Errorf("what is so already: %v", err)
	}
	f.Title = en("Late")
	if _, err := w.Manager.EditNotice(ctx, "prod", n.ID, f, seen(w.board().Notice(n.ID).Version)); tell(err) != "precondition-failed" {
		t.Errorf("of a state that was gone: %v", err)
	}
	var bodies []string
	for _, u := range w.board().Notice(n.ID).Updates {
		bodies = append(bodies, u.Body["en"])
	}
	if got := strings.Join(bodies, ", "); got != "It is out., first, second, third" {
		t.Errorf("it was said: %s", got)
	}
}

// A hub that ends in the middle of changes has told exactly those that it has: what is not in the log was neither made nor
// told.
func TestAChangeIsToldExactlyWhenItIsMade(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		w := newSiteWorld(t)
		w.System("jobnet", "standard")
		random := rand.New(rand.NewPCG(seed, 1))
		until, cut := context.WithCancel(ctx)
		var all sync.WaitGroup
		for range 3 {
			steps := rand.New(rand.NewPCG(seed, random.Uint64()))
			all.Go(func() {
				for until.Err() == nil {
					w.anyChange(until, steps)
				}
			})
		}
		head := w.Log.Head() + 40 + random.Int64N(100)
		for w.Log.Head() < head {
			grown := w.Log.Grown()
			if w.Log.Head() < head {
				<-grown
			}
		}
		w.Log.Abandon()
		cut()
		all.Wait()
		w.toldWhole()
	}
}

// anyChange makes one change of the site, which may be refused.
func (w *siteWorld) anyChange(ctx context.Context, random *rand.Rand) {
	board := w.board()
	component := []string{w.search, w.mail, w.files}[random.IntN(3)]
	states := says{component: status.States[random.IntN(5)]}
	if len(board.Notices) == 0 || random.IntN(8) == 0 {
		o := manage.Opening{Kind: status.Kinds[random.IntN(5)], Facts: manage.Facts{Title: en("It"), Starts: w.in(time.Hour), Ends: w.in(2 * time.Hour)}}
		if o.Kind == status.Incident {
			o.Starts, o.Ends, o.Affected = 0, 0, states
		}
		if o.Kind == status.Planned {
			o.Repeat, o.Pause = &status.Repeat{Every: "week"}, []string{"jobnet"}
		}
		_, _ = w.Manager.OpenNotice(ctx, "prod", o, "eva")
		return
	}
	n := board.Notices[random.IntN(len(board.Notices))]
	by := manage.By{Author: "eva", Condition: manage.Condition{Seen: []int64{n.Version}}}
	stage := n.Kind.Stages()[random.IntN(3)]
	switch random.IntN(8) {
	case 0:
		_ = w.Manager.RemoveNotice(ctx, "prod", n.ID, by)
	case 1:
		f := manage.FactsOf(n)
		f.Title = en(fmt.Sprint(random.IntN(100)))
		_, _ = w.Manager.EditNotice(ctx, "prod", n.ID, f, by)
	case 2:
		_ = w.Manager.SetState(ctx, "prod", component, manage.Setting{State: states[component], Reason: en(fmt.Sprint(random.IntN(3)))}, "eva")
	case 3:
		_, _ = w.Manager.PutSite(ctx, w.changed(func(s *status.Site) { s.Title = en(fmt.Sprint(random.IntN(100))) }), anyState())
	case 4:
		_, _ = w.Manager.Say(ctx, "prod", n.ID, manage.Saying{Stage: stage, Body: en("x"), Affected: states}, by)
	default:
		_, _ = w.Manager.Say(ctx, "prod", n.ID, manage.Saying{Stage: stage, Body: en("x")}, by)
	}
}

// toldWhole holds what the log has of the site to what it tells of it: after its end, read anew, there is one event for each
// change, with what came of it, before the change itself.
func (w *siteWorld) toldWhole() {
	w.T.Helper()
	book := revision.NewBook(time.UTC)
	log, err := eventlog.Open(ctx, w.Store, book, w.Clock, eventlog.Options{Chain: w.Chain})
	w.Must(err)
	defer log.Abandon()
	events, upTo, err := log.Read(ctx, 0, 100_000)
	w.Must(err)
	if upTo != log.Head() {
		w.T.Fatalf("read up to %d of %d", upTo, log.Head())
	}
	revisions, err := w.Store.Revisions(ctx, 0)
	w.Must(err)
	told, made := w.toldOf(events), w.madeOf(revisions)
	if len(made) < 10 || !slices.Equal(told, made) {
		w.T.Errorf("it is told:\n  %s\nand made:\n  %s", strings.Join(told, "\n  "), strings.Join(made, "\n  "))
	}
}

// toldOf writes every event, as madeOf does every revision.
func (w *siteWorld) toldOf(events []*event.Event) (list []string) {
	sites := []string{}
	for _, e := range events {
		switch e.Type {
		case status.SiteChanged:
			var told status.SiteTold
			w.Must(json.Unmarshal(e.Data, &told))
			if told.Change == "created" || told.Change == "changed" {
				sites = append(sites, "site called "+told.Page.Name)
			}
		case status.ComponentChanged:
			var told status.ComponentTold
			w.Must(json.Unmarshal(e.Data, &told))
			list = append(list, fmt.Sprintf("component %s is %s since %d", told.Component.ID, told.To, told.At))
		case status.NoticeChanged, status.MessageChanged:
			var told status.NoticeTold
			w.Must(json.Unmarshal(e.Data, &told))
			list = append(list, fmt.Sprintf("notice %s %s with %d updates called %s", told.Notice.ID, told.Change, len(told.Notice.Updates), told.Notice.Title["en"]))
		}
	}
	return sorted(list, sites)
}

func sorted(lists ...[]string) []string {
	all := slices.Concat(lists...)
	slices.Sort(all)
	return all
}

// madeOf writes every revision that everyone is told of.
func (w *siteWorld) madeOf(revisions []revision.Revision) (list []string) {
	states, notices := map[string]status.State{}, map[string]*status.Notice{}
	sites := []string{}
	for i := range revisions {
		r := &revisions[i]
		switch r.Kind {
		case revision.Site:
			var s status.Site
			w.Must(json.Unmarshal(r.Document, &s))
			sites = append(sites, "site called "+s.Title["en"])
		case revision.State:
			var ch status.Change
			w.Must(json.Unmarshal(r.Document, &ch))
			if was := states[ch.Component]; was != "" && was != ch.State {
				list = append(list, fmt.Sprintf("component %s is %s since %d", ch.Component, ch.State, ch.At))
			}
			states[ch.Component] = ch.State
		case revision.Notice:
			list = append(list, w.madeOfNotice(r, notices)...)
		}
	}
	return sorted(list, sites)
}

func (w *siteWorld) madeOfNotice(r *revision.Revision, notices map[string]*status.Notice) []string {
	was := notices[r.Subject]
	if r.Document == nil {
		if delete(notices, r.Subject); was.Stage == status.Coming {
			return nil
		}
		return []string{fmt.Sprintf("notice %s removed with %d updates called %s", was.ID, len(was.Updates), was.Title["en"])}
	}
	n := &status.Notice{}
	w.Must(json.Unmarshal(r.Document, n))
	notices[r.Subject] = n
	change := status.Said
	switch hidden := was == nil || was.Stage == status.Coming; {
	case hidden && (n.Stage == status.Coming || was != nil && n.Stage.Over()):
		return nil
	case hidden:
		change = status.Opened
	case n.Stage == status.Coming:
		change = status.Removed
	case len(was.Updates) == len(n.Updates):
		change = status.Edited
	}
	return []string{fmt.Sprintf("notice %s %s with %d updates called %s", n.ID, change, len(n.Updates), n.Title["en"])}
}
