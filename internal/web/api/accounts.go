package api

import (
	"context"
	"net/http"
	"time"

	"github.com/varselhub/varsel/internal/account"
	"github.com/varselhub/varsel/internal/manage"
	"github.com/varselhub/varsel/internal/subscription"
)

// accountView is an account as it is shown: nothing of it opens anything.
type accountView struct {
	Name         string                `json:"name"`
	Title        string                `json:"title,omitempty"`
	Email        string                `json:"email,omitempty"`
	Roles        []account.Role        `json:"roles"`
	Systems      []string              `json:"systems,omitempty"`
	Sources      []string              `json:"sources,omitempty"`
	Sites        []string              `json:"sites,omitempty"` // status sites of a site-editor, by slug; "*": all
	Certificates []account.Certificate `json:"certificates,omitempty"`
	SSHKeys      []string              `json:"sshKeys,omitempty"`
	Disabled     bool                  `json:"disabled,omitempty"`
	Secrets      []secretView          `json:"secrets,omitempty"`
	HasPassword  bool                  `json:"hasPassword,omitempty"` // a person can sign in to it with a browser
}

// secretView is a secret without what it is known by.
type secretView struct {
	ID    string `json:"id"`
	Until string `json:"until,omitempty"`
}

func viewAccount(a *account.Account) *accountView {
	if a == nil {
		return nil
	}
	return &accountView{
		Name: a.Name, Title: a.Title, Email: a.Email, Roles: a.Roles, Systems: a.Systems, Sources: a.Sources, Sites: a.Sites,
		Certificates: a.Certificates, SSHKeys: a.SSHKeys, Disabled: a.Disabled, Secrets: viewSecrets(a.Secrets), HasPassword: a.Password != "",
	}
}

func viewSecrets(secrets []account.Secret) []secretView {
	var views []secretView
	for _, s := range secrets {
		views = append(views, secretView{ID: s.ID, Until: s.Until})
	}
	return views
}

func (a *api) listAccounts(w http.ResponseWriter, r *http.Request) error {
	var views []*accountView
	for _, one := range a.Book.Accounts() {
		views = append(views, viewAccount(one))
	}
	return respondPage(w, queryOf(r, paging()...), views, func(v *accountView) string { return v.Name })
}

// account takes what it tells; what is sent of the secrets and the password does not count.
func (a *api) account() document[accountView] {
	return document[accountView]{
		api: a,
		now: func(r *http.Request) (*accountView, int64) {
			one, position := a.Book.Account(r.PathValue("name"))
			return viewAccount(one), position
		},
		named: func(r *http.Request, sent *accountView) error { return named("/name", &sent.Name, r.PathValue("name")) },
		put: func(ctx context.Context, sent accountView, by manage.By) (manage.Put, error) {
			return a.Manager.PutAccount(ctx, account.Account{
				Name: sent.Name, Title: sent.Title, Email: sent.Email, Roles: sent.Roles, Systems: sent.Systems, Sources: sent.Sources,
				Sites: sent.Sites, Certificates: sent.Certificates, SSHKeys: sent.SSHKeys, Disabled: sent.Disabled,
			}, by)
		},
	}
}

// newSecretView is a secret as it is told, once.
type newSecretView struct {
	ID      string       `json:"id"`
	Account string       `json:"clientId"`
	Secret  string       `json:"clientSecret"`
	Secrets []secretView `json:"secrets"` // all that are taken now, newest first
}

// overlapping is how long what was before a new secret or key is still taken.
type overlapping struct {
	Overlap *int64 `json:"overlapSeconds"` // 0: it ends at once
}

// defaultOverlap is how long that is when nothing else is asked for.
const defaultOverlap = 24 * time.Hour

func (o overlapping) duration() time.Duration {
	if o.Overlap == nil {
		return defaultOverlap
	}
	const most = int64(1<<63-1) / int64(time.Second)
	return time.Duration(min(max(*o.Overlap, -1), most)) * time.Second
}

func (a *api) rotateSecret(w http.ResponseWriter, r *http.Request) error {
	var document overlapping
	if err := a.readOptional(w, r, &document); err != nil {
		return err
	}
	made, err := a.Manager.RotateSecret(r.Context(), r.PathValue("name"), document.duration(), a.Author(r))
	if err != nil {
		return err
	}
	return respond(w, http.StatusCreated, newSecretView{ID: made.ID, Account: made.Account, Secret: made.Text, Secrets: viewSecrets(made.Secrets)})
}

// newPassword is what somebody is to sign in with.
type newPassword struct {
	Password string `json:"password"` // at least 12 characters, at most 1,024 bytes
}

// putPassword is not told again, by anything.
func (a *api) putPassword(w http.ResponseWriter, r *http.Request) error {
	var document newPassword
	if err := a.readDocument(w, r, &document); err != nil {
		return err
	}
	name := r.PathValue("name")
	put, err := a.Manager.SetPassword(r.Context(), name, document.Password, a.Author(r))
	if err != nil {
		return err
	}
	one, _ := a.Book.Account(name)
	return respondState(w, http.StatusOK, viewAccount(one), put.Position)
}

func (a *api) getContacts(w http.ResponseWriter, r *http.Request) error {
	system, position := a.Book.System(r.PathValue("name"))
	if system == nil {
		return respondDocument[subscription.Contacts](w, r, nil, 0)
	}
	return respondDocument(w, r, &system.Agreement.Contacts, position)
}

// putContacts changes a system's contacts alone; its ETag is the system's.
func (a *api) putContacts(w http.ResponseWriter, r *http.Request) error {
	var document subscription.Contacts
	by, err := a.by(r)
	if err == nil {
		err = a.readDocument(w, r, &document)
	}
	if err != nil {
		return err
	}
	put, err := a.Manager.PutContacts(r.Context(), r.PathValue("name"), document, by)
	if err != nil {
		return err
	}
	return respondState(w, http.StatusOK, &document, put.Position)
}
