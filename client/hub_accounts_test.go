package client_test

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/varselhub/varsel/client"
)

// accounts goes through what an operator does for those who call: an account, its secret, and the contacts that it may
// then change itself.
func (w *world) accounts(ctx context.Context) {
	w.t.Helper()
	account, tag, err := w.PutAccount(ctx, client.Account{Name: "reader", Roles: []client.Role{client.RoleSubscriber}, Systems: []string{"reader"}}, "")
	w.must(err)
	secret, err := w.NewSecret(ctx, "reader", time.Hour)
	w.must(err)
	token, err := client.Login(w.address, "reader", secret.ClientSecret, nil)(ctx)
	if err != nil || strings.Count(token, ".") != 2 {
		w.t.Errorf("token %q: %v", token, err)
	}
	if _, err := client.Login(w.address, "reader", "wrong", nil)(ctx); !errors.Is(err, client.ErrLogin) {
		w.t.Errorf("%v", err)
	}
	if _, err := client.Login("http://hub.example", "reader", secret.ClientSecret, nil)(ctx); err == nil || errors.Is(err, client.ErrNoAnswer) {
		w.t.Errorf("a secret goes over plain http: %v", err)
	}
	if protected, err := w.SetPassword(ctx, "reader", "correct horse battery"); err != nil || !protected.HasPassword {
		w.t.Errorf("%+v %v", protected, err)
	}
	if _, err := w.SetPassword(ctx, "nobody", "correct horse battery"); !client.Has(err, client.CodeNotFound) {
		w.t.Errorf("%v", err)
	}
	account.Disabled = true
	if _, _, err := w.PutAccount(ctx, account, tag); !client.Has(err, client.CodePrecondition) {
		w.t.Errorf("%v", err)
	}
	now, _, err := w.Account(ctx, "reader")
	if err != nil || len(now.Secrets) != 1 || now.Secrets[0].ID != secret.ID {
		w.t.Errorf("%+v %v", now, err)
	}
	if all, err := w.Accounts(ctx); err != nil || len(all) != 1 {
		w.t.Errorf("%+v %v", all, err)
	}
	contacts, tag, err := w.Contacts(ctx, "reader")
	w.must(err)
	contacts.Legal.Email = "legal@reader.example"
	if contacts, _, err = w.PutContacts(ctx, "reader", contacts, tag); err != nil || contacts.Legal.Email == "" {
		w.t.Errorf("%+v %v", contacts, err)
	}
}
