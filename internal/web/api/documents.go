package api

import (
	"net/http"
	"time"

	"github.com/varselhub/varsel/internal/event"
	"github.com/varselhub/varsel/internal/fault"
	"github.com/varselhub/varsel/internal/profile"
)

func (a *api) listSources(w http.ResponseWriter, _ *http.Request) error {
	return respondList(w, a.Book.Sources())
}

func (a *api) getSource(w http.ResponseWriter, r *http.Request) error {
	document, position := a.Book.Source(r.PathValue("name"))
	return respondDocument(w, r, document, position)
}

func (a *api) putSource(w http.ResponseWriter, r *http.Request) error {
	var document event.Source
	by, err := a.by(r)
	if err == nil {
		err = a.readDocument(w, r, &document)
	}
	if err == nil {
		err = named("/name", &document.Name, r.PathValue("name"))
	}
	if err != nil {
		return err
	}
	put, err := a.Manager.PutSource(r.Context(), document, by)
	if err != nil {
		return err
	}
	return respondPut(w, put, &document)
}

func (a *api) listTypes(w http.ResponseWriter, _ *http.Request) error {
	return respondList(w, a.Book.Types())
}

func (a *api) getType(w http.ResponseWriter, r *http.Request) error {
	document, position := a.Book.Type(r.PathValue("name"))
	return respondDocument(w, r, document, position)
}

func (a *api) putType(w http.ResponseWriter, r *http.Request) error {
	var document event.Type
	by, err := a.by(r)
	if err == nil {
		err = a.readDocument(w, r, &document)
	}
	if err == nil {
		err = named("/name", &document.Name, r.PathValue("name"))
	}
	if err != nil {
		return err
	}
	put, err := a.Manager.PutType(r.Context(), document, by)
	if err != nil {
		return err
	}
	return respondPut(w, put, &document)
}

func (a *api) listVersions(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("name")
	if t, _ := a.Book.Type(name); t == nil {
		return fault.New(fault.NotFound, "there is no event type of that name")
	}
	return respondList(w, a.Book.Versions(name))
}

func (a *api) getVersion(w http.ResponseWriter, r *http.Request) error {
	document, position := a.Book.VersionDocument(r.PathValue("name"), r.PathValue("version"))
	return respondDocument(w, r, document, position)
}

func (a *api) putVersion(w http.ResponseWriter, r *http.Request) error {
	var document event.Version
	by, err := a.by(r)
	if err == nil {
		err = a.readDocument(w, r, &document)
	}
	if err == nil {
		err = named("/type", &document.Type, r.PathValue("name"))
	}
	if err == nil {
		err = named("/version", &document.Version, r.PathValue("version"))
	}
	if err != nil {
		return err
	}
	put, err := a.Manager.PutVersion(r.Context(), document, by)
	if err != nil {
		return err
	}
	return respondPut(w, put, &document)
}

// profileView is a profile as it is shown. Times are seconds.
type profileView struct {
	Name        profile.Name  `json:"name"`
	Title       string        `json:"title"`
	Envelope    string        `json:"envelope"`
	Consumer    profile.Scope `json:"consumer"`
	RetryCap    float64       `json:"retryCapSeconds"`
	Jitter      float64       `json:"jitter"`
	Hold        float64       `json:"holdSeconds,omitempty"`
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
			Hold: seconds(p.Hold), RejectOther: p.RejectOther, GoneEnds: p.GoneEnds, Sign: p.Sign, RequireTest: p.RequireTest, Timeout: seconds(p.Timeout),
		})
	}
	return respondList(w, views)
}

func seconds(d time.Duration) float64 { return d.Seconds() }
