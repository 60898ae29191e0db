package api

import (
	"context"
	"net/http"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/profile"
	"github.com/varselhub/varsel/internal/subscription"
)

// document is one kind of configuration document under an address of its own. All kinds are got, put and conditioned in
// the same way, here and nowhere else; a set of subscriptions is put otherwise, see putSet.
type document[T any] struct {
	api *api
	// now is the one that the address names, nil for none, with its position.
	now func(r *http.Request) (*T, int64)
	// named holds a document that was sent to its address.
	named func(r *http.Request, sent *T) error
	put   func(ctx context.Context, sent T, by manage.By) (manage.Put, error)
}

func (a *api) source() document[event.Source] {
	return document[event.Source]{
		api: a, put: a.Manager.PutSource,
		now: func(r *http.Request) (*event.Source, int64) {
			s, position := a.Book.Source(r.PathValue("name"))
			return seenSource(r, s), position
		},
		named: func(r *http.Request, sent *event.Source) error {
			return named("/name", &sent.Name, r.PathValue("name"))
		},
	}
}

func (a *api) eventType() document[event.Type] {
	return document[event.Type]{
		api: a, put: a.Manager.PutType,
		now:   func(r *http.Request) (*event.Type, int64) { return a.Book.Type(r.PathValue("name")) },
		named: func(r *http.Request, sent *event.Type) error { return named("/name", &sent.Name, r.PathValue("name")) },
	}
}

func (a *api) version() document[event.Version] {
	return document[event.Version]{
		api: a, put: a.Manager.PutVersion,
		now: func(r *http.Request) (*event.Version, int64) {
			return a.Book.VersionDocument(r.PathValue("name"), r.PathValue("version"))
		},
		named: func(r *http.Request, sent *event.Version) error {
			if err := named("/type", &sent.Type, r.PathValue("name")); err != nil {
				return err
			}
			return named("/version", &sent.Version, r.PathValue("version"))
		},
	}
}

func (a *api) system() document[subscription.System] {
	return document[subscription.System]{
		api: a, put: a.Manager.PutSystem,
		now: func(r *http.Request) (*subscription.System, int64) { return a.Book.System(r.PathValue("name")) },
		named: func(r *http.Request, sent *subscription.System) error {
			return named("/name", &sent.Name, r.PathValue("name"))
		},
	}
}

func (d document[T]) get(w http.ResponseWriter, r *http.Request) error {
	now, position := d.now(r)
	return respondDocument(w, r, now, position)
}

// replace answers with the document as it stands then, with what the hub adds to it; 201 when it is new.
func (d document[T]) replace(w http.ResponseWriter, r *http.Request) error {
	var sent T
	by, err := d.api.by(r)
	if err == nil {
		err = d.api.readDocument(w, r, &sent)
	}
	if err == nil {
		err = d.named(r, &sent)
	}
	if err != nil {
		return err
	}
	put, err := d.put(r.Context(), sent, by)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if put.Created {
		status = http.StatusCreated
	}
	now, position := d.now(r)
	if now == nil { // removed since
		now, position = &sent, put.Position
	}
	return respondState(w, status, now, position)
}

func (a *api) listSources(w http.ResponseWriter, r *http.Request) error {
	sources := a.Book.Sources()
	for i := range sources {
		sources[i] = seenSource(r, sources[i])
	}
	return respondPage(w, queryOf(r, paging()...), sources, func(s *event.Source) string { return s.Name })
}

// seenSource is a source as others than operators and auditors see it: without the broker that it is read from, and the
// names of files on the hub's machine.
func seenSource(r *http.Request, s *event.Source) *event.Source {
	if s == nil || s.Stream == nil || principal(r).Has(account.Operator) || principal(r).Has(account.Auditor) {
		return s
	}
	seen := *s
	seen.Stream = nil
	return &seen
}

func (a *api) listTypes(w http.ResponseWriter, r *http.Request) error {
	return respondPage(w, queryOf(r, paging()...), a.Book.Types(), func(t *event.Type) string { return t.Name })
}

func (a *api) listVersions(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if t, _ := a.Book.Type(name); t == nil {
		return fault.New(fault.NotFound, "there is no event type of that name")
	}
	return respondPage(w, queryOf(r, paging()...), a.Book.Versions(name), func(v *event.Version) string { return v.Version })
}

func (a *api) listSystems(w http.ResponseWriter, r *http.Request) error {
	return respondPage(w, queryOf(r, paging()...), a.Book.Systems(), systemName)
}

func systemName(s *subscription.System) string { return s.Name }

// profileView is a profile as it is shown. Times are seconds.
type profileView struct {
	Name        profile.Name  `json:"name"`
	Title       string        `json:"title"`
	Envelope    string        `json:"envelope"`
	Consumer    profile.Scope `json:"consumer"`
	OneLane     bool          `json:"oneLane,omitempty"`
	Batch       int           `json:"batch,omitempty"`
	RetryEvery  float64       `json:"retryEverySeconds,omitempty"`
	RetryCap    float64       `json:"retryCapSeconds"`
	Jitter      float64       `json:"jitter"`
	Hold        float64       `json:"holdSeconds,omitempty"`
	EndMonths   int           `json:"endMonths,omitempty"`
	RejectOther bool          `json:"parksRejections"`
	GoneEnds    bool          `json:"goneDeactivates"`
	Sign        bool          `json:"signs"`
	RequireTest bool          `json:"requiresTest"`
	Timeout     float64       `json:"timeoutSeconds"`
}

func (a *api) listProfiles(w http.ResponseWriter, _ *http.Request) error {
	var views []profileView
	for _, p := range profile.All() {
		views = append(views, profileView{
			Name: p.Name, Title: p.Title, Envelope: p.Envelope, Consumer: p.Scope, RetryCap: seconds(p.Retry.Cap), Jitter: p.Retry.Jitter,
			OneLane: p.OneLane, Batch: p.Batch, RetryEvery: seconds(p.Retry.Every), EndMonths: p.EndMonths,
			Hold: seconds(p.Hold), RejectOther: p.RejectOther, GoneEnds: p.GoneEnds, Sign: p.Sign, RequireTest: p.RequireTest, Timeout: seconds(p.Timeout),
		})
	}
	return respondList(w, views)
}

func seconds(d time.Duration) float64 { return d.Seconds() }
